//! Hugging Face's inference API, and every server that answers like it: labels and vectors of texts.

use std::slice;
use std::sync::Arc;

use reqwest::Url;
use serde_json::{Map, Value, json};

use super::service::{
    ANY_MAP, API_KEY, Door, Encoder, Form, MISPLACED, PASSTHROUGH, REACH, Service, address, joined, map,
};
use super::{Kind, Provider, Setup, vector};
use crate::diag::{Problem, Problems, did_you_mean};
use crate::record::{Output, Response};
use crate::yaml::{Key, Node, Shape, Table};

pub(super) static CLASSIFICATION: Kind = Kind {
    name: LABELS.id,
    also: &["hf:text-classification"],
    about: "classifiers on Hugging Face: the labels of a text with their scores, for graders",
    examples: &[
        "- huggingface:text-classification:distilbert/distilbert-base-uncased-finetuned-sst-2-english",
        concat!(
            "- id: huggingface:text-classification:my-classifier\n",
            "  config: {apiEndpoint: 'http://127.0.0.1:8080/predict', parameters: {top_k: 3}}",
        ),
    ],
    config: &Table {
        name: "the huggingface:text-classification provider's config",
        open: false,
        keys: joined![ADDRESS, REACH, BODY, MISPLACED],
    },
    build: |setup, problems| LABELS.build(setup, problems),
};

pub(super) static FEATURES: Kind = Kind {
    name: VECTOR.id,
    also: &["hf:feature-extraction"],
    about: "embeddings on Hugging Face: the vector of a text (the mean of its tokens' vectors), for graders",
    examples: &["- huggingface:feature-extraction:sentence-transformers/all-MiniLM-L6-v2"],
    config: &Table {
        name: "the huggingface:feature-extraction provider's config",
        open: false,
        keys: joined![ADDRESS, REACH, BODY, MISPLACED, ELSEWHERE],
    },
    build: |setup, problems| VECTOR.build(setup, problems),
};

/// The first words of ids.
pub(super) const NAMES: &[&str] = &["huggingface", "hf"];

const ENDPOINT: &str = "apiEndpoint";
const PARAMETERS: &str = "parameters";
const ROUTER: &str = "https://router.huggingface.co/hf-inference/models";

const ADDRESS: &[Key] = &[
    Key::new(ENDPOINT, Shape::Text, "whole address, such as http://127.0.0.1:8080/predict, instead of Hugging Face's"),
    API_KEY,
    Key::new("apiKeyEnvar", Shape::Text, "the variable that holds the key, instead of HF_TOKEN or HF_API_TOKEN"),
];

const BODY: &[Key] = &[Key::new(PARAMETERS, ANY_MAP, "parameters of the task, as its model knows them"), PASSTHROUGH];

/// Keys of promptfoo that do nothing here.
const ELSEWHERE: &[Key] = &[
    Key::ignored("use_cache", "answers are kept here; --no-cache asks anew"),
    Key::ignored("wait_for_model", "a model that is being loaded is asked again"),
];

/// One of the API's tasks.
struct Task {
    /// What ids look like, up to the model.
    id: &'static str,
    /// Where it is, below the address of the model.
    path: &'static [&'static str],
    /// The key of the body that holds the parameters; they are the body's own keys without one.
    parameters: Option<&'static str>,
    /// What may be wrong where the answer is not what was asked for.
    hint: &'static str,
    form: &'static Form,
}

const LABELS: Task = Task {
    id: "huggingface:text-classification",
    path: &[],
    parameters: Some(PARAMETERS),
    hint: "is this a model for text classification, and apiEndpoint its address?",
    form: &Form { kind: "huggingface:text-classification", input: "inputs", read: labels },
};

/// Models for sentences have several tasks, and the first may be another: it is named in the address.
const VECTOR: Task = Task {
    id: "huggingface:feature-extraction",
    path: &["pipeline", "feature-extraction"],
    parameters: None,
    hint: "is this a model for feature extraction, and apiEndpoint its address?",
    form: &Form { kind: "huggingface:feature-extraction", input: "inputs", read: features },
};

