//! One assertion's word on one answer.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::diag::Location;

/// Passed, failed, or could not be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// The assertion holds.
    Pass,
    /// It does not.
    Fail,
    /// It could not be evaluated: neither.
    Error,
}

/// What one assertion says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The kind as written, `not-` included.
    pub kind: Arc<str>,
    /// The word.
    pub mark: Mark,
    /// 0 to 1 for most kinds.
    pub score: f64,
    /// What was expected and what came, in a sentence; what went wrong, for an error.
    pub reason: String,
    /// The named metric it counts for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// Its weight among its neighbours.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub weight: f64,
    /// The expected value as the report shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The threshold, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Its line in the config.
    pub at: Location,
    /// How deep it stands in assert-sets: 0 for the test's own assertions.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub depth: u8,
}

impl Verdict {
    /// The expected value, where the reason does not say it.
    pub fn unsaid(&self) -> Option<&str> {
        let expected = self.expected.as_deref().map(str::trim).filter(|text| !text.is_empty())?;
        (!self.reason.contains(expected)).then_some(expected)
    }
}

fn one() -> f64 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, clippy::float_cmp, reason = "serde asks for a reference; one is one")]
fn is_one(weight: &f64) -> bool {
    *weight == 1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(depth: &u8) -> bool {
    *depth == 0
}
