//! What a bounded test is made of: units, each the sum over the cases of one source.

use std::collections::HashMap;
use std::sync::Arc;

use super::Status;

/// The ends of a scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// The worst value, or the best where lower is better.
    pub low: f64,
    /// The other end.
    pub high: f64,
}

impl Scale {
    /// From 0 to 1.
    pub const UNIT: Self = Self { low: 0.0, high: 1.0 };

    /// How wide it is.
    pub fn width(self) -> f64 {
        self.high - self.low
    }

    /// The scale of differences between two values on this one.
    #[must_use]
    pub fn of_differences(self) -> Self {
        Self { low: -self.width(), high: self.width() }
    }

    /// Whether a value lies on it.
    pub fn holds(self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// Units that are alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    /// How many cases each has.
    pub size: f64,
    /// The sum of their values.
    pub sum: f64,
    /// How many such units there are.
    pub count: f64,
}

/// Distinct values that are counted; the others are kept as they come.
const COUNTED: usize = 16;

/// Values by case in the making. The common ones are counted, so that a million passes and failures take
/// no room.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    counts: Vec<(f64, u64)>,
    others: Vec<f64>,
    clusters: HashMap<Arc<str>, (u64, f64)>,
}

impl Sample {
    /// Takes in the value of a case that is a unit of its own, or of one of a cluster.
    pub fn add(&mut self, value: f64, cluster: Option<&Arc<str>>) {
        match cluster {
            None => self.add_many(value, 1),
            Some(name) => {
                let unit = self.clusters.entry(Arc::clone(name)).or_default();
                unit.0 += 1;
                unit.1 += value;
            }
        }
    }

    /// So many cases of this value more.
    pub fn add_many(&mut self, value: f64, count: u64) {
        // Zero has two signs.
        let value = value + 0.0;
        if let Some(known) = self.counts.iter_mut().find(|known| known.0.to_bits() == value.to_bits()) {
            known.1 += count;
        } else if self.counts.len() < COUNTED || count > 1 {
            self.counts.push((value, count));
        } else if count == 1 {
            self.others.push(value);
        }
    }

    /// The units so far, in an order that does not depend on how they came.
    pub fn units(&self) -> Units {
        let single = |value: f64, count: u64| Unit { size: 1.0, sum: value, count: super::float(count) };
        let cluster = |(size, sum): &(u64, f64)| Unit { size: super::float(*size), sum: *sum, count: 1.0 };
        let mut list: Vec<Unit> = self.others.iter().map(|value| single(*value, 1)).collect();
        list.extend(self.counts.iter().filter(|known| known.1 > 0).map(|known| single(known.0, known.1)));
        list.extend(self.clusters.values().map(cluster));
        list.sort_unstable_by(|a, b| a.sum.total_cmp(&b.sum).then(a.size.total_cmp(&b.size)));
        list.dedup_by(|next, kept| {
            let alike = next.sum.to_bits() == kept.sum.to_bits() && next.size.to_bits() == kept.size.to_bits();
            kept.count += if alike { next.count } else { 0.0 };
            alike
        });
        Units::of(list)
    }
}

/// Units, ready to be tested.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Units {
    pub(super) list: Vec<Unit>,
    /// How many cases.
    pub cases: f64,
    /// How many units: each case, or each cluster of them.
    pub count: f64,
    pub(super) sum: f64,
    /// The size of the largest.
    pub(super) largest: f64,
    /// Sums of squares: of sums, of sums times sizes, of sizes.
    squares: [f64; 3],
}

impl Units {
    /// These units.
    pub fn of(list: Vec<Unit>) -> Self {
        let total = |value: fn(&Unit) -> f64| list.iter().map(|u| value(u) * u.count).sum();
        let (cases, sum) = (total(|u| u.size), total(|u| u.sum));
        let count = list.iter().map(|u| u.count).sum();
        let largest = list.iter().map(|u| u.size).fold(0.0, f64::max);
        let squares = [total(|u| u.sum * u.sum), total(|u| u.sum * u.size), total(|u| u.size * u.size)];
        Self { list, cases, count, sum, largest, squares }
    }

    /// The sum of the squares of `sum - size · mu`.
    pub(super) fn squares_around(&self, mu: f64) -> f64 {
        let [sums, mixed, sizes] = self.squares;
        (sums - 2.0 * mu * mixed + mu * mu * sizes).max(0.0)
    }

    /// The differences of pass/fail pairs: so many fixed, so many broken, of so many.
    pub fn of_pairs(fixed: u64, broken: u64, pairs: u64) -> Self {
        let mut sample = Sample::default();
        sample.add_many(1.0, fixed);
        sample.add_many(-1.0, broken);
        sample.add_many(0.0, pairs.saturating_sub(fixed + broken));
        sample.units()
    }

    /// The mean over cases; `None` without any.
    pub fn mean(&self) -> Option<f64> {
        (self.cases > 0.0).then(|| self.sum / self.cases)
    }

    /// The variance of one case's value, cases of a unit counted together, with one more case at each
    /// end of the scale: never zero.
    pub fn padded_variance(&self, scale: Scale) -> f64 {
        let padded = self.padded(scale);
        let mean = padded.sum / padded.cases;
        let square = |u: &Unit| (u.sum - u.size * mean).powi(2) * u.count;
        padded.list.iter().map(square).sum::<f64>() / padded.cases
    }

    /// About the standard error of the mean, with one case more that is `far` from it.
    pub(super) fn rough_error(&self, far: f64) -> f64 {
        let mean = self.mean().unwrap_or(0.0);
        let squares: f64 = self.list.iter().map(|u| (u.sum - u.size * mean).powi(2) * u.count).sum();
        (squares + far * far).sqrt() / self.cases
    }

    /// The same with one more case at each end of the scale.
    pub(super) fn padded(&self, scale: Scale) -> Self {
        let mut list = self.list.clone();
        list.extend([scale.low, scale.high].map(|sum| Unit { size: 1.0, sum, count: 1.0 }));
        Self::of(list)
    }

    /// As many units again with the opposite sign: the same disagreement, and no difference.
    pub(super) fn evened(&self) -> Self {
        let turned = self.list.iter().map(|u| Unit { sum: -u.sum, ..*u });
        Self::of(self.list.iter().copied().chain(turned).map(|u| Unit { count: 0.5 * u.count, ..u }).collect())
    }

    /// The standard error of the mean with units as clusters, as regression packages have it: the factor
    /// G/(G-1) for G units.
    ///
    /// # Errors
    /// Below two units.
    pub fn clustered_error(&self) -> Result<f64, Status> {
        let mean = self.mean().ok_or(Status::NoData)?;
        if self.count < 2.0 {
            return Err(Status::InsufficientData);
        }
        let squares: f64 = self.list.iter().map(|u| (u.sum - u.size * mean).powi(2) * u.count).sum();
        Ok((squares * self.count / (self.count - 1.0)).sqrt() / self.cases)
    }
}
