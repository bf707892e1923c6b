//! What a rule of the mock provider answers.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::super::{Price, finish, http};
use super::vector;
use crate::diag::{Problem, Problems};
use crate::record::{CallFailure, Output, Reason, Request, Response, Usage};
use crate::template::{Scope, Template};
use crate::yaml::Node;

/// An answer, a fault, or first the one and then the other.
#[derive(Default)]
pub(super) struct Answer {
    output: Option<Words>,
    fault: Option<Fault>,
    latency_ms: u64,
    delay_ms: u64,
    /// Set counts of prompt, completion and cached tokens.
    usage: [Option<u64>; 3],
    cost: Option<f64>,
    finish_reason: Option<String>,
    refusal: bool,
}

enum Words {
    Text(Box<Template>),
    Json(Value),
    /// The vector of the prompt.
    Vector,
}

impl Answer {
    /// Answers with the vector of the prompt.
    pub(super) fn vector() -> Self {
        Self { output: Some(Words::Vector), ..Self::default() }
    }

    /// Reads the answer of a rule or of the default.
    pub(super) fn new(node: &Node, problems: &mut Problems) -> Self {
        require_answer(node, problems);
        let count = |name: &str| node.get(name).and_then(Node::as_u64);
        let tokens = |name: &str| node.get("usage")?.get(name)?.as_u64();
        let finish_reason = node.get("finish_reason").and_then(Node::as_str).unwrap_or("stop");
        Self {
            output: node.get("output").and_then(|n| words(n, problems)),
            fault: node.get("error").map(Fault::new),
            latency_ms: count("latency_ms").unwrap_or(0),
            delay_ms: count("delay_ms").unwrap_or(0),
            usage: ["prompt", "completion", "cached"].map(tokens),
            cost: node.get("cost").and_then(Node::as_f64),
            finish_reason: finish::normal(finish_reason),
            refusal: node.get("refusal").and_then(Node::as_bool).unwrap_or(false),
        }
    }

    /// Answers, after the real wait.
    pub(super) async fn give(&self, request: &Request, price: Option<Price>) -> Result<Response, CallFailure> {
        if self.delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(self.delay_ms)).await;
        }
        if let Some(failure) = self.fault.as_ref().and_then(|fault| fault.strike(&request.text)) {
            return Err(failure);
        }
        let output = self.output(request)?;
        let usage = self.usage(request, &output);
        Ok(Response {
            output,
            usage: Some(usage),
            cost: Some(self.cost.or_else(|| Some(price?.of(&usage))).unwrap_or(0.0)),
            latency_ms: Some(self.latency_ms.saturating_add(self.delay_ms)),
            finish_reason: self.finish_reason.clone(),
            is_refusal: self.refusal,
            ..Response::default()
        })
    }

    fn output(&self, request: &Request) -> Result<Output, CallFailure> {
        match &self.output {
            None => Ok(Output::default()),
            Some(Words::Json(value)) => Ok(Output::Json(value.clone())),
            Some(Words::Vector) => Ok(Output::Json(vector::of(&request.text).into())),
            Some(Words::Text(template)) => {
                let scope = Scope::new(&request.vars).with("prompt", Value::from(&*request.text));
                template.render(&scope).map(Output::Text).map_err(|e| {
                    CallFailure::new(Reason::BadRequest, format!("the mock answer cannot be rendered: {e}"))
                })
            }
        }
    }

    /// A word counts as a token, so that the numbers are the same everywhere; a vector has none.
    fn usage(&self, request: &Request, output: &Output) -> Usage {
        let [prompt, completion, cached] = self.usage;
        let prompt = prompt.unwrap_or_else(|| count_words(&request.text));
        let completion = completion.unwrap_or_else(|| match self.output {
            Some(Words::Vector) => 0,
            _ => count_words(&output.text()),
        });
        let total = prompt.saturating_add(completion);
        Usage { total, prompt, completion, cached: cached.unwrap_or(0), reasoning: 0 }
    }
}

fn count_words(text: &str) -> u64 {
    text.split_whitespace().map(|_| 1).sum()
}

fn require_answer(node: &Node, problems: &mut Problems) {
    let error = node.get("error");
    if !node.is_map() || node.get("output").is_some() {
        return;
    }
    let message = match error {
        None => "this rule has no answer",
        Some(error) if error.get("times").is_some() => "this rule has no answer for when its error is over",
        Some(_) => return,
    };
    problems.push(Problem::error(message).at(&node.span).hint("add `output`"));
}

fn words(node: &Node, problems: &mut Problems) -> Option<Words> {
    if node.is_map() || node.is_seq() {
        return Some(Words::Json(node.to_json()));
    }
    let text = node.as_str().map_or_else(|| node.to_json().to_string(), str::to_owned);
    let template = Template::new(&text).map_err(|e| {
        problems.push(Problem::error(format!("the output is no template: {e}")).at(&node.span));
    });
    template.ok().map(|t| Words::Text(Box::new(t)))
}

/// A failure like a server's.
struct Fault {
    status: u16,
    message: String,
    retry_after: Option<Duration>,
    /// How often per prompt; always when not set.
    times: Option<u64>,
    /// How often each prompt (by its hash) has met the fault.
    met: Mutex<HashMap<u64, u64>>,
    hasher: RandomState,
}

impl Fault {
    fn new(node: &Node) -> Self {
        let seconds = node.get("retry_after").and_then(Node::as_f64);
        let status = node.get("status").and_then(Node::as_u64);
        Self {
            status: status.and_then(|s| u16::try_from(s).ok()).unwrap_or(500),
            message: node.get("message").and_then(Node::as_str).unwrap_or("an error of the mock provider").to_owned(),
            retry_after: seconds.and_then(|s| Duration::try_from_secs_f64(s).ok()),
            times: node.get("times").and_then(Node::as_u64),
            met: Mutex::default(),
            hasher: RandomState::new(),
        }
    }

    /// The failure, unless this prompt has had its share.
    fn strike(&self, prompt: &str) -> Option<CallFailure> {
        if let Some(times) = self.times {
            let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
            let count = met.entry(self.hasher.hash_one(prompt)).or_default();
            if *count >= times {
                return None;
            }
            *count += 1;
        }
        let message = format!("{} from mock: {}", self.status, self.message);
        Some(CallFailure {
            status: Some(self.status),
            retry_after: self.retry_after,
            ..CallFailure::new(http::reason::<&str>(self.status, &[]), message)
        })
    }
}
