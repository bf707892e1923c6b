//! Counts and sums of a run, by column.

use std::collections::BTreeMap;

use crate::record::{Outcome, Spent, Status, Usage};

use super::{quantile, wilson};

/// What a column (or a whole run) came to.
#[derive(Debug, Clone, Default)]
pub struct Total {
    /// Cells that passed.
    pub passed: u64,
    /// Cells that failed.
    pub failed: u64,
    /// Cells without a verdict.
    pub errored: u64,
    /// Sum of scores of judged cells.
    pub score: f64,
    /// Tokens.
    pub usage: Usage,
    /// US dollars, of the answers whose cost is known.
    pub cost: Option<f64>,
    /// Cells that were judged without any assertion.
    pub unasserted: u64,
    /// What graders took, apart from tokens and cost above.
    pub grading: Spent,
    /// Sums of metrics, each cell's score times what its assertions weigh, and those weights.
    pub named: BTreeMap<String, (f64, f64)>,
    /// Answers that came from memory; their tokens and cost were paid for earlier.
    pub cached: u64,
    latencies: Vec<u32>,
}

impl Total {
    /// Takes one cell in.
    pub fn add(&mut self, outcome: &Outcome) {
        self.count(outcome);
        if let Some(latency) = outcome.response.as_ref().and_then(|r| r.latency_ms) {
            self.latencies.push(u32::try_from(latency).unwrap_or(u32::MAX));
        }
    }

    /// The same without its latency, which would have to be kept.
    fn count(&mut self, outcome: &Outcome) {
        match outcome.status {
            Status::Passed => self.passed += 1,
            Status::Failed => self.failed += 1,
            Status::Errored => self.errored += 1,
        }
        if outcome.status != Status::Errored {
            self.score += outcome.score;
        }
        if outcome.verdicts.is_empty() && outcome.status != Status::Errored {
            self.unasserted += 1;
        }
        self.grading += outcome.grading;
        for (name, score) in &outcome.named {
            let (_, weight) = outcome.metric_weight(name);
            let sums = match self.named.get_mut(name) {
                Some(sums) => sums,
                None => self.named.entry(name.clone()).or_default(),
            };
            *sums = (sums.0 + score * weight, sums.1 + weight);
        }
        let Some(response) = &outcome.response else { return };
        self.cached += u64::from(response.cached);
        self.usage += response.usage.unwrap_or_default();
        if let Some(cost) = response.cost {
            self.cost = Some(self.cost.unwrap_or(0.0) + cost);
        }
    }

    /// Cells that have a verdict.
    pub fn judged(&self) -> u64 {
        self.passed + self.failed
    }

    /// All cells.
    pub fn cells(&self) -> u64 {
        self.judged() + self.errored
    }

    /// Share of the judged cells that passed, with its 95 % interval.
    pub fn pass_rate(&self) -> Option<(f64, (f64, f64))> {
        let interval = wilson(self.passed, self.judged())?;
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        Some((self.passed as f64 / self.judged() as f64, interval))
    }

    /// Mean score of the judged cells.
    pub fn mean_score(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        (self.judged() > 0).then(|| self.score / self.judged() as f64)
    }

    /// Latency quantiles in milliseconds.
    pub fn latency<const N: usize>(&self, shares: [f64; N]) -> Option<[u32; N]> {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let found: Vec<u32> = shares.iter().filter_map(|q| quantile(&sorted, *q)).collect();
        found.try_into().ok()
    }
}

/// Totals by column and for the whole run.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// One total a column.
    pub columns: Vec<Total>,
    /// The whole run; it knows no latencies.
    pub all: Total,
}

impl Tally {
    /// An empty tally of so many columns.
    pub fn new(columns: usize) -> Self {
        Self { columns: vec![Total::default(); columns], all: Total::default() }
    }

    /// Takes one cell in.
    pub fn add(&mut self, outcome: &Outcome) {
        if let Some(column) = self.columns.get_mut(outcome.column) {
            column.add(outcome);
        }
        self.all.count(outcome);
    }
}
