//! How many cases would settle it.

use super::bounded::Bounded;
use super::distribution::norm_ppf;
use super::{Scale, Units};

/// Cases that show a difference `delta` with this power: `var` is the variance of one case's difference.
/// `None` where nothing would.
pub fn cases_to_detect(var: f64, delta: f64, confidence: f64, power: f64) -> Option<u64> {
    let z = norm_ppf(0.5 + 0.5 * confidence) + norm_ppf(power);
    whole(z * z * var / (delta * delta))
}

/// Fewer cases cannot show a margin even if nothing changes: `floor(z² (R - m)/m) + 1`.
pub fn min_cases_for_margin(margin: f64, confidence: f64, width: f64) -> Option<u64> {
    let z = norm_ppf(confidence);
    // A quotient that is whole but for rounding counts as whole.
    let cases = z * z * (width - margin) / margin;
    whole((cases + 1e-9).floor() + 1.0)
}

/// What a plan for the gate asks.
#[derive(Debug, Clone, Copy)]
pub struct Aim {
    /// The non-inferiority margin, in units of the scale.
    pub margin: f64,
    /// One-sided.
    pub confidence: f64,
    /// How often it shall pass.
    pub power: f64,
}

/// Cases with which the gate passes as often as asked, when pass/fail pairs differ as often as given.
pub fn cases_for_gate(candidate_only: f64, baseline_only: f64, aim: &Aim) -> Option<u64> {
    // Shares of a thousand-fold nothing are counts like any other to the test.
    let list = [(1.0, candidate_only), (-1.0, baseline_only), (0.0, 1.0 - candidate_only - baseline_only)];
    let unit = |(sum, count)| super::Unit { size: 1.0, sum, count };
    needed(&Units::of(list.map(unit).to_vec()), Scale::UNIT.of_differences(), aim)
}

/// The same for what was observed, if the candidate is really as good: the disagreement is split evenly,
/// with one more case at each end of the scale.
pub fn cases_if_equal(units: &Units, scale: Scale, aim: &Aim) -> Option<u64> {
    needed(&units.padded(scale).evened(), scale, aim)
}

fn needed(units: &Units, scale: Scale, aim: &Aim) -> Option<u64> {
    let floor = min_cases_for_margin(aim.margin, aim.confidence, 0.5 * scale.width())?;
    let mean = units.mean()?;
    let above = mean + aim.margin;
    if above <= 0.0 {
        return None;
    }
    let lambda = Bounded::new(units, scale).lambda(-aim.margin)?;
    let null = above / lambda;
    let own = units.list.iter().map(|u| (u.sum - u.size * mean).powi(2) * u.count).sum::<f64>() / units.cases;
    let wide = norm_ppf(aim.confidence) * null.sqrt() + norm_ppf(aim.power) * own.sqrt();
    // The floor counts units.
    let floor = whole(super::float(floor) * units.cases / units.count)?;
    Some(whole((wide / above).powi(2))?.max(floor))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be a count")]
fn whole(cases: f64) -> Option<u64> {
    let cases = cases.ceil();
    (cases.is_finite() && (0.0..1e15).contains(&cases)).then_some(cases as u64)
}
