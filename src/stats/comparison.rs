//! Whether one version is better than another, or only different.

use std::sync::Arc;

use serde::Serialize;

use super::pairs::{Dropped, Pairs, Row};
use super::{Bounded, Sample, Scale, Spread, Status, cases_to_detect, holm, mcnemar, norm_ppf, norm_sf, t_ppf};
use crate::record::{Column, RunHead};

/// Fewer units than this carry little.
const FEW: f64 = 20.0;
/// A difference is claimed below this.
const ALPHA: f64 = 0.05;

/// What is asked of a comparison.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// Two-sided confidence of the intervals.
    pub confidence: f64,
    /// The difference that more cases should be able to show, as a share of the scale.
    pub detect: f64,
    /// How often they should show it.
    pub power: f64,
}

impl Default for Question {
    fn default() -> Self {
        Self { confidence: 0.95, detect: 0.02, power: 0.8 }
    }
}

/// One of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Party {
    /// The run's id.
    pub run: Arc<str>,
    /// The prompt's label.
    pub prompt: Arc<str>,
    /// The prompt's name, where it comes from a versioned file.
    pub name: Option<Arc<str>>,
    /// Its version.
    pub version: Option<Arc<str>>,
    /// The hash of its content.
    pub prompt_hash: Arc<str>,
    /// The provider's label.
    pub provider: Arc<str>,
}

impl Party {
    /// A column of a run.
    pub fn of(head: &RunHead, column: &Column) -> Self {
        Self {
            run: Arc::clone(&head.id),
            prompt: Arc::clone(&column.label),
            name: column.name.clone(),
            version: column.version.clone(),
            prompt_hash: Arc::clone(&column.prompt_hash),
            provider: Arc::clone(&column.provider),
        }
    }
}

/// Two versions, side by side.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The version of this shape.
    pub schema: u32,
    /// What is there.
    pub baseline: Party,
    /// What may come.
    pub candidate: Party,
    /// Cases that were compared.
    pub n_paired: u64,
    /// The units they are: cases of one cluster are one.
    pub units: u64,
    /// Cases that were not compared.
    pub dropped: Dropped,
    /// Two-sided confidence of all intervals.
    pub confidence: f64,
    /// The difference that `cases_needed` is about, as a share of the scale.
    pub detect: f64,
    /// How often that many cases show it.
    pub power: f64,
    /// One result a metric: `pass` first.
    pub metrics: Vec<MetricResult>,
}

/// A mean with its interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean over the compared cases; geometric for metrics without a scale.
    pub mean: Option<f64>,
    /// Its interval.
    pub ci: Option<[f64; 2]>,
}

/// Which is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// The candidate.
    Better,
    /// The baseline.
    Worse,
    /// The data do not say.
    NoClearDifference,
}

/// One metric.
#[derive(Debug, Clone, Serialize)]
pub struct MetricResult {
    /// Its name.
    pub name: Arc<str>,
    /// The ends of its scale; `null` for latency, tokens and cost, whose differences are relative.
    pub scale: Option<[f64; 2]>,
    /// Which direction is good.
    pub better: &'static str,
    /// What values are counted in.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub unit: &'static str,
    /// Why figures are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Cases.
    pub n: u64,
    /// Whether the cases are fewer than carry an answer.
    pub few: bool,
    /// The baseline's mean.
    pub baseline: Estimate,
    /// The candidate's mean.
    pub candidate: Estimate,
    /// Candidate minus baseline; without a scale the relative change.
    pub difference: Option<f64>,
    /// Its interval.
    pub ci: Option<[f64; 2]>,
    /// Two-sided p of "no difference".
    pub p: Option<f64>,
    /// The same, corrected for the number of metrics (Holm).
    pub p_adjusted: Option<f64>,
    /// Which is better.
    pub verdict: Better,
    /// Cases that are better with the candidate.
    pub fixed: Vec<Arc<str>>,
    /// Cases that are worse with it.
    pub broken: Vec<Arc<str>>,
    /// Cases that are the same.
    pub unchanged: u64,
    /// Cases that would show a difference of `detect`.
    pub cases_needed: Option<u64>,
}

impl Comparison {
    /// What the pairs say.
    pub fn of(pairs: &Pairs, baseline: Party, candidate: Party, question: &Question) -> Self {
        let row = |row: &Row| MetricResult::of(row, pairs, question);
        let mut metrics: Vec<MetricResult> = pairs.rows.iter().map(row).filter(MetricResult::says_something).collect();
        adjust(&mut metrics);
        Self {
            schema: 1,
            baseline,
            candidate,
            n_paired: pairs.paired,
            units: pairs.units(),
            dropped: pairs.dropped,
            confidence: question.confidence,
            detect: question.detect,
            power: question.power,
            metrics,
        }
    }

    /// The metric of a name.
    pub fn metric(&self, name: &str) -> Option<&MetricResult> {
        self.metrics.iter().find(|metric| &*metric.name == name)
    }
}

