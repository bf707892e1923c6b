//! Positive metrics without an upper end (latency, tokens, cost): paired t on the logs of ratios.

use super::Status;
use super::distribution::{t_ppf, t_two_sided};

/// Standard errors below this share of the mean are what rounding leaves of equal values.
const ROUNDING: f64 = 1e-13;

/// A running mean and sum of squares (Welford 1962).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spread {
    /// How many values.
    pub count: f64,
    /// Their mean.
    pub mean: f64,
    squares: f64,
}

impl Spread {
    /// Of so many values this mean and variance are known.
    pub fn of(count: f64, mean: f64, variance: f64) -> Self {
        Self { count, mean, squares: variance * (count - 1.0) }
    }

    /// Of so many values the sum and the sum of the squares are known. Where the mean is some ten million
    /// times the deviation, nothing is left of the latter: prefer [`Spread::add`].
    pub fn of_sums(count: f64, sum: f64, squares: f64) -> Self {
        if count <= 0.0 {
            return Self::default();
        }
        let mean = sum / count;
        Self { count, mean, squares: (squares - sum * mean).max(0.0) }
    }

    /// Takes in a value.
    pub fn add(&mut self, value: f64) {
        self.count += 1.0;
        let before = value - self.mean;
        self.mean += before / self.count;
        self.squares += before * (value - self.mean);
    }

    /// Takes in all values of another (Chan, Golub and LeVeque 1983), to the same digits but the last ones.
    pub fn merge(&mut self, other: &Self) {
        let count = self.count + other.count;
        if count <= 0.0 {
            return;
        }
        let apart = other.mean - self.mean;
        self.squares += other.squares + apart * apart * (self.count * other.count / count);
        self.mean += apart * (other.count / count);
        self.count = count;
    }

    /// The variance of a sample; `None` below two values.
    pub fn variance(&self) -> Option<f64> {
        (self.count >= 2.0).then(|| self.squares / (self.count - 1.0))
    }

    /// The standard error of the mean, 0 where only rounding is left of it.
    pub fn error(&self) -> Result<f64, Status> {
        if self.count == 0.0 {
            return Err(Status::NoData);
        }
        let error = (self.variance().ok_or(Status::InsufficientData)? / self.count).sqrt();
        // What is left of equal values after taking logs is rounding.
        if error <= ROUNDING * self.mean.abs().max(1.0) { Err(Status::NoVariation) } else { Ok(error) }
    }

    /// The standard error of the difference of two means.
    ///
    /// # Errors
    /// Where either has a single value, or nothing but rounding varies.
    pub fn error_beside(&self, other: &Self) -> Result<f64, Status> {
        let variance = |one: &Self| one.variance().map(|v| v / one.count).ok_or(Status::InsufficientData);
        let error = (variance(self)? + variance(other)?).sqrt();
        let large = self.mean.abs().max(other.mean.abs());
        if error <= ROUNDING * large { Err(Status::NoVariation) } else { Ok(error) }
    }
}

/// The ratio of a metric, candidate to baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// Geometric mean of the ratios by case.
    pub ratio: f64,
    /// Its interval.
    pub interval: (f64, f64),
    /// Two-sided p of "no difference".
    pub p: f64,
}

/// Ratios by case in the making.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ratios {
    logs: Spread,
    trouble: Option<Status>,
}

impl Ratios {
    /// Takes in a case.
    pub fn add(&mut self, baseline: f64, candidate: f64) {
        match (baseline.is_finite() && candidate.is_finite(), baseline > 0.0 && candidate > 0.0) {
            (false, _) => self.trouble = Some(Status::NotFinite),
            (true, false) => self.trouble = self.trouble.or(Some(Status::NotPositive)),
            (true, true) => self.logs.add((candidate / baseline).ln()),
        }
    }

    /// How many cases.
    pub fn count(&self) -> f64 {
        self.logs.count
    }

    /// The geometric mean of the ratios.
    ///
    /// # Errors
    /// Why there is none.
    pub fn mean(&self) -> Result<f64, Status> {
        match self.trouble {
            Some(status) => Err(status),
            None if self.logs.count == 0.0 => Err(Status::NoData),
            None => Ok(self.logs.mean.exp()),
        }
    }

    /// The ratio with its two-sided interval.
    ///
    /// # Errors
    /// Why there is none; with [`Status::NoVariation`] there is still a mean.
    pub fn test(&self, confidence: f64) -> Result<Ratio, Status> {
        let ratio = self.mean()?;
        let error = self.logs.error()?;
        let df = self.logs.count - 1.0;
        let wide = t_ppf(0.5 + 0.5 * confidence, df) * error;
        let interval = ((self.logs.mean - wide).exp(), (self.logs.mean + wide).exp());
        Ok(Ratio { ratio, interval, p: t_two_sided(self.logs.mean / error, df) })
    }

    /// The upper one-sided bound of the ratio.
    ///
    /// # Errors
    /// As [`Ratios::test`].
    pub fn upper(&self, confidence: f64) -> Result<f64, Status> {
        Ok(self.test(2.0 * confidence - 1.0)?.interval.1)
    }

    /// The lower one-sided bound of the ratio.
    ///
    /// # Errors
    /// As [`Ratios::test`].
    pub fn lower(&self, confidence: f64) -> Result<f64, Status> {
        Ok(self.test(2.0 * confidence - 1.0)?.interval.0)
    }

    /// The variance of one case's log ratio.
    pub fn variance(&self) -> Option<f64> {
        self.logs.variance()
    }
}
