//! How long a server asks to wait.

use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;

/// The wait that the headers of an answer ask for: `retry-after-ms`, `Retry-After` (seconds or an HTTP
/// date, RFC 9110 §10.2.3), and for a 429 without either the time until a used-up limit is refilled.
pub(super) fn asked(headers: &HeaderMap, status: u16, now: SystemTime) -> Option<Duration> {
    let get = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let millis = || seconds(get("retry-after-ms")?, 0.001);
    let after = || {
        let text = get("retry-after")?;
        seconds(text, 1.0).or_else(|| date(text, now))
    };
    let refill = || {
        let limits = ["requests", "tokens"].into_iter();
        let used_up = limits.filter(|l| {
            let left = get(&format!("x-ratelimit-remaining-{l}"));
            left.and_then(|n| n.parse::<f64>().ok()).is_none_or(|n| n <= 0.0)
        });
        used_up.filter_map(|l| spelt(get(&format!("x-ratelimit-reset-{l}"))?)).max()
    };
    millis().or_else(after).or_else(|| if status == 429 { refill() } else { None })
}

fn seconds(text: &str, unit: f64) -> Option<Duration> {
    let number: f64 = text.parse().ok()?;
    Duration::try_from_secs_f64(number * unit).ok()
}

fn date(text: &str, now: SystemTime) -> Option<Duration> {
    let at = httpdate::parse_http_date(text).ok()?;
    Some(at.duration_since(now).unwrap_or(Duration::ZERO))
}

/// `2s`, `6m0s`, `3.96s`, `120ms`; a bare number is seconds.
pub(super) fn spelt(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let (word, tail) = tail.split_at(tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len()));
        let unit = match word {
            "ms" => 0.001,
            "s" | "" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        sum = sum.checked_add(seconds(number, unit)?)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn wait(status: u16, pairs: &[(&str, &str)]) -> Option<u128> {
        let headers =
            pairs.iter().map(|(k, v)| (k.parse::<HeaderName>().unwrap(), HeaderValue::from_str(v).unwrap())).collect();
        // 2026-11-22T09:00:00Z, a Sunday.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_338_000);
        asked(&headers, status, now).map(|d| d.as_millis())
    }

    #[test]
    fn reads_every_form() {
        for (status, headers, expected) in [
            (429, &[("retry-after", "3")][..], Some(3_000)),
            (503, &[("retry-after", "0.5")], Some(500)),
            (429, &[("retry-after", "Sun, 22 Nov 2026 09:00:07 GMT")], Some(7_000)),
            (429, &[("retry-after", "Sun, 22 Nov 2026 08:00:00 GMT")], Some(0)),
            (429, &[("retry-after", "soon")], None),
            (429, &[("retry-after", "-1")], None),
            (429, &[("retry-after", "1e300")], None),
            (429, &[("retry-after-ms", "250"), ("retry-after", "1")], Some(250)),
            (429, &[("x-ratelimit-reset-requests", "6m0s")], Some(360_000)),
            (429, &[("x-ratelimit-reset-tokens", "3.96s")], Some(3_960)),
            (429, &[("x-ratelimit-reset-tokens", "120ms"), ("x-ratelimit-reset-requests", "2s")], Some(2_000)),
            (
                429,
                &[
                    ("x-ratelimit-remaining-requests", "99"),
                    ("x-ratelimit-reset-requests", "6m0s"),
                    ("x-ratelimit-remaining-tokens", "0"),
                    ("x-ratelimit-reset-tokens", "1h1m"),
                ],
                Some(3_660_000),
            ),
            (429, &[("x-ratelimit-reset-tokens", "7")], Some(7_000)),
            (429, &[("x-ratelimit-reset-tokens", "x")], None),
            (503, &[("x-ratelimit-reset-tokens", "2s")], None),
            (429, &[], None),
        ] {
            assert_eq!(wait(status, headers), expected, "{status} {headers:?}");
        }
    }
}
