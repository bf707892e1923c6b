use std::sync::Arc;

use proptest::prelude::*;

use super::fixture::{case, comparison, pairs, side};
use super::*;
use crate::record::{CaseRef, Status as CellStatus};

fn words_of(counts: [u64; 4]) -> String {
    let found = comparison(&pairs(Setup::comparing(), counts));
    words::metric(found.metric("pass").unwrap(), &found)
}

#[test]
fn the_sentence_of_the_reference() {
    assert_eq!(
        words_of([4, 2, 42, 2]),
        "candidate 46/50 passed (92.0 %, 95 % CI 81.2-96.8), baseline 44/50 (88.0 %, 76.2-94.4). On the same 50 cases: 4 \
         fixed, 2 broken, 44 unchanged. Difference +4.0 pp, 95 % CI [-7.0, +15.7], p = 0.45. No clear difference. At \
         this rate of change about 2,990 cases would show a 2 pp difference (80 % power)."
    );
}

#[test]
fn a_clear_difference_is_named() {
    assert!(words_of([20, 1, 100, 5]).ends_with("p < 0.001. Better."));
    assert!(words_of([1, 20, 100, 5]).ends_with("p < 0.001. Worse."));
    assert!(words_of([1, 0, 3, 0]).ends_with("Too few cases to carry much."));
}

#[test]
fn a_single_case_has_an_interval_and_none_has_none() {
    let found = comparison(&pairs(Setup::comparing(), [0, 0, 1, 0]));
    let [low, high] = found.metric("pass").unwrap().ci.unwrap();
    assert!((low + 0.793).abs() < 0.001 && (high - 0.793).abs() < 0.001);
    assert!(comparison(&pairs(Setup::comparing(), [0; 4])).metrics.is_empty());
}

#[test]
fn values_whose_squares_vanish_have_an_interval() {
    let mut sample = Sample::default();
    sample.add(1e-300, None);
    let (low, high) = Bounded::new(&sample.units(), Scale::UNIT).interval(1.96);
    assert!(low < 1e-300 && high > 0.7, "{low} {high}");
}

#[test]
fn what_is_not_on_the_scale_is_an_error_and_no_zero() {
    for (bad, status) in [(f64::NAN, Status::NotFinite), (f64::INFINITY, Status::NotFinite), (1.5, Status::OffScale)] {
        let mut all = pairs(Setup::comparing(), [0, 0, 30, 0]);
        all.pair(&case("bad"), &side(CellStatus::Passed, 1.0), &side(CellStatus::Passed, bad));
        let found = comparison(&all);
        let score = found.metric("score").unwrap();
        assert_eq!((score.status, score.ci), (Some(status), None));
        assert_eq!(found.metric("pass").unwrap().n, 31);
    }
}

#[test]
fn a_hundred_thousand_cases_take_no_time() {
    let mut sample = Sample::default();
    for n in 0..100_000_u32 {
        sample.add(f64::from(n.wrapping_mul(2_654_435_761) >> 8) / f64::from(u32::MAX >> 8) - 0.5, None);
    }
    let units = sample.units();
    let (low, high) = Bounded::new(&units, Scale::UNIT.of_differences()).interval(1.96);
    assert!(low < units.mean().unwrap() && units.mean().unwrap() < high && high - low < 0.01);
}

/// Differences on a scale of width 1, each with a cluster or none.
fn differences() -> impl Strategy<Value = Vec<(f64, Option<u8>)>> {
    let value = prop_oneof![Just(0.0), Just(1.0), Just(-1.0), -1.0..=1.0, Just(0.25)];
    proptest::collection::vec((value, proptest::option::weighted(0.3, 0u8..4)), 1..40)
}

fn units(values: &[(f64, Option<u8>)], sign: f64, copies: u8) -> Units {
    let mut sample = Sample::default();
    for copy in 0..copies {
        for (value, cluster) in values {
            let name = cluster.map(|c| Arc::from(format!("{copy}/{c}")));
            sample.add(sign * value, name.as_ref());
        }
    }
    sample.units()
}

