//! What the `config` of an `openai:` provider may hold.

use super::super::{Price, Setup, price};
use crate::diag::{Problem, Problems};
use crate::yaml::{Key, Node, Shape, Table};

const ANY_NUMBER: Shape = Shape::Num(f64::NEG_INFINITY, f64::INFINITY);
const FROM_ZERO: Shape = Shape::Num(0.0, f64::INFINITY);
const COUNT: Shape = Shape::Int(1, u64::MAX);
const ANY_MAP: Shape = Shape::MapOf(&Shape::Any);
const WORD_OR_MAP: Shape = Shape::OneOf(&[Shape::Text, ANY_MAP]);

/// Keys of the provider that are easily put one level too deep.
const BESIDE: &str = "write it beside the provider's id, not under config";

pub(super) static TABLE: Table = Table {
    name: "the openai provider's config",
    open: false,
    keys: &[
        Key::new(
            "apiBaseUrl",
            Shape::Text,
            "base URL, such as http://127.0.0.1:8000/v1; before apiHost and OPENAI_BASE_URL",
        ),
        Key::new("apiHost", Shape::Text, "host alone: https://HOST/v1 is asked"),
        Key::new("apiKey", Shape::Scalar, "the key itself; better left to the environment"),
        Key::new("apiKeyEnvar", Shape::Text, "the variable that holds the key, instead of OPENAI_API_KEY"),
        Key::new("organization", Shape::Scalar, "sent as openai-organization; else OPENAI_ORGANIZATION"),
        Key::new("headers", Shape::MapOf(&Shape::Scalar), "further HTTP headers"),
        Key::new("ca_file", Shape::Text, "PEM file of an authority that is trusted besides the system's, here only"),
        Key::new("maxRetries", Shape::Int(0, 100), "how often a request is repeated after a failure that may pass"),
        Key::new("cost", FROM_ZERO, "US dollars per token, of prompt and answer alike"),
        Key::new("inputCost", FROM_ZERO, "US dollars per prompt token"),
        Key::new("outputCost", FROM_ZERO, "US dollars per answer token"),
        Key::new("omitDefaults", Shape::Bool, "send neither max_tokens 1024 nor temperature 0 unless they are set"),
        Key::new("seed", ANY_NUMBER, "asks for the same answer again, where the server can"),
        Key::new("max_tokens", COUNT, "limit of answer tokens; 1024, or OPENAI_MAX_TOKENS"),
        Key::new("max_completion_tokens", COUNT, "limit of answer tokens with thinking, for reasoning models"),
        Key::new("reasoning_effort", Shape::Text, "how much a reasoning model thinks"),
        Key::new("temperature", Shape::Num(0.0, 2.0), "randomness; 0, or OPENAI_TEMPERATURE"),
        Key::new("top_p", Shape::Num(0.0, 1.0), "share of probability that is sampled from"),
        Key::new("presence_penalty", Shape::Num(-2.0, 2.0), "against words that were said"),
        Key::new("frequency_penalty", Shape::Num(-2.0, 2.0), "against words that were said often"),
        Key::new("functions", Shape::List(&ANY_MAP), "functions in the old form"),
        Key::new("function_call", WORD_OR_MAP, "which function, in the old form"),
        Key::new("tools", Shape::List(&ANY_MAP), "tools that the model may call"),
        Key::new("tool_choice", WORD_OR_MAP, "which tool: auto, none, required or one by name"),
        Key::new("parallel_tool_calls", Shape::Bool, "whether several tools may be called at once"),
        Key::new(
            "response_format",
            ANY_MAP,
            "text, json_object or json_schema; by json_schema the output is a structure",
        ),
        Key::new("stop", Shape::OneOf(&[Shape::Text, Shape::List(&Shape::Text)]), "texts that end the answer"),
        Key::new("logprobs", Shape::Bool, "ask for log probabilities"),
        Key::new("top_logprobs", Shape::Int(0, 20), "how many alternatives per token"),
        Key::new("logit_bias", ANY_MAP, "bias per token id"),
        Key::new("n", Shape::Int(1, 128), "how many answers; only the first is judged"),
        Key::new("user", Shape::Scalar, "the end user's id"),
        Key::new("service_tier", Shape::Text, "OpenAI's processing tier"),
        Key::new("verbosity", Shape::Text, "low, medium or high"),
        Key::new("passthrough", ANY_MAP, "whatever else the server understands; put over the request last"),
        Key::unsupported("max_concurrency", BESIDE),
        Key::unsupported("timeout_ms", BESIDE),
        Key::unsupported("connect_timeout_ms", BESIDE),
        Key::unsupported("first_byte_timeout_ms", BESIDE),
        Key::unsupported("idle_timeout_ms", BESIDE),
        Key::unsupported("timeoutMs", "write timeout_ms beside the provider's id"),
        Key::unsupported("price", BESIDE),
        Key::unsupported("delay", BESIDE),
        Key::ignored("showThinking", "thinking is always kept apart from the output"),
        Key::unsupported("functionToolCallbacks", "tools are not run here; judge the tool call itself"),
        Key::unsupported("reasoning", "write reasoning_effort"),
        Key::unsupported("stream", "answers are read whole"),
        Key::unsupported("modalities", "only text answers can be judged"),
        Key::unsupported("audio", "only text answers can be judged"),
        Key::unsupported("mcp", "tool servers are not run here"),
    ],
};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_has_a_key() {
        for name in super::super::PARAMETERS {
            assert!(TABLE.keys.iter().any(|key| key.name == *name), "{name}");
        }
    }
}