impl Task {
    fn build(&self, setup: &Setup<'_>, problems: &mut Problems) -> Option<Arc<dyn Provider>> {
        let model = Some(setup.rest).filter(|model| !model.is_empty());
        if model.is_none() {
            let problem = Problem::error(format!("`{}` names no model", setup.id)).at(setup.at);
            problems.push(problem.hint(format!("write `{}:MODEL`", self.id)));
        }
        let door = Door {
            url: self.url(setup).map_err(|p| problems.push(p)).ok(),
            setting: ENDPOINT,
            key: "HF_TOKEN",
            old_key: Some("HF_API_TOKEN"),
            locked: "router.huggingface.co",
            organization: None,
            hint: self.hint,
        };
        let service = Service::new(setup, &door, problems);
        let (model, service) = (model?, service?);
        Some(Encoder::build(self.form, model, service, self.body(setup), setup.price))
    }

    fn url(&self, setup: &Setup<'_>) -> Result<Url, Problem> {
        if let Some(node) = setup.config.get(ENDPOINT) {
            let text = node.as_str().unwrap_or_default().trim();
            return address(text, setup.env).map_err(|why| {
                Problem::error(format!("`{text}` is no address: {why}"))
                    .at(&node.span)
                    .hint("write it like http://127.0.0.1:8080/predict")
            });
        }
        let mut url = address(ROUTER, setup.env).map_err(Problem::error)?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(setup.rest.split('/')).extend(self.path);
        }
        Ok(url)
    }

    /// A body without its text.
    fn body(&self, setup: &Setup<'_>) -> Map<String, Value> {
        let parameters = setup.config.get(PARAMETERS).map(Node::to_json);
        let mut body = match (self.parameters, parameters) {
            (Some(key), Some(parameters)) => Map::from_iter([(key.to_owned(), parameters)]),
            (None, Some(Value::Object(parameters))) => parameters,
            _ => Map::new(),
        };
        body.extend(map(setup, PASSTHROUGH.name));
        body
    }
}

/// Why a task is not here, and what to write instead.
pub(super) fn unsupported(name: &str, rest: &str) -> Problem {
    let (task, model) = rest.split_once(':').unwrap_or((rest, "MODEL"));
    let id = if task.is_empty() { name.to_owned() } else { format!("{name}:{task}") };
    let hint = match task {
        "chat" | "text-generation" => format!(
            "write `openai:{model}` with `apiBaseUrl: https://router.huggingface.co/v1` and `apiKeyEnvar: HF_TOKEN` \
             in its config"
        ),
        "sentence-similarity" => format!("write `{}:{model}`; vectors are compared here", VECTOR.id),
        "token-classification" => format!("for labels of a whole text write `{}:MODEL`", LABELS.id),
        _ => did_you_mean(&id, [LABELS.id, VECTOR.id])
            .unwrap_or_else(|| format!("write `{}:MODEL` or `{}:MODEL`", LABELS.id, VECTOR.id)),
    };
    let what = "this version speaks text-classification and feature-extraction only";
    Problem::error(format!("`{id}` is not supported: {what}")).hint(hint)
}

/// A list of `{label, score}`, which some servers put into a list of one list for each text.
fn labels(json: &Value) -> Result<Response, String> {
    let of_texts = list(json).iter().flat_map(list);
    let labels = of_texts.map(label).collect::<Option<Vec<_>>>();
    let labels = labels.filter(|labels| !labels.is_empty()).ok_or("is no list of labels with scores")?;
    Ok(Response { output: Output::Json(labels.into()), ..Response::default() })
}

/// The items of a list, or the value as the only one.
fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(slice::from_ref(value), Vec::as_slice)
}

fn label(row: &Value) -> Option<Value> {
    let (label, score) = (row.get("label")?.as_str()?, row.get("score")?.as_f64()?);
    Some(json!({"label": label, "score": score}))
}

fn features(json: &Value) -> Result<Response, String> {
    if !json.is_array() {
        return Err("has no vector".to_owned());
    }
    Ok(Response { output: Output::Json(vector::read(json)?.into()), ..Response::default() })
}

#[cfg(test)]
mod tests;
