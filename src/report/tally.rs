//! What a column adds up to.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::Serialize;

use super::derived::Derived;
use crate::record::{Mark, Outcome, Spent, Status, Usage};

/// The sums of one column, or of all; promptfoo's `metrics`.
#[derive(Debug, Default, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tally {
    score: f64,
    test_pass_count: u64,
    test_fail_count: u64,
    test_error_count: u64,
    assert_pass_count: u64,
    assert_fail_count: u64,
    assert_error_count: u64,
    total_latency_ms: u64,
    token_usage: Usage,
    /// US dollars; nothing when no answer's cost is known.
    cost: Option<f64>,
    /// Sums; a metric's mean is its sum divided by its weight.
    named_scores: BTreeMap<String, f64>,
    named_scores_count: BTreeMap<String, u64>,
    named_score_weights: BTreeMap<String, f64>,
    /// What graders took, which is in none of the figures above.
    #[serde(skip_serializing_if = "Option::is_none")]
    grading: Option<Spent>,
}

/// What the whole run adds up to; promptfoo's `stats`, with the cells that were never asked.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stats {
    successes: u64,
    failures: u64,
    errors: u64,
    unrun: u64,
    token_usage: Usage,
    /// US dollars; nothing when no answer's cost is known.
    cost: Option<f64>,
    /// What graders took, which is in no other figure.
    #[serde(skip_serializing_if = "Option::is_none")]
    grading: Option<Spent>,
    duration_ms: u64,
}

impl Tally {
    /// Takes a cell in.
    pub(super) fn add(&mut self, outcome: &Outcome) {
        self.score += outcome.score;
        match outcome.status {
            Status::Passed => self.test_pass_count += 1,
            Status::Failed => self.test_fail_count += 1,
            Status::Errored => self.test_error_count += 1,
        }
        for verdict in &outcome.verdicts {
            match verdict.mark {
                Mark::Pass => self.assert_pass_count += 1,
                Mark::Fail => self.assert_fail_count += 1,
                Mark::Error => self.assert_error_count += 1,
            }
        }
        if let Some(response) = &outcome.response {
            self.total_latency_ms += response.latency_ms.unwrap_or(0);
            self.token_usage += response.usage.unwrap_or_default();
            self.cost = both(self.cost, response.cost);
        }
        if outcome.grading != Spent::default() {
            *self.grading.get_or_insert_default() += outcome.grading;
        }
        self.add_named(outcome);
    }

    /// Puts in the metrics that are reckoned from others, once all cells are there.
    pub(super) fn derive(&mut self, derived: &Derived) {
        let cells = self.test_pass_count + self.test_fail_count + self.test_error_count;
        let values = derived.values(&self.named_scores, cells);
        self.named_scores.extend(values);
    }

    /// A cell's score of a metric is the mean of the assertions under it: it counts for as much as
    /// they weigh together. A metric without assertions is derived, and weighs one.
    fn add_named(&mut self, outcome: &Outcome) {
        for (name, score) in &outcome.named {
            let (count, weight) = outcome.metric_weight(name);
            add_to(&mut self.named_scores, name, score * weight);
            add_to(&mut self.named_scores_count, name, count);
            add_to(&mut self.named_score_weights, name, weight);
        }
    }
}

/// Adds to a metric's sum. Its name is copied for the first cell only: the other million have it too.
fn add_to<T: Default + AddAssign>(sums: &mut BTreeMap<String, T>, name: &str, more: T) {
    if let Some(sum) = sums.get_mut(name) {
        *sum += more;
        return;
    }
    *sums.entry(name.to_owned()).or_default() += more;
}

/// The sum of what is known.
fn both(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (known, other) => known.or(other),
    }
}

impl Stats {
    /// The sum over all columns.
    pub(super) fn of(columns: &[Tally], unrun: u64, duration_ms: u64) -> Self {
        let start = Self {
            successes: 0,
            failures: 0,
            errors: 0,
            unrun,
            token_usage: Usage::default(),
            cost: None,
            grading: None,
            duration_ms,
        };
        columns.iter().fold(start, |mut sum, column| {
            sum.successes += column.test_pass_count;
            sum.failures += column.test_fail_count;
            sum.errors += column.test_error_count;
            sum.token_usage += column.token_usage;
            sum.cost = both(sum.cost, column.cost);
            if let Some(grading) = column.grading {
                *sum.grading.get_or_insert_default() += grading;
            }
            sum
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::cell;

    #[test]
    fn a_metric_counts_for_what_its_assertions_weigh() {
        let mut tally = Tally::default();
        tally.add(
            &cell("a").metric("tone").fails("x").metric("tone").fails("y").named("tone", 0.5).named("sum", 2.0).done(),
        );
        assert_eq!(tally.named_scores, BTreeMap::from([("tone".into(), 1.0), ("sum".into(), 2.0)]));
        assert_eq!(tally.named_scores_count, BTreeMap::from([("tone".into(), 2), ("sum".into(), 1)]));
        assert_eq!((tally.test_fail_count, tally.assert_fail_count), (1, 2));
    }
}
