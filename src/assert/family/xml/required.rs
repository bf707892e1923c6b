//! The paths that an assertion requires.

use std::borrow::Cow;

use crate::assert::kind::Spec;
use crate::assert::matcher::commas::is_space;
use crate::assert::prepared::Prepared;
use crate::assert::show;
use crate::assert::value::Text;
use crate::diag::{Problem, Problems, did_you_mean};
use crate::template::Scope;
use crate::yaml::{Entry, Kind as Form, Node};

const KEY: &str = "requiredElements";

/// Dotted paths.
pub enum Required {
    /// Known at load; perhaps none.
    Fixed(Vec<String>),
    /// One text with commas that is a template.
    Commas(Prepared<Vec<String>>),
    /// A list in which at least one text is a template.
    Items(Vec<Text>),
}

impl Required {
    /// Reads them from a value. What is there but can never be found is a problem.
    pub fn read(spec: &Spec<'_>, problems: &mut Problems) -> Option<Self> {
        match spec.value.map(|value| &value.kind) {
            None | Some(Form::Null) => Some(Self::Fixed(Vec::new())),
            Some(Form::Str(_)) => {
                let text = Text::of_value_not_empty(spec, false, problems)?;
                Some(match Prepared::new(text, split, spec, problems)? {
                    Prepared::Ready(paths) => Self::Fixed(paths),
                    late @ Prepared::Late(..) => Self::Commas(late),
                })
            }
            Some(Form::Seq(items)) => read_items(items, spec, problems),
            Some(Form::Map(entries)) => read_map(entries, spec, problems),
            _ => {
                problems.push(spec.wrong_value());
                None
            }
        }
    }

    /// The paths, and how they are shown where they are known only now.
    ///
    /// # Errors
    /// When a template cannot be rendered, or makes no path.
    pub fn get(&self, scope: &Scope) -> Result<(Cow<'_, [String]>, Option<String>), String> {
        let paths = match self {
            Self::Fixed(paths) => return Ok((Cow::Borrowed(paths), None)),
            Self::Commas(list) => list.get(scope)?.parts().0.clone(),
            Self::Items(texts) => {
                texts.iter().map(|text| text.render(scope).and_then(|path| sound(&path))).collect::<Result<_, _>>()?
            }
        };
        let shown = show::expected(&paths.join(", "));
        Ok((Cow::Owned(paths), Some(shown)))
    }
}

fn split(text: &str) -> Result<Vec<String>, String> {
    text.split(',').map(|path| sound(path.trim_matches(is_space))).collect()
}

/// A path without empty steps.
fn sound(path: &str) -> Result<String, String> {
    if path.split('.').any(str::is_empty) {
        return Err(format!("{} is no path of elements: a name is missing", show::Quoted(path)));
    }
    Ok(path.to_owned())
}

fn read_map(entries: &[Entry], spec: &Spec<'_>, problems: &mut Problems) -> Option<Required> {
    let mut required = Some(Required::Fixed(Vec::new()));
    for Entry { key, at, value } in entries {
        required = match &value.kind {
            _ if key != KEY => {
                let message = format!("unknown key `{key}` in the value of `{}`", spec.kind.name);
                let hint = did_you_mean(key, [KEY]).unwrap_or_else(|| format!("the only key is {KEY}"));
                problems.push(Problem::error(message).at(at).hint(hint));
                None
            }
            Form::Seq(items) => read_items(items, spec, problems),
            _ => {
                let message = format!("`{KEY}` of `{}` must be a list, found {}", spec.kind.name, value.kind_name());
                problems.push(Problem::error(message).at(&value.span));
                None
            }
        };
    }
    required
}

fn read_items(items: &[Node], spec: &Spec<'_>, problems: &mut Problems) -> Option<Required> {
    let texts: Vec<Text> = items.iter().filter_map(|item| read_item(item, spec, problems)).collect();
    if texts.len() < items.len() {
        return None;
    }
    let fixed: Option<Vec<String>> = texts.iter().map(|text| text.fixed().map(str::to_owned)).collect();
    Some(fixed.map_or(Required::Items(texts), Required::Fixed))
}

fn read_item(item: &Node, spec: &Spec<'_>, problems: &mut Problems) -> Option<Text> {
    let Some(text) = item.as_str() else {
        let message = format!("an item of `{}` must be a path, found {}", spec.kind.name, item.kind_name());
        problems.push(Problem::error(message).at(&item.span).hint("for example order.id"));
        return None;
    };
    let text = Text::read(text, item, spec, problems)?;
    match text.fixed().map(sound) {
        Some(Err(message)) => {
            problems.push(Problem::error(message).at(&item.span));
            None
        }
        _ => Some(text),
    }
}
