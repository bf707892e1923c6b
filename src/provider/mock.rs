//! The kind that answers by rules from the config: for tests, demonstrations and the pipeline's own proof.
//!
//! The first rule whose conditions all hold gives the answer, so answers depend on the prompt and the
//! vars alone; faults (`error` with `times`) also on how often the same prompt was asked in this
//! process.

mod answer;
mod condition;
mod config;
mod vector;

use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::{Value, json};

use self::answer::Answer;
use self::condition::Conditions;
use super::{Heard, Kind, Price, Provider, Setup};
use crate::diag::{Problem, Problems};
use crate::record::{CallFailure, Reason, Request, Response};
use crate::yaml::Node;

pub(super) static KIND: Kind = Kind {
    name: "mock",
    also: &[],
    about: "answers by rules from the config, without a network: words, structures, refusals, faults, delays",
    examples: &[
        "- id: mock\n  config: {default: {output: 'You said: {{prompt}}'}}",
        concat!(
            "- id: mock:support\n",
            "  config:\n",
            "    rules:\n",
            "      - {contains: refund, output: 'Sorry to hear that, {{name}}.'}\n",
            "      - {regex: '(?i)slow', error: {status: 503, times: 1}, output: at last}\n",
            "    default: {output: How can I help?}",
        ),
    ],
    config: &config::TABLE,
    build: |setup, problems| Some(Arc::new(Mock::new(setup, None, problems))),
};

pub(super) static EMBEDDING: Kind = Kind {
    name: "mock:embedding",
    also: &[],
    about: "answers with a vector of the text's words, without a network; its rules may say otherwise",
    examples: &[
        "- mock:embedding",
        "- id: mock:embedding\n  config: {rules: [{contains: slow, error: {status: 503, times: 1}, output: [1, 0]}]}",
    ],
    config: &config::TABLE,
    build: |setup, problems| Some(Arc::new(Mock::new(setup, Some(Answer::vector()), problems))),
};

struct Rule {
    conditions: Conditions,
    answer: Answer,
}

struct Mock {
    identity: Value,
    model: Option<String>,
    rules: Vec<Rule>,
    default: Option<Answer>,
    price: Option<Price>,
}

impl Mock {
    /// `usual` is the default answer where the config has none.
    fn new(setup: &Setup<'_>, usual: Option<Answer>, problems: &mut Problems) -> Self {
        let rules = setup.config.get("rules").map_or(&[][..], Node::items);
        let default = setup.config.get("default");
        if rules.is_empty() && default.is_none() && usual.is_none() {
            let message = format!("`{}` has nothing to answer with", setup.id);
            problems.push(Problem::error(message).at(setup.at).hint("give its config `rules` or a `default`"));
        }
        if let Some(entry) = default.and_then(|d| d.entries().iter().find(|e| condition::is_one(&e.key))) {
            let message = format!("the default answer has no conditions, found `{}`", entry.key);
            problems.push(Problem::error(message).at(&entry.at).hint("make it the last of the rules"));
        }
        let rules = rules
            .iter()
            .map(|node| Rule { conditions: Conditions::new(node, problems), answer: Answer::new(node, problems) });
        Self {
            identity: json!({"kind": "mock", "id": setup.id, "config": setup.config.to_json()}),
            model: Some(setup.rest).filter(|rest| !rest.is_empty()).map(str::to_owned),
            rules: rules.collect(),
            default: default.map(|node| Answer::new(node, problems)).or(usual),
            price: setup.price,
        }
    }

    async fn ask(&self, request: &Request) -> Result<Response, CallFailure> {
        let rule = self.rules.iter().find(|rule| rule.conditions.hold(request));
        let answer = rule.map(|rule| &rule.answer).or(self.default.as_ref()).ok_or_else(|| {
            CallFailure::new(Reason::Rejected, "no rule of the mock provider matches this prompt")
                .hint("add a rule for it, or a `default`, to the provider's config")
        })?;
        let response = answer.give(request, self.price).await?;
        Ok(Response { model: self.model.clone(), ..response })
    }
}

impl Provider for Mock {
    fn call<'a>(&'a self, request: &'a Request, _: Heard<'a>) -> BoxFuture<'a, Result<Response, CallFailure>> {
        Box::pin(self.ask(request))
    }

    fn is_local(&self) -> bool {
        true
    }

    fn identity(&self) -> &Value {
        &self.identity
    }

    fn price(&self) -> Option<Price> {
        Some(self.price.unwrap_or(Price::FREE))
    }
}

#[cfg(test)]
mod tests;
