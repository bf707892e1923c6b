//! Webhooks: servers of the user's that judge an answer.

use std::fmt;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::Timeouts;
use super::http::{self, Dial, Post, Reply};
use crate::env::Env;
use crate::record::{CallFailure, Reason};

/// promptfoo's variable, in milliseconds.
const LIMIT: &str = "WEBHOOK_TIMEOUT";
const USUAL_LIMIT: Duration = Duration::from_secs(5);
/// How many are asked at once: answers come faster than most such servers can take.
const AT_ONCE: usize = 16;

/// Asks webhooks, each question once.
pub struct Hook {
    env: Env,
    limit: Result<Duration, String>,
    places: Semaphore,
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}

impl Hook {
    /// One that asks as the environment says. Nothing is connected yet.
    pub fn new(env: &Env) -> Self {
        Self { env: env.clone(), limit: limit(env), places: Semaphore::new(AT_ONCE) }
    }

    /// Posts JSON and gives the JSON of the reply. `shown` is the address for people; the secrets in the
    /// address itself are hidden from now on.
    ///
    /// # Errors
    /// When there is no good reply in time.
    pub async fn ask(&self, url: &str, shown: &str, body: String) -> Result<Value, String> {
        let url = Url::parse(url).map_err(|error| format!("the webhook {shown} has no good address: {error}"))?;
        http::hide_secrets(&url, &self.env);
        let limit = self.limit.clone()?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let timeouts = Timeouts { connect: limit, first_byte: None, idle: limit, total: limit };
        let dial = Dial::to(&url, &self.env, limit, Vec::new());
        let place = self.places.acquire().await;
        let reply = http::post(Post {
            url: &url,
            shown,
            headers: &headers,
            body,
            timeouts: &timeouts,
            dial: &dial,
            setting: "the URL",
        });
        let reply = reply.await.map_err(|failure| told(&failure));
        drop(place);
        self.read(&reply?, shown)
    }

    fn read(&self, reply: &Reply, shown: &str) -> Result<Value, String> {
        let text = String::from_utf8_lossy(&reply.body);
        let excerpt = || http::excerpt(&self.env.redactor.clean(&text));
        if !reply.is_success() {
            return Err(format!("the webhook {shown} replied with status {}: {}", reply.status, excerpt()));
        }
        serde_json::from_str(&text).map_err(|_| format!("the webhook {shown} replied with no JSON: {}", excerpt()))
    }
}

fn limit(env: &Env) -> Result<Duration, String> {
    let Some(text) = env.get(LIMIT) else { return Ok(USUAL_LIMIT) };
    let millis = text.trim().parse().ok().filter(|millis| *millis > 0);
    let millis =
        millis.ok_or_else(|| format!("{LIMIT} must be a whole number of milliseconds from 1, found `{text}`"))?;
    Ok(Duration::from_millis(millis))
}

fn told(failure: &CallFailure) -> String {
    let hint = if failure.reason == Reason::Timeout {
        format!(" ({LIMIT} sets the limit, in milliseconds)")
    } else {
        String::new()
    };
    format!("the webhook was not heard: {}{hint}", failure.message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Clock;

    #[test]
    fn the_limit_is_promptfoos() {
        let limit = |text: &str| limit(&Env::new([(LIMIT.to_owned(), text.to_owned())].into(), Clock::fixed(0)));
        assert_eq!(limit(""), Ok(Duration::from_secs(5)));
        assert_eq!(limit(" 250 "), Ok(Duration::from_millis(250)));
        for wrong in ["0", "5s", "-1"] {
            assert!(limit(wrong).unwrap_err().contains("WEBHOOK_TIMEOUT"), "{wrong}");
        }
    }
}
