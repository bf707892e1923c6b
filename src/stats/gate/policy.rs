//! What a gate asks.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::content::{Digest, digest_of};
use crate::record::CaseRef;
use crate::stats::{Metric, OnError, Setup, min_cases_for_margin};

/// The rules of a gate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Policy {
    /// What the candidate is held against: a label, a version, a run, a report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
    /// One-sided confidence of every bound.
    pub confidence: f64,
    /// The power that case counts are planned with.
    pub power: f64,
    /// What may not get worse, by metric; `pass` is always among them.
    pub guards: BTreeMap<String, Guard>,
    /// What must get better.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_improvement: Option<Improvement>,
    /// Cases that must pass, whatever the rest does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub must_pass: Vec<String>,
    /// Fewest cases; never fewer than the margins need.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_cases: Option<u64>,
    /// Least share of cases that pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_pass_rate: Option<f64>,
    /// Highest 95th percentile of the latency, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_p95_latency_ms: Option<f64>,
    /// Highest mean cost of an answer, in US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cost_per_case_usd: Option<f64>,
    /// What a case without a verdict counts as.
    pub on_error: OnError,
    /// Whether a drop that is real but within the margin closes the gate.
    pub block_deterioration: bool,
}

/// How much worse one metric may get.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Guard {
    /// The margin: a share of the scale, or of the baseline for metrics without a scale.
    pub margin: f64,
    /// The ends of the scale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<[f64; 2]>,
    /// Whether less is better.
    pub lower_is_better: bool,
}

/// What must get better.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Improvement {
    /// Whether one of the metrics is enough.
    pub any: bool,
    /// The metrics, each with the share of its scale that it must gain more than.
    pub metrics: Vec<(String, f64)>,
}

/// The margin when nobody says otherwise: the smallest that a suite of 50 to 100 cases can serve.
pub const MARGIN: f64 = 0.05;
/// The one-sided confidence when nobody says otherwise: that of a two-sided 90 % interval.
pub const CONFIDENCE: f64 = 0.95;

impl Default for Policy {
    fn default() -> Self {
        Self {
            baseline: None,
            confidence: CONFIDENCE,
            power: 0.8,
            guards: BTreeMap::from([("pass".to_owned(), Guard::of("pass", MARGIN))]),
            require_improvement: None,
            must_pass: Vec::new(),
            min_cases: None,
            min_pass_rate: None,
            max_p95_latency_ms: None,
            max_cost_per_case_usd: None,
            on_error: OnError::Worst,
            block_deterioration: false,
        }
    }
}

impl Guard {
    /// A guard of a metric with this margin.
    pub fn of(metric: &str, margin: f64) -> Self {
        Self { margin, scale: None, lower_is_better: Metric::of(metric).lower_is_better }
    }

    /// The metric it guards.
    pub fn metric(&self, name: &str) -> Metric {
        let mut metric = Metric::of(name);
        metric.scale = self.scale.map(|[low, high]| crate::stats::Scale { low, high }).or(metric.scale);
        metric.lower_is_better = self.lower_is_better;
        metric
    }
}

impl Policy {
    /// How pairs are made for it.
    pub fn setup(&self) -> Setup {
        let metrics = self.guards.iter().map(|(name, guard)| (name.clone(), guard.metric(name))).collect();
        Setup { on_error: self.on_error, metrics }
    }

    /// Fewer cases cannot open the gate even if nothing changes. Guards of metrics without a scale need none.
    pub fn fewest_cases(&self) -> u64 {
        let scaled = self.guards.iter().filter(|(name, guard)| guard.metric(name).scale.is_some());
        let needed = scaled.filter_map(|(_, guard)| min_cases_for_margin(guard.margin, self.confidence, 1.0));
        needed.chain(self.min_cases).max().unwrap_or(0)
    }

    /// The metrics that it asks for.
    pub fn metrics(&self) -> impl Iterator<Item = &str> {
        let improved = self.require_improvement.iter().flat_map(|asked| &asked.metrics);
        self.guards.keys().chain(improved.map(|(name, _)| name)).map(String::as_str)
    }

    /// Whether it has a rule that needs no baseline.
    pub fn is_absolute(&self) -> bool {
        self.min_pass_rate.is_some()
            || !self.must_pass.is_empty()
            || self.max_p95_latency_ms.is_some()
            || self.max_cost_per_case_usd.is_some()
    }

    /// Whether it has a rule whose end nobody can foresee: some figures have no upper limit, and named
    /// metrics need not appear.
    pub fn is_open_ended(&self) -> bool {
        self.max_p95_latency_ms.is_some()
            || self.max_cost_per_case_usd.is_some()
            || self.guards.keys().any(|name| !foreseeable(name))
            || self.require_improvement.iter().flat_map(|i| &i.metrics).any(|(name, _)| !foreseeable(name))
    }

    /// The same without the rules whose end nobody can foresee.
    #[must_use]
    pub fn foreseeable(&self) -> Self {
        let mut policy = self.clone();
        policy.guards.retain(|name, _| foreseeable(name));
        policy.max_p95_latency_ms = None;
        policy.max_cost_per_case_usd = None;
        policy.require_improvement = None;
        policy
    }

    /// Its digest, for the record.
    pub fn digest(&self) -> Digest {
        digest_of(&serde_json::to_value(self).unwrap_or(Value::Null))
    }
}

fn foreseeable(metric: &str) -> bool {
    matches!(metric, "pass" | "score")
}

/// Whether an entry of `must_pass` means a case: its id, its description, or `key=value` of its metadata.
pub fn means(entry: &str, case: &CaseRef) -> bool {
    if entry == &*case.id || Some(entry) == case.description.as_deref() {
        return true;
    }
    let Some((key, value)) = entry.split_once('=') else { return false };
    match case.metadata.get(key) {
        Some(Value::String(text)) => text == value,
        Some(Value::Array(list)) => list.iter().any(|item| item.as_str() == Some(value)),
        Some(other) => value == other.to_string().as_str(),
        None => false,
    }
}
