//! `equals`: the whole output, as text or as JSON.

use std::borrow::Cow;

use serde_json::{Number, Value};

use crate::assert::kind::{Check, Example, Finding, Kind, Sentence, Spec, Subject};
use crate::assert::show::{self, ItIs, Quoted};
use crate::assert::value::Text;
use crate::content::js_number;
use crate::diag::Problems;
use crate::record::Output;
use crate::template::Scope;
use crate::yaml::{Kind as Form, Node};

/// The family's rows.
pub static KINDS: &[Kind] = &[Kind {
    name: "equals",
    about: "the output is exactly the value; for a map or a list, the output is JSON of equal content",
    value: "text, a number, true, false, null, a list or a map",
    threshold: "",
    score: "1 or 0",
    default_threshold: None,
    negatable: true,
    passes: Example::new("yes", "{type: equals, value: \"yes\"}"),
    fails: Example::new("yes.", "{type: equals, value: \"yes\"}"),
    compile,
}];

enum Expected {
    Text(Text),
    Json(Value),
    /// A list in which at least one item is a template.
    Items(Vec<Item>),
}

enum Item {
    Text(Text),
    Json(Value),
}

struct Equals {
    expected: Expected,
    sentence: Sentence,
}

fn compile(spec: &Spec<'_>, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let Some(node) = spec.value else {
        problems.push(spec.wrong_value());
        return None;
    };
    let expected = match &node.kind {
        Form::Str(text) => Expected::Text(Text::read(text, node, spec, problems)?),
        Form::Num(number) => Expected::Text(Text::Fixed(js_number(number))),
        Form::Bool(truth) => Expected::Text(Text::Fixed(truth.to_string())),
        Form::Null | Form::Map(_) => Expected::Json(node.to_json()),
        Form::Seq(items) => read_items(node, items, spec, problems)?,
    };
    Some(Box::new(Equals { expected, sentence: spec.about("the output") }))
}

fn read_items(node: &Node, items: &[Node], spec: &Spec<'_>, problems: &mut Problems) -> Option<Expected> {
    let mut read = Vec::with_capacity(items.len());
    let mut fixed = true;
    for item in items {
        read.push(match &item.kind {
            Form::Str(text) => {
                let text = Text::read(text, item, spec, problems)?;
                fixed &= text.fixed().is_some();
                Item::Text(text)
            }
            _ => Item::Json(item.to_json()),
        });
    }
    Some(if fixed { Expected::Json(node.to_json()) } else { Expected::Items(read) })
}

fn render_items(items: &[Item], scope: &Scope) -> Result<Value, String> {
    let rendered = items.iter().map(|item| match item {
        Item::Text(text) => text.render(scope).map(|t| Value::String(t.into_owned())),
        Item::Json(value) => Ok(value.clone()),
    });
    rendered.collect::<Result<_, _>>().map(Value::Array)
}

impl Equals {
    fn as_text(&self, expected: &str, text: &str) -> Finding {
        self.sentence.finding(text == expected, format_args!("be {}", Quoted(expected)), ItIs(text))
    }

    fn as_json(&self, expected: &Value, subject: &Subject<'_>) -> Finding {
        let found = match &subject.response.output {
            Output::Json(value) => Some(Cow::Borrowed(value)),
            Output::Text(text) => serde_json::from_str(text).ok().map(Cow::Owned),
        };
        let holds = found.as_deref().is_some_and(|found| same(expected, found));
        let note = if found.is_none() { "which is no JSON" } else { "as JSON" };
        let shown = expected.to_string();
        let wish = format_args!("be JSON equal to {}", Quoted(&shown));
        self.sentence.finding(holds, wish, format_args!("{}, {note}", ItIs(subject.text)))
    }
}

impl Check for Equals {
    fn check(&self, subject: &Subject<'_>) -> Result<Finding, String> {
        match &self.expected {
            Expected::Text(text) => {
                let expected = text.render(subject.scope)?;
                let fresh = text.fixed().is_none().then(|| show::value(&expected));
                Ok(self.as_text(&expected, subject.text).expecting(fresh))
            }
            Expected::Json(expected) => Ok(self.as_json(expected, subject)),
            Expected::Items(items) => {
                let expected = render_items(items, subject.scope)?;
                let shown = show::expected(&expected.to_string());
                Ok(self.as_json(&expected, subject).expecting(Some(shown)))
            }
        }
    }
}

/// Equal content: keys in any order, 1 and 1.0 the same.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => same_number(a, b),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

fn same_number(a: &Number, b: &Number) -> bool {
    a == b || (a.is_f64() || b.is_f64()) && a.as_f64() == b.as_f64()
}
