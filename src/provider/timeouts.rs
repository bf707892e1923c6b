//! How long a provider may take for what.

use std::time::Duration;

/// The limits of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection stands, TLS included.
    pub connect: Duration,
    /// From the request that was sent to the head of its answer; `None`: as long as `total` leaves.
    pub first_byte: Option<Duration>,
    /// The longest silence within the body of an answer.
    pub idle: Duration,
    /// For everything, from asking to the last byte.
    pub total: Duration,
}

impl Default for Timeouts {
    /// The total is promptfoo's `REQUEST_TIMEOUT_MS`. A first byte has no limit of its own: a model that
    /// does not stream thinks before it.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: None,
            idle: Duration::from_secs(60),
            total: Duration::from_secs(300),
        }
    }
}
