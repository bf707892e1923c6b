//! What a provider answered.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One answer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Response {
    /// What the assertions look at.
    pub output: Output,
    /// Tokens, when the provider counts them.
    #[serde(rename = "tokenUsage", skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// US dollars, when they are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// Milliseconds from sending the (last) request to the end of its answer; nothing for a recorded one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// `stop`, `length`, `content_filter`, `tool_calls` or the provider's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// Whether the provider marked the answer as a refusal.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_refusal: bool,
    /// Thinking that came beside the answer; never part of the output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// The natural log of each token's probability, in order, where the provider was asked for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_probs: Option<Vec<f64>>,
    /// The model that answered, as it called itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The output as it came, where a transform made another of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<Output>,
    /// What the provider's guardrails say, such as `{"flagged": true}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guardrails: Option<Value>,
    /// Whatever else came with the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    /// Whether the answer came from a cache.
    pub cached: bool,
}

/// The judged part of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Output {
    /// Text, as nearly always.
    Text(String),
    /// A structure: tool calls, or an answer by JSON Schema.
    Json(Value),
}

impl Default for Output {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl Output {
    /// The output as text: itself, or compact JSON.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Json(value) => Cow::Owned(value.to_string()),
        }
    }
}

/// Tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// All of them.
    pub total: u64,
    /// In the prompt.
    pub prompt: u64,
    /// In the answer.
    pub completion: u64,
    /// Prompt tokens that the provider had in its cache.
    pub cached: u64,
    /// Answer tokens spent on thinking.
    #[serde(skip_serializing_if = "is_zero")]
    pub reasoning: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.total = self.total.saturating_add(other.total);
        self.prompt = self.prompt.saturating_add(other.prompt);
        self.completion = self.completion.saturating_add(other.completion);
        self.cached = self.cached.saturating_add(other.cached);
        self.reasoning = self.reasoning.saturating_add(other.reasoning);
    }
}
