//! OpenAI's chat completions, and every server that speaks the same protocol.
//!
//! The wire is promptfoo's, so that a suite gets the same answers here. Departures: thinking is kept
//! apart from the output, and an answer without any content is an error, not a failed assertion.

mod answer;
mod body;
mod config;
mod endpoint;
mod frame;

pub use body::PARAMETERS;

use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::{Map, Value, json};

use self::answer::Reading;
use self::body::Recipe;
use self::endpoint::Endpoint;
use self::frame::{Body, Frame};
use super::http::{self, Dial, Post, Refusal, Reply};
use super::{Heard, Kind, Price, Provider, Setup, Timeouts};
use crate::diag::{Problem, Problems};
use crate::env::{Clock, Redactor};
use crate::record::{CallFailure, Request, Response};

pub(super) static KIND: Kind = Kind {
    name: "openai",
    about: "chat completions of OpenAI or of any server with the same protocol (vLLM, llama.cpp, Ollama, LiteLLM …)",
    examples: &[
        "- openai:gpt-4o-mini",
        "- id: openai:chat:gpt-4o\n  config: {temperature: 0.2, max_tokens: 300, seed: 7}",
        "- id: openai:llama3\n  config: {apiBaseUrl: 'http://127.0.0.1:11434/v1'}",
    ],
    config: &config::TABLE,
    build,
};

/// Endpoints of promptfoo's `openai:` other than chat.
const OTHER_ENDPOINTS: &[&str] = &[
    "agents",
    "assistant",
    "chatkit",
    "codex-sdk",
    "completion",
    "embedding",
    "embeddings",
    "image",
    "moderation",
    "realtime",
    "responses",
    "speech",
    "transcription",
    "video",
];

struct OpenAi {
    identity: Value,
    endpoint: Endpoint,
    recipe: Recipe,
    frame: Option<Frame>,
    price: Option<Price>,
    timeouts: Timeouts,
    dial: Dial,
    clock: Clock,
    redactor: Redactor,
}

fn build(setup: &Setup<'_>, problems: &mut Problems) -> Option<Arc<dyn Provider>> {
    // Each part is built even where an earlier one failed: all problems are told at once.
    let model = model(setup).map_err(|p| problems.push(p.at(setup.at))).ok();
    let endpoint = Endpoint::new(setup, problems);
    let recipe = Recipe::new(setup, model.unwrap_or_default(), problems);
    let price = config::price(setup, model.unwrap_or_default(), problems);
    let authorities = http::authorities(setup, problems);
    let (_, endpoint, authorities) = (model?, endpoint?, authorities?);
    Some(Arc::new(OpenAi {
        identity: identity(&endpoint, &recipe),
        dial: Dial::new(setup, &endpoint.url, authorities),
        endpoint,
        frame: Frame::of(&recipe),
        recipe,
        price,
        timeouts: setup.timeouts,
        clock: setup.env.clock,
        redactor: setup.env.redactor.clone(),
    }))
}

/// The model of `openai:MODEL` or `openai:chat:MODEL`. A model's own name may have colons.
fn model<'a>(setup: &Setup<'a>) -> Result<&'a str, Problem> {
    let (first, after) = setup.rest.split_once(':').unwrap_or((setup.rest, ""));
    if OTHER_ENDPOINTS.contains(&first) {
        let model = if after.is_empty() { "MODEL" } else { after };
        let message = format!("`openai:{first}` is not supported: this version speaks chat completions only");
        return Err(Problem::error(message).hint(format!("write `openai:chat:{model}`")));
    }
    let model = if first == "chat" { after } else { setup.rest };
    if model.is_empty() {
        return Err(Problem::error(format!("`{}` names no model", setup.id)).hint("write `openai:gpt-4o-mini`"));
    }
    Ok(model)
}

fn identity(endpoint: &Endpoint, recipe: &Recipe) -> Value {
    let mut body = recipe.body(Vec::new(), &Map::new());
    if let Some(body) = body.as_object_mut() {
        body.shift_remove("messages");
    }
    json!({"kind": "openai:chat", "url": endpoint.shown, "headers": endpoint.open_headers, "body": body})
}

impl OpenAi {
    async fn ask(&self, request: &Request, heard: Heard<'_>) -> Result<Response, CallFailure> {
        let Body { text, structured } = Body::of(&self.recipe, self.frame.as_ref(), request);
        let started = self.clock.instant();
        let reply = http::post(Post {
            url: &self.endpoint.url,
            shown: &self.endpoint.shown,
            headers: &self.endpoint.headers,
            body: text,
            timeouts: &self.timeouts,
            dial: &self.dial,
        });
        let reply = reply.await?;
        if let Some(limits) = http::limits(&reply.headers) {
            heard(limits);
        }
        let latency_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        if !reply.is_success() {
            return Err(self.refused(&reply));
        }
        let reading = Reading { shown: &self.endpoint.shown, redactor: &self.redactor, structured };
        let response = reading.response(&reply.body)?;
        let cost = self.price.zip(response.usage).map(|(price, usage)| price.of(&usage));
        Ok(Response { cost, latency_ms: Some(latency_ms), ..response })
    }

    fn refused(&self, reply: &Reply) -> CallFailure {
        let body = String::from_utf8_lossy(&reply.body);
        let refusal = Refusal {
            status: reply.status,
            headers: &reply.headers,
            body: &self.redactor.clean(&body),
            shown: &self.endpoint.shown,
            key: &self.endpoint.key,
            now: self.clock.system_time(),
        };
        refusal.failure()
    }
}

impl Provider for OpenAi {
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
