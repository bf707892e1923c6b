//! The names of called tools, in the forms that providers and frameworks have for calls.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::assert::matcher::commas::is_space;
use crate::record::Output;

/// Names, each once.
pub type Names = BTreeSet<String>;

/// The tools that an output calls. A text is read as JSON or, where it is none, line by line: providers put
/// calls on lines of their own between the words.
pub fn called(output: &Output) -> Names {
    let mut names = Names::new();
    match output {
        Output::Text(text) => of_text(text, &mut names),
        Output::Json(value) => of_value(value, &mut names),
    }
    names
}

fn of_text(text: &str, names: &mut Names) {
    if let Ok(value) = serde_json::from_str(text) {
        return of_value(&value, names);
    }
    let lines = text.split('\n').map(|line| line.trim_matches(is_space)).filter(|line| line.starts_with(['{', '[']));
    for value in lines.filter_map(|line| serde_json::from_str(line).ok()) {
        of_value(&value, names);
    }
}

/// A text within JSON is read once more. It is shorter than its quoted form, and each level doubles the
/// backslashes: the depth is the logarithm of the length.
fn of_value(value: &Value, names: &mut Names) {
    match value {
        Value::String(text) => of_text(text, names),
        Value::Array(items) => names.extend(items.iter().filter_map(of_item).map(str::to_owned)),
        Value::Object(_) => of_message(value, names),
        _ => {}
    }
}

/// A message, or a call that stands alone. A lone `name` is not enough for one: many things have names.
fn of_message(message: &Value, names: &mut Names) {
    if let Some(calls) = message.get("tool_calls").and_then(Value::as_array) {
        let both = calls.iter().flat_map(|call| [within(call, "function"), named(call)]);
        names.extend(both.flatten().map(str::to_owned));
    } else if let Some(name) = tool_use(message) {
        names.insert(name.to_owned());
    } else if structure(message, "functionCall").is_some() {
        names.extend(within(message, "functionCall").map(str::to_owned));
    } else if let Some(calls) = structure(message, "toolCall").and_then(|call| call.get("functionCalls")?.as_array()) {
        names.extend(calls.iter().filter_map(named).map(str::to_owned));
    }
}

/// A call, or a block of content, in a list.
fn of_item(item: &Value) -> Option<&str> {
    tool_use(item).or_else(|| match ["functionCall", "function"].iter().find(|form| structure(item, form).is_some()) {
        Some(form) => within(item, form),
        None => named(item),
    })
}

/// Anthropic's block.
fn tool_use(block: &Value) -> Option<&str> {
    named(block).filter(|_| block["type"] == "tool_use")
}

fn within<'a>(value: &'a Value, form: &str) -> Option<&'a str> {
    value.get(form).and_then(named)
}

fn named(value: &Value) -> Option<&str> {
    value.get("name")?.as_str()
}

fn structure<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.get(key).filter(|inner| inner.is_object() || inner.is_array())
}
