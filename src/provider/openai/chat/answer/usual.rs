//! The usual answer, read without a tree: words, and nothing that needs a second look.
//!
//! Whatever is not exactly so (tool calls, refusals, log probabilities, odd types, doubled keys) does not fit these types,
//! and is read the long way.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::super::super::super::finish;
use crate::record::{Output, Response, Usage};

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    choices: Vec<Choice<'a>>,
    #[serde(default)]
    usage: Option<Counts>,
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    message: Message<'a>,
    #[serde(borrow, default)]
    finish_reason: Option<Cow<'a, str>>,
    #[serde(default)]
    logprobs: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    content: Cow<'a, str>,
    #[serde(borrow, default)]
    reasoning_content: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    reasoning: Option<Cow<'a, str>>,
    #[serde(default)]
    refusal: Option<IgnoredAny>,
    #[serde(default)]
    tool_calls: Option<Vec<IgnoredAny>>,
    #[serde(default)]
    function_call: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Counts {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    #[serde(default)]
    prompt_tokens_details: Option<Details>,
    #[serde(default)]
    completion_tokens_details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    #[serde(default)]
    cached_tokens: u64,
    #[serde(default)]
    reasoning_tokens: u64,
}

/// The response, where the body is as usual.
pub(super) fn response(body: &str) -> Option<Response> {
    let body: Body<'_> = serde_json::from_str(body).ok()?;
    let choice = body.choices.into_iter().next()?;
    let message = choice.message;
    let calls = message.tool_calls.is_some_and(|calls| !calls.is_empty()) || message.function_call.is_some();
    if calls || message.refusal.is_some() || choice.logprobs.is_some() {
        return None;
    }
    let finish_reason = choice.finish_reason.as_deref().and_then(finish::normal);
    let filled = |text: Option<Cow<'_, str>>| text.filter(|text| !text.is_empty()).map(Cow::into_owned);
    let is_refusal = finish_reason.as_deref() == Some("content_filter");
    Some(Response {
        is_refusal,
        guardrails: super::flagged(is_refusal),
        output: Output::Text(message.content.into_owned()),
        usage: body.usage.as_ref().and_then(usage),
        finish_reason,
        reasoning: filled(message.reasoning_content).or_else(|| filled(message.reasoning)),
        model: filled(body.model),
        ..Response::default()
    })
}

fn usage(counts: &Counts) -> Option<Usage> {
    let (prompt, completion) = (counts.prompt_tokens, counts.completion_tokens);
    let found = Usage {
        total: counts.total_tokens.max(prompt.saturating_add(completion)),
        prompt,
        completion,
        cached: counts.prompt_tokens_details.as_ref().map_or(0, |details| details.cached_tokens),
        reasoning: counts.completion_tokens_details.as_ref().map_or(0, |details| details.reasoning_tokens),
    };
    (found != Usage::default()).then_some(found)
}
