//! What a gate knows of one column, whatever it is held against.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::policy::{Policy, means};
use crate::content::Digest;
use crate::record::{CaseRef, Outcome};
use crate::stats::{Side, float, quantile};

/// One column, folded case by case.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Cases that came.
    pub cases: u64,
    /// Cases without a verdict.
    pub errored: u64,
    /// Runs of cases without a verdict.
    pub errored_runs: u64,
    /// Cases of which nobody said what they asked and demanded.
    pub unknown: u64,
    /// Digest of the cases' ids and inputs.
    pub test_set: Digest,
    /// Digest of the cases' ids and assertions.
    pub checks: Digest,
    /// Digest of the results: the same ones again are no other try.
    pub results: Digest,
    passed: f64,
    timed: bool,
    latencies: Vec<u32>,
    cost: f64,
    priced: f64,
    /// Entries of `must_pass` that a case was found for.
    met: BTreeSet<String>,
    /// Cases that must pass and did not.
    pub failed: Vec<Arc<str>>,
}

impl Facts {
    /// Nothing yet; latencies are kept only where somebody asks for them.
    pub fn timed(timed: bool) -> Self {
        Self { timed, ..Self::default() }
    }

    /// Takes in one run of a case.
    pub fn run(&mut self, outcome: &Outcome) {
        let Some(response) = &outcome.response else { return };
        let latency = response.latency_ms.map(|ms| u32::try_from(ms).unwrap_or(u32::MAX));
        self.latencies.extend(latency.filter(|_| self.timed));
        if let Some(cost) = response.cost {
            self.cost += cost;
            self.priced += 1.0;
        }
    }

    /// Takes in a case whose runs are all there; some must pass.
    pub fn case(&mut self, case: &CaseRef, side: &Side, must_pass: &[String]) {
        self.cases += 1;
        self.errored += u64::from(!side.is_judged());
        self.errored_runs += u64::from(side.errored);
        self.unknown += u64::from(!case.inputs.is_known() || !case.checks.is_known());
        self.test_set = self.test_set.and(case.asked());
        self.checks = self.checks.and(case.demanded());
        self.results = self.results.and(side.digest(&case.id));
        self.passed += match case.min_pass {
            Some(_) => f64::from(u8::from(side.passes(case.min_pass))),
            None => float(side.passed.into()) / float((side.runs + side.errored).max(1).into()),
        };
        for entry in must_pass.iter().filter(|entry| means(entry, case)) {
            self.met.insert(entry.clone());
            if !side.passes(case.min_pass) {
                self.failed.push(case.description.clone().unwrap_or_else(|| Arc::clone(&case.id)));
            }
        }
    }

    /// The share of cases that pass; one without a verdict does not.
    pub fn pass_rate(&self) -> Option<f64> {
        (self.cases > 0).then(|| self.passed / float(self.cases))
    }

    /// The 95th percentile of the latency in milliseconds.
    pub fn p95_latency(&self) -> Option<f64> {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        quantile(&sorted, 0.95).map(f64::from)
    }

    /// The mean cost of an answer in US dollars, of those whose cost is known.
    pub fn mean_cost(&self) -> Option<f64> {
        (self.priced > 0.0).then(|| self.cost / self.priced)
    }

    /// Entries of `must_pass` that no case was found for.
    pub fn unmet<'a>(&self, policy: &'a Policy) -> Vec<&'a str> {
        policy.must_pass.iter().map(String::as_str).filter(|entry| !self.met.contains(*entry)).collect()
    }

    /// The same cases, of which nothing else is known.
    pub(super) fn without_runs(&self) -> Self {
        Self { cases: self.cases, test_set: self.test_set, checks: self.checks, ..Self::default() }
    }

    /// So many cases more, all of which passed, or none.
    #[must_use]
    pub fn with_rest(&self, rest: u64, well: bool, policy: &Policy) -> Self {
        let mut all = self.clone();
        all.cases += rest;
        if well {
            all.passed += float(rest);
        } else {
            // Any of the cases to come may be one that must pass, and does not.
            all.failed.extend(policy.must_pass.iter().filter(|_| rest > 0).map(|entry| Arc::from(entry.as_str())));
        }
        all.met.extend(policy.must_pass.iter().filter(|_| rest > 0).cloned());
        all
    }
}
