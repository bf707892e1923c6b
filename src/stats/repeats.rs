//! Repeats of cases: pass@k, pass^k, flaky cases.

use std::collections::BTreeMap;

use super::Status;
use super::distribution::float;

/// The chance that at least one of `k` runs passes, when `passed` of `runs` did (Chen et al. 2021).
///
/// # Errors
/// With fewer than `k` runs.
pub fn pass_at(runs: u64, passed: u64, k: u64) -> Result<f64, Status> {
    none_of(runs, runs.saturating_sub(passed), k).map(|none| 1.0 - none)
}

/// The chance that all of `k` runs pass, when `passed` of `runs` did (Yao et al. 2024).
///
/// # Errors
/// With fewer than `k` runs.
pub fn pass_hat(runs: u64, passed: u64, k: u64) -> Result<f64, Status> {
    none_of(runs, passed, k)
}

/// C(m, k) / C(n, k) as a product.
fn none_of(n: u64, m: u64, k: u64) -> Result<f64, Status> {
    if k > n || k == 0 {
        return Err(Status::InsufficientData);
    }
    if m < k {
        return Ok(0.0);
    }
    Ok((0..k).map(|i| float(m - i) / float(n - i)).product())
}

/// How the repeats of many cases went.
#[derive(Debug, Clone, Default)]
pub struct Repeats {
    /// How many cases had so many runs and so many passes.
    cases: BTreeMap<(u64, u64), u64>,
}

impl Repeats {
    /// Takes in a case.
    pub fn add(&mut self, runs: u64, passed: u64) {
        if runs > 0 {
            *self.cases.entry((runs, passed)).or_default() += 1;
        }
    }

    /// The most runs that every case has; 0 without cases.
    pub fn least_runs(&self) -> u64 {
        self.cases.keys().map(|(runs, _)| *runs).min().unwrap_or(0)
    }

    /// Whether any case ran more than once.
    pub fn any(&self) -> bool {
        self.cases.keys().any(|(runs, _)| *runs > 1)
    }

    /// Mean pass@k over the cases.
    ///
    /// # Errors
    /// When a case has fewer than `k` runs.
    pub fn pass_at(&self, k: u64) -> Result<f64, Status> {
        self.mean(|runs, passed| pass_at(runs, passed, k))
    }

    /// Mean pass^k over the cases.
    ///
    /// # Errors
    /// When a case has fewer than `k` runs.
    pub fn pass_hat(&self, k: u64) -> Result<f64, Status> {
        self.mean(|runs, passed| pass_hat(runs, passed, k))
    }

    /// How many cases passed sometimes and failed sometimes.
    pub fn flaky(&self) -> u64 {
        let mixed = |&(&(runs, passed), _): &(&(u64, u64), &u64)| 0 < passed && passed < runs;
        self.cases.iter().filter(mixed).map(|(_, count)| count).sum()
    }

    /// The share of cases that passed sometimes and failed sometimes.
    ///
    /// # Errors
    /// Without cases.
    pub fn flaky_share(&self) -> Result<f64, Status> {
        self.mean(|runs, passed| Ok(f64::from(u8::from(0 < passed && passed < runs))))
    }

    /// The variance of one run's pass within its case, averaged over cases.
    ///
    /// # Errors
    /// When a case has fewer than two runs.
    pub fn run_variance(&self) -> Result<f64, Status> {
        self.mean(|runs, passed| {
            if runs < 2 {
                return Err(Status::InsufficientData);
            }
            let share = float(passed) / float(runs);
            Ok(share * (1.0 - share) * float(runs) / float(runs - 1))
        })
    }

    fn mean(&self, value: impl Fn(u64, u64) -> Result<f64, Status>) -> Result<f64, Status> {
        let (mut sum, mut count) = (0.0, 0.0);
        for ((runs, passed), cases) in &self.cases {
            sum += value(*runs, *passed)? * float(*cases);
            count += float(*cases);
        }
        if count > 0.0 { Ok(sum / count) } else { Err(Status::NoData) }
    }
}
