//! Values that are compiled once at load where they can be, and per answer where they cannot.

use std::borrow::Cow;

use super::value::Text;
use super::{Spec, show};
use crate::diag::{Problem, Problems};
use crate::template::Scope;

/// How a rendered text becomes what a check works with.
type Make<T> = fn(&str) -> Result<T, String>;

/// Something made from a text: a pattern, a list, a schema.
pub enum Prepared<T> {
    /// Made at load.
    Ready(T),
    /// Made from the rendered text when an answer is judged.
    Late(Text, Make<T>),
}

/// A [`Prepared`] at the moment of use.
pub enum InUse<'a, T> {
    /// Made at load.
    Ready(&'a T),
    /// Made now, and how its text is shown.
    Fresh(T, String),
}

impl<T> Prepared<T> {
    /// Makes it now when the text is fixed; a text that cannot be made is a problem at the value.
    pub fn new(text: Text, make: Make<T>, spec: &Spec<'_>, problems: &mut Problems) -> Option<Self> {
        let Some(fixed) = text.fixed() else { return Some(Self::Late(text, make)) };
        match make(fixed) {
            Ok(thing) => Some(Self::Ready(thing)),
            Err(message) => {
                problems.push(Problem::error(message).at(spec.at()));
                None
            }
        }
    }

    /// The thing itself.
    ///
    /// # Errors
    /// When the rendered text makes no such thing.
    pub fn get(&self, scope: &Scope) -> Result<InUse<'_, T>, String> {
        match self {
            Self::Ready(made) => Ok(InUse::Ready(made)),
            Self::Late(text, make) => {
                let text: Cow<'_, str> = text.render(scope)?;
                Ok(InUse::Fresh(make(&text)?, show::value(&text)))
            }
        }
    }
}

impl<T> InUse<'_, T> {
    /// The thing, and the expected value where it is known only now.
    pub fn parts(&self) -> (&T, Option<String>) {
        match self {
            Self::Ready(made) => (made, None),
            Self::Fresh(made, shown) => (made, Some(shown.clone())),
        }
    }
}
