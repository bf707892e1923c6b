//! What a model may call, as the provider was asked with it.

use std::cell::OnceCell;
use std::fmt;

use serde_json::Value;

use super::call::Form;
use super::schemas::{self, Compiled};
use crate::assert::Subject;
use crate::assert::matcher::schema::Schema;
use crate::assert::show::Few;

/// The functions that a request declares.
#[derive(Debug)]
pub struct Declared<'a>(Vec<Function<'a>>);

/// One of them.
#[derive(Debug)]
pub struct Function<'a> {
    name: &'a str,
    parameters: Option<&'a Value>,
    /// Made when it is first called: an answer may hold many calls.
    schema: OnceCell<Compiled>,
}

impl<'a> Declared<'a> {
    /// Those that an answer was asked for with; nothing when the request declares none.
    pub fn of(subject: &Subject<'a>, form: Form) -> Option<Self> {
        let list = subject.asked?.parameter(form.parameter())?.as_array()?;
        let functions = list.iter().filter_map(|entry| match form {
            // Tools of other types are the provider's own, and calls to them do not reach us.
            Form::Tools => Some(entry).filter(|tool| tool["type"] == "function")?.get("function"),
            Form::Function => Some(entry),
        });
        let functions: Vec<_> = functions.filter_map(Function::of).collect();
        (!functions.is_empty()).then_some(Self(functions))
    }

    /// The first of this name.
    pub fn find(&self, name: &str) -> Option<&Function<'a>> {
        self.0.iter().find(|function| function.name == name)
    }
}

impl<'a> Function<'a> {
    fn of(entry: &'a Value) -> Option<Self> {
        let parameters = entry.get("parameters").filter(|schema| !schema.is_null());
        Some(Self { name: entry.get("name")?.as_str()?, parameters, schema: OnceCell::new() })
    }

    /// The JSON Schema of its arguments, or why it is none. Without one it takes no arguments, as OpenAI has
    /// it.
    pub fn schema(&self) -> Option<&Result<Schema, String>> {
        self.parameters.map(|parameters| &**self.schema.get_or_init(|| schemas::compiled(parameters)))
    }
}

impl fmt::Display for Declared<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Few(self.0.iter().map(|function| function.name)).fmt(f)
    }
}
