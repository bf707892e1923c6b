//! What an HTTP status other than success means.

use std::time::SystemTime;

use reqwest::header::{HeaderMap, LOCATION};

use super::{wait, words};
use crate::record::{CallFailure, Reason};

/// Codes of a 503 that no waiting mends: the server was told to answer nothing else.
const PERMANENT: &[&str] = &["no_fixture_match"];

/// The class of a status, given the codes in the body.
pub(in crate::provider) fn reason<T: AsRef<str>>(status: u16, codes: &[T]) -> Reason {
    let has = |test: &dyn Fn(&str) -> bool| codes.iter().any(|c| test(c.as_ref()));
    if has(&|c| c == "insufficient_quota" || c.starts_with("billing_")) {
        return Reason::Quota;
    }
    let permanent = matches!(status, 501 | 505) || status == 503 && has(&|c| PERMANENT.contains(&c));
    match status {
        401 | 403 => Reason::Auth,
        402 => Reason::Quota,
        429 => Reason::RateLimit,
        408 | 409 | 425 | 500.. if !permanent => Reason::Server,
        _ => Reason::Rejected,
    }
}

/// An answer that is no success.
pub(in crate::provider) struct Refusal<'a> {
    /// The status.
    pub status: u16,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body (or the beginning of it), without secrets.
    pub body: &'a str,
    /// The address for people.
    pub shown: &'a str,
    /// The config key that names it.
    pub setting: &'a str,
    /// Where the key came from, as a clause: `the key came from OPENAI_API_KEY`.
    pub key: &'a str,
    /// The time, for dates in headers.
    pub now: SystemTime,
}

impl Refusal<'_> {
    /// The refusal as a failure of its class.
    pub(in crate::provider) fn failure(&self) -> CallFailure {
        let said = words::read(self.body);
        let reason = reason(self.status, &said.codes);
        let mut message = format!("{} from {}", self.status, self.shown);
        if !said.message.is_empty() {
            message = format!("{message}: {}", said.message.trim_end_matches('.'));
        }
        if reason == Reason::Auth {
            message = format!("{message}; {}", self.key);
        }
        CallFailure {
            status: Some(self.status),
            hint: self.advice(reason),
            retry_after: wait::asked(self.headers, self.status, self.now),
            ..CallFailure::new(reason, message)
        }
    }

    fn advice(&self, reason: Reason) -> Option<String> {
        if (300..400).contains(&self.status) {
            let to = self.headers.get(LOCATION).and_then(|v| v.to_str().ok()).unwrap_or("another address");
            return Some(format!("the server points to {to}; redirects are not followed: check {}", self.setting));
        }
        let advice = match reason {
            Reason::Auth => "check that the key is whole and may use this model",
            Reason::Quota => "the account has no credit: add some, or use another key",
            Reason::RateLimit => "ask slower: lower max_concurrency for this provider",
            Reason::Rejected if matches!(self.status, 404 | 405) => {
                return Some(format!("check {} and the model's name", self.setting));
            }
            _ => return None,
        };
        Some(advice.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        use Reason::{Auth, Quota, RateLimit, Rejected, Server};
        for (status, code, expected) in [
            (401, "", Auth),
            (403, "", Auth),
            (402, "", Quota),
            (429, "", RateLimit),
            (429, "insufficient_quota", Quota),
            (403, "billing_hard_limit_reached", Quota),
            (408, "", Server),
            (409, "", Server),
            (425, "", Server),
            (500, "", Server),
            (502, "", Server),
            (503, "", Server),
            (504, "", Server),
            (529, "", Server),
            (503, "no_fixture_match", Rejected),
            (501, "", Rejected),
            (505, "", Rejected),
            (400, "", Rejected),
            (404, "", Rejected),
            (422, "", Rejected),
            (307, "", Rejected),
        ] {
            assert_eq!(reason(status, &[code]), expected, "{status} {code}");
        }
    }

    #[test]
    fn messages_name_status_place_and_words() {
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, "https://there/v1".parse().unwrap());
        let of = |status, body| {
            let failure = Refusal {
                status,
                headers: &headers,
                body,
                shown: "http://here/v1",
                setting: "apiBaseUrl",
                key: "no key was sent",
                now: SystemTime::UNIX_EPOCH,
            };
            let failure = failure.failure();
            format!("{} | {}", failure.message, failure.hint.unwrap_or_default())
        };
        insta::assert_snapshot!(of(401, r#"{"error":{"message":"Incorrect API key."}}"#), @"401 from http://here/v1: Incorrect API key; no key was sent | check that the key is whole and may use this model");
        insta::assert_snapshot!(of(308, ""), @"308 from http://here/v1 | the server points to https://there/v1; redirects are not followed: check apiBaseUrl");
        insta::assert_snapshot!(of(404, "nothing here"), @"404 from http://here/v1: nothing here | check apiBaseUrl and the model's name");
    }
}
