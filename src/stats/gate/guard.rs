//! One guard: is this metric worse by more than its margin?

use super::decide::Verdict;
use crate::stats::{Aim, Bounded, Ratios, Scale, Status, Units, cases_if_equal, min_cases_for_margin, norm_ppf};

/// What a guard shows, in units of the scale; relative for metrics without one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shown {
    /// Whether the margin holds.
    pub verdict: Verdict,
    /// The mean difference.
    pub difference: f64,
    /// The lower one-sided bound.
    pub lower: f64,
    /// The upper one-sided bound.
    pub upper: f64,
    /// Units that the test counted.
    pub units: f64,
    /// Whether the difference is a real drop, within the margin or not.
    pub drop: bool,
}

/// Holds differences against a margin, both in units of the scale: passes when the lower one-sided bound
/// lies above `-margin`, is a regression when the upper one lies below 0.
///
/// # Errors
/// Without data.
pub fn guard(differences: &Units, scale: Scale, margin: f64, confidence: f64) -> Result<Shown, Status> {
    let difference = differences.mean().ok_or(Status::NoData)?;
    let test = Bounded::new(differences, scale.of_differences());
    let z = norm_ppf(confidence);
    let passes = test.statistic(-margin) > z;
    let drop = test.statistic(0.0) < -z;
    let verdict = match (passes, drop) {
        (true, _) => Verdict::Pass,
        (false, true) => Verdict::Regression,
        (false, false) => Verdict::Inconclusive,
    };
    Ok(Shown { verdict, difference, lower: test.lower(z), upper: test.upper(z), units: differences.count, drop })
}

/// The same for ratios of a metric of which less is better: differences are relative, and turned so that
/// worse is negative.
pub(super) fn ratio_guard(ratios: &Ratios, margin: f64, confidence: f64) -> Result<Shown, Status> {
    let mean = ratios.mean()?;
    let (low, high) = match (ratios.lower(confidence), ratios.upper(confidence)) {
        (Ok(low), Ok(high)) => (low, high),
        // All ratios are the same: that is what it is.
        (Err(Status::NoVariation), _) => (mean, mean),
        (Err(status), _) | (_, Err(status)) => return Err(status),
    };
    let holds = if low < high { high < 1.0 + margin } else { mean <= 1.0 + margin };
    let verdict = match (holds, low > 1.0) {
        (true, _) => Verdict::Pass,
        (false, true) => Verdict::Regression,
        (false, false) => Verdict::Inconclusive,
    };
    Ok(Shown {
        verdict,
        difference: 1.0 - mean,
        lower: 1.0 - high,
        upper: 1.0 - low,
        units: ratios.count(),
        drop: low > 1.0,
    })
}

/// Cases from which on an equally good candidate passes as often as the power says.
pub(super) fn cases_if_as_good(units: &Units, scale: Scale, aim: &Aim) -> Option<u64> {
    cases_if_equal(units, scale.of_differences(), aim)
}

/// What so many units could not rule out even if nothing changed.
pub(super) fn blind_spot(units: f64, width: f64, confidence: f64) -> f64 {
    let z2 = norm_ppf(confidence).powi(2);
    width * z2 / (units + z2)
}

/// The fewest units that can show a margin.
pub(super) fn fewest(margin: f64, width: f64, confidence: f64) -> u64 {
    min_cases_for_margin(margin, confidence, width).unwrap_or(u64::MAX)
}
