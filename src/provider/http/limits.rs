//! What the headers of an answer say about rate limits.

use reqwest::header::HeaderMap;

use super::super::{Limits, Window};
use super::wait::spelt;

/// OpenAI's `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`; nothing where none of them helps.
pub(in crate::provider) fn limits(headers: &HeaderMap) -> Option<Limits> {
    let found = Limits { requests: window(headers, "requests"), tokens: window(headers, "tokens") };
    (found != Limits::default()).then_some(found)
}

/// A limit without what remains of it says nothing that anybody could act on.
fn window(headers: &HeaderMap, what: &str) -> Option<Window> {
    let get = |part: &str| headers.get(format!("x-ratelimit-{part}-{what}"))?.to_str().ok().map(str::trim);
    Some(Window {
        limit: get("limit").and_then(number),
        remaining: get("remaining").and_then(number)?,
        reset: get("reset").and_then(spelt),
    })
}

/// Some servers write -1 where there is no limit, so that a negative number is none.
fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|n: &f64| n.is_finite() && *n >= 0.0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Option<Limits> {
        let header = |(name, value): &(&str, &str)| {
            let name: HeaderName = format!("x-ratelimit-{name}").parse().unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        };
        limits(&pairs.iter().map(header).collect())
    }

    #[test]
    fn reads_what_is_there() {
        let window = |limit, remaining, millis: Option<u64>| {
            Some(Window { limit, remaining, reset: millis.map(Duration::from_millis) })
        };
        let requests = |window| Some(Limits { requests: window, tokens: None });
        for (headers, expected) in [
            (&[][..], None),
            (&[("limit-requests", "60"), ("reset-requests", "1s")], None),
            (&[("remaining-requests", "soon")], None),
            (&[("remaining-requests", "-1")], None),
            (&[("remaining-requests", "inf")], None),
            (&[("remaining-requests", " 7 ")], requests(window(None, 7.0, None))),
            (
                &[("limit-requests", "60"), ("remaining-requests", "0"), ("reset-requests", "1m0.5s")],
                requests(window(Some(60.0), 0.0, Some(60_500))),
            ),
            (
                &[("limit-requests", "many"), ("remaining-requests", "1"), ("reset-requests", "later")],
                requests(window(None, 1.0, None)),
            ),
            (
                &[("remaining-requests", "1"), ("limit-tokens", "1e5"), ("remaining-tokens", "99.5")],
                Some(Limits { requests: window(None, 1.0, None), tokens: window(Some(1e5), 99.5, None) }),
            ),
        ] {
            assert_eq!(read(headers), expected, "{headers:?}");
        }
    }
}
