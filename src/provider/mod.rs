//! Who is asked: the kinds of model providers, a row each.
//!
//! A [`Kind`] knows how its ids look, what its `config` may hold and how to build a [`Provider`] of it.
//! A provider answers one [`Request`] at a time and says in a class ([`CallFailure`]) why it could
//! not; repeating, limiting and caching are the business of `transport`.
//!
//! A new kind is one file and one line in [`KINDS`].

mod echo;
mod finish;
mod hook;
mod http;
mod huggingface;
mod mock;
mod openai;
mod price;
mod service;
mod timeouts;
mod unknown;
mod vector;

pub use hook::Hook;
pub use openai::PARAMETERS;
pub use price::Price;
pub use timeouts::Timeouts;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::{Map, Value};

use crate::diag::{Problem, Problems, Span, did_you_mean};
use crate::env::Env;
use crate::record::{CallFailure, Request, Response};
use crate::yaml::{self, Node, Shape};

/// Somebody who answers.
pub trait Provider: Send + Sync {
    /// Asks once. No retry, no cache. `heard` is told what an answer, good or bad, says of the
    /// provider's limits.
    fn call<'a>(&'a self, request: &'a Request, heard: Heard<'a>) -> BoxFuture<'a, Result<Response, CallFailure>>;

    /// Everything that shapes an answer (kind, model, base URL, parameters), without secrets: for
    /// content ids and the cache.
    fn identity(&self) -> &Value;

    /// Whether it answers by itself, without a request to anybody: such answers need no cache.
    fn is_local(&self) -> bool {
        false
    }

    /// What a token costs, when that is known: for estimates.
    fn price(&self) -> Option<Price> {
        None
    }

    /// The limit of completion tokens per answer, for the estimate of a dry run.
    fn max_tokens(&self) -> Option<u64> {
        None
    }
}

/// Whoever wants to know what is left of a provider's limits.
pub type Heard<'a> = &'a (dyn Fn(Limits) + Send + Sync);

/// What a provider says about its rate limits.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// Of requests.
    pub requests: Option<Window>,
    /// Of tokens.
    pub tokens: Option<Window>,
}

/// One limit, as it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// How much a full window holds.
    pub limit: Option<f64>,
    /// What is left of it.
    pub remaining: f64,
    /// How long until it is full again.
    pub reset: Option<Duration>,
}

/// A kind of provider.
#[derive(Debug)]
pub struct Kind {
    /// The first word or words of its ids.
    pub name: &'static str,
    /// Other words for the same.
    pub also: &'static [&'static str],
    /// One line for people.
    pub about: &'static str,
    /// Entries of `providers:` as they stand in a config, in YAML.
    pub examples: &'static [&'static str],
    /// What `config` may hold.
    pub config: &'static yaml::Table,
    /// Makes a provider, or says why not.
    pub build: fn(&Setup<'_>, &mut Problems) -> Option<Arc<dyn Provider>>,
}

/// What a provider is made of.
#[derive(Debug)]
pub struct Setup<'a> {
    /// The whole id, such as `openai:chat:gpt-4o`.
    pub id: &'a str,
    /// The id after the kind's name (or another word for it) and its colon; may be empty.
    pub rest: &'a str,
    /// Where the id stands.
    pub at: &'a Span,
    /// The `config` map, or nothing. `file://` values and `env` templates are already replaced.
    pub config: &'a Node,
    /// The price from the provider's own `price` key.
    pub price: Option<Price>,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// The world outside.
    pub env: &'a Env,
    /// The folder of the config.
    pub base: &'a Path,
    /// Nothing will be sent, so no key is needed.
    pub offline: bool,
}

/// All kinds.
pub static KINDS: &[&Kind] = &[
    &openai::CHAT,
    &openai::EMBEDDING,
    &openai::MODERATION,
    &huggingface::CLASSIFICATION,
    &huggingface::FEATURES,
    &echo::KIND,
    &mock::KIND,
    &mock::EMBEDDING,
];

impl Kind {
    /// Whether it is called so.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.also.contains(&name)
    }

    /// What one of its ids says beyond its name; nothing for the ids of others.
    fn rest<'a>(&self, id: &'a str) -> Option<&'a str> {
        let beyond = |name: &&str| {
            let rest = id.strip_prefix(*name)?;
            if rest.is_empty() { Some(rest) } else { rest.strip_prefix(':') }
        };
        std::iter::once(&self.name).chain(self.also).find_map(beyond)
    }
}

/// Finds the kind of an id, and what the id says beyond it.
///
/// # Errors
/// No such kind; with the nearest one, or the way around for kinds of promptfoo that are not here.
pub fn find<'a>(id: &'a str, at: &Span) -> Result<(&'static Kind, &'a str), Problem> {
    let found = KINDS.iter().filter_map(|kind| Some((*kind, kind.rest(id)?)));
    // The nearest name says the most: `openai:embedding` before `openai`.
    found.min_by_key(|(_, rest)| rest.len()).ok_or_else(|| unknown::problem(id).at(at))
}

/// Checks the config against the kind's table and builds the provider. All problems are told at once;
/// where one of them is an error there is no provider.
pub fn build(kind: &Kind, setup: &Setup<'_>, lenient: bool, problems: &mut Problems) -> Option<Arc<dyn Provider>> {
    let errors = problems.errors();
    check(kind, setup.config, lenient, problems);
    let provider = (kind.build)(setup, problems);
    provider.filter(|_| problems.errors() == errors)
}

