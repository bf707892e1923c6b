//! Where requests go, and with which key.

use base64::Engine as _;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::super::Setup;
use super::super::http::{hide_secrets, open_address};
use crate::diag::{Problem, Problems, Span};
use crate::env::{Env, sounds_secret};
use crate::yaml::{Entry, Node};

const DEFAULT_BASE: &str = "https://api.openai.com/v1";
const DEFAULT_KEY: &str = "OPENAI_API_KEY";

/// An address and the headers that go there.
pub(super) struct Endpoint {
    /// The address of chat completions, as it is asked.
    pub url: Url,
    /// The same without user, password and secret query values.
    pub shown: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The config's headers and the organization, since they may shape an answer: of secrets only a hash.
    pub open_headers: Map<String, Value>,
    /// Where the key came from, as a clause for people.
    pub key: String,
}

impl Endpoint {
    pub(super) fn new(setup: &Setup<'_>, problems: &mut Problems) -> Option<Self> {
        let base = base(setup).map_err(|p| problems.push(p)).ok();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let errors = problems.errors();
        let key = key(setup, &mut headers, problems);
        let told = problems.errors() > errors;
        let open_headers = further(setup, &mut headers, problems);
        let url = base?;
        let key = with_header(key, setup, &headers, &url);
        let key = key.or_else(|| unlocked(setup, &url, told, problems))?;
        let shown = open_address(&url);
        Some(Self { url, shown, headers, open_headers, key })
    }
}

/// The address, by the first source that names one.
fn base(setup: &Setup<'_>) -> Result<Url, Problem> {
    let config = |name| {
        let node = setup.config.get(name)?;
        Some((node.as_str()?.trim().to_owned(), &node.span)).filter(|(text, _)| !text.is_empty())
    };
    let env = |name| setup.env.get(name).map(|text| (text.trim().to_owned(), setup.at));
    let host = |(host, at): (String, _)| (of_host(&host), at);
    let (text, at) = config("apiBaseUrl")
        .or_else(|| config("apiHost").map(host))
        .or_else(|| env("OPENAI_BASE_URL"))
        .or_else(|| env("OPENAI_API_BASE_URL"))
        .or_else(|| env("OPENAI_API_HOST").map(host))
        .unwrap_or_else(|| (DEFAULT_BASE.to_owned(), setup.at));
    parse(&text, at, setup.env)
}

fn of_host(host: &str) -> String {
    let scheme = if host.contains("://") { "" } else { "https://" };
    format!("{scheme}{}/v1", host.trim_end_matches('/'))
}

fn parse(text: &str, at: &Span, env: &Env) -> Result<Url, Problem> {
    let wrong = |why: &str| {
        Problem::error(format!("`{text}` is no base URL: {why}")).at(at).hint("write it like http://127.0.0.1:8000/v1")
    };
    let mut url = Url::parse(text).map_err(|e| wrong(&e.to_string()))?;
    hide_secrets(&url, env);
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("it must begin with http:// or https://"));
    }
    if url.path().trim_end_matches('/').ends_with("/chat/completions") {
        return Err(wrong("leave /chat/completions out, it is added"));
    }
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["chat", "completions"]);
    }
    Ok(url)
}

/// Sets the `authorization` header and says where the key came from, where there is one.
fn key(setup: &Setup<'_>, headers: &mut HeaderMap, problems: &mut Problems) -> Option<String> {
    let (key, from, at) = find_key(setup, problems)?;
    let secret = setup.env.hide(key.trim());
    let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {}", secret.reveal())) else {
        let message = format!("the key of {from} has characters that no HTTP header can hold");
        problems.push(Problem::error(message).at(&at).hint("is it cut, or are there quotes or line breaks in it?"));
        return None;
    };
    value.set_sensitive(true);
    headers.insert(AUTHORIZATION, value);
    Some(format!("the key came from {from}"))
}

/// The key, where it came from and where that stands.
fn find_key(setup: &Setup<'_>, problems: &mut Problems) -> Option<(String, String, Span)> {
    if let Some(node) = setup.config.get("apiKey") {
        let text = scalar(node);
        if !text.trim().is_empty() {
            return Some((text, "apiKey in the config".to_owned(), node.span.clone()));
        }
    }
    let Some(node) = setup.config.get("apiKeyEnvar") else {
        return setup.env.get(DEFAULT_KEY).map(|k| (k.to_owned(), DEFAULT_KEY.to_owned(), setup.at.clone()));
    };
    let name = node.as_str()?;
    let key = setup.env.get(name).map(|k| (k.to_owned(), name.to_owned(), node.span.clone()));
    if key.is_none() && !setup.offline {
        let message = format!("the variable `{name}` is not set, and apiKeyEnvar says that it holds the key");
        problems.push(Problem::error(message).at(&node.span).hint(format!("export {name}=…, or put it into .env")));
    }
    key
}

