//! Calls in OpenAI's two forms.

use serde_json::Value;

use super::declared::Declared;
use crate::assert::show::{ItIs, Quoted};
use crate::record::Output;

/// How calls are declared and made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A list of calls, or a message with such `tool_calls`.
    Tools,
    /// One call, or a message with such a `function_call`: the form before tools.
    Function,
}

/// Something that has the form of a call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Call<'a> {
    name: &'a str,
    /// Should be JSON.
    arguments: &'a str,
}

impl Form {
    /// The parameter of a request that declares what may be called.
    pub fn parameter(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Function => "functions",
        }
    }

    /// What the output should be.
    pub fn wish(self) -> &'static str {
        match self {
            Self::Tools => "valid tool calls",
            Self::Function => "a valid function call",
        }
    }

    /// The calls of an output, at least one. A text is none, even when it looks like one: the provider
    /// gives it as words.
    ///
    /// # Errors
    /// When it holds none, or something that has not the form of a call; with that, as a clause.
    pub fn calls(self, output: &Output) -> Result<Vec<Call<'_>>, String> {
        let Output::Json(value) = output else { return Err("it is text and calls nothing".into()) };
        match self {
            Self::Tools => tool_calls(value),
            Self::Function => {
                let call = Call::of(value.get("function_call").unwrap_or(value));
                Ok(vec![call.ok_or("it is no function call, which has `name` and `arguments` as texts")?])
            }
        }
    }
}

fn tool_calls(value: &Value) -> Result<Vec<Call<'_>>, String> {
    let list = value.get("tool_calls").unwrap_or(value).as_array().filter(|list| !list.is_empty());
    let list = list.ok_or("it has no tool calls")?;
    let mut calls = Vec::with_capacity(list.len());
    for (n, call) in list.iter().enumerate() {
        let call = call.get("function").and_then(Call::of);
        calls.push(call.ok_or_else(|| format!("call {} has no `name` and `arguments` as texts", n + 1))?);
    }
    Ok(calls)
}

impl<'a> Call<'a> {
    fn of(value: &'a Value) -> Option<Self> {
        Some(Self { name: value.get("name")?.as_str()?, arguments: value.get("arguments")?.as_str()? })
    }

    /// What is wrong with it, as a clause.
    ///
    /// # Errors
    /// When what was declared is itself no usable schema.
    pub fn fault(self, declared: &Declared<'_>) -> Result<Option<String>, String> {
        let name = Quoted(self.name);
        let Some(function) = declared.find(self.name) else {
            return Ok(Some(format!("it calls {name}, which is none of {declared}")));
        };
        let arguments: Value = match serde_json::from_str(self.arguments) {
            Ok(arguments) => arguments,
            Err(error) => {
                let arguments = ItIs(self.arguments);
                return Ok(Some(format!("what {name} is called with is no JSON ({error}): {arguments}")));
            }
        };
        let Some(schema) = function.schema() else {
            let takes_some = arguments.as_object().is_none_or(|map| !map.is_empty());
            let arguments = Quoted(self.arguments);
            return Ok(takes_some.then(|| format!("{name} takes no arguments, and it is called with {arguments}")));
        };
        let schema = schema.as_ref().map_err(|why| format!("the parameters of {name} cannot be used: {why}"))?;
        let complaint = schema.complaint(&arguments);
        Ok(complaint.map(|complaint| format!("the arguments of {name} do not fit its schema: {complaint}")))
    }
}