/// Checks parameters that a prompt or a test sets over the provider's.
pub fn check_parameters(parameters: &Map<String, Value>, at: &Span, lenient: bool, problems: &mut Problems) {
    for (name, value) in parameters {
        let key = openai::CHAT.config.keys.iter().find(|key| key.name == name && PARAMETERS.contains(&key.name));
        let Some(key) = key else {
            let message = format!("unknown parameter `{name}`");
            let problem = if lenient { Problem::warning(message) } else { Problem::error(message) };
            let hint = did_you_mean(name, PARAMETERS.iter().copied())
                .unwrap_or_else(|| "put what only your server understands under `passthrough`".into());
            problems.push(problem.at(at).hint(hint));
            continue;
        };
        let node = Node::from_json(value, at.source());
        let node = Node { span: at.clone(), kind: node.kind };
        yaml::check(&node, &key.shape, key.name, lenient, problems);
    }
}

fn check(kind: &Kind, config: &Node, lenient: bool, problems: &mut Problems) {
    if config.is_null() {
        return;
    }
    if kind.config.keys.is_empty() {
        if !config.entries().is_empty() {
            let message = format!("`config` is ignored: the provider `{}` has nothing to configure", kind.name);
            problems.push(Problem::warning(message).at(&config.span));
        }
        return;
    }
    yaml::check(config, &Shape::Object(kind.config), "config", lenient, problems);
}

#[cfg(test)]
mod bench;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Source;

    #[test]
    fn finds_kinds_and_explains_the_rest() {
        let span = Source::new("c.yaml", "x").span();
        for (id, expected) in [
            ("openai:chat:gpt-4o", "openai / chat:gpt-4o"),
            ("echo", "echo / "),
            ("mock:ft:x", "mock / ft:x"),
            ("mock:embedding", "mock:embedding / "),
            ("openai:embedding:a:b", "openai:embedding / a:b"),
            ("openai:embeddings:a", "openai:embedding / a"),
            ("openai:embedder", "openai / embedder"),
            ("huggingface:text-classification:a/b", "huggingface:text-classification / a/b"),
            ("hf:feature-extraction:a/b", "huggingface:feature-extraction / a/b"),
            (
                "hf:token-classification:a/b",
                "`hf:token-classification` is not supported: this version speaks text-classification and \
                 feature-extraction only | for labels of a whole text write `huggingface:text-classification:MODEL`",
            ),
            (
                "huggingface:chat:a/b",
                "`huggingface:chat` is not supported: this version speaks text-classification and \
                 feature-extraction only | write `openai:a/b` with `apiBaseUrl: https://router.huggingface.co/v1` \
                 and `apiKeyEnvar: HF_TOKEN` in its config",
            ),
            (
                "huggingface:text-clasification:a",
                "`huggingface:text-clasification` is not supported: this version speaks text-classification and \
                 feature-extraction only | did you mean `huggingface:text-classification`?",
            ),
            ("hugingface:x", "unknown provider `hugingface:x` | did you mean `huggingface:x`?"),
            ("opnai:gpt-4o", "unknown provider `opnai:gpt-4o` | did you mean `openai:gpt-4o`?"),
            ("gpt-4o", "unknown provider `gpt-4o` | did you mean `openai:gpt-4o`?"),
            (
                "anthropic:messages:claude",
                "this version has no provider `anthropic` | any OpenAI-compatible endpoint works: write \
                 `openai:MODEL` and set `apiBaseUrl` in its config",
            ),
            (
                "file://p.py",
                "this version has no provider `file` | own code cannot answer yet; put it behind an \
                 OpenAI-compatible endpoint and use `openai:MODEL` with `apiBaseUrl`",
            ),
            ("weather", "unknown provider `weather` | known are openai, huggingface, echo, mock"),
        ] {
            let shown = match find(id, &span) {
                Ok((kind, rest)) => format!("{} / {rest}", kind.name),
                Err(p) => format!("{} | {}", p.message, p.hint.unwrap_or_default()),
            };
            assert_eq!(shown, expected);
        }
    }

    #[test]
    fn every_example_builds() {
        for kind in KINDS {
            for example in kind.examples {
                let node = yaml::parse(&Source::new("example", *example)).unwrap();
                let entry = node.items().first().unwrap_or(&node);
                let id = entry.as_str().or_else(|| entry.get("id")?.as_str()).unwrap();
                let built = bench::build_node(
                    id,
                    entry.get("config"),
                    &[("OPENAI_API_KEY", "sk-example"), ("HF_TOKEN", "hf-example")],
                );
                assert_eq!(built.err(), None, "{example}");
            }
        }
    }

    #[test]
    fn tells_all_problems_at_once() {
        let problems = bench::build("openai:responses:o3", "{temprature: 1, max_tokens: 0}", &[]).err().unwrap();
        insta::assert_snapshot!(problems.join("\n"), @r#"
        temprature: unknown key `temprature` in the openai provider's config | did you mean `temperature`?
        0: `max_tokens` must be a whole number from 1, found `0`
        openai:responses:o3: `openai:responses` is not supported: this version speaks chat, embedding and moderation only | write `openai:chat:o3`
        openai:responses:o3: `openai:responses:o3` needs a key, and OPENAI_API_KEY is not set | export OPENAI_API_KEY=…, put it into .env, or set apiBaseUrl to another server
        "#);
    }

    #[test]
    fn a_config_without_use_is_a_warning() {
        assert!(bench::build("echo", "{temperature: 1}", &[]).is_ok());
    }
}