fn scalar(node: &Node) -> String {
    node.as_str().map_or_else(|| node.to_json().to_string(), str::to_owned)
}

/// Sets `organization` and `headers`, which may replace any other; gives those that are no secrets.
fn further(setup: &Setup<'_>, headers: &mut HeaderMap, problems: &mut Problems) -> Map<String, Value> {
    let mut open = Map::new();
    let organization = setup.config.get("organization").map(scalar);
    let organization = organization.or_else(|| setup.env.get("OPENAI_ORGANIZATION").map(str::to_owned));
    if let Some(name) = organization.filter(|o| !o.is_empty()) {
        match HeaderValue::from_str(&name) {
            Ok(value) => {
                open.insert("openai-organization".to_owned(), Value::from(name.as_str()));
                headers.insert("openai-organization", value);
            }
            Err(_) => problems
                .push(Problem::error(format!("the organization `{name}` cannot stand in an HTTP header")).at(setup.at)),
        }
    }
    for entry in setup.config.get("headers").map_or(&[][..], Node::entries) {
        match header(entry, setup.env) {
            Ok((name, value)) => {
                let text = scalar(&entry.value);
                let shown = if value.is_sensitive() { hashed(name.as_str(), &text) } else { Some(text) };
                open.extend(shown.map(|text| (name.to_string(), Value::String(text))));
                headers.insert(name, value);
            }
            Err(problem) => problems.push(problem),
        }
    }
    open
}

/// What a secret header says to the identity. A gateway may choose the model by a key of its own; the
/// usual names of keys only open the door, and a new key opens it to the same answers.
fn hashed(name: &str, text: &str) -> Option<String> {
    let opens = ["authorization", "api-key", "x-api-key", "cookie"].contains(&name);
    (!opens).then(|| format!("sha256:{}", base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text))))
}

fn header(entry: &Entry, env: &Env) -> Result<(HeaderName, HeaderValue), Problem> {
    let name: HeaderName = entry
        .key
        .parse()
        .map_err(|_| Problem::error(format!("`{}` is no name of an HTTP header", entry.key)).at(&entry.at))?;
    let text = scalar(&entry.value);
    let secret = sounds_secret(name.as_str());
    if secret {
        env.hide(&text);
        // A server may repeat the key without the `Bearer` before it.
        if let Some((_, key)) = text.split_once(' ') {
            env.hide(key);
        }
    }
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        Problem::error(format!("the value of the header `{name}` has characters that no HTTP header can hold"))
            .at(&entry.value.span)
    })?;
    value.set_sensitive(secret);
    Ok((name, value))
}

/// The clause about the key, headers of the config considered.
fn with_header(key: Option<String>, setup: &Setup<'_>, headers: &HeaderMap, url: &Url) -> Option<String> {
    let own = setup.config.get("headers").map_or(&[][..], Node::entries);
    if let Some(entry) = own.iter().find(|e| sounds_secret(&e.key) && headers.contains_key(&e.key)) {
        return Some(format!("the key came from the header `{}` in the config", entry.key));
    }
    let in_url = !url.username().is_empty() || url.password().is_some();
    key.or_else(|| in_url.then(|| "the login came from the URL".to_owned()))
}

/// No key at all: a problem at OpenAI's own address (unless it was `told` already), usual elsewhere.
fn unlocked(setup: &Setup<'_>, url: &Url, told: bool, problems: &mut Problems) -> Option<String> {
    if url.host_str() != Some("api.openai.com") || setup.offline {
        return Some(format!("no key was sent ({DEFAULT_KEY} is not set)"));
    }
    if !told {
        let message = format!("`{}` needs a key, and {DEFAULT_KEY} is not set", setup.id);
        let hint = format!("export {DEFAULT_KEY}=…, put it into .env, or set apiBaseUrl to another server");
        problems.push(Problem::error(message).at(setup.at).hint(hint));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_only_open_the_door_are_no_part_of_what_answers() {
        assert_eq!([hashed("authorization", "a"), hashed("x-api-key", "a")], [None, None]);
        assert_ne!(hashed("x-portkey-virtual-key", "a"), hashed("x-portkey-virtual-key", "b"));
    }
}