/// Holm's correction over all metrics that have a p, and the verdicts that follow.
fn adjust(metrics: &mut [MetricResult]) {
    let p: Vec<f64> = metrics.iter().filter_map(|metric| metric.p).collect();
    let mut adjusted = holm(&p).into_iter();
    for metric in metrics.iter_mut().filter(|metric| metric.p.is_some()) {
        metric.p_adjusted = adjusted.next();
        metric.verdict = metric.judge();
    }
}

impl MetricResult {
    fn of(row: &Row, pairs: &Pairs, question: &Question) -> Self {
        let empty = Self::empty(row);
        if row.trouble.is_some() {
            return empty;
        }
        match row.metric.scale {
            Some(scale) => empty.bounded(row, scale, pairs, question),
            None => empty.relative(row, question),
        }
    }

    fn empty(row: &Row) -> Self {
        let metric = &row.metric;
        Self {
            name: Arc::clone(&metric.name),
            scale: metric.scale.map(|scale| [scale.low, scale.high]),
            better: if metric.lower_is_better { "lower" } else { "higher" },
            unit: metric.unit(),
            status: row.trouble,
            n: row.cases,
            few: false,
            baseline: Estimate::default(),
            candidate: Estimate::default(),
            difference: None,
            ci: None,
            p: None,
            p_adjusted: None,
            verdict: Better::NoClearDifference,
            fixed: row.fixed.clone(),
            broken: row.broken.clone(),
            unchanged: row.cases.saturating_sub((row.fixed.len() + row.broken.len()) as u64),
            cases_needed: None,
        }
    }

    fn bounded(self, row: &Row, scale: Scale, pairs: &Pairs, question: &Question) -> Self {
        let units = row.difference.units();
        let Some(mean) = units.mean() else { return Self { status: Some(Status::NoData), ..self } };
        let z = norm_ppf(0.5 + 0.5 * question.confidence);
        let differences = scale.of_differences();
        let test = Bounded::new(&units, differences);
        let exact = row.metric.is_pass() && pairs.single && !pairs.is_clustered();
        let p = if exact {
            mcnemar(row.fixed.len() as u64, row.broken.len() as u64).mid
        } else {
            2.0 * norm_sf(test.statistic(0.0).abs())
        };
        let delta = question.detect * scale.width();
        let sign = if row.metric.lower_is_better { -1.0 } else { 1.0 };
        let (low, high) = test.interval(z);
        Self {
            few: units.count < FEW,
            baseline: estimate(&row.baseline, scale, z),
            candidate: estimate(&row.candidate, scale, z),
            difference: Some(sign * mean + 0.0),
            ci: Some(if sign > 0.0 { [low, high] } else { [-high, -low] }),
            p: Some(p),
            cases_needed: cases_to_detect(
                units.padded_variance(differences),
                delta,
                question.confidence,
                question.power,
            ),
            ..self
        }
    }

    fn relative(self, row: &Row, question: &Question) -> Self {
        let logs = |spread: &Spread| geometric(spread, question.confidence);
        let (baseline, candidate) = (logs(&row.logs.0), logs(&row.logs.1));
        let known = Self { baseline, candidate, few: row.ratios.count() < FEW, unchanged: 0, ..self };
        match row.ratios.test(question.confidence) {
            Ok(found) => {
                let step = (1.0 + question.detect).ln();
                let needed = |var| cases_to_detect(var, step, question.confidence, question.power);
                Self {
                    difference: Some(found.ratio - 1.0),
                    ci: Some([found.interval.0 - 1.0, found.interval.1 - 1.0]),
                    p: Some(found.p),
                    cases_needed: row.ratios.variance().and_then(needed),
                    ..known
                }
            }
            Err(status) => Self { status: Some(status), difference: row.ratios.mean().ok().map(|r| r - 1.0), ..known },
        }
    }

    /// Better or worse only where the corrected p and the interval agree.
    fn judge(&self) -> Better {
        let (Some(p), Some([low, high])) = (self.p_adjusted, self.ci) else { return Better::NoClearDifference };
        if p >= ALPHA || (low <= 0.0 && 0.0 <= high) {
            return Better::NoClearDifference;
        }
        if (low > 0.0) == (self.better == "higher") { Better::Better } else { Better::Worse }
    }

    /// Whether anything was measured.
    fn says_something(&self) -> bool {
        self.n > 0 || self.status.is_some_and(|status| matches!(status, Status::OffScale | Status::NotFinite))
    }
}

/// The mean of bounded values with its interval.
pub(super) fn estimate(sample: &Sample, scale: Scale, z: f64) -> Estimate {
    let units = sample.units();
    let (low, high) = Bounded::new(&units, scale).interval(z);
    Estimate { mean: units.mean(), ci: units.mean().map(|_| [low, high]) }
}

/// The geometric mean, with Student's interval on the logs.
pub(super) fn geometric(logs: &Spread, confidence: f64) -> Estimate {
    if logs.count == 0.0 {
        return Estimate::default();
    }
    let wide = logs.error().ok().map(|error| error * t_ppf(0.5 + 0.5 * confidence, logs.count - 1.0));
    let end = |by: f64| (logs.mean + by).exp();
    Estimate { mean: Some(end(0.0)), ci: wide.map(|wide| [end(-wide), end(wide)]) }
}
