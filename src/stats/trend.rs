//! A version over time: one point a run.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use semver::Version;

use super::comparison::{estimate, geometric};
use super::{Estimate, Metric, Names, Party, Sample, Side, Spread, Status, norm_ppf};
use crate::record::{CaseRef, Column, Outcome, RunHead};

/// Two-sided confidence of the intervals.
const CONFIDENCE: f64 = 0.95;

/// What a metric came to over cases. The repeats of a case are one case, the cases of a cluster one unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Cases that have a value.
    pub cases: u64,
    /// Cases without a verdict; they are not counted.
    pub errored: u64,
    /// The mean over the cases; geometric for metrics without a scale.
    pub value: Option<f64>,
    /// Its 95 % interval.
    pub ci: Option<[f64; 2]>,
    /// Why a figure is missing.
    pub status: Option<Status>,
}

/// What a metric came to in one column of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// When the run began, milliseconds since 1970, UTC.
    pub time_ms: u64,
    /// The run, the prompt, the provider.
    pub of: Party,
    /// The metric.
    pub metric: Arc<str>,
    /// What it came to.
    pub measured: Measured,
}

/// Metrics of a run in the making, in the columns that are wanted.
#[derive(Debug)]
pub struct Meter {
    lanes: Vec<Lane>,
    names: Names,
    found: BTreeSet<Arc<str>>,
}

/// One column.
#[derive(Debug)]
struct Lane {
    column: usize,
    case: Option<Arc<CaseRef>>,
    side: Side,
    errored: u64,
    gauges: Vec<Gauge>,
}

/// One metric.
#[derive(Debug)]
struct Gauge {
    metric: Metric,
    sample: Sample,
    /// The values themselves, or their logarithms where there is no scale.
    spread: Spread,
    trouble: Option<Status>,
}

impl Meter {
    /// Nothing yet.
    pub fn new(head: &RunHead, metrics: &[Metric], wanted: impl Fn(&Column) -> bool) -> Self {
        let columns = head.columns.iter().enumerate().filter(|(_, column)| wanted(column));
        let lanes = columns.map(|(column, _)| Lane::new(column, metrics)).collect();
        Self { lanes, names: Names::default(), found: BTreeSet::new() }
    }

    /// Takes in a cell. They come in plan order, the repeats of a case one after the other.
    pub fn add(&mut self, outcome: &Outcome) {
        let Some(lane) = self.lanes.iter_mut().find(|lane| lane.column == outcome.column) else { return };
        for (name, _) in &outcome.named {
            if !self.found.contains(&**name) {
                self.found.insert(name.as_str().into());
            }
        }
        lane.add(outcome, &mut self.names);
    }

    /// The named metrics that were seen.
    pub fn named(&self) -> &BTreeSet<Arc<str>> {
        &self.found
    }

    /// What came of it: for each column a point a metric.
    pub fn end(self, head: &RunHead) -> Vec<Point> {
        self.lanes.into_iter().flat_map(|lane| lane.end(head)).collect()
    }
}

impl Lane {
    fn new(column: usize, metrics: &[Metric]) -> Self {
        let gauges = metrics.iter().cloned().map(Gauge::new).collect();
        Self { column, case: None, side: Side::default(), errored: 0, gauges }
    }

    fn add(&mut self, outcome: &Outcome, names: &mut Names) {
        if self.case.as_ref().is_none_or(|case| case.id != outcome.case.id) {
            self.end_case();
            self.case = Some(Arc::clone(&outcome.case));
        }
        self.side.add(outcome, names);
    }

    fn end_case(&mut self) {
        let (Some(case), side) = (self.case.take(), std::mem::take(&mut self.side)) else { return };
        self.errored += u64::from(!side.is_judged());
        for gauge in &mut self.gauges {
            side.value(&gauge.metric).into_iter().for_each(|value| gauge.add(value, &case));
        }
    }

