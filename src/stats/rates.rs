//! Rates: of one version, of pairs, of two groups.

use super::distribution::{binom_cdf, binom_pmf, float, norm_ppf};

/// Wilson's score interval (1927) for `passed` of `total` at a two-sided confidence; `None` without trials.
pub fn wilson_at(passed: u64, total: u64, confidence: f64) -> Option<(f64, f64)> {
    if total == 0 {
        return None;
    }
    let (n, p) = (float(total), float(passed) / float(total));
    let z = norm_ppf(0.5 + 0.5 * confidence);
    let z2 = z * z;
    let center = p + z2 / (2.0 * n);
    let spread = z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    let low = if passed == 0 { 0.0 } else { (center - spread) / scale };
    let high = if passed == total { 1.0 } else { (center + spread) / scale };
    Some((low.max(0.0), high.min(1.0)))
}

/// The same at 95 %.
pub fn wilson(passed: u64, total: u64) -> Option<(f64, f64)> {
    wilson_at(passed, total, 0.95)
}

/// The highest failure rate that no failure in `total` trials leaves possible, one-sided (Clopper-Pearson).
pub fn zero_failure_upper(total: u64, confidence: f64) -> Option<f64> {
    (total > 0).then(|| -(((1.0 - confidence).ln()) / float(total)).exp_m1())
}

/// McNemar's test of discordant pairs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct McNemar {
    /// Exact, two-sided.
    pub exact: f64,
    /// Mid-p, two-sided: the exact one counts too little.
    pub mid: f64,
    /// By the normal approximation.
    pub score: f64,
}

/// McNemar's p-values for `fixed` pairs that only the candidate passes and `broken` that only the
/// baseline does (Fagerland et al. 2013, BMC Med Res Methodol 13:91).
pub fn mcnemar(fixed: u64, broken: u64) -> McNemar {
    let (less, all) = (fixed.min(broken), fixed + broken);
    if all == 0 {
        return McNemar { exact: 1.0, mid: 1.0, score: 1.0 };
    }
    let (below, at) = (binom_cdf(less, all, 0.5), binom_pmf(less, all, 0.5));
    let mid = if fixed == broken { 1.0 - 0.5 * at } else { 2.0 * below - at };
    let z = (float(fixed) - float(broken)) / float(all).sqrt();
    McNemar { exact: (2.0 * below).min(1.0), mid, score: 2.0 * super::distribution::norm_sf(z.abs()) }
}

/// One-sided mid-p of "the candidate is better".
pub fn mcnemar_improved(fixed: u64, broken: u64) -> f64 {
    let all = fixed + broken;
    if all == 0 {
        return 1.0;
    }
    // P(X ≥ fixed) is P(X ≤ broken) of the other side's count.
    binom_cdf(broken, all, 0.5) - 0.5 * binom_pmf(fixed, all, 0.5)
}

/// The difference of two independent rates, second minus first, with Newcombe's interval (1998, method 10).
pub fn newcombe(a: (u64, u64), b: (u64, u64), confidence: f64) -> Option<(f64, f64, f64)> {
    let (low_a, high_a) = wilson_at(a.0, a.1, confidence)?;
    let (low_b, high_b) = wilson_at(b.0, b.1, confidence)?;
    let (pa, pb) = (float(a.0) / float(a.1), float(b.0) / float(b.1));
    let difference = pb - pa;
    let low = difference - (pb - low_b).hypot(high_a - pa);
    let high = difference + (high_b - pb).hypot(pa - low_a);
    Some((difference, low, high))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn without_trials_there_is_no_rate() {
        assert_eq!((wilson(0, 0), zero_failure_upper(0, 0.95)), (None, None));
    }

    #[test]
    fn three_fixed_and_none_broken_is_not_yet_better() {
        assert!(mcnemar_improved(3, 0) > 0.05 && mcnemar_improved(4, 0) < 0.05);
    }

    proptest! {
        #[test]
        fn the_interval_holds_the_rate(total in 1u64..10_000, share in 0.0f64..=1.0) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a test")]
            let passed = (share * float(total)) as u64;
            let (low, high) = wilson(passed, total).unwrap();
            let rate = float(passed) / float(total);
            prop_assert!(0.0 <= low && low <= rate && rate <= high && high <= 1.0);
        }
    }
}
