//! What two versions did on the same cases, told: as JSON, as Markdown for a pull request, and as a page.
//!
//! Everything is cleaned of secrets first and escaped last; between the two stands a [`view::View`], so
//! that Markdown and the page say the same.

mod chart;
mod html;
mod json;
mod markdown;
mod view;
mod visible;

#[cfg(test)]
mod fixture;

use serde::Serialize;
use serde_json::Value;

pub(in crate::report) use html::Page as HtmlPage;
pub use html::html;
pub use json::{gate_json, json};
pub(in crate::report) use markdown::Page as MarkdownPage;
pub use markdown::markdown;

use crate::content::Digest;
use crate::stats::gate::Decision;
use crate::stats::{Changed, Comparison, Party};

/// A comparison and what is shown with it.
#[derive(Debug, Clone, Copy)]
pub struct Compared<'a> {
    /// The numbers.
    pub comparison: &'a Comparison,
    /// The first cases that ended differently.
    pub changed: &'a [Changed],
    /// How many ended differently.
    pub changes: u64,
    /// What the gate said, where there is one.
    pub decision: Option<&'a GateReport>,
}

/// A gate's decision, and what it was made on.
#[derive(Debug, Clone, Serialize)]
pub struct GateReport {
    /// May it ship?
    pub decision: Decision,
    /// What the candidate was held against; nothing for a first version.
    pub baseline: Option<Party>,
    /// What may come.
    pub candidate: Party,
    /// Digest of the cases' ids and inputs.
    pub test_set: Digest,
    /// Digest of the cases' ids and assertions.
    pub checks: Digest,
    /// The rules.
    pub policy: Value,
    /// Their digest.
    pub policy_digest: Digest,
    /// Which attempt at the same gate this is, from 1, where that is known.
    pub attempt: Option<u32>,
    /// What was not asked because it could change nothing.
    pub early: Option<Early>,
}

/// How many cases an early decision needed and saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Early {
    /// Cases that were asked.
    pub asked: u64,
    /// Cases that were not.
    pub saved: u64,
}

/// A gate with the comparison it decided on; without one when there was no baseline.
#[derive(Debug, Clone, Copy)]
pub struct Gated<'a> {
    /// The decision.
    pub gate: &'a GateReport,
    /// The numbers.
    pub comparison: Option<&'a Comparison>,
}
