//! What two versions did, and what a gate decided, as reports.

use serde::Serialize;

use crate::content::Digest;
use crate::stats::Party;
use crate::stats::gate::Decision;

/// What a gate decided, on what.
#[derive(Debug, Clone, Serialize)]
pub struct GateReport {
    /// The decision.
    pub decision: Decision,
    /// What the candidate was held against.
    pub baseline: Option<Party>,
    /// What wants through.
    pub candidate: Party,
    /// Digest of the cases.
    pub test_set: Digest,
    /// Digest of what they demand.
    pub checks: Digest,
    /// The rules.
    pub policy: serde_json::Value,
    /// Their digest.
    pub policy_digest: Digest,
    /// Which try this is of the same candidate against the same baseline on the same cases.
    pub attempt: Option<u32>,
    /// What stopping early saved.
    pub early: Option<Early>,
}

/// What stopping early saved, in cases.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Early {
    /// Cases that were asked.
    pub asked: u64,
    /// Cases that were not.
    pub saved: u64,
}

/// A comparison, and what belongs to it.
pub struct Compared<'a> {
    pub comparison: Option<&'a crate::stats::Comparison>,
    pub changed: &'a [crate::stats::Changed],
    pub changes: u64,
    pub decision: Option<&'a GateReport>,
}

pub fn json(_: &[Compared<'_>], _: &crate::env::Redactor) -> String {
    String::new()
}
