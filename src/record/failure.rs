//! Why a provider gave no answer.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A call without an answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallFailure {
    /// The class, which decides about a retry.
    pub reason: Reason,
    /// The HTTP status, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What happened, with the provider's own words where it had any.
    pub message: String,
    /// The next step for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// How long the provider asks to wait.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
}

/// The classes of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// 401 or 403: the key is wrong or may not do this.
    Auth,
    /// The account has no credit; waiting does not help.
    Quota,
    /// 429: too fast.
    RateLimit,
    /// 408, 409, 5xx: the server's trouble, perhaps over soon.
    Server,
    /// Any other 4xx: the request itself is refused.
    Rejected,
    /// The server cannot prove who it is.
    Untrusted,
    /// Nobody answers at this address.
    Unreachable,
    /// The connection broke, or the answer was cut short.
    Broken,
    /// No answer in time.
    Timeout,
    /// An answer that is not what was asked for: no chat completion, no vector.
    BadAnswer,
    /// An answer larger than anything sensible.
    TooLarge,
    /// The request could not be made (a prompt that is broken JSON, a template error).
    BadRequest,
    /// The answer came, and a script of the config could not make of it what is to be judged.
    Transform,
    /// Not sent: only recorded answers may be used, and there is none.
    Unrecorded,
    /// Not sent: the provider was given up, or the budget is used up.
    NotSent,
}

impl CallFailure {
    /// A failure of a class.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, status: None, message: message.into(), hint: None, retry_after: None }
    }

    /// Adds the next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for CallFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
