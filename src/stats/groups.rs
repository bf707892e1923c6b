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

/// Pearson's test of counts against planned weights; arms without weight do not take part, neither in the
/// sum nor in the degrees of freedom.
///
/// # Errors
/// Without users or weights.
pub fn sample_ratio(counts: &[u64], weights: &[f64]) -> Result<Split, Status> {
    let arms = weighted(counts, weights);
    let total: f64 = arms.iter().map(|(n, _)| float(*n)).sum();
    let weight: f64 = arms.iter().map(|(_, w)| w).sum();
    if total == 0.0 {
        return Err(Status::NoData);
    }
    if let [_] = arms[..] {
        return Ok(Split { chi2: 0.0, p: 1.0, alarm: false });
    }
    let part = |(n, w): &(u64, f64)| {
        let expected = total * w / weight;
        (float(*n) - expected).powi(2) / expected
    };
    let chi2: f64 = arms.iter().map(part).sum();
    let p = chi2_sf(chi2, float(arms.len() as u64 - 1));
    Ok(Split { chi2, p, alarm: p < ALARM })
}

/// The arms that are to have users.
fn weighted(counts: &[u64], weights: &[f64]) -> Vec<(u64, f64)> {
    let all = counts.iter().copied().zip(weights.iter().copied());
    all.filter(|(_, weight)| *weight > 0.0 && weight.is_finite()).collect()
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

/// The test that fits: exact where two arms have weight and one of them expects few users, else chi-square.
///
/// # Errors
/// Without users or weights.
pub fn split(counts: &[u64], weights: &[f64]) -> Result<Split, Status> {
    let plain = sample_ratio(counts, weights)?;
    let [(first, one), (second, other)] = weighted(counts, weights)[..] else { return Ok(plain) };
    if float(first + second) * one.min(other) / (one + other) >= FEW {
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
/// Without a value, with a single one, without any variation, or when the values are too large to reckon with.
pub fn welch(a: &Spread, b: &Spread, confidence: f64) -> Result<Welch, Status> {
    if a.count == 0.0 || b.count == 0.0 {
        return Err(Status::NoData);
    }
    let error = a.error_beside(b)?;
    let share = |group: &Spread| group.variance().map_or(0.0, |v| v / group.count / (error * error));
    let df = (share(a).powi(2) / (a.count - 1.0) + share(b).powi(2) / (b.count - 1.0)).recip();
    let difference = b.mean - a.mean;
    let wide = t_ppf(0.5 + 0.5 * confidence, df) * error;
    let interval = (difference - wide, difference + wide);
    if !(wide.is_finite() && difference.is_finite()) {
        return Err(Status::NotFinite);
    }
    Ok(Welch { difference, interval, df, p: t_two_sided(difference / error, df) })
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
/// `alpha` is two-sided; `planned` users in all, at which it is tightest, may come or not. A guardrail is
/// held one-sided at a level when the interval at twice that level ends above its margin.
///
/// # Errors
/// When an arm is empty or has not burnt in; without a scale also when nothing varies; when the values are
/// too large to reckon with.
pub fn sequential(
    a: &Spread,
    b: &Spread,
    scale: Option<Scale>,
    alpha: f64,
    planned: f64,
) -> Result<Sequential, Status> {
    if a.count == 0.0 || b.count == 0.0 {
        return Err(Status::NoData);
    }
    if a.count < BURN_IN || b.count < BURN_IN {
        return Err(Status::Collecting);
    }
    let (padded_a, padded_b) = (padded(*a, scale), padded(*b, scale));
    let error = padded_a.error_beside(&padded_b)?;
    let (center, n) = (padded_b.mean - padded_a.mean, padded_a.count + padded_b.count);
    let rho2 = mixture(alpha, planned);
    let w = n * rho2 + 1.0;
    let half = error * n.sqrt() * (2.0 * w * (w.sqrt() / alpha).ln() / (n * n * rho2)).sqrt();
    let log_p = 0.5 * w.ln() - rho2 * n * (center / error).powi(2) / (2.0 * w);
    let found = Sequential {
        difference: b.mean - a.mean,
        center,
        error,
        interval: (center - half, center + half),
        p: log_p.exp().min(1.0),
    };
    if half.is_finite() && center.is_finite() { Ok(found) } else { Err(Status::NotFinite) }
}

/// The values with one more at each end of the scale, so that an arm in which all users agree is not
/// certain.
fn padded(mut values: Spread, scale: Option<Scale>) -> Spread {
    for end in scale.iter().flat_map(|scale| [scale.low, scale.high]) {
        values.add(end);
    }
    values
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATING: Scale = Scale { low: 1.0, high: 5.0 };

    fn spread(values: &[f64]) -> Spread {
        let mut spread = Spread::default();
        for value in values {
            spread.add(*value);
        }
        spread
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
    }

    fn always(a: &Spread, b: &Spread) -> Sequential {
        sequential(a, b, Some(RATING), 0.05, 1000.0).unwrap()
    }

    #[test]
    fn arms_without_weight_are_no_degrees_of_freedom() {
        let (all, less) = (split(&[480, 520, 0], &[0.5, 0.5, 0.0]), split(&[480, 520], &[0.5, 0.5]));
        assert_eq!(all, less);
        // Few users: two arms with weight are enough for the exact test.
        assert!(near(split(&[5, 3, 0], &[1.0, 0.0, 1.0]).unwrap().p, 0.0625));
    }

    #[test]
    fn a_single_arm_has_no_proportion() {
        assert_eq!(split(&[3], &[0.1]), Ok(Split { chi2: 0.0, p: 1.0, alarm: false }));
        assert_eq!(split(&[3, 0], &[0.0, 0.0]), Err(Status::NoData));
        assert_eq!(split(&[], &[]), Err(Status::NoData));
        assert_eq!(split(&[0, 0], &[1.0, f64::NAN]), Err(Status::NoData));
    }

    #[test]
    fn an_arm_is_shown_from_its_fiftieth_user_on() {
        let (few, many, none) = (spread(&[3.0; 49]), spread(&[3.0; 50]), Spread::default());
        let status = |a: &Spread, b: &Spread| sequential(a, b, Some(RATING), 0.05, 1000.0).err();
        assert_eq!(status(&many, &few), Some(Status::Collecting));
        assert_eq!(status(&few, &none), Some(Status::NoData));
        assert_eq!(status(&many, &many), None);
    }

    #[test]
    fn without_a_scale_equal_values_show_nothing() {
        for value in [0.0, 0.1, 1e8] {
            let same = spread(&[value; 60]);
            assert_eq!(sequential(&same, &same, None, 0.05, 1000.0), Err(Status::NoVariation));
            assert_eq!(welch(&same, &same, 0.95), Err(Status::NoVariation));
        }
        let far: Vec<f64> = (0..60_u8).map(|n| 1e9 + f64::from(n % 2)).collect();
        let error = sequential(&spread(&far), &spread(&far), None, 0.05, 1000.0).unwrap().error;
        assert!(near(error, (0.25 / 59.0 * 2.0_f64).sqrt()), "{error}");
    }

    #[test]
    fn values_too_large_to_reckon_with_are_no_interval() {
        let huge: Vec<f64> = (0..60_u8).map(|n| if n % 2 == 0 { 1e200 } else { -1e308 }).collect();
        let huge = spread(&huge);
        assert_eq!(sequential(&huge, &huge, None, 0.05, 1000.0), Err(Status::NotFinite));
        assert_eq!(welch(&huge, &huge, 0.95), Err(Status::NotFinite));
    }

    #[test]
    fn a_guardrail_needs_less_at_twice_the_level() {
        let ratings: Vec<f64> = (0..200_u8).map(|n| f64::from(n % 5) + 1.0).collect();
        let arm = spread(&ratings);
        let (low, _) = always(&arm, &arm).interval;
        let (guarded, _) = sequential(&arm, &arm, Some(RATING), 0.1, 1000.0).unwrap().interval;
        assert!(low < guarded && guarded < 0.0);
    }

    /// Ratings of an arm that has burnt in.
    fn ratings() -> impl Strategy<Value = Vec<f64>> {
        proptest::collection::vec(prop_oneof![Just(1.0), Just(5.0), 1.0..=5.0], 50..120)
    }

    fn counts() -> impl Strategy<Value = Vec<(u64, f64)>> {
        proptest::collection::vec((0u64..300, prop_oneof![Just(0.0), 0.01..1.0]), 1..6)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn swapping_the_arms_mirrors_every_number(a in ratings(), b in ratings()) {
            let (a, b) = (spread(&a), spread(&b));
            let (one, other) = (always(&a, &b), always(&b, &a));
            prop_assert!(near(one.difference, -other.difference) && near(one.p, other.p));
            prop_assert!(near(one.interval.0, -other.interval.1) && near(one.interval.1, -other.interval.0));
            if let (Ok(one), Ok(other)) = (welch(&a, &b, 0.95), welch(&b, &a, 0.95)) {
                prop_assert!(near(one.interval.0, -other.interval.1) && near(one.p, other.p));
            }
        }

        #[test]
        fn the_interval_holds_the_estimate_and_p_agrees_with_it(a in ratings(), b in ratings()) {
            let found = always(&spread(&a), &spread(&b));
            let (low, high) = found.interval;
            prop_assert!(low < found.difference && found.difference < high);
            prop_assert_eq!(found.p < 0.05, low > 0.0 || high < 0.0);
        }

        #[test]
        fn more_of_the_same_narrows_it(a in ratings(), b in ratings(), copies in 2usize..5) {
            let width = |copies: usize| {
                let (low, high) = always(&spread(&a.repeat(copies)), &spread(&b.repeat(copies))).interval;
                high - low
            };
            prop_assert!(width(copies) < width(copies - 1));
        }

        #[test]
        fn what_is_merged_is_as_if_added_one_by_one(a in ratings(), b in ratings(), cut in 0usize..50) {
            let (mut head, tail) = (spread(&a[..cut]), spread(&a[cut..]));
            head.merge(&tail);
            let whole = spread(&a);
            prop_assert!(head.count.to_bits() == whole.count.to_bits() && near(head.mean, whole.mean));
            prop_assert!(near(head.variance().unwrap(), whole.variance().unwrap()));
            let squares = a.iter().map(|x| x * x).sum();
            let summed = Spread::of_sums(whole.count, a.iter().sum(), squares);
            prop_assert!(near(always(&summed, &spread(&b)).interval.0, always(&whole, &spread(&b)).interval.0));
        }

        #[test]
        fn the_order_of_the_arms_says_nothing(mut arms in counts()) {
            let found = |arms: &[(u64, f64)]| {
                let (counts, weights): (Vec<u64>, Vec<f64>) = arms.iter().copied().unzip();
                split(&counts, &weights)
            };
            let there = found(&arms);
            arms.reverse();
            match (there, found(&arms)) {
                (Ok(one), Ok(other)) => {
                    prop_assert!(near(one.p, other.p) && near(one.chi2, other.chi2));
                    prop_assert!((0.0..=1.0).contains(&one.p) && one.chi2.is_finite());
                }
                (one, other) => prop_assert_eq!(one, other),
            }
        }

        #[test]
        fn the_exact_test_counts_all_that_is_no_likelier(n in 1u64..60, k in 0u64..60, share in 0.01f64..0.99) {
            let k = k.min(n);
            let chance = |i: u64| binom_pmf(i, n, share);
            let all: f64 = (0..=n).map(chance).filter(|p| *p <= chance(k) * (1.0 + 1e-7)).sum();
            prop_assert!(near(sample_ratio_exact([k, n - k], [share, 1.0 - share]).unwrap(), all.min(1.0)));
        }

        #[test]
        fn a_rates_interval_mirrors_and_holds_it(a in (0u64..90, 1u64..90), b in (0u64..90, 1u64..90)) {
            let of = |(passed, failed): (u64, u64)| (passed, passed + failed);
            let one = super::super::newcombe(of(a), of(b), 0.95).unwrap();
            let other = super::super::newcombe(of(b), of(a), 0.95).unwrap();
            prop_assert!(near(one.1, -other.2) && one.1 < one.0 && one.0 < one.2);
        }
    }
}
