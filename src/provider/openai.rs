//! OpenAI, and every server that speaks the same protocol: what its tasks have in common.
//!
//! The wire is promptfoo's, so that a suite gets the same answers here.

mod chat;
mod cost;
mod embedding;
mod moderation;

pub(super) use chat::KIND as CHAT;
pub use chat::PARAMETERS;
pub(super) use embedding::KIND as EMBEDDING;
pub(super) use moderation::KIND as MODERATION;

use reqwest::Url;

use super::Setup;
use super::service::{API_KEY, Door, address, scalar};
use crate::diag::{Problem, Problems, Span};
use crate::yaml::{Key, Shape};

const DEFAULT_BASE: &str = "https://api.openai.com/v1";

const BASE_URL: &str = "apiBaseUrl";
const HOST: &str = "apiHost";

/// Config keys of every task: who is asked, and who asks.
const ADDRESS: &[Key] = &[
    Key::new(BASE_URL, Shape::Text, "base URL, such as http://127.0.0.1:8000/v1; before apiHost and OPENAI_BASE_URL"),
    Key::new(HOST, Shape::Text, "host alone: https://HOST/v1 is asked"),
    API_KEY,
    Key::new("apiKeyEnvar", Shape::Text, "the variable that holds the key, instead of OPENAI_API_KEY"),
    Key::new("organization", Shape::Scalar, "sent as openai-organization; else OPENAI_ORGANIZATION"),
];

const USER: Key = Key::new("user", Shape::Scalar, "the end user's id");

/// One of the API's tasks.
struct Task {
    /// What ids look like, up to the model.
    id: &'static str,
    /// A model that can do it.
    example: &'static str,
    /// Where it is, below the base URL.
    path: &'static [&'static str],
    /// What may be wrong where the answer is not what was asked for.
    hint: &'static str,
}

impl Task {
    /// The door to it, with the key, by the config and the environment.
    fn door(&self, setup: &Setup<'_>, problems: &mut Problems) -> Door {
        let organization = setup.config.get("organization").map(scalar);
        let organization = organization.or_else(|| setup.env.get("OPENAI_ORGANIZATION").map(str::to_owned));
        Door {
            url: self.url(setup).map_err(|p| problems.push(p)).ok(),
            setting: BASE_URL,
            key: "OPENAI_API_KEY",
            old_key: None,
            locked: "api.openai.com",
            organization: organization.filter(|o| !o.is_empty()).map(|o| ("openai-organization", o)),
            hint: self.hint,
        }
    }

    /// The address, by the first source that names one.
    fn url(&self, setup: &Setup<'_>) -> Result<Url, Problem> {
        let config = |name| {
            let node = setup.config.get(name)?;
            Some((node.as_str()?.trim().to_owned(), &node.span)).filter(|(text, _)| !text.is_empty())
        };
        let env = |name| setup.env.get(name).map(|text| (text.trim().to_owned(), setup.at));
        let host = |(host, at): (String, _)| (of_host(&host), at);
        let (text, at) = config(BASE_URL)
            .or_else(|| config(HOST).map(host))
            .or_else(|| env("OPENAI_BASE_URL"))
            .or_else(|| env("OPENAI_API_BASE_URL"))
            .or_else(|| env("OPENAI_API_HOST").map(host))
            .unwrap_or_else(|| (DEFAULT_BASE.to_owned(), setup.at));
        self.below(&text, at, setup)
    }

    /// The task's address below a base URL.
    fn below(&self, base: &str, at: &Span, setup: &Setup<'_>) -> Result<Url, Problem> {
        let wrong = |why: &str| {
            Problem::error(format!("`{base}` is no base URL: {why}"))
                .at(at)
                .hint("write it like http://127.0.0.1:8000/v1")
        };
        let mut url = address(base, setup.env).map_err(|why| wrong(&why))?;
        let tail = format!("/{}", self.path.join("/"));
        if url.path().trim_end_matches('/').ends_with(&tail) {
            return Err(wrong(&format!("leave {tail} out, it is added")));
        }
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(self.path);
        }
        Ok(url)
    }

    /// A model, which must be named.
    fn named<'a>(&self, model: &'a str, setup: &Setup<'_>) -> Result<&'a str, Problem> {
        if model.is_empty() {
            let problem = Problem::error(format!("`{}` names no model", setup.id));
            return Err(problem.hint(format!("write `{}:{}`", self.id, self.example)));
        }
        Ok(model)
    }
}

fn of_host(host: &str) -> String {
    let scheme = if host.contains("://") { "" } else { "https://" };
    format!("{scheme}{}/v1", host.trim_end_matches('/'))
}

#[cfg(test)]
mod tests;