    fn end(mut self, head: &RunHead) -> Vec<Point> {
        self.end_case();
        let Some(column) = head.columns.get(self.column) else { return Vec::new() };
        let errored = self.errored;
        let point = |gauge: Gauge| Point {
            time_ms: head.started_ms,
            of: Party::of(head, column),
            metric: Arc::clone(&gauge.metric.name),
            measured: gauge.end(errored),
        };
        self.gauges.into_iter().map(point).collect()
    }
}

impl Gauge {
    fn new(metric: Metric) -> Self {
        Self { metric, sample: Sample::default(), spread: Spread::default(), trouble: None }
    }

    fn add(&mut self, value: f64, case: &CaseRef) {
        if !value.is_finite() {
            self.trouble = Some(Status::NotFinite);
            return;
        }
        match self.metric.scale {
            Some(scale) => {
                self.trouble = self.trouble.or((!scale.holds(value)).then_some(Status::OffScale));
                self.sample.add(value, case.cluster.as_ref());
                self.spread.add(value);
            }
            None if value > 0.0 => self.spread.add(value.ln()),
            None => self.trouble = self.trouble.or(Some(Status::NotPositive)),
        }
    }

    fn end(&self, errored: u64) -> Measured {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let cases = self.spread.count as u64;
        let (found, status) = self.figures();
        let value = found.mean.filter(|mean| mean.is_finite());
        let ci = found.ci.filter(|ends| value.is_some() && ends.iter().all(|end| end.is_finite()));
        // Where an end is beyond all numbers, too little is known.
        let status = status.or((ci.is_none()).then_some(Status::InsufficientData));
        Measured { cases, errored, value, ci, status }
    }

    /// The mean and its interval, and why one of them is missing.
    fn figures(&self) -> (Estimate, Option<Status>) {
        match (self.trouble, self.metric.scale) {
            // The mean is one all the same.
            (Some(Status::OffScale), _) => {
                (Estimate { mean: Some(self.spread.mean), ci: None }, Some(Status::OffScale))
            }
            (Some(status), _) => (Estimate::default(), Some(status)),
            (None, _) if self.spread.count == 0.0 => (Estimate::default(), Some(Status::NoData)),
            (None, Some(scale)) => (estimate(&self.sample, scale, norm_ppf(0.5 + 0.5 * CONFIDENCE)), None),
            (None, None) => (geometric(&self.spread, CONFIDENCE), self.spread.error().err()),
        }
    }
}

/// The points of one version at one provider, oldest first.
#[derive(Debug)]
pub struct Series<'a> {
    /// Never empty.
    pub points: Vec<&'a Point>,
}

impl Series<'_> {
    /// The version, or what a prompt without one is called.
    pub fn version(&self) -> &str {
        self.points.first().map_or("", |point| version(point))
    }

    /// The provider's label.
    pub fn provider(&self) -> &str {
        self.points.first().map_or("", |point| &point.of.provider)
    }
}

/// The version of a point, or its prompt's label where it has none.
pub fn version(point: &Point) -> &str {
    point.of.version.as_deref().unwrap_or(&point.of.prompt)
}

/// Points by provider and version, in the order of the versions.
pub fn series(points: &[Point]) -> Vec<Series<'_>> {
    let mut all: Vec<Series<'_>> = Vec::new();
    for point in points {
        let same = |one: &&mut Series<'_>| (one.provider(), one.version()) == (&*point.of.provider, version(point));
        match all.iter_mut().find(same) {
            Some(series) => series.points.push(point),
            None => all.push(Series { points: vec![point] }),
        }
    }
    all.sort_by(|a, b| a.provider().cmp(b.provider()).then_with(|| by_version(a.version(), b.version())));
    all
}

