//! What is known of the users of an experiment.

use std::collections::BTreeMap;

use crate::experiment::phase::Phase;
use crate::stats::Spread;

/// So many sorts of users are told apart: an id that was taken for one must not cost memory without end.
pub const SEGMENTS: usize = 100;

/// What users of one arm came to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Group {
    pub(super) spread: Spread,
    /// Whether a value is neither 0 nor 1.
    pub(super) graded: bool,
}

impl Group {
    /// Takes in what a user's values come to.
    pub fn add(&mut self, value: f64) {
        self.spread.add(value);
        self.graded |= value.to_bits() != 0.0_f64.to_bits() && value.to_bits() != 1.0_f64.to_bits();
    }

    /// How many users.
    pub fn users(&self) -> u64 {
        whole(self.spread.count)
    }

    /// Their mean.
    pub fn mean(&self) -> Option<f64> {
        (self.spread.count > 0.0).then_some(self.spread.mean)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of users")]
pub(super) fn whole(n: f64) -> u64 {
    n as u64
}

/// What is known of a metric: a group for each arm, in all and by segment.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// By arm, in the order of the phase.
    pub all: Vec<Group>,
    /// The same for each sort of user.
    pub segments: BTreeMap<String, Vec<Group>>,
    /// The same for each stretch of time, by its end, milliseconds since 1970, UTC.
    pub stretches: BTreeMap<u64, Vec<Group>>,
    /// Users of whom it is known, but who were not exposed before, or to several arms.
    pub left_out: u64,
    /// Whether there are more sorts of users than are told apart.
    pub crowded: bool,
}

impl Measured {
    /// Of nobody yet.
    pub fn new(arms: usize) -> Self {
        Self { all: vec![Group::default(); arms], ..Self::default() }
    }

    /// Takes in a user.
    pub fn add(&mut self, arm: usize, segment: Option<&str>, value: f64) {
        let Some(group) = self.all.get_mut(arm) else { return };
        group.add(value);
        let Some(segment) = segment else { return };
        let arms = self.all.len();
        if !self.segments.contains_key(segment) {
            if self.segments.len() == SEGMENTS {
                self.crowded = true;
                return;
            }
            self.segments.insert(segment.to_owned(), vec![Group::default(); arms]);
        }
        if let Some(group) = self.segments.get_mut(segment).and_then(|groups| groups.get_mut(arm)) {
            group.add(value);
        }
    }

    /// Takes in that a user of an arm came in the stretch of time that ends then.
    pub fn came(&mut self, arm: usize, end_ms: u64, value: f64) {
        let arms = self.all.len();
        let groups = self.stretches.entry(end_ms).or_insert_with(|| vec![Group::default(); arms]);
        if let Some(group) = groups.get_mut(arm) {
            group.add(value);
        }
    }
}

/// All that goes into an analysis.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// What was frozen.
    pub phase: &'a Phase,
    /// Users exposed to each arm, in the order of the phase; nothing where exposures were not logged.
    pub exposed: Option<Vec<u64>>,
    /// Users who met more than one arm.
    pub several: u64,
    /// Each metric of the phase, in its order.
    pub measured: Vec<Measured>,
}
