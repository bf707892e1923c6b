//! The bounded-score test: Tango's score test, extended to graded scores, repeats and clusters.
//!
//! For a hypothesised mean `mu` each unit has `u = sum - size · mu`. With `umin` the largest unit at the
//! bad end of the scale, `lambda` solves `sum u/(1 + lambda u) = 0` on (0, 1/umin], and
//! `T = sqrt(G · lambda · mean u)`: the Lagrange-multiplier test of empirical likelihood with both ends
//! of the scale as support points. On pass/fail pairs it is Tango's test (Statist. Med. 17, 1998); on one
//! version's passes it is Wilson's.

use super::root::root;
use super::{Scale, Units};

/// A step so small, relatively, ends the search for lambda: the statistic's error is of its square.
const CLOSE: f64 = 1e-12;

/// A test of the mean of units on a scale.
#[derive(Debug, Clone, Copy)]
pub struct Bounded<'a> {
    units: &'a Units,
    scale: Scale,
}

impl<'a> Bounded<'a> {
    /// The mean of these units, whose cases have values on this scale.
    pub fn new(units: &'a Units, scale: Scale) -> Self {
        Self { units, scale }
    }

    /// The statistic for the mean `mu`: positive where the data lie above it. It falls in `mu`, and is
    /// close to standard normal where `mu` is true. 0 without data.
    pub fn statistic(&self, mu: f64) -> f64 {
        let side = Side::above(self);
        let above = side.excess(mu);
        if above > 0.0 {
            return side.statistic(mu);
        }
        if above < 0.0 { -Side::below(self).statistic(-mu) } else { 0.0 }
    }

    /// Means that are not refuted at `z` standard deviations on either side; the whole scale without data.
    pub fn interval(&self, z: f64) -> (f64, f64) {
        (self.lower(z), self.upper(z))
    }

    /// The lower end alone: with the normal point of a one-sided confidence it is that bound.
    pub fn lower(&self, z: f64) -> f64 {
        Side::above(self).lower(z)
    }

    /// The upper end alone.
    pub fn upper(&self, z: f64) -> f64 {
        -Side::below(self).lower(z)
    }

    /// The multiplier at `mu`, where the data lie above it.
    pub(super) fn lambda(&self, mu: f64) -> Option<f64> {
        let side = Side::above(self);
        (side.excess(mu) > 0.0).then(|| side.lambda(mu))
    }
}

/// The data seen from one side, so that turning them round mirrors every digit.
struct Side<'a> {
    units: &'a Units,
    sign: f64,
    /// The bad end of the scale, seen from here.
    low: f64,
}

impl<'a> Side<'a> {
    fn above(test: &Bounded<'a>) -> Self {
        Self { units: test.units, sign: 1.0, low: test.scale.low }
    }

    fn below(test: &Bounded<'a>) -> Self {
        Self { units: test.units, sign: -1.0, low: -test.scale.high }
    }

    /// The sum of `u` over all units.
    fn excess(&self, mu: f64) -> f64 {
        self.sign * self.units.sum - self.units.cases * mu
    }

    fn statistic(&self, mu: f64) -> f64 {
        // G times the mean of u is its sum.
        (self.lambda(mu) * self.excess(mu)).sqrt()
    }

    fn lambda(&self, mu: f64) -> f64 {
        let worst = self.units.largest * (mu - self.low);
        if worst <= 0.0 {
            return f64::MAX;
        }
        let most = 1.0 / worst;
        let (mut low, mut high) = (0.0, most);
        // Newton's first step from 0, where value and slope are known.
        let mut lambda = self.excess(mu) / self.units.squares_around(self.sign * mu);
        if lambda.is_nan() || lambda >= most {
            if self.slope(mu, most).0 >= 0.0 {
                return most;
            }
            lambda = 0.5 * most;
        }
        for _ in 0..100 {
            let (value, fall) = self.slope(mu, lambda);
            (low, high) = if value > 0.0 { (lambda, high) } else { (low, lambda) };
            let mut next = lambda + value / fall;
            if (next - lambda).abs() <= CLOSE * lambda || high - low <= CLOSE * high {
                return if low <= next && next <= high { next } else { lambda };
            }
            if next >= most && high >= most && self.slope(mu, most).0 >= 0.0 {
                return most;
            }
            if !(low < next && next < high) {
                next = 0.5 * (low + high);
            }
            lambda = next;
        }
        lambda
    }

    /// `sum u/(1 + lambda u)`, which falls in lambda, and how fast. Beyond a pole it counts as negative.
    fn slope(&self, mu: f64, lambda: f64) -> (f64, f64) {
        let (mut value, mut fall) = (0.0, 0.0);
        for unit in &self.units.list {
            let u = self.sign * unit.sum - unit.size * mu;
            let weight = 1.0 + lambda * u;
            if weight <= 0.0 {
                return (f64::NEG_INFINITY, f64::INFINITY);
            }
            let share = u / weight;
            value += unit.count * share;
            fall += unit.count * share * share;
        }
        (value, fall)
    }

    fn lower(&self, z: f64) -> f64 {
        let Some(mean) = self.units.mean().map(|mean| self.sign * mean) else { return self.low };
        if mean <= self.low {
            return self.low;
        }
        // Close to the answer, so that the way is short; the end of the scale where it is not.
        // Squares of very small values vanish.
        let mut far = (1.5 * z * self.units.rough_error(mean - self.low)).max(f64::MIN_POSITIVE);
        let mut low = mean - far;
        while low > self.low && self.statistic(low) < z {
            far *= 2.0;
            low = mean - far;
        }
        root(low.max(self.low), mean, |mu| if self.excess(mu) > 0.0 { self.statistic(mu) - z } else { -z })
    }
}
