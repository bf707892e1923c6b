//! What a request may take, reckoned before it goes out.

use serde_json::Value;

use super::budget::{Amount, Reservation};
use crate::provider::{Price, Provider};
use crate::record::{CallFailure, Reason, Request, Response, Usage};

/// Marks around messages.
const FRAME: u64 = 16;
/// Answer tokens where nobody sets a limit.
const UNLIMITED: u64 = 4096;

/// What all requests to a provider have in common.
#[derive(Debug)]
pub(super) struct Need {
    price: Option<Price>,
    max_tokens: Option<u64>,
    answers: u64,
    /// Length in bytes of what the model reads beside the prompt: tools, schemas, the marks around messages.
    frame: u64,
}

impl Need {
    pub(super) fn new(provider: &dyn Provider) -> Self {
        let parts = ["tools", "functions", "response_format"].iter();
        let parts = parts.filter_map(|part| provider.identity().get("body")?.get(*part));
        let frame = FRAME + parts.map(|part| part.to_string().len() as u64).sum::<u64>();
        let body = provider.identity().get("body");
        let answers = body.and_then(|body| body.get("n")).and_then(whole).unwrap_or(1);
        Self { price: provider.price(), max_tokens: provider.max_tokens(), answers, frame }
    }

    /// Tokens as providers reckon them against a rate: the prompt at four characters a token, and the
    /// limit of the answer.
    #[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^53")]
    pub(super) fn tokens(&self, request: &Request) -> f64 {
        (request.text.len() as u64 / 4).saturating_add(self.answer(request)) as f64
    }

    /// The most that a request can take: no token is shorter than a byte.
    pub(super) fn at_most(&self, request: &Request) -> Amount {
        let parameters: usize = request.parameters.values().map(|value| value.to_string().len()).sum();
        let prompt = request.text.len() as u64 + parameters as u64 + self.frame;
        let completion = self.answer(request).saturating_mul(self.answers(request));
        let usage = Usage { total: prompt.saturating_add(completion), prompt, completion, ..Usage::default() };
        Amount { cost_usd: self.price.map_or(0.0, |price| price.of(&usage)), requests: 1, tokens: usage.total }
    }

    /// Says what a request took in the end. A refusal costs nothing; whoever broke off, or kept silent
    /// too long, may have worked for us, so all that was reserved counts.
    pub(super) fn settle(&self, request: &Request, result: &Result<Response, CallFailure>, reserved: Reservation) {
        let most = self.at_most(request);
        let spent = match result {
            Ok(response) => Amount {
                cost_usd: response.cost.unwrap_or(most.cost_usd),
                requests: 1,
                tokens: response.usage.map_or(most.tokens, |usage| usage.total),
            },
            Err(failure) => match failure.reason {
                Reason::Timeout | Reason::Broken | Reason::BadAnswer | Reason::TooLarge => most,
                _ => Amount { cost_usd: 0.0, requests: 1, tokens: 0 },
            },
        };
        reserved.settle(spent);
    }

    /// The limit of an answer's tokens: what the request sets, but never less than the provider's own,
    /// since which of several limits is sent depends on the model.
    fn answer(&self, request: &Request) -> u64 {
        let given = of(request, &["max_completion_tokens", "max_tokens"]);
        given.into_iter().chain(self.max_tokens).max().unwrap_or(UNLIMITED)
    }

    /// How many answers a request brings.
    fn answers(&self, request: &Request) -> u64 {
        of(request, &["n"]).unwrap_or(1).max(self.answers)
    }
}

/// The largest of some numbers that a request sets over its provider's.
fn of(request: &Request, names: &[&str]) -> Option<u64> {
    let extra = request.parameters.get("passthrough").and_then(Value::as_object);
    let maps = [Some(&*request.parameters), extra].into_iter().flatten();
    maps.flat_map(|map| names.iter().filter_map(|name| map.get(*name))).filter_map(whole).max()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a saturating cast is what is meant")]
fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_f64().map(|number| number.ceil() as u64))
}
