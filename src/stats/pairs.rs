//! Two versions on the same cases.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::side::{BUILT_IN, Metric, Side};
use super::{Ratios, Sample, Spread, Status};
use crate::record::CaseRef;

/// What a case without a candidate's verdict counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// The worst there is: as in a gate.
    #[default]
    Worst,
    /// Nothing: it is left out and counted.
    Drop,
}

/// How pairs are made.
#[derive(Debug, Clone)]
pub struct Setup {
    /// What a case without a candidate's verdict counts as.
    pub on_error: OnError,
    /// Scales and directions of named metrics that are not from 0 to 1, higher better.
    pub metrics: BTreeMap<String, Metric>,
}

impl Setup {
    /// For looking, not for deciding.
    pub fn comparing() -> Self {
        Self { on_error: OnError::Drop, metrics: BTreeMap::new() }
    }

    /// Whether a case without a candidate's verdict is told apart from the others.
    pub(super) fn counts_errors(&self) -> bool {
        self.on_error == OnError::Worst
    }

    fn metric(&self, name: &str) -> Metric {
        self.metrics.get(name).cloned().unwrap_or_else(|| Metric::of(name))
    }
}

/// Cases that are not compared, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Dropped {
    /// Only the baseline has them.
    pub baseline_only: u64,
    /// Only the candidate has them.
    pub candidate_only: u64,
    /// The baseline has no verdict.
    pub baseline_errored: u64,
    /// The candidate has no verdict.
    pub candidate_errored: u64,
    /// Their inputs or assertions differ.
    pub changed: u64,
}

impl Dropped {
    /// All of them.
    pub fn all(&self) -> u64 {
        self.baseline_only + self.candidate_only + self.baseline_errored + self.candidate_errored + self.changed
    }
}

/// Pairs by case, metric by metric.
#[derive(Debug, Clone)]
pub struct Pairs {
    setup: Setup,
    pub(super) rows: Vec<Row>,
    /// Cases of which at least one metric is compared.
    pub paired: u64,
    /// Cases that count as the worst because the candidate has no verdict.
    pub worst: u64,
    /// Cases that are not compared.
    pub dropped: Dropped,
    /// Whether each case ran once on either side.
    pub(super) single: bool,
    clusters: HashSet<Arc<str>>,
    /// Cases that are a unit of their own.
    alone: u64,
}

/// One metric.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) metric: Metric,
    pub(super) cases: u64,
    pub(super) baseline: Sample,
    pub(super) candidate: Sample,
    pub(super) difference: Sample,
    pub(super) ratios: Ratios,
    pub(super) logs: (Spread, Spread),
    /// Better with the candidate.
    pub(super) fixed: Vec<Arc<str>>,
    /// Worse with it.
    pub(super) broken: Vec<Arc<str>>,
    pub(super) trouble: Option<Status>,
    /// Cases to come, better and worse.
    imagined: (u64, u64),
}

impl Pairs {
    /// No pairs yet.
    pub fn new(setup: Setup) -> Self {
        Self {
            setup,
            rows: Vec::new(),
            paired: 0,
            worst: 0,
            dropped: Dropped::default(),
            single: true,
            clusters: HashSet::new(),
            alone: 0,
        }
    }

    /// Takes in a case that both sides have. A side without a run has no verdict.
    pub fn pair(&mut self, case: &CaseRef, baseline: &Side, candidate: &Side) {
        if !candidate.is_judged() {
            return self.without_verdict(case, baseline);
        }
        if !baseline.is_judged() {
            self.dropped.baseline_errored += 1;
            return;
        }
        self.count(case);
        self.single &= baseline.runs == 1 && candidate.runs == 1;
        let mut named = baseline.names().chain(candidate.names().filter(|name| !baseline.has(name)));
        for at in 0.. {
            let Some(at) = self.row_at(at, &mut named) else { break };
            let row = &mut self.rows[at];
            if let (Some(a), Some(b)) = (baseline.value(&row.metric), candidate.value(&row.metric)) {
                row.add(case, a, b);
            }
        }
    }

    fn count(&mut self, case: &CaseRef) {
        self.paired += 1;
        match &case.cluster {
            Some(name) if !self.clusters.contains(name) => _ = self.clusters.insert(Arc::clone(name)),
            Some(_) => {}
            None => self.alone += 1,
        }
    }

    fn without_verdict(&mut self, case: &CaseRef, baseline: &Side) {
        if self.setup.on_error == OnError::Drop {
            self.dropped.candidate_errored += 1;
            return;
        }
        self.count(case);
        self.worst += 1;
        let mut named = baseline.names();
        for at in 0.. {
            let Some(at) = self.row_at(at, &mut named) else { break };
            self.rows[at].add_worst(case);
        }
    }

