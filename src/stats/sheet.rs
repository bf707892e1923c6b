//! One side, held by case: what a stored run or a report says, to compare another with.

use std::collections::HashMap;
use std::sync::Arc;

use super::Pairs;
use super::gate::Facts;
use super::side::{Names, Side};
use crate::record::{CaseRef, Outcome};

/// A column's cases by id. Outcomes come in any order.
#[derive(Debug, Default)]
pub struct Sheet {
    cases: HashMap<Arc<str>, Entry>,
    names: Names,
    /// What a gate knows of the column.
    pub facts: Facts,
}

#[derive(Debug)]
struct Entry {
    case: Arc<CaseRef>,
    side: Side,
    paired: bool,
}

impl Sheet {
    /// Takes in one run of a case.
    pub fn add(&mut self, outcome: &Outcome) {
        self.facts.run(outcome);
        let entry = self.cases.entry(Arc::clone(&outcome.case.id)).or_insert_with(|| Entry {
            case: Arc::new(thin(&outcome.case)),
            side: Side::default(),
            paired: false,
        });
        entry.side.add(outcome, &mut self.names);
    }

    /// Nothing more comes.
    pub fn end(&mut self) {
        for entry in self.cases.values() {
            self.facts.case(&entry.case, &entry.side, &[]);
        }
    }

    /// How many cases there are.
    pub fn len(&self) -> usize {
        self.cases.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.cases.is_empty()
    }

    /// Pairs a case of the candidate with this side's, which comes back where they are compared.
    pub fn pair(&mut self, case: &CaseRef, candidate: &Side, pairs: &mut Pairs) -> Option<&Side> {
        let Some(entry) = self.cases.get_mut(&case.id) else {
            pairs.dropped.candidate_only += 1;
            return None;
        };
        entry.paired = true;
        if differ(&entry.case, case) {
            pairs.dropped.changed += 1;
            return None;
        }
        pairs.pair(case, &entry.side, candidate);
        Some(&entry.side)
    }

    /// What it has of a case.
    pub(super) fn side(&self, id: &str) -> Option<&Side> {
        self.cases.get(id).map(|entry| &entry.side)
    }

    /// Counts the cases that the candidate does not have.
    pub fn unpaired(&self, pairs: &mut Pairs) {
        pairs.dropped.baseline_only += self.cases.values().filter(|entry| !entry.paired).count() as u64;
    }
}

/// Whether two cases of one id ask or demand different things, as far as is known.
fn differ(one: &CaseRef, other: &CaseRef) -> bool {
    let known = |a: crate::content::Digest, b: crate::content::Digest| a.is_known() && b.is_known() && a != b;
    known(one.inputs, other.inputs) || known(one.checks, other.checks)
}

/// The case without its texts.
fn thin(case: &CaseRef) -> CaseRef {
    CaseRef {
        id: Arc::clone(&case.id),
        description: None,
        vars: Arc::default(),
        metadata: Arc::default(),
        asserts: case.asserts,
        at: case.at.clone(),
        inputs: case.inputs,
        checks: case.checks,
        cluster: case.cluster.clone(),
        min_pass: case.min_pass,
    }
}
