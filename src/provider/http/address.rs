//! Addresses, and the secrets that may stand in them.

use base64::Engine as _;
use reqwest::Url;

use crate::env::{Env, sounds_secret};

/// Hides the secrets of an address: its login, and query values that by their names are secrets.
pub(in crate::provider) fn hide_secrets(url: &Url, env: &Env) {
    hide_login(url, env);
    let pairs = url.query().into_iter().flat_map(|query| query.split('&'));
    for (_, value) in pairs.filter(|pair| is_secret(pair)).filter_map(|pair| pair.split_once('=')) {
        env.hide(value);
        env.hide(&decoded(value));
    }
}

/// A key may stand in the URL: as the password, or as a user without one.
fn hide_login(url: &Url, env: &Env) {
    let secret = url.password().unwrap_or_else(|| url.username());
    if secret.is_empty() {
        return;
    }
    let (user, password) = (decoded(url.username()), decoded(url.password().unwrap_or_default()));
    env.hide(secret);
    env.hide(&decoded(secret));
    // The form in which it travels, should the server echo it.
    env.hide(&base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")));
}

/// The address for people: without login and secret query values.
pub(in crate::provider) fn open_address(url: &Url) -> String {
    let mut open = url.clone();
    // These fail only for addresses that cannot have a login in the first place.
    let _ = open.set_username("").and_then(|()| open.set_password(None));
    let pairs = url.query().map_or_else(Vec::new, |query| query.split('&').collect());
    let (secret, plain): (Vec<&str>, Vec<&str>) = pairs.into_iter().partition(|pair| is_secret(pair));
    if !secret.is_empty() {
        open.set_query((!plain.is_empty()).then(|| plain.join("&")).as_deref());
    }
    open.into()
}

/// A part of an address as it is written, without its `%` escapes.
fn decoded(text: &str) -> String {
    let pair = format!("x={}", text.replace('+', "%2B").replace('&', "%26"));
    let url = Url::parse(&format!("http://x/?{pair}")).ok();
    url.and_then(|url| Some(url.query_pairs().next()?.1.into_owned())).unwrap_or_else(|| text.to_owned())
}

fn is_secret(pair: &str) -> bool {
    sounds_secret(&decoded(pair.split_once('=').map_or(pair, |(name, _)| name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Clock;

    #[test]
    fn only_what_is_secret_leaves_an_address() {
        for (url, expected, hidden) in [
            ("http://h/v1?deployment=a&api_key=ab%2Fcdef", "http://h/v1?deployment=a", &["ab%2Fcdef", "ab/cdef"][..]),
            ("http://h/v1?token=s3cret1&token=s3cret2", "http://h/v1", &["s3cret1", "s3cret2"]),
            ("http://me:c2VjcmV0cw%3D%3D@h/v1", "http://h/v1", &["c2VjcmV0cw==", "bWU6YzJWamNtVjBjdz09"]),
            ("http://h/v1?api-version=2", "http://h/v1?api-version=2", &[]),
        ] {
            let env = Env::new([].into(), Clock::fixed(0));
            let url = Url::parse(url).unwrap();
            hide_secrets(&url, &env);
            assert_eq!(open_address(&url), expected);
            for secret in hidden {
                assert_eq!(env.redactor.clean(secret), "[redacted]", "{secret}");
            }
        }
    }
}
