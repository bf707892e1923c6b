//! Chat completions.
//!
//! Departures from promptfoo: thinking is kept apart from the output, and an answer without any content
//! is an error, not a failed assertion.

mod answer;
mod body;
mod config;
mod frame;

pub use body::PARAMETERS;

use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::{Map, Value};

use self::answer::Reading;
use self::body::Recipe;
use self::frame::{Body, Frame};
use super::super::service::Service;
use super::super::{Heard, Kind, Price, Provider, Setup};
use super::{Task, cost};
use crate::diag::{Problem, Problems};
use crate::record::{CallFailure, Request, Response};

pub(in crate::provider) static KIND: Kind = Kind {
    name: "openai",
    also: &[],
    about: "chat completions of OpenAI or of any server with the same protocol (vLLM, llama.cpp, Ollama, LiteLLM …)",
    examples: &[
        "- openai:gpt-4o-mini",
        "- id: openai:chat:gpt-4o\n  config: {temperature: 0.2, max_tokens: 300, seed: 7}",
        "- id: openai:llama3\n  config: {apiBaseUrl: 'http://127.0.0.1:11434/v1'}",
    ],
    config: &config::TABLE,
    build,
};

const TASK: Task = Task {
    id: "openai:chat",
    example: "gpt-4o-mini",
    path: &["chat", "completions"],
    hint: "is apiBaseUrl the address of an OpenAI-compatible API?",
};

/// Tasks of promptfoo's `openai:` that are not here.
const OTHER_TASKS: &[&str] = &[
    "agents",
    "assistant",
    "chatkit",
    "codex-sdk",
    "completion",
    "image",
    "realtime",
    "responses",
    "speech",
    "transcription",
    "video",
];

struct Chat {
    identity: Value,
    service: Service,
    recipe: Recipe,
    frame: Option<Frame>,
    price: Option<Price>,
}

fn build(setup: &Setup<'_>, problems: &mut Problems) -> Option<Arc<dyn Provider>> {
    // Each part is built even where an earlier one failed: all problems are told at once.
    let model = model(setup).map_err(|p| problems.push(p.at(setup.at))).ok();
    let service = Service::new(setup, &TASK.door(setup, problems), problems);
    let recipe = Recipe::new(setup, model.unwrap_or_default(), problems);
    let price = cost::price(setup, model.unwrap_or_default(), problems);
    let (_, service) = (model?, service?);
    Some(Arc::new(Chat { identity: identity(&service, &recipe), service, frame: Frame::of(&recipe), recipe, price }))
}

/// The model of `openai:MODEL` or `openai:chat:MODEL`. A model's own name may have colons.
fn model<'a>(setup: &Setup<'a>) -> Result<&'a str, Problem> {
    let (first, after) = setup.rest.split_once(':').unwrap_or((setup.rest, ""));
    if OTHER_TASKS.contains(&first) {
        let model = if after.is_empty() { "MODEL" } else { after };
        let message =
            format!("`openai:{first}` is not supported: this version speaks chat, embedding and moderation only");
        return Err(Problem::error(message).hint(format!("write `openai:chat:{model}`")));
    }
    TASK.named(if first == "chat" { after } else { setup.rest }, setup)
}

fn identity(service: &Service, recipe: &Recipe) -> Value {
    let mut body = recipe.body(Vec::new(), &Map::new());
    if let Some(body) = body.as_object_mut() {
        body.shift_remove("messages");
    }
    service.identity(TASK.id, &body)
}

impl Chat {
    async fn ask(&self, request: &Request, heard: Heard<'_>) -> Result<Response, CallFailure> {
        let Body { text, structured } = Body::of(&self.recipe, self.frame.as_ref(), request);
        let answer = self.service.ask(text, heard).await?;
        let response = Reading { sender: self.service.sender(), structured }.response(&answer.body)?;
        let cost = self.price.zip(response.usage).map(|(price, usage)| price.of(&usage));
        Ok(Response { cost, latency_ms: Some(answer.latency_ms), ..response })
    }
}

impl Provider for Chat {
    fn call<'a>(&'a self, request: &'a Request, heard: Heard<'a>) -> BoxFuture<'a, Result<Response, CallFailure>> {
        Box::pin(self.ask(request, heard))
    }

    fn identity(&self) -> &Value {
        &self.identity
    }

    fn price(&self) -> Option<Price> {
        self.price
    }

    fn max_tokens(&self) -> Option<u64> {
        let body = &self.identity["body"];
        ["max_completion_tokens", "max_tokens"].iter().find_map(|name| body[*name].as_u64())
    }
}

#[cfg(test)]
mod tests;
