//! Two groups of users: whether they came in the planned proportion, and how their means differ.

use super::distribution::{binom_cdf, binom_pmf, chi2_sf, float, t_ppf, t_two_sided};
use super::ratio::Spread;
use super::{Scale, Status};

/// Below this p the proportion of users is not what was planned.
const ALARM: f64 = 0.001;
/// Expected counts below this are too small for chi-square.
const FEW: f64 = 10.0;
/// Users an arm needs before an interval is shown that may be looked at again and again.
pub const BURN_IN: f64 = 50.0;

/// Whether users came in the planned proportion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Split {
    /// Pearson's chi-square.
    pub chi2: f64,
    /// Its p.
    pub p: f64,
    /// Whether the proportion is wrong: nothing else of the data can be trusted then.
    pub alarm: bool,
}

/// Pearson's test of counts against planned weights; arms without weight do not take part.
///
/// # Errors
/// Without users or weights.
pub fn sample_ratio(counts: &[u64], weights: &[f64]) -> Result<Split, Status> {
    let arms: Vec<_> = counts.iter().map(|n| float(*n)).zip(weights).filter(|(_, w)| **w > 0.0).collect();
    let total: f64 = arms.iter().map(|(n, _)| n).sum();
    let weight: f64 = arms.iter().map(|(_, w)| **w).sum();
    if total == 0.0 || arms.is_empty() {
        return Err(Status::NoData);
    }
    let part = |(n, w): &(f64, &f64)| {
        let expected = total * **w / weight;
        (n - expected).powi(2) / expected
    };
    let chi2: f64 = arms.iter().map(part).sum();
    let p = chi2_sf(chi2, float(arms.len() as u64 - 1));
    Ok(Split { chi2, p, alarm: p < ALARM })
}

/// The exact two-sided binomial p of two counts: all outcomes that are no likelier than this one.
///
/// # Errors
/// Without users.
pub fn sample_ratio_exact(counts: [u64; 2], weights: [f64; 2]) -> Result<f64, Status> {
    let (n, k) = (counts[0] + counts[1], counts[0]);
    if n == 0 {
        return Err(Status::NoData);
    }
    let share = weights[0] / (weights[0] + weights[1]);
    // Likelihoods that differ by rounding only are equal.
    let own = binom_pmf(k, n, share) * (1.0 + 1e-7);
    let below = |limit: u64| binom_cdf(limit, n, share);
    let likely = |k: u64| binom_pmf(k, n, share) > own;
    let above_mean = float(k) > float(n) * share;
    if above_mean {
        // The other tail: the largest count below the mean that is no likelier.
        let other = search(k, likely);
        let tail = 1.0 - below(k - 1);
        return Ok((tail + other.map_or(0.0, below)).min(1.0));
    }
    let other = search(n - k, |i| likely(n - i)).map(|i| n - i);
    let tail = below(k);
    Ok((tail + other.map_or(0.0, |i| if i == 0 { 1.0 } else { 1.0 - below(i - 1) })).min(1.0))
}

/// The last of the counts before the likely ones begin, seen from 0 up to `most`.
fn search(most: u64, likely: impl Fn(u64) -> bool) -> Option<u64> {
    (0..=most).find(|i| likely(*i)).map_or(Some(most), |first| first.checked_sub(1))
}

/// The test that fits: exact for two arms with small counts, else chi-square.
///
/// # Errors
/// Without users or weights.
pub fn split(counts: &[u64], weights: &[f64]) -> Result<Split, Status> {
    let plain = sample_ratio(counts, weights)?;
    let (&[first, second], &[one, other]) = (counts, weights) else { return Ok(plain) };
    let smallest = float(first + second) * one.min(other) / (one + other);
    if smallest >= FEW || one <= 0.0 || other <= 0.0 {
        return Ok(plain);
    }
    let p = sample_ratio_exact([first, second], [one, other])?;
    Ok(Split { p, alarm: p < ALARM, ..plain })
}

/// A difference of means, second minus first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Welch {
    /// The difference.
    pub difference: f64,
    /// Its interval.
    pub interval: (f64, f64),
    /// Welch-Satterthwaite degrees of freedom.
    pub df: f64,
    /// Two-sided p of "no difference".
    pub p: f64,
}

