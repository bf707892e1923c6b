//! What one version did on one case, and the metrics read from it.

use std::collections::HashSet;
use std::sync::Arc;

use super::Scale;
use super::distribution::float;
use crate::content::{ContentId, Digest};
use crate::record::{Outcome, Status};

/// What one version did on one case: its repeats, summed up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Side {
    /// Runs that were judged.
    pub runs: u32,
    /// Those of them that passed.
    pub passed: u32,
    /// Runs without a verdict.
    pub errored: u32,
    score: f64,
    named: Vec<(Arc<str>, Mean)>,
    latency: Mean,
    tokens: Mean,
    cost: Mean,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Mean {
    sum: f64,
    count: f64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1.0;
    }

    fn value(self) -> Option<f64> {
        (self.count > 0.0).then(|| self.sum / self.count)
    }
}

/// Names of metrics, each held once.
#[derive(Debug, Default)]
pub struct Names(HashSet<Arc<str>>);

impl Names {
    fn get(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.0.insert(Arc::clone(&name));
        name
    }
}

impl Side {
    /// Takes in one run of the case.
    pub fn add(&mut self, outcome: &Outcome, names: &mut Names) {
        if outcome.status == Status::Errored {
            self.errored += 1;
            return;
        }
        self.runs += 1;
        self.passed += u32::from(outcome.status == Status::Passed);
        self.score += outcome.score;
        for (name, score) in &outcome.named {
            self.named(name, names).add(*score);
        }
        let Some(response) = &outcome.response else { return };
        response.latency_ms.into_iter().for_each(|ms| self.latency.add(float(ms)));
        response.usage.into_iter().for_each(|usage| self.tokens.add(float(usage.total)));
        response.cost.into_iter().for_each(|cost| self.cost.add(cost));
    }

    fn named(&mut self, name: &str, names: &mut Names) -> &mut Mean {
        let at = self.named.iter().position(|(known, _)| &**known == name).unwrap_or_else(|| {
            self.named.push((names.get(name), Mean::default()));
            self.named.len() - 1
        });
        &mut self.named[at].1
    }

    /// Whether there is a verdict to compare.
    pub fn is_judged(&self) -> bool {
        self.runs > 0
    }

    /// Whether the case passed: so many of its runs, or all of them.
    pub fn passes(&self, min_pass: Option<u32>) -> bool {
        self.runs > 0 && self.passed >= min_pass.unwrap_or(self.runs + self.errored)
    }

    /// Digest of what a case's assertions said: times and prices differ from run to run.
    pub fn digest(&self, case: &str) -> Digest {
        let id = ContentId::of(case).with_number(self.runs.into()).with_number(self.passed.into());
        let scores = std::iter::once(self.score).chain(self.named.iter().map(|(_, mean)| mean.sum));
        scores.fold(id, |id, score| id.with_number(score.to_bits())).digest()
    }

    /// Whether some runs passed and some did not.
    pub fn is_flaky(&self) -> bool {
        0 < self.passed && self.passed < self.runs
    }

    /// Whether it has a named metric.
    pub(super) fn has(&self, name: &str) -> bool {
        self.named.iter().any(|(known, _)| &**known == name)
    }

    /// The names of its named metrics.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.named.iter().map(|(name, _)| name)
    }

    /// The value of a metric: the mean over the runs that have one.
    pub fn value(&self, metric: &Metric) -> Option<f64> {
        match metric.what {
            What::Pass => (self.runs > 0).then(|| f64::from(self.passed) / f64::from(self.runs)),
            What::Score => (self.runs > 0).then(|| self.score / f64::from(self.runs)),
            What::Named => self.named.iter().find(|(name, _)| *name == metric.name).and_then(|(_, mean)| mean.value()),
            What::Latency => self.latency.value(),
            What::Tokens => self.tokens.value(),
            What::Cost => self.cost.value(),
        }
    }
}

/// What is compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// `pass`, `score`, `latency`, `tokens`, `cost`, or the name of a named metric.
    pub name: Arc<str>,
    what: What,
    /// The ends of its scale; nothing for a positive metric without an upper end.
    pub scale: Option<Scale>,
    /// Whether less is better.
    pub lower_is_better: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Pass,
    Score,
    Named,
    Latency,
    Tokens,
    Cost,
}

/// Metrics that every run has.
pub const BUILT_IN: [&str; 5] = ["pass", "score", "latency", "tokens", "cost"];

impl Metric {
    /// The metric of a name. Anything that is not built in is a named metric from 0 to 1.
    pub fn of(name: &str) -> Self {
        let (what, scale) = match name {
            "pass" => (What::Pass, Some(Scale::UNIT)),
            "score" => (What::Score, Some(Scale::UNIT)),
            "latency" => (What::Latency, None),
            "tokens" => (What::Tokens, None),
            "cost" => (What::Cost, None),
            _ => (What::Named, Some(Scale::UNIT)),
        };
        Self { name: name.into(), what, scale, lower_is_better: scale.is_none() }
    }

    /// Whether it is the share of runs that passed.
    pub fn is_pass(&self) -> bool {
        self.what == What::Pass
    }

    /// What its values are counted in; nothing for scores.
    pub fn unit(&self) -> &'static str {
        match self.what {
            What::Latency => "ms",
            What::Tokens => "tokens",
            What::Cost => "USD",
            What::Pass | What::Score | What::Named => "",
        }
    }
}
