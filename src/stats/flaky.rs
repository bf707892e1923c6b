//! Cases that passed sometimes and failed sometimes, though nothing about them changed.

use std::collections::HashMap;
use std::sync::Arc;

use super::distribution::float;
use crate::content::{ContentId, Digest};
use crate::record::{CaseRef, Column, Outcome, RunHead, Status};

/// A case that did both, under one prompt content at one provider.
#[derive(Debug, Clone)]
pub struct Undecided {
    /// The case as it was last seen.
    pub case: Arc<CaseRef>,
    /// The prompt and the provider.
    pub column: Column,
    /// How often it passed.
    pub passed: u64,
    /// How often it was judged.
    pub observed: u64,
    /// In how many runs.
    pub runs: u64,
}

impl Undecided {
    /// How far it is from one half, from 0 to 1.
    fn decided(&self) -> f64 {
        (2.0 * float(self.passed) / float(self.observed) - 1.0).abs()
    }
}

/// Answers in the making. Of a case that does always the same only counts are kept.
#[derive(Debug, Default)]
pub struct Flaky {
    counts: HashMap<Digest, Counts>,
    mixed: HashMap<Digest, (Arc<CaseRef>, Column)>,
    /// Runs that were looked at.
    pub runs: u64,
    /// Verdicts on new answers.
    pub observations: u64,
}

#[derive(Debug, Default)]
struct Counts {
    passed: u64,
    observed: u64,
    runs: u64,
    /// The last run it was seen in.
    last: u64,
}

impl Flaky {
    /// A further run begins.
    pub fn begin(&mut self) {
        self.runs += 1;
    }

    /// Takes in a cell. An answer that was recalled was counted when it was new, and no verdict says nothing.
    pub fn add(&mut self, head: &RunHead, outcome: &Outcome) {
        let is_old = outcome.response.as_ref().is_some_and(|response| response.cached);
        let Some(column) = head.columns.get(outcome.column) else { return };
        if is_old || outcome.status == Status::Errored {
            return;
        }
        self.observations += 1;
        let key = key(&outcome.case, column);
        let counts = self.counts.entry(key).or_default();
        counts.observed += 1;
        counts.passed += u64::from(outcome.status == Status::Passed);
        counts.runs += u64::from(counts.last != self.runs);
        counts.last = self.runs;
        if 0 < counts.passed && counts.passed < counts.observed {
            self.mixed.insert(key, (Arc::clone(&outcome.case), column.clone()));
        }
    }

    /// What came of it, the most undecided first.
    pub fn end(self) -> Vec<Undecided> {
        let mut all: Vec<Undecided> = Vec::with_capacity(self.mixed.len());
        for (key, (case, column)) in self.mixed {
            let Some(Counts { passed, observed, runs, .. }) = self.counts.get(&key) else { continue };
            all.push(Undecided { case, column, passed: *passed, observed: *observed, runs: *runs });
        }
        let names = |one: &Undecided| (Arc::clone(&one.case.id), Arc::clone(&one.column.label));
        all.sort_by(|a, b| {
            let closer = a.decided().total_cmp(&b.decided()).then(b.observed.cmp(&a.observed));
            closer.then_with(|| names(a).cmp(&names(b))).then_with(|| a.column.provider.cmp(&b.column.provider))
        });
        all
    }
}

/// What must be the same: the case with what it asks and demands, the prompt's content, the provider.
fn key(case: &CaseRef, column: &Column) -> Digest {
    let id = ContentId::of(&case.id).with_digest(case.inputs).with_digest(case.checks);
    id.with(&column.prompt_hash).with(&column.provider).with(&column.provider_id).digest()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{case, head, outcome};
    use super::*;
    use Status::{Errored, Failed, Passed};

    fn flaky(runs: &[&[(&str, Status)]]) -> Flaky {
        let (head, mut flaky) = (head(&["1.0.0"]), Flaky::default());
        for run in runs {
            flaky.begin();
            for (id, status) in *run {
                flaky.add(&head, &outcome(&Arc::new(case(id)), 0, *status));
            }
        }
        flaky
    }

    #[test]
    fn the_most_undecided_comes_first_and_no_verdict_is_no_failure() {
        let first = [("a", Passed), ("a", Failed), ("b", Passed), ("c", Passed), ("c", Errored)];
        let second = [("a", Passed), ("b", Failed), ("c", Passed), ("d", Failed)];
        let found = flaky(&[&first, &second]);
        assert_eq!((found.runs, found.observations), (2, 8));
        let words: Vec<_> =
            found.end().iter().map(|one| (one.case.id.to_string(), one.passed, one.observed, one.runs)).collect();
        assert_eq!(words, [("b".into(), 1, 2, 2), ("a".into(), 2, 3, 2)]);
    }

    #[test]
    fn a_recalled_answer_and_a_changed_case_are_no_second_look() {
        let (head, mut found) = (head(&["1.0.0"]), flaky(&[&[("a", Passed), ("b", Passed)]]));
        let mut recalled = Arc::unwrap_or_clone(outcome(&Arc::new(case("a")), 0, Failed));
        recalled.response.as_mut().unwrap().cached = true;
        let mut changed = case("b");
        changed.checks = Digest::new([9; 16]);
        found.begin();
        found.add(&head, &recalled);
        found.add(&head, &outcome(&Arc::new(changed), 0, Failed));
        assert_eq!(found.observations, 3);
        assert!(found.end().is_empty());
    }
}
