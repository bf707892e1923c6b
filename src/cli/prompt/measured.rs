//! What was measured of a prompt's content.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::trend::replay;
use crate::stats::Metric;
use crate::stats::trend::{Meter, Point};
use crate::store::{Store, StoreError, StoredRun};

/// Figures of one content, each from the newest run that has it.
#[derive(Default)]
pub(super) struct Measured {
    /// Whether any run is stored.
    pub(super) runs: bool,
    /// Whether one of them is of this content.
    pub(super) ever: bool,
    points: BTreeMap<String, Vec<Point>>,
}

impl Measured {
    /// Looks for these figures.
    pub(super) fn of(store: &Store, hash: &str, figures: &BTreeSet<&str>) -> Result<Self, StoreError> {
        let mut found = Self::default();
        let runs = store.runs(usize::MAX, &mut |run| {
            let has = run.head.columns.iter().any(|column| &*column.prompt_hash == hash);
            (found.runs, found.ever) = (true, found.ever || has);
            has && run.is_over()
        })?;
        for run in &runs {
            let missing: Vec<&str> =
                figures.iter().filter(|figure| !found.points.contains_key(metric(figure))).copied().collect();
            if missing.is_empty() {
                break;
            }
            found.look(store, run, hash, &missing)?;
        }
        Ok(found)
    }

    fn look(&mut self, store: &Store, run: &StoredRun, hash: &str, missing: &[&str]) -> Result<(), StoreError> {
        let metrics: Vec<Metric> = missing.iter().map(|figure| Metric::of(metric(figure))).collect();
        let mut meter = Meter::new(&run.head, &metrics, |column| &*column.prompt_hash == hash);
        replay(store, run, &mut meter)?;
        for point in meter.end(&run.head).into_iter().filter(|point| point.measured.value.is_some()) {
            self.points.entry(point.metric.to_string()).or_default().push(point);
        }
        Ok(())
    }

    /// What was measured under a declared name, a point a provider.
    pub(super) fn points(&self, figure: &str) -> &[Point] {
        self.points.get(metric(figure)).map_or(&[], Vec::as_slice)
    }
}

/// The metric that a declared figure means.
pub(super) fn metric(figure: &str) -> &str {
    if figure == "pass_rate" { "pass" } else { figure }
}