    /// The rows that a case has values of, one after the other: the built-in metrics, then its named ones.
    fn row_at<'a>(&mut self, at: usize, named: &mut impl Iterator<Item = &'a Arc<str>>) -> Option<usize> {
        match BUILT_IN.get(at) {
            Some(name) => Some(self.row(name)),
            None => named.next().map(|name| self.row(name)),
        }
    }

    fn row(&mut self, name: &str) -> usize {
        if let Some(at) = self.rows.iter().position(|row| &*row.metric.name == name) {
            return at;
        }
        self.rows.push(Row::new(self.setup.metric(name)));
        self.rows.len() - 1
    }

    /// The same as another setup has it: cases that had no verdict count as it says.
    #[must_use]
    pub(super) fn decided_by(&self, setup: Setup, errored: &[(Arc<CaseRef>, Side)]) -> Self {
        let worst = setup.counts_errors();
        let mut all = Self { setup, ..self.clone() };
        for (case, baseline) in errored.iter().filter(|_| worst) {
            all.dropped.candidate_errored -= 1;
            all.pair(case, baseline, &Side::default());
        }
        all
    }

    /// How many units the cases are.
    pub fn units(&self) -> u64 {
        self.alone + self.clusters.len() as u64
    }

    /// Whether some cases share a source.
    pub fn is_clustered(&self) -> bool {
        !self.clusters.is_empty()
    }

    /// So many cases more, on all of which the candidate did as well, or as badly, as can be.
    #[must_use]
    pub fn with_rest(&self, rest: u64, well: bool) -> Self {
        let mut all = self.clone();
        all.paired += rest;
        all.alone += rest;
        for name in ["pass", "score"] {
            all.row(name);
        }
        for row in &mut all.rows {
            let Some(scale) = row.metric.scale else { continue };
            row.cases += rest;
            row.difference.add_many(if well { scale.width() } else { -scale.width() }, rest);
            let more = if well { &mut row.imagined.0 } else { &mut row.imagined.1 };
            *more += rest;
        }
        all
    }
}

impl Row {
    fn new(metric: Metric) -> Self {
        Self {
            metric,
            cases: 0,
            baseline: Sample::default(),
            candidate: Sample::default(),
            difference: Sample::default(),
            ratios: Ratios::default(),
            logs: (Spread::default(), Spread::default()),
            fixed: Vec::new(),
            broken: Vec::new(),
            trouble: None,
            imagined: (0, 0),
        }
    }

    /// How many cases are better, and how many worse.
    pub(super) fn changes(&self) -> (u64, u64) {
        (self.fixed.len() as u64 + self.imagined.0, self.broken.len() as u64 + self.imagined.1)
    }

    fn add(&mut self, case: &CaseRef, baseline: f64, candidate: f64) {
        let Some(scale) = self.metric.scale else { return self.add_ratio(baseline, candidate) };
        let wrong = match (baseline.is_finite() && candidate.is_finite(), scale.holds(baseline), scale.holds(candidate))
        {
            (false, _, _) => Some(Status::NotFinite),
            (true, true, true) => None,
            (true, ..) => Some(Status::OffScale),
        };
        if wrong.is_some() {
            self.trouble = self.trouble.or(wrong);
            return;
        }
        self.cases += 1;
        let cluster = case.cluster.as_ref();
        self.baseline.add(baseline, cluster);
        self.candidate.add(candidate, cluster);
        let up = candidate - baseline;
        self.differ(case, if self.metric.lower_is_better { -up } else { up });
    }

    fn differ(&mut self, case: &CaseRef, difference: f64) {
        self.difference.add(difference, case.cluster.as_ref());
        if difference > 0.0 {
            self.fixed.push(Arc::clone(&case.id));
        }
        if difference < 0.0 {
            self.broken.push(Arc::clone(&case.id));
        }
    }

    fn add_ratio(&mut self, baseline: f64, candidate: f64) {
        self.ratios.add(baseline, candidate);
        if baseline > 0.0 && candidate > 0.0 {
            self.cases += 1;
            self.logs.0.add(baseline.ln());
            self.logs.1.add(candidate.ln());
        }
    }

    /// The worst there is: the baseline at the good end, the candidate at the bad one.
    fn add_worst(&mut self, case: &CaseRef) {
        let Some(scale) = self.metric.scale else { return };
        self.cases += 1;
        let (good, bad) = if self.metric.lower_is_better { (scale.low, scale.high) } else { (scale.high, scale.low) };
        self.baseline.add(good, case.cluster.as_ref());
        self.candidate.add(bad, case.cluster.as_ref());
        self.differ(case, -scale.width());
    }
}
