//! Moderation: whether a text is harmful, and how.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::service::{Encoder, Form, MISPLACED, PASSTHROUGH, REACH, Service, joined, map};
use super::super::{Kind, Price, Provider, Setup};
use super::{ADDRESS, Task};
use crate::diag::Problems;
use crate::record::{Output, Response};
use crate::yaml::{Key, Table};

pub(in crate::provider) static KIND: Kind = Kind {
    name: TASK.id,
    also: &[],
    about: "OpenAI's moderation, or a server's with the same protocol: what is harmful in a text, for graders; free",
    examples: &["- openai:moderation:omni-moderation-latest"],
    config: &TABLE,
    build,
};

static TABLE: Table = Table {
    name: "the openai:moderation provider's config",
    open: false,
    keys: joined![ADDRESS, REACH, OWN, MISPLACED],
};

const OWN: &[Key] = &[PASSTHROUGH];

const TASK: Task = Task {
    id: "openai:moderation",
    example: "omni-moderation-latest",
    path: &["moderations"],
    hint: "is this a model for moderation, and apiBaseUrl the address of an OpenAI-compatible API?",
};

static FORM: Form = Form { kind: TASK.id, input: "input", read };

fn build(setup: &Setup<'_>, problems: &mut Problems) -> Option<Arc<dyn Provider>> {
    let model = TASK.named(setup.rest, setup).map_err(|p| problems.push(p.at(setup.at))).ok();
    let service = Service::new(setup, &TASK.door(setup, problems), problems);
    let (model, service) = (model?, service?);
    let mut body = map(setup, PASSTHROUGH.name);
    body.entry("model").or_insert_with(|| json!(model));
    Some(Encoder::build(&FORM, model, service, body, setup.price.or(Some(Price::FREE))))
}

pub(super) fn read(json: &Value) -> Result<Response, String> {
    let result = json.pointer("/results/0").ok_or("has no results")?;
    if !result.get("flagged").is_some_and(Value::is_boolean) {
        return Err("does not say whether the text is flagged".to_owned());
    }
    Ok(Response {
        output: Output::Json(result.clone()),
        model: json.get("model").and_then(Value::as_str).map(str::to_owned),
        ..Response::default()
    })
}
