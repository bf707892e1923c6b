//! What a column will hold, known before it is run.

use std::collections::HashSet;
use std::sync::Arc;

use crate::content::Digest;
use crate::record::CaseRef;

/// The cases of one column.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// How many.
    pub cases: u64,
    /// Digest of their ids and inputs.
    pub test_set: Digest,
    /// Digest of their ids and assertions.
    pub checks: Digest,
    clustered: u64,
    clusters: HashSet<Arc<str>>,
}

impl Expected {
    /// Takes in a case.
    pub fn add(&mut self, case: &CaseRef) {
        self.cases += 1;
        self.test_set = self.test_set.and(case.asked());
        self.checks = self.checks.and(case.demanded());
        if let Some(cluster) = &case.cluster {
            self.clustered += 1;
            self.clusters.insert(Arc::clone(cluster));
        }
    }

    /// How many units they are: cases of one cluster are one.
    pub fn units(&self) -> u64 {
        self.cases - self.clustered + self.clusters.len() as u64
    }

    /// Whether some cases share a source.
    pub fn is_clustered(&self) -> bool {
        self.clustered > 0
    }
}