proptest! {
    #[test]
    fn swapping_the_two_mirrors_every_number(values in differences(), z in 0.5f64..3.0) {
        let scale = Scale::UNIT.of_differences();
        let (one, other) = (units(&values, 1.0, 1), units(&values, -1.0, 1));
        let (a, b) = (Bounded::new(&one, scale), Bounded::new(&other, scale));
        prop_assert!((a.statistic(0.0) + b.statistic(0.0)).abs() < 1e-9);
        let ((low, high), (mirrored_low, mirrored_high)) = (a.interval(z), b.interval(z));
        prop_assert!((low + mirrored_high).abs() < 1e-9 && (high + mirrored_low).abs() < 1e-9);
    }

    #[test]
    fn the_interval_is_honest(values in differences(), z in 0.5f64..3.0) {
        let scale = Scale::UNIT.of_differences();
        let all = units(&values, 1.0, 1);
        let (low, high) = Bounded::new(&all, scale).interval(z);
        let mean = all.mean().unwrap();
        prop_assert!(low.is_finite() && high.is_finite() && low < high, "{low} {high}");
        prop_assert!((-1.0..=1.0).contains(&low) && (-1.0..=1.0).contains(&high));
        prop_assert!(low <= mean + 1e-12 && mean <= high + 1e-12);
    }

    #[test]
    fn more_of_the_same_never_widens_it(values in differences(), copies in 2u8..5) {
        let scale = Scale::UNIT.of_differences();
        let (once, often) = (units(&values, 1.0, 1), units(&values, 1.0, copies));
        let (low, high) = Bounded::new(&once, scale).interval(1.96);
        let (near_low, near_high) = Bounded::new(&often, scale).interval(1.96);
        prop_assert!(near_low >= low - 1e-9 && near_high <= high + 1e-9);
    }

    #[test]
    fn the_statistic_falls(values in differences(), mu in -0.99f64..0.9, step in 0.001f64..0.09) {
        let all = units(&values, 1.0, 1);
        let test = Bounded::new(&all, Scale::UNIT.of_differences());
        prop_assert!(test.statistic(mu) >= test.statistic(mu + step) - 1e-9);
    }

    #[test]
    fn whole_comparisons_mirror(fixed in 0u64..9, broken in 0u64..9, same in 0u64..30, failed in 0u64..9) {
        let one = comparison(&pairs(Setup::comparing(), [fixed, broken, same, failed]));
        let other = comparison(&pairs(Setup::comparing(), [broken, fixed, same, failed]));
        for (a, b) in one.metrics.iter().zip(&other.metrics) {
            let near = |x: Option<f64>, y: Option<f64>| x.zip(y).is_none_or(|(x, y)| (x - y).abs() < 1e-9);
            prop_assert_eq!(a.p, b.p);
            prop_assert!(near(a.difference, b.difference.map(|d| -d)) || a.scale.is_none());
            prop_assert!(near(a.baseline.mean, b.candidate.mean) && near(a.cases_needed.map(float), b.cases_needed.map(float)));
        }
    }

    #[test]
    fn a_wilson_interval_is_the_bounded_one(passed in 0u64..40, failed in 0u64..40) {
        prop_assume!(passed + failed > 0);
        let mut sample = Sample::default();
        sample.add_many(1.0, passed);
        sample.add_many(0.0, failed);
        let units = sample.units();
        let (low, high) = Bounded::new(&units, Scale::UNIT).interval(norm_ppf(0.975));
        let (wilson_low, wilson_high) = wilson(passed, passed + failed).unwrap();
        prop_assert!((low - wilson_low).abs() < 1e-9 && (high - wilson_high).abs() < 1e-9);
    }
}

/// One run of a side: its status, its score, a named metric or none, its latency or none.
type Run = (u8, f64, Option<f64>, Option<u16>);

fn runs() -> impl Strategy<Value = Vec<Run>> {
    let score = || prop_oneof![Just(0.0), Just(1.0), 0.0..=1.0];
    proptest::collection::vec((0u8..4, score(), proptest::option::of(score()), proptest::option::of(0u16..500)), 0..4)
}

fn side_of(runs: &[Run]) -> Side {
    let case = Arc::new(case("x"));
    let (mut side, mut names) = (Side::default(), Names::default());
    for (status, score, named, latency) in runs {
        let status = match status {
            0 => CellStatus::Errored,
            1 => CellStatus::Failed,
            _ => CellStatus::Passed,
        };
        let mut outcome = Arc::unwrap_or_clone(super::fixture::outcome(&case, 0, status));
        outcome.score = *score;
        outcome.named = named.iter().map(|value| ("tone".to_owned(), *value)).collect();
        if let Some(response) = &mut outcome.response {
            response.latency_ms = latency.map(u64::from);
        }
        side.add(&outcome, &mut names);
    }
    side
}

proptest! {
    #[test]
    fn whatever_comes_there_are_only_numbers_and_words(
        cases in proptest::collection::vec((runs(), runs(), proptest::option::of(0u8..3)), 0..12),
        worst: bool,
    ) {
        let on_error = if worst { OnError::Worst } else { OnError::Drop };
        let mut all = Pairs::new(Setup { on_error, ..Setup::comparing() });
        let mut facts = gate::Facts::default();
        for (n, (before, after, cluster)) in cases.iter().enumerate() {
            let cluster = cluster.map(|c| Arc::from(c.to_string()));
            let case = CaseRef { cluster, ..case(&format!("c{n}")) };
            facts.case(&case, &side_of(after), &[]);
            all.pair(&case, &side_of(before), &side_of(after));
        }
        let found = comparison(&all);
        for metric in &found.metrics {
            let text = words::metric(metric, &found);
            prop_assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
            let sides = [metric.baseline, metric.candidate].into_iter().filter_map(|side| side.ci);
            for [low, high] in sides.chain(metric.ci) {
                prop_assert!(low.is_finite() && high.is_finite() && low < high, "{}: {low} {high}", metric.name);
            }
            let numbers = [metric.difference, metric.p, metric.p_adjusted, metric.baseline.mean, metric.candidate.mean];
            prop_assert!(numbers.into_iter().flatten().all(f64::is_finite));
        }
        let policy = gate::Policy { on_error, ..gate::Policy::default() };
        let against = Some(gate::Against { facts: &facts, pairs: &all });
        let evidence = gate::Evidence { facts: &facts, against };
        let decision = gate::decide(&policy, &evidence);
        prop_assert!(decision.decision != gate::Verdict::Pass || all.units() >= 52);
        for rest in [0, 1, 60] {
            let _ = gate::foresee(&policy, &evidence, rest);
        }
    }
}
