//! The variables a template sees.

use std::sync::OnceLock;

use minijinja::Value as Engine;
use serde_json::{Map, Value};

use super::is_name;
use crate::content::js_number;

/// How often names inside values are filled in.
const ROUNDS: usize = 5;
/// A value that grows beyond this is left as it is: names inside values must not explode.
const LARGEST: usize = 1 << 20;

/// Variables, ready for templates: names inside values are filled in.
#[derive(Debug)]
pub struct Scope {
    vars: Map<String, Value>,
    context: OnceLock<Engine>,
}

impl Scope {
    /// Variables of a case. One trailing newline of a text is dropped, as promptfoo does; `{{name}}`
    /// inside a text is filled in from the other variables, up to five times over.
    pub fn new(vars: &Map<String, Value>) -> Self {
        let mut vars = vars.clone();
        for value in vars.values_mut() {
            if let Value::String(text) = value
                && text.ends_with('\n')
            {
                text.pop();
            }
        }
        for _ in 0..ROUNDS {
            if !fill_once(&mut vars) {
                break;
            }
        }
        Self { vars, context: OnceLock::new() }
    }

    /// The same with one more variable, taken as it is.
    #[must_use]
    pub fn with(&self, name: &str, value: Value) -> Self {
        let mut vars = self.vars.clone();
        vars.insert(name.to_owned(), value);
        Self { vars, context: OnceLock::new() }
    }

    /// The variables with names inside values filled in.
    pub fn vars(&self) -> &Map<String, Value> {
        &self.vars
    }

    pub(super) fn context(&self) -> &Engine {
        self.context.get_or_init(|| Engine::from(minijinja::value::Serde(&self.vars)))
    }

    pub(super) fn print(&self, name: &str, out: &mut String) {
        if let Some(value) = self.vars.get(name) {
            print(value, out);
        }
    }
}

/// A value as text: JavaScript's `String()`, but maps as JSON and null as nothing.
pub fn print(value: &Value, out: &mut String) {
    match value {
        Value::Null => {}
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => out.push_str(&js_number(n)),
        Value::String(s) => out.push_str(s),
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                print(item, out);
            }
        }
        Value::Object(_) => out.push_str(&value.to_string()),
    }
}

/// One round over all texts. Returns whether anything changed.
fn fill_once(vars: &mut Map<String, Value>) -> bool {
    let changed: Vec<(String, String)> = vars
        .iter()
        .filter_map(|(name, value)| {
            let text = value.as_str().filter(|t| t.contains("{{"))?;
            let filled = fill(text, vars);
            (filled != text && filled.len() <= LARGEST).then(|| (name.clone(), filled))
        })
        .collect();
    let any = !changed.is_empty();
    for (name, text) in changed {
        vars.insert(name, Value::String(text));
    }
    any
}

fn fill(text: &str, vars: &Map<String, Value>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        let Some(close) = rest[open..].find("}}").map(|i| open + i) else { break };
        let name = rest[open + 2..close].trim();
        out.push_str(&rest[..open]);
        match vars.get(name).filter(|_| is_name(name) && out.len() <= LARGEST) {
            Some(value) => print(value, &mut out),
            None => out.push_str(&rest[open..close + 2]),
        }
        rest = &rest[close + 2..];
    }
    out.push_str(rest);
    out
}
