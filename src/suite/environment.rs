//! `env` in configs: `{{ env.NAME }}` in any text of a config file is filled in while it is loaded.
//!
//! Files that a config includes (providers, mock rules, `defaultTest`) are filled in as well. Datasets
//! are not configs: a row's text is data and never sees the environment.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value};

use crate::diag::{Problem, Problems};
use crate::env::{Env, sounds_secret};
use crate::template::{Scope, Template, print};
use crate::yaml::{Kind, Node};

#[expect(clippy::unwrap_used, reason = "a constant pattern, used by the tests below")]
static TAG: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"\{\{-?\s*env(?:\.(\w+)|\[\s*['"]([^'"]+)['"]\s*\])([^{}]*?)-?\}\}"#).unwrap());

/// Most texts have none, and compiling the pattern for them takes longer than a small run.
fn may_have_tag(text: &str) -> bool {
    text.contains("{{") && text.contains("env")
}

/// The environment with the config's own `env` over it.
pub(super) fn of(root: &Node, env: &Env, problems: &mut Problems) -> Env {
    let Some(node) = root.get("env") else { return env.clone() };
    let mut over = Vec::new();
    for entry in node.entries() {
        let mut text = String::new();
        print(&entry.value.to_json(), &mut text);
        over.push((entry.key.clone(), filled(&text, env, &entry.value, problems).unwrap_or(text)));
    }
    env.with(over)
}

/// Learns the secrets that stand in a config in plain, so that no message can quote them.
pub(super) fn learn_secrets(node: &Node, env: &Env) {
    for entry in node.entries() {
        match entry.value.as_str() {
            Some(text) if sounds_secret(&entry.key) && !text.contains("{{") => env.redactor.learn(text),
            _ => learn_secrets(&entry.value, env),
        }
    }
    node.items().iter().for_each(|item| learn_secrets(item, env));
}

/// Refuses `{{ env.NAME }}` of variables that are not set: a literal template is no key and no address.
pub(super) fn refuse_unset(node: &Node, problems: &mut Problems) {
    if let Some(tag) = node.as_str().filter(|text| may_have_tag(text)).and_then(|text| TAG.captures(text)) {
        let name = tag.get(1).or(tag.get(2)).map_or("", |m| m.as_str());
        problems.push(
            Problem::error(format!("the environment variable `{name}` is not set"))
                .at(&node.span)
                .hint(format!("set {name}, or write {{{{ env.{name} | default('…') }}}}")),
        );
    }
    node.items().iter().for_each(|item| refuse_unset(item, problems));
    node.entries().iter().for_each(|entry| refuse_unset(&entry.value, problems));
}

/// Fills in `{{ env.NAME }}` in every text.
pub(super) fn fill(node: &mut Node, env: &Env, problems: &mut Problems) {
    match &mut node.kind {
        Kind::Str(text) if text.contains("{{") => {
            let text = text.clone();
            if let Some(new) = filled(&text, env, node, problems) {
                node.kind = Kind::Str(new);
            }
        }
        Kind::Seq(items) => items.iter_mut().for_each(|n| fill(n, env, problems)),
        Kind::Map(entries) => entries.iter_mut().for_each(|e| fill(&mut e.value, env, problems)),
        _ => {}
    }
}

/// An unset variable without a filter stays as it is written.
fn filled(text: &str, env: &Env, node: &Node, problems: &mut Problems) -> Option<String> {
    if !may_have_tag(text) || !TAG.is_match(text) {
        return None;
    }
    let new = TAG.replace_all(text, |tag: &Captures<'_>| {
        let name = tag.get(1).or(tag.get(2)).map_or("", |m| m.as_str());
        let filter = tag.get(3).map_or("", |m| m.as_str()).trim();
        if filter.is_empty() {
            return env.get(name).map_or_else(|| tag[0].to_owned(), str::to_owned);
        }
        render(&tag[0], env).unwrap_or_else(|message| {
            problems.push(Problem::error(message).at(&node.span));
            String::new()
        })
    });
    Some(new.into_owned())
}

fn render(tag: &str, env: &Env) -> Result<String, String> {
    let scope = Scope::new(&Map::new()).with("env", for_prompts(env).into());
    Template::new(tag).and_then(|t| t.render(&scope)).map_err(|e| e.to_string())
}

/// The environment as a map for prompt templates.
pub(super) fn for_prompts(env: &Env) -> Map<String, Value> {
    env.vars().iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect()
}
