//! What the `config` of an `openai:` provider may hold.

use super::super::super::service::{ANY_MAP, FROM_ZERO, MISPLACED, PASSTHROUGH, REACH, joined};
use super::super::{ADDRESS, USER};
use crate::yaml::{Key, Shape, Table};

const ANY_NUMBER: Shape = Shape::Num(f64::NEG_INFINITY, f64::INFINITY);
const COUNT: Shape = Shape::Int(1, u64::MAX);
const WORD_OR_MAP: Shape = Shape::OneOf(&[Shape::Text, ANY_MAP]);

pub(super) static TABLE: Table = Table {
    name: "the openai provider's config",
    open: false,
    keys: joined![ADDRESS, REACH, OWN, MISPLACED, ELSEWHERE],
};

const OWN: &[Key] = &[
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
    Key::new("response_format", ANY_MAP, "text, json_object or json_schema; by json_schema the output is a structure"),
    Key::new("stop", Shape::OneOf(&[Shape::Text, Shape::List(&Shape::Text)]), "texts that end the answer"),
    Key::new("logprobs", Shape::Bool, "ask for log probabilities"),
    Key::new("top_logprobs", Shape::Int(0, 20), "how many alternatives per token"),
    Key::new("logit_bias", ANY_MAP, "bias per token id"),
    Key::new("n", Shape::Int(1, 128), "how many answers; only the first is judged"),
    USER,
    Key::new("service_tier", Shape::Text, "OpenAI's processing tier"),
    Key::new("verbosity", Shape::Text, "low, medium or high"),
    PASSTHROUGH,
];

/// Keys of promptfoo that do nothing here.
const ELSEWHERE: &[Key] = &[
    Key::ignored("showThinking", "thinking is always kept apart from the output"),
    Key::unsupported("functionToolCallbacks", "tools are not run here; judge the tool call itself"),
    Key::unsupported("reasoning", "write reasoning_effort"),
    Key::unsupported("stream", "answers are read whole"),
    Key::unsupported("modalities", "only text answers can be judged"),
    Key::unsupported("audio", "only text answers can be judged"),
    Key::unsupported("mcp", "tool servers are not run here"),
];

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
