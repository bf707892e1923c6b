//! What a grader answered while a cell was judged.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Response, Usage};

/// One answer of a grader.
#[derive(Debug)]
pub struct Aside {
    /// Content id of the question.
    pub request: Arc<str>,
    /// The grader's label.
    pub grader: Arc<str>,
    /// Its answer, where one came.
    pub response: Option<Response>,
    /// How many requests it took; none for an answer out of a memory.
    pub attempts: u32,
}

/// What grading took, apart from what the answers took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spent {
    /// Requests to graders, repeated ones counted.
    pub requests: u64,
    /// Their tokens.
    pub tokens: Usage,
    /// US dollars of the answers whose cost is known; nothing where none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
}

impl Spent {
    /// What some answers of graders took.
    pub fn on(asides: &[Arc<Aside>]) -> Self {
        let mut spent = Self::default();
        for aside in asides.iter().filter(|aside| aside.attempts > 0) {
            spent.requests += u64::from(aside.attempts);
            let response = aside.response.as_ref();
            spent.tokens += response.and_then(|r| r.usage).unwrap_or_default();
            spent.cost = both(spent.cost, response.and_then(|r| r.cost));
        }
        spent
    }
}

/// The sum of what is known.
fn both(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (known, other) => known.or(other),
    }
}

impl std::ops::AddAssign for Spent {
    fn add_assign(&mut self, other: Self) {
        self.requests += other.requests;
        self.tokens += other.tokens;
        self.cost = both(self.cost, other.cost);
    }
}
