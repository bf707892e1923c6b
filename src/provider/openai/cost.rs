//! What an answer cost: tokens, and their price.

use serde_json::Value;

use super::super::{Price, Setup, price};
use crate::diag::{Problem, Problems};
use crate::record::Usage;
use crate::yaml::Node;

/// The price of a token: of the provider, else of its config, else of the list.
pub(super) fn price(setup: &Setup<'_>, model: &str, problems: &mut Problems) -> Option<Price> {
    if setup.price.is_some() {
        return setup.price;
    }
    let get = |name| setup.config.get(name).and_then(Node::as_f64);
    let both = get("cost");
    let own = (get("inputCost").or(both), get("outputCost").or(both));
    let listed = price::listed(model);
    match (own, listed) {
        ((None, None), listed) => listed,
        ((Some(prompt), Some(completion)), _) => Some(Price { prompt, completion, cached: None }),
        ((Some(prompt), None), Some(listed)) => Some(Price { prompt, cached: None, ..listed }),
        ((None, Some(completion)), Some(listed)) => Some(Price { completion, ..listed }),
        (_, None) => {
            let message = format!("half a price: the other half is not known for `{model}`, so answers have no cost");
            problems.push(Problem::warning(message).at(&setup.config.span).hint("set both inputCost and outputCost"));
            None
        }
    }
}

/// Token counts. All zero means that the server does not count: nobody asks with an empty prompt.
pub(super) fn usage(usage: &Value) -> Option<Usage> {
    let at = |place: &str| usage.pointer(place).and_then(count).unwrap_or(0);
    let (prompt, completion) = (at("/prompt_tokens"), at("/completion_tokens"));
    let found = Usage {
        total: at("/total_tokens").max(prompt.saturating_add(completion)),
        prompt,
        completion,
        cached: at("/prompt_tokens_details/cached_tokens"),
        reasoning: at("/completion_tokens_details/reasoning_tokens"),
    };
    (found != Usage::default()).then_some(found)
}

/// A count in whatever type it came.
fn count(value: &Value) -> Option<u64> {
    match value {
        Value::Number(n) => n.as_u64().or_else(|| n.as_f64().and_then(whole)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
fn whole(x: f64) -> Option<u64> {
    (0.0..1e15).contains(&x).then_some(x as u64)
}
