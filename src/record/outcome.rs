//! A finished cell.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Aside, CallFailure, Response, Setback, Spent, Verdict};
use crate::content::{ContentId, Digest};
use crate::diag::Location;

/// How a cell ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// All that was asked of it holds.
    Passed,
    /// It was judged, and failed.
    Failed,
    /// There is no verdict.
    Errored,
}

/// Which case a cell belongs to.
#[derive(Debug, Serialize, Deserialize)]
pub struct CaseRef {
    /// The stable id: the test's own `id`, or one made from its inputs.
    pub id: Arc<str>,
    /// For people.
    pub description: Option<Arc<str>>,
    /// The inputs.
    pub vars: Arc<Map<String, Value>>,
    /// The test's metadata.
    pub metadata: Arc<Map<String, Value>>,
    /// Whether the test asserts anything.
    pub asserts: bool,
    /// Where the test stands.
    pub at: Location,
    /// Digest of what it asks: inputs, texts around the prompt, parameters.
    #[serde(default)]
    pub inputs: Digest,
    /// Digest of what it demands: assertions, threshold, how many repeats must pass.
    #[serde(default)]
    pub checks: Digest,
    /// Cases that share a source count as one unit in statistics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Arc<str>>,
    /// How many of its repeats must pass; all of them where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_pass: Option<u32>,
}

impl CaseRef {
    /// A case of which nothing is known, for tests.
    #[cfg(test)]
    pub fn blank() -> Self {
        Self {
            id: "".into(),
            description: None,
            vars: Arc::default(),
            metadata: Arc::default(),
            asserts: true,
            at: Location { file: "".into(), line: 1, column: 1 },
            inputs: Digest::default(),
            checks: Digest::default(),
            cluster: None,
            min_pass: None,
        }
    }

    /// Digest of its id and what it asks.
    pub fn asked(&self) -> Digest {
        ContentId::of(&self.id).with_digest(self.inputs).digest()
    }

    /// Digest of its id and what it demands.
    pub fn demanded(&self) -> Digest {
        ContentId::of(&self.id).with_digest(self.checks).digest()
    }
}

/// A named score of one cell.
pub type Named = Vec<(String, f64)>;

/// One cell of the matrix, judged or not.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Place in plan order, from 0.
    pub index: u64,
    /// Content id of the cell.
    pub cell: Arc<str>,
    /// Content id of the request: the same question to the same provider has the same one.
    pub request: Arc<str>,
    /// Row of the matrix: case and repeat, from 0.
    pub row: u64,
    /// Column of the matrix: provider and prompt, from 0.
    pub column: usize,
    /// Which repeat, from 0.
    pub repeat: u32,
    /// The case.
    pub case: Arc<CaseRef>,
    /// The prompt as it was sent.
    pub prompt: Arc<str>,
    /// How it ended.
    pub status: Status,
    /// Weighted mean of the assertions' scores.
    pub score: f64,
    /// Scores by metric, in order of first appearance.
    pub named: Named,
    /// All verdicts, assert-sets before their members.
    pub verdicts: Vec<Verdict>,
    /// The answer, when there was one.
    pub response: Option<Response>,
    /// Why there is none.
    pub failure: Option<CallFailure>,
    /// How many requests were sent for it.
    pub attempts: u32,
    /// Those of them that failed.
    pub setbacks: Vec<Setback>,
    /// What its grading took.
    pub grading: Spent,
    /// What graders answered, for the ledger.
    pub asides: Vec<Arc<Aside>>,
}

impl Outcome {
    /// How many assertions stand under a metric, and what they weigh together. A metric without any came
    /// with a script's result, and weighs one.
    pub fn metric_weight(&self, name: &str) -> (u64, f64) {
        let under = self.verdicts.iter().filter(|v| v.metric.as_deref() == Some(name));
        match under.fold((0, 0.0), |(n, sum), v| (n + 1, sum + v.weight)) {
            (0, _) => (1, 1.0),
            found => found,
        }
    }

    /// Why a cell failed although no assertion did: its score.
    pub fn too_little(&self) -> String {
        let beyond = self.verdicts.iter().any(|v| !(0.0..=1.0).contains(&v.score));
        let beyond = if beyond { "; what lies beyond 0 to 1 does not make up for others" } else { "" };
        format!("no assertion failed by itself, but a score of {:.2} is not enough for this test{beyond}", self.score)
    }

    /// The sentence for a person: why it failed or has no verdict.
    pub fn reason(&self) -> Option<&str> {
        use super::Mark;
        let of = |mark| self.verdicts.iter().find(|v| v.mark == mark).map(|v| v.reason.as_str());
        match self.status {
            Status::Passed => None,
            Status::Failed => of(Mark::Fail),
            Status::Errored => self.failure.as_ref().map(|f| f.message.as_str()).or_else(|| of(Mark::Error)),
        }
    }
}
