//! Kinds that read the output as JSON: `is-json`, `contains-json`.

use serde::de::IgnoredAny;
use serde_json::Value;

use crate::assert::kind::{Check, Example, Finding, Kind, Sentence, Spec, Subject};
use crate::assert::matcher::scan;
use crate::assert::matcher::schema::Schema;
use crate::assert::prepared::Prepared;
use crate::assert::show::{self, ItIs};
use crate::assert::value::Text;
use crate::diag::{Level, Problem, Problems};
use crate::record::Output;
use crate::yaml::{Kind as Form, Node};

const VALUE: &str = "a JSON Schema (a map, or its JSON or YAML as text)";

/// The family's rows.
pub static KINDS: &[Kind] = &[
    Kind {
        name: "is-json",
        about: "the whole output is strict JSON, and conforms to the schema where one is given",
        value: VALUE,
        threshold: "",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::new("{\"age\": 30}", "{type: is-json, value: {required: [age]}}"),
        fails: Example::new("{\"name\": \"Ann\"}", "{type: is-json, value: {required: [age]}}"),
        compile: |spec, problems| compile(spec, true, problems),
    },
    Kind {
        name: "contains-json",
        about: "somewhere in the output stands a strict JSON object that conforms to the schema where one is given",
        value: VALUE,
        threshold: "",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::new("Here it is: {\"age\": 30}.", "{type: contains-json}"),
        fails: Example::new("Here it is: {age}.", "{type: contains-json}"),
        compile: |spec, problems| compile(spec, false, problems),
    },
];

struct Json {
    whole: bool,
    schema: Option<Prepared<Schema>>,
    sentence: Sentence,
}

fn compile(spec: &Spec<'_>, whole: bool, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let schema = match spec.value.filter(|node| !node.is_null()) {
        Some(node) => Some(read_schema(node, spec, problems)?),
        None => None,
    };
    Some(Box::new(Json { whole, schema, sentence: spec.about("the output") }))
}

fn read_schema(node: &Node, spec: &Spec<'_>, problems: &mut Problems) -> Option<Prepared<Schema>> {
    if let Form::Str(_) = node.kind {
        let text = Text::of_value_not_empty(spec, false, problems)?;
        let schema = Prepared::new(text, Schema::from_text, spec, problems)?;
        if let Prepared::Ready(schema) = &schema {
            warn(schema, spec, problems);
        }
        return Some(schema);
    }
    if !node.is_map() && node.as_bool() != Some(false) {
        let hint = (node.as_bool() == Some(true)).then(|| "without `value` any JSON passes".to_owned());
        problems.push(spec.wrong_value().maybe_hint(hint));
        return None;
    }
    match Schema::new(node.to_json()) {
        Ok(schema) => {
            warn(&schema, spec, problems);
            Some(Prepared::Ready(schema))
        }
        Err(message) => {
            problems.push(Problem::error(message).at(spec.at()));
            None
        }
    }
}

fn warn(schema: &Schema, spec: &Spec<'_>, problems: &mut Problems) {
    for remark in schema.remarks() {
        problems.push(Problem { level: Level::Warning, ..Problem::error(remark.as_str()) }.at(spec.at()));
    }
}

impl Json {
    fn whole(&self, schema: Option<&Schema>, subject: &Subject<'_>) -> Finding {
        let Some(schema) = schema else {
            let parsed = match &subject.response.output {
                Output::Json(_) => Ok(IgnoredAny),
                Output::Text(text) => serde_json::from_str(text),
            };
            return match parsed {
                Ok(_) => self.sentence.finding(true, "be JSON", ItIs(subject.text)),
                Err(error) => self.not_json(&error, "be JSON", subject),
            };
        };
        let wish = "be JSON that conforms to the schema";
        let parsed;
        let value = match &subject.response.output {
            Output::Json(value) => value,
            Output::Text(text) => match serde_json::from_str::<Value>(text) {
                Ok(value) => {
                    parsed = value;
                    &parsed
                }
                Err(error) => return self.not_json(&error, wish, subject),
            },
        };
        match schema.complaint(value) {
            None => self.sentence.finding(true, wish, ItIs(subject.text)),
            Some(complaint) => self.sentence.finding(false, wish, format_args!("{complaint}: {}", ItIs(subject.text))),
        }
    }

    fn not_json(&self, error: &serde_json::Error, wish: &str, subject: &Subject<'_>) -> Finding {
        let came = format_args!("{}, which is no JSON ({error})", ItIs(subject.text));
        self.sentence.finding(false, wish, came)
    }

    fn inside(&self, schema: Option<&Schema>, subject: &Subject<'_>) -> Result<Finding, String> {
        let mut complaint = None;
        let holds = scan::any_object(subject.text, |value| {
            let wrong = schema.and_then(|schema| schema.complaint(value));
            let fits = wrong.is_none();
            complaint = complaint.take().or(wrong);
            fits
        })?;
        let wish = if schema.is_some() { "contain JSON that conforms to the schema" } else { "contain a JSON object" };
        Ok(match complaint.filter(|_| !holds) {
            Some(complaint) => self.sentence.finding(holds, wish, format_args!("{complaint}: {}", ItIs(subject.text))),
            None => self.sentence.finding(holds, wish, ItIs(subject.text)),
        })
    }
}

impl Check for Json {
    fn check(&self, subject: &Subject<'_>) -> Result<Finding, String> {
        let schema = self.schema.as_ref().map(|schema| schema.get(subject.scope)).transpose()?;
        let (schema, expected) = match &schema {
            Some(schema) => {
                let (schema, expected) = schema.parts();
                (Some(schema), expected.map(|text| show::value(&text)))
            }
            None => (None, None),
        };
        let finding = if self.whole { self.whole(schema, subject) } else { self.inside(schema, subject)? };
        Ok(finding.expecting(expected))
    }
}
