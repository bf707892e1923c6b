//! A service elsewhere, asked over HTTP: what all hosted kinds share.

mod encoder;
mod endpoint;
mod keys;
mod sender;

pub(super) use encoder::{Encoder, Form, map};
pub(super) use endpoint::{Door, address};
pub(super) use keys::{ANY_MAP, API_KEY, FROM_ZERO, MISPLACED, PASSTHROUGH, REACH, flat, joined};
pub(super) use sender::{Sender, plain};

use serde_json::{Value, json};

use self::endpoint::Endpoint;
use super::http::{self, Dial, Post, Refusal, Reply};
use super::{Heard, Setup, Timeouts};
use crate::diag::Problems;
use crate::env::{Clock, Redactor};
use crate::record::CallFailure;
use crate::yaml::Node;

/// An endpoint and the way to it.
pub(super) struct Service {
    endpoint: Endpoint,
    dial: Dial,
    timeouts: Timeouts,
    clock: Clock,
    redactor: Redactor,
}

/// An answer that is a success.
pub(super) struct Answer {
    /// The whole body.
    pub body: Vec<u8>,
    /// Milliseconds from sending the request to the end of the body.
    pub latency_ms: u64,
}

impl Service {
    /// A service behind a door, with what the config says of headers, keys and certificates.
    pub(super) fn new(setup: &Setup<'_>, door: &Door, problems: &mut Problems) -> Option<Self> {
        let endpoint = Endpoint::new(setup, door, problems);
        let authorities = http::authorities(setup, problems);
        let (endpoint, authorities) = (endpoint?, authorities?);
        Some(Self {
            dial: Dial::new(setup, &endpoint.url, authorities),
            endpoint,
            timeouts: setup.timeouts,
            clock: setup.env.clock,
            redactor: setup.env.redactor.clone(),
        })
    }

    /// What shapes an answer, for a [`super::Provider::identity`].
    pub(super) fn identity(&self, kind: &str, body: &Value) -> Value {
        json!({"kind": kind, "url": self.endpoint.shown, "headers": self.endpoint.open_headers, "body": body})
    }

    /// Sends a body of JSON once.
    pub(super) async fn ask(&self, body: String, heard: Heard<'_>) -> Result<Answer, CallFailure> {
        let started = self.clock.instant();
        let reply = http::post(Post {
            url: &self.endpoint.url,
            shown: &self.endpoint.shown,
            setting: self.endpoint.setting,
            headers: &self.endpoint.headers,
            body,
            timeouts: &self.timeouts,
            dial: &self.dial,
        });
        let reply = reply.await?;
        if let Some(limits) = http::limits(&reply.headers) {
            heard(limits);
        }
        let latency_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        if !reply.is_success() {
            return Err(self.refused(&reply));
        }
        Ok(Answer { body: reply.body, latency_ms })
    }

    fn refused(&self, reply: &Reply) -> CallFailure {
        let body = String::from_utf8_lossy(&reply.body);
        let refusal = Refusal {
            status: reply.status,
            headers: &reply.headers,
            body: &self.redactor.clean(&body),
            shown: &self.endpoint.shown,
            setting: self.endpoint.setting,
            key: &self.endpoint.key,
            now: self.clock.system_time(),
        };
        refusal.failure()
    }

    /// Who sent an answer, for reading it.
    pub(super) fn sender(&self) -> Sender<'_> {
        Sender { shown: &self.endpoint.shown, hint: self.endpoint.hint, redactor: &self.redactor }
    }
}

/// Text or a number, as text.
pub(super) fn scalar(node: &Node) -> String {
    node.as_str().map_or_else(|| node.to_json().to_string(), str::to_owned)
}
