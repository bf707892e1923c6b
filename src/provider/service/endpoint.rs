//! Where requests go, and with which key.

use base64::Engine as _;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::super::Setup;
use super::super::http::{hide_secrets, open_address};
use super::scalar;
use crate::diag::{Problem, Problems, Span};
use crate::env::{Env, sounds_secret};
use crate::yaml::{Entry, Node};

/// What tells the endpoints of one API from those of others.
pub(in crate::provider) struct Door {
    /// The address that is asked; nothing where the config names none, which was told then.
    pub url: Option<Url>,
    /// The config key that names it.
    pub setting: &'static str,
    /// The variable that holds the key.
    pub key: &'static str,
    /// The variable that held it once, and may still.
    pub old_key: Option<&'static str>,
    /// The host that answers nobody without a key.
    pub locked: &'static str,
    /// The organization that pays: its header and its name.
    pub organization: Option<(&'static str, String)>,
    /// What may be wrong where an answer is not what was asked for.
    pub hint: &'static str,
}

/// An address and the headers that go there.
pub(super) struct Endpoint {
    /// The address, as it is asked.
    pub url: Url,
    /// The same without user, password and secret query values.
    pub shown: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The config's headers and the organization, since they may shape an answer: of secrets only a hash.
    pub open_headers: Map<String, Value>,
    /// Where the key came from, as a clause for people.
    pub key: String,
    /// The config key that names the address.
    pub setting: &'static str,
    /// What may be wrong where an answer is not what was asked for.
    pub hint: &'static str,
}

impl Endpoint {
    /// Nothing where the door cannot be opened; all problems are told at once.
    pub(super) fn new(setup: &Setup<'_>, door: &Door, problems: &mut Problems) -> Option<Self> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let errors = problems.errors();
        let key = key(setup, door, &mut headers, problems);
        let told = problems.errors() > errors;
        let open_headers = further(setup, door, &mut headers, problems);
        let url = door.url.as_ref()?;
        let key = with_header(key, setup, &headers, url);
        let key = key.or_else(|| unlocked(setup, door, url, told, problems))?;
        let shown = open_address(url);
        Some(Self { url: url.clone(), shown, headers, open_headers, key, setting: door.setting, hint: door.hint })
    }
}

/// An address of HTTP. A login in it is a secret from here on.
///
/// # Errors
/// Why the text is none.
pub(in crate::provider) fn address(text: &str, env: &Env) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|e| e.to_string())?;
    hide_secrets(&url, env);
    if !matches!(url.scheme(), "http" | "https") {
        return Err("it must begin with http:// or https://".to_owned());
    }
    Ok(url)
}

/// Sets the `authorization` header and says where the key came from, where there is one.
fn key(setup: &Setup<'_>, door: &Door, headers: &mut HeaderMap, problems: &mut Problems) -> Option<String> {
    let (key, from, at) = find_key(setup, door, problems)?;
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
fn find_key(setup: &Setup<'_>, door: &Door, problems: &mut Problems) -> Option<(String, String, Span)> {
    if let Some(node) = setup.config.get("apiKey") {
        let text = scalar(node);
        if !text.trim().is_empty() {
            return Some((text, "apiKey in the config".to_owned(), node.span.clone()));
        }
    }
    let Some(node) = setup.config.get("apiKeyEnvar") else {
        let usual = |name: &str| Some((setup.env.get(name)?.to_owned(), name.to_owned(), setup.at.clone()));
        return usual(door.key).or_else(|| usual(door.old_key?));
    };
    let name = node.as_str()?;
    let key = setup.env.get(name).map(|k| (k.to_owned(), name.to_owned(), node.span.clone()));
    if key.is_none() && !setup.offline {
        let message = format!("the variable `{name}` is not set, and apiKeyEnvar says that it holds the key");
        problems.push(Problem::error(message).at(&node.span).hint(format!("export {name}=…, or put it into .env")));
    }
    key
}

/// Sets `organization` and `headers`, which may replace any other; gives those that are no secrets.
fn further(setup: &Setup<'_>, door: &Door, headers: &mut HeaderMap, problems: &mut Problems) -> Map<String, Value> {
    let mut open = Map::new();
    if let Some((header, name)) = &door.organization {
        match HeaderValue::from_str(name) {
            Ok(value) => {
                open.insert((*header).to_owned(), Value::from(name.as_str()));
                headers.insert(*header, value);
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

/// No key at all: a problem at the API's own address (unless it was `told` already), usual elsewhere.
fn unlocked(setup: &Setup<'_>, door: &Door, url: &Url, told: bool, problems: &mut Problems) -> Option<String> {
    let variable = door.key;
    if url.host_str() != Some(door.locked) || setup.offline {
        return Some(format!("no key was sent ({variable} is not set)"));
    }
    if !told {
        let message = format!("`{}` needs a key, and {variable} is not set", setup.id);
        let hint = format!("export {variable}=…, put it into .env, or set {} to another server", door.setting);
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
