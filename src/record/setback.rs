//! A request that failed.

use serde::{Deserialize, Serialize};

use super::{CallFailure, Reason};

/// One attempt at a cell that brought no answer, for the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setback {
    /// Which attempt, from 1.
    pub attempt: u32,
    /// When it failed, milliseconds since 1970, UTC.
    pub at_ms: u64,
    /// The class.
    pub reason: Reason,
    /// The HTTP status, when there was one.
    pub status: Option<u16>,
    /// What happened.
    pub message: String,
}

impl Setback {
    /// Keeps what a failure said.
    pub fn of(failure: &CallFailure, attempt: u32, at_ms: u64) -> Self {
        Self { attempt, at_ms, reason: failure.reason, status: failure.status, message: failure.message.clone() }
    }
}
