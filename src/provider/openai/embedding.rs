//! Embeddings: the vector of a text.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::service::{Encoder, FROM_ZERO, Form, MISPLACED, PASSTHROUGH, REACH, Service, joined, map, scalar};
use super::super::{Kind, Provider, Setup, vector};
use super::{ADDRESS, Task, USER, cost};
use crate::diag::Problems;
use crate::record::{Output, Response};
use crate::yaml::{Key, Shape, Table};

pub(in crate::provider) static KIND: Kind = Kind {
    name: TASK.id,
    also: &["openai:embeddings"],
    about: "embeddings of OpenAI or of any server with the same protocol: the vector of a text, for graders",
    examples: &[
        "- openai:embedding:text-embedding-3-small",
        "- id: openai:embedding:text-embedding-3-large\n  config: {dimensions: 256}",
        "- id: openai:embedding:nomic-embed-text\n  config: {apiBaseUrl: 'http://127.0.0.1:11434/v1'}",
    ],
    config: &TABLE,
    build,
};

static TABLE: Table = Table {
    name: "the openai:embedding provider's config",
    open: false,
    keys: joined![ADDRESS, REACH, OWN, MISPLACED],
};

const OWN: &[Key] = &[
    Key::new("cost", FROM_ZERO, "US dollars per token"),
    Key::new("dimensions", Shape::Int(1, u64::MAX), "length of the vectors, for models that can shorten them"),
    USER,
    PASSTHROUGH,
];

const TASK: Task = Task {
    id: "openai:embedding",
    example: "text-embedding-3-small",
    path: &["embeddings"],
    hint: "is this a model for embeddings, and apiBaseUrl the address of an OpenAI-compatible API?",
};

static FORM: Form = Form { kind: TASK.id, input: "input", read };

fn build(setup: &Setup<'_>, problems: &mut Problems) -> Option<Arc<dyn Provider>> {
    let model = TASK.named(setup.rest, setup).map_err(|p| problems.push(p.at(setup.at))).ok();
    let service = Service::new(setup, &TASK.door(setup, problems), problems);
    let price = cost::price(setup, model.unwrap_or_default(), problems);
    let (model, service) = (model?, service?);
    Some(Encoder::build(&FORM, model, service, body(setup, model), price))
}

/// A body without its text. Some servers send base64 unless they are asked for numbers.
fn body(setup: &Setup<'_>, model: &str) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(model));
    body.insert("encoding_format".to_owned(), json!("float"));
    if let Some(dimensions) = setup.config.get("dimensions") {
        body.insert("dimensions".to_owned(), dimensions.to_json());
    }
    if let Some(user) = setup.config.get(USER.name) {
        body.insert(USER.name.to_owned(), scalar(user).into());
    }
    body.extend(map(setup, PASSTHROUGH.name));
    body
}

pub(super) fn read(json: &Value) -> Result<Response, String> {
    let embedding = json.pointer("/data/0/embedding").ok_or("has no embedding")?;
    Ok(Response {
        output: Output::Json(vector::read(embedding)?.into()),
        usage: json.get("usage").and_then(cost::usage),
        model: json.get("model").and_then(Value::as_str).map(str::to_owned),
        ..Response::default()
    })
}