/// 10.0.0 is newer than 9.0.0; what is no version comes first.
fn by_version(a: &str, b: &str) -> Ordering {
    Version::parse(a).ok().cmp(&Version::parse(b).ok()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fixture::{case, head, outcome};
    use super::*;
    use crate::record::{Response, Status as Ended, Usage};

    /// The point of a metric over these cells.
    fn measured(metric: &str, cells: &[Arc<Outcome>]) -> Measured {
        let head = head(&["1.0.0"]);
        let mut meter = Meter::new(&head, &[Metric::of(metric)], |_| true);
        for cell in cells {
            meter.add(cell);
        }
        meter.end(&head)[0].measured
    }

    fn cells(id: &str, ends: &[Ended]) -> Vec<Arc<Outcome>> {
        let case = Arc::new(case(id));
        ends.iter().map(|end| outcome(&case, 0, *end)).collect()
    }

    #[test]
    fn repeats_are_one_case_and_no_verdict_is_none() {
        use Ended::{Errored, Failed, Passed};
        let all = [cells("a", &[Passed, Failed]), cells("b", &[Passed, Errored]), cells("c", &[Errored])].concat();
        let found = measured("pass", &all);
        assert_eq!((found.cases, found.errored, found.value, found.status), (2, 1, Some(0.75), None));
    }

    #[test]
    fn passes_have_wilsons_interval() {
        let end = |n: u32| if n < 46 { Ended::Passed } else { Ended::Failed };
        let all: Vec<_> = (0..50).flat_map(|n| cells(&format!("c{n}"), &[end(n)])).collect();
        let [low, high] = measured("pass", &all).ci.unwrap();
        let (wilson_low, wilson_high) = super::super::wilson(46, 50).unwrap();
        assert!((low - wilson_low).abs() < 1e-9 && (high - wilson_high).abs() < 1e-9, "{low} {high}");
    }

    #[test]
    fn what_is_missing_is_said() {
        let all = [cells("a", &[Ended::Passed]), cells("b", &[Ended::Passed])].concat();
        let status = |metric: &str| measured(metric, &all).status;
        assert_eq!((status("tokens"), status("cost")), (Some(Status::NoVariation), Some(Status::NoData)));
        assert_eq!(measured("latency", &all[..1]).status, Some(Status::InsufficientData));
        assert_eq!(measured("nothing", &all).value, None);
    }

    #[test]
    fn versions_stand_in_their_order() {
        let head = head(&["10.0.0", "9.0.0", "draft", "9.0.0"]);
        let points = Meter::new(&head, &[Metric::of("pass")], |_| true).end(&head);
        let found: Vec<_> = series(&points).iter().map(|s| (s.version().to_owned(), s.points.len())).collect();
        assert_eq!(found, [("draft".into(), 1), ("9.0.0".into(), 2), ("10.0.0".into(), 1)]);
    }

    proptest! {
        #[test]
        fn a_point_never_holds_what_is_no_number(
            values in proptest::collection::vec((any::<f64>(), any::<u64>(), any::<bool>()), 0..8),
        ) {
            let cell = |(n, (value, whole, passed)): (usize, &(f64, u64, bool))| {
                let mut case = case(&format!("c{n}"));
                case.cluster = passed.then(|| "k".into());
                let mut one = Arc::unwrap_or_clone(outcome(&Arc::new(case), 0, if *passed { Ended::Passed } else { Ended::Failed }));
                (one.score, one.named) = (*value, vec![("m".into(), *value)]);
                let usage = Some(Usage { total: *whole, ..Usage::default() });
                one.response = Some(Response { latency_ms: Some(*whole), usage, cost: Some(*value), ..Response::default() });
                Arc::new(one)
            };
            let all: Vec<_> = values.iter().enumerate().map(cell).collect();
            for metric in ["pass", "score", "m", "latency", "tokens", "cost"] {
                let found = measured(metric, &all);
                let numbers = found.value.into_iter().chain(found.ci.into_iter().flatten());
                prop_assert!(numbers.into_iter().all(f64::is_finite), "{metric}: {found:?}");
                prop_assert!(found.ci.is_some() || found.status.is_some(), "{metric}: {found:?}");
                prop_assert!(found.ci.is_none_or(|[low, high]| low <= high));
            }
        }
    }
}
