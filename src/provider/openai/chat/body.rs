//! The body of a request.

use serde_json::{Map, Number, Value, json};

use super::super::super::Setup;
use crate::diag::{Problem, Problems};
use crate::yaml::Node;

/// The parameters of a request in the order of the body. Prompts and tests may set them over the
/// provider's config; `passthrough` is merged over everything, last.
pub const PARAMETERS: &[&str] = &[
    "seed",
    "max_tokens",
    "max_completion_tokens",
    "reasoning_effort",
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "functions",
    "function_call",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "stop",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "n",
    "user",
    "service_tier",
    "verbosity",
    "passthrough",
];

/// promptfoo's default limit of answer tokens.
const MAX_TOKENS: u64 = 1024;

/// Everything of a request that its prompt does not say.
pub(super) struct Recipe {
    model: String,
    reasoning: bool,
    parameters: Map<String, Value>,
    /// Of a request that sets neither; nothing where defaults are omitted.
    max_tokens: Option<Value>,
    temperature: Option<Value>,
}

impl Recipe {
    pub(super) fn new(setup: &Setup<'_>, model: &str, problems: &mut Problems) -> Self {
        let reasoning = is_reasoning(model);
        let mut parameters = Map::new();
        for name in PARAMETERS {
            if let Some(node) = setup.config.get(name) {
                parameters.insert((*name).to_owned(), node.to_json());
                warn_unsent(model, reasoning, name, node, problems);
            }
        }
        // As text for the API, even where YAML reads a number.
        if let Some(user) = parameters.get_mut("user").filter(|v| !v.is_string()) {
            *user = Value::String(user.to_string());
        }
        Self {
            model: model.to_owned(),
            reasoning,
            parameters,
            max_tokens: default(setup, "OPENAI_MAX_TOKENS", &MAX_TOKENS.into(), problems),
            temperature: default(setup, "OPENAI_TEMPERATURE", &0.into(), problems),
        }
    }

    /// The body for these messages. `over` is stronger than the config.
    pub(super) fn body(&self, messages: Vec<Value>, over: &Map<String, Value>) -> Value {
        let mut body = Map::new();
        body.insert("model".into(), json!(self.model));
        body.insert("messages".into(), Value::Array(messages));
        for name in PARAMETERS {
            if let Some(value) = self.parameter(name, over) {
                body.insert((*name).to_owned(), value.clone());
            }
        }
        if let Some(Value::Object(extra)) = body.shift_remove("passthrough") {
            body.extend(extra);
        }
        Value::Object(body)
    }

    fn parameter<'a>(&'a self, name: &str, over: &'a Map<String, Value>) -> Option<&'a Value> {
        if self.reasoning && is_unsent(name) {
            return None;
        }
        let set = |name: &str| set(over, name).or_else(|| set(&self.parameters, name));
        set(name).or_else(|| match name {
            // A server refuses both limits at once.
            "max_tokens" if set("max_completion_tokens").is_none() => self.max_tokens.as_ref(),
            "temperature" => self.temperature.as_ref(),
            _ => None,
        })
    }
}

fn set<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    map.get(name).filter(|v| !v.is_null())
}

/// Whether a model thinks first; OpenAI refuses `max_tokens` and `temperature` for these. The chat
/// variants of gpt-5 are ordinary models. Gateways put a vendor in front: `openai/o3`.
fn is_reasoning(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let series = |s: &str| name.strip_prefix(s).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    ["o1", "o3", "o4"].into_iter().any(series) || (name.starts_with("gpt-5") && !name.contains("-chat"))
}

fn is_unsent(name: &str) -> bool {
    matches!(name, "max_tokens" | "temperature")
}

fn warn_unsent(model: &str, reasoning: bool, name: &str, node: &Node, problems: &mut Problems) {
    if !reasoning || !is_unsent(name) {
        return;
    }
    let instead = if name == "max_tokens" { "set max_completion_tokens instead" } else { "remove it" };
    let message = format!("`{name}` is not sent: the reasoning model `{model}` would refuse it");
    problems.push(Problem::warning(message).at(&node.span).hint(instead));
}

/// A default: of the variable, else the usual one; none where defaults are omitted.
fn default(setup: &Setup<'_>, variable: &str, usual: &Number, problems: &mut Problems) -> Option<Value> {
    let omit = setup.config.get("omitDefaults").and_then(Node::as_bool).unwrap_or(false);
    let Some(text) = setup.env.get(variable) else {
        return (!omit).then(|| Value::Number(usual.clone()));
    };
    let number = text.trim().parse().map(Value::Number);
    if number.is_err() {
        let message = format!("{variable} is `{text}`, which is no number");
        problems.push(Problem::error(message).at(setup.at).hint("correct or unset the variable"));
    }
    number.ok()
}

#[cfg(test)]
mod tests {
    use super::super::super::super::{Timeouts, bench};
    use super::*;