/// Welch's t test (1947) of two groups.
///
/// # Errors
/// Without a value, with a single one, or without any variation.
pub fn welch(a: &Spread, b: &Spread, confidence: f64) -> Result<Welch, Status> {
    if a.count == 0.0 || b.count == 0.0 {
        return Err(Status::NoData);
    }
    let variance = |group: &Spread| group.variance().map(|v| v / group.count).ok_or(Status::InsufficientData);
    let (va, vb) = (variance(a)?, variance(b)?);
    if va + vb <= 0.0 {
        return Err(Status::NoVariation);
    }
    let df = (va + vb).powi(2) / (va * va / (a.count - 1.0) + vb * vb / (b.count - 1.0));
    let (difference, error) = (b.mean - a.mean, (va + vb).sqrt());
    let wide = t_ppf(0.5 + 0.5 * confidence, df) * error;
    let interval = (difference - wide, difference + wide);
    Ok(Welch { difference, interval, df, p: t_two_sided(difference / error, df) })
}

/// One arm's values: how many users, their sum, the sum of their squares.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Arm {
    /// Users.
    pub n: f64,
    /// Sum of their values.
    pub sum: f64,
    /// Sum of the squares.
    pub squares: f64,
}

/// A difference whose interval stays valid however often it is looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sequential {
    /// The difference as it was observed: the estimate.
    pub difference: f64,
    /// The middle of the interval.
    pub center: f64,
    /// Standard error.
    pub error: f64,
    /// The interval.
    pub interval: (f64, f64),
    /// The smallest level at which it excludes zero.
    pub p: f64,
}

/// The asymptotic confidence sequence of Waudby-Smith et al. (arXiv 2103.06476) with GrowthBook's
/// tuning, over each arm's values with one more at each end of the scale, where there is one.
///
/// # Errors
/// When an arm is empty or has not burnt in; without a scale also when nothing varies.
pub fn sequential(a: &Arm, b: &Arm, scale: Option<Scale>, alpha: f64, planned: f64) -> Result<Sequential, Status> {
    if a.n == 0.0 || b.n == 0.0 {
        return Err(Status::NoData);
    }
    if a.n < BURN_IN || b.n < BURN_IN {
        return Err(Status::Collecting);
    }
    let ends = scale.map_or([0.0; 3], |Scale { low, high }| [2.0, low + high, low * low + high * high]);
    let padded = |arm: &Arm| {
        let n = arm.n + ends[0];
        let mean = (arm.sum + ends[1]) / n;
        let squares = arm.squares + ends[2];
        (n, mean, ((squares - n * mean * mean) / (n - 1.0)).max(0.0))
    };
    let ((na, ma, va), (nb, mb, vb)) = (padded(a), padded(b));
    if va + vb <= f64::EPSILON * (ma * ma + mb * mb) {
        return Err(Status::NoVariation);
    }
    let (center, error, n) = (mb - ma, (va / na + vb / nb).sqrt(), na + nb);
    let rho2 = mixture(alpha, planned);
    let w = n * rho2 + 1.0;
    let half = error * n.sqrt() * (2.0 * w * (w.sqrt() / alpha).ln() / (n * n * rho2)).sqrt();
    let log_p = 0.5 * w.ln() - rho2 * n * center * center / (2.0 * w * error * error);
    let difference = b.sum / b.n - a.sum / a.n;
    Ok(Sequential { difference, center, error, interval: (center - half, center + half), p: log_p.exp().min(1.0) })
}

/// The mixture's variance that is tightest at about `planned` users.
fn mixture(alpha: f64, planned: f64) -> f64 {
    let log = -2.0 * alpha.ln();
    (log + (log + 1.0).ln()) / planned
}

/// The two-sided boundary of a normal mixture for the intrinsic time `v`, tightest at about `tight`
/// (Howard et al. 2021, as confseq computes it).
pub fn mixture_boundary(v: f64, alpha: f64, tight: f64) -> f64 {
    let r = mixture(alpha, tight).recip();
    ((v + r) * ((v + r) / (alpha * alpha * r)).ln()).sqrt()
}