    fn body(id: &str, config: &str, vars: &[(&str, &str)], over: &Value) -> String {
        let mut problems = Problems::new();
        let source = crate::diag::Source::new("c.yaml", config);
        let config = crate::yaml::parse(&source).unwrap();
        let setup = Setup {
            id,
            rest: id,
            at: &source.span(),
            config: &config,
            price: None,
            timeouts: Timeouts::default(),
            env: &bench::env(vars),
            base: std::path::Path::new("."),
            offline: false,
        };
        let recipe = Recipe::new(&setup, id, &mut problems);
        let warned: Vec<_> = problems.iter().map(|p| p.message.as_str()).collect();
        let body = recipe.body(vec![json!("M")], over.as_object().unwrap()).to_string();
        [vec![body.as_str()], warned].concat().join("\n")
    }

    #[test]
    fn defaults() {
        let none = json!({});
        insta::assert_snapshot!(body("gpt-4o", "", &[], &none), @r#"{"model":"gpt-4o","messages":["M"],"max_tokens":1024,"temperature":0}"#);
        insta::assert_snapshot!(body("gpt-4o", "omitDefaults: true", &[], &none), @r#"{"model":"gpt-4o","messages":["M"]}"#);
        let vars = [("OPENAI_MAX_TOKENS", "50"), ("OPENAI_TEMPERATURE", "0.5")];
        insta::assert_snapshot!(body("gpt-4o", "omitDefaults: true", &vars, &none), @r#"{"model":"gpt-4o","messages":["M"],"max_tokens":50,"temperature":0.5}"#);
        insta::assert_snapshot!(body("gpt-4o", "{temperature: ~, max_completion_tokens: 9}", &[], &none), @r#"{"model":"gpt-4o","messages":["M"],"max_completion_tokens":9,"temperature":0}"#);
        insta::assert_snapshot!(body("gpt-4o", "", &[("OPENAI_TEMPERATURE", "cold")], &none), @r#"
        {"model":"gpt-4o","messages":["M"],"max_tokens":1024}
        OPENAI_TEMPERATURE is `cold`, which is no number
        "#);
    }

    #[test]
    fn every_parameter_in_order() {
        let config = "{passthrough: {seed: 8, top_k: 4}, stop: [a], n: 2, user: 7, verbosity: low, logprobs: true, \
            top_logprobs: 3, response_format: {type: json_object}, tools: [{type: function}], tool_choice: auto, \
            parallel_tool_calls: false, functions: [{name: f}], function_call: auto, presence_penalty: 0.1, \
            frequency_penalty: 0.2, top_p: 0.9, temperature: 0.7, max_tokens: 10, seed: 7}";
        insta::assert_snapshot!(body("gpt-4o", config, &[], &json!({})), @r#"{"model":"gpt-4o","messages":["M"],"seed":8,"max_tokens":10,"temperature":0.7,"top_p":0.9,"presence_penalty":0.1,"frequency_penalty":0.2,"functions":[{"name":"f"}],"function_call":"auto","tools":[{"type":"function"}],"tool_choice":"auto","parallel_tool_calls":false,"response_format":{"type":"json_object"},"stop":["a"],"logprobs":true,"top_logprobs":3,"n":2,"user":"7","verbosity":"low","top_k":4}"#);
    }

    #[test]
    fn reasoning_models_get_neither_default() {
        let config =
            "{max_completion_tokens: 2000, reasoning_effort: low, verbosity: low, temperature: 1, max_tokens: 5}";
        insta::assert_snapshot!(body("o3-mini", config, &[], &json!({"temperature": 2})), @r#"
        {"model":"o3-mini","messages":["M"],"max_completion_tokens":2000,"reasoning_effort":"low","verbosity":"low"}
        `max_tokens` is not sent: the reasoning model `o3-mini` would refuse it
        `temperature` is not sent: the reasoning model `o3-mini` would refuse it
        "#);
        for (model, expected) in [
            ("o1", true),
            ("o4-mini-2025-04-16", true),
            ("openai/o3", true),
            ("gpt-5", true),
            ("gpt-5.1", true),
            ("gpt-5-nano", true),
            ("gpt-5-chat-latest", false),
            ("gpt-4o", false),
            ("o1x", false),
            ("olmo", false),
        ] {
            assert_eq!(is_reasoning(model), expected, "{model}");
        }
    }

    #[test]
    fn prompt_and_test_are_stronger_than_the_config() {
        let over = json!({"temperature": 0.9, "stop": null, "weight": 3, "passthrough": {"top_k": 1}});
        insta::assert_snapshot!(body("m", "{stop: x, temperature: 0.1, passthrough: {min_p: 1}}", &[], &over), @r#"{"model":"m","messages":["M"],"max_tokens":1024,"temperature":0.9,"stop":"x","top_k":1}"#);
    }
}
