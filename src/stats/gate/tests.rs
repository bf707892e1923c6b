use super::*;
use crate::record::Status;
use crate::stats::distribution::binom_pmf;
use crate::stats::fixture::{case, pairs, side};
use crate::stats::{OnError, Pairs, Scale, Units};

/// Facts of a column in which so many cases pass and so many fail.
fn facts(passed: u64, failed: u64) -> Facts {
    let mut facts = Facts::default();
    for n in 0..passed + failed {
        let status = if n < passed { Status::Passed } else { Status::Failed };
        facts.case(&case(&format!("c{}", n + 1)), &side(status, 0.0), &[]);
    }
    facts
}

fn decision_on(policy: &Policy, pairs: &Pairs) -> Decision {
    let facts = facts(pairs.paired, 0);
    decide(policy, &Evidence { facts: &facts, against: Some(Against { facts: &facts, pairs }) })
}

/// The decision on so many fixed and so many broken of so many cases.
fn of(fixed: u64, broken: u64, cases: u64) -> Decision {
    let policy = Policy::default();
    decision_on(&policy, &pairs(policy.setup(), [fixed, broken, cases - fixed - broken, 0]))
}

#[test]
fn the_sentences_of_the_reference() {
    for (counts, decision, words) in [
        (
            (10, 10, 200),
            Verdict::Pass,
            "200 cases: 10 fixed, 10 broken. Difference 0.0 pp; at 95 % confidence at most 3.9 pp worse; limit 5.0. \
             PROMOTE.",
        ),
        (
            (12, 18, 300),
            Verdict::Inconclusive,
            "300 cases: 12 fixed, 18 broken. Difference -2.0 pp; could be up to 5.2 pp worse; limit 5.0. NOT SHOWN. An \
             equally good candidate passes 4 times in 5 from about 288 cases on, so this size should have been enough: \
             take it as a warning.",
        ),
        (
            (3, 9, 52),
            Verdict::Regression,
            "52 cases: 3 fixed, 9 broken. Difference -11.5 pp; at 95 % confidence at least 0.6 pp worse. REGRESSION.",
        ),
    ] {
        let found = of(counts.0, counts.1, counts.2);
        assert_eq!((found.decision, found.words.as_str()), (decision, words));
        assert_eq!(found.rule, "max_regression");
    }
}

#[test]
fn a_suite_that_is_too_small_says_so() {
    let found = of(0, 0, 40);
    assert_eq!(found.decision, Verdict::Inconclusive);
    let words = &found.rules.iter().find(|finding| finding.rule == "min_cases").unwrap().words;
    assert_eq!(
        words,
        "40 cases cannot show a 5 pp limit even if nothing changes (could be up to 6.3 pp worse): 52 needed."
    );
    assert_eq!((of(0, 0, 51).decision, of(0, 0, 52).decision), (Verdict::Inconclusive, Verdict::Pass));
}

#[test]
fn a_case_without_a_verdict_counts_as_the_worst_unless_it_is_dropped() {
    let run = |on_error| {
        let policy = Policy { on_error, ..Policy::default() };
        let mut pairs = pairs(policy.setup(), [0, 0, 60, 0]);
        for n in 0..6 {
            pairs.pair(&case(&format!("e{n}")), &side(Status::Passed, 1.0), &side(Status::Errored, 0.0));
        }
        (decision_on(&policy, &pairs).decision, pairs.worst, pairs.dropped.candidate_errored)
    };
    assert_eq!(run(OnError::Worst), (Verdict::Regression, 6, 0));
    assert_eq!(run(OnError::Drop), (Verdict::Pass, 0, 6));
}

#[test]
fn without_a_baseline_only_absolute_rules_speak() {
    let facts = facts(60, 4);
    let alone = |policy: &Policy| decide(policy, &Evidence { facts: &facts, against: None });
    let found = alone(&Policy::default());
    assert_eq!((found.decision, found.rule), (Verdict::Invalid, "baseline"));
    let found = alone(&Policy { min_pass_rate: Some(0.9), ..Policy::default() });
    assert_eq!((found.decision, found.rule), (Verdict::Pass, "min_pass_rate"));
    let found = alone(&Policy { min_pass_rate: Some(0.95), ..Policy::default() });
    assert_eq!((found.decision, found.words.as_str()), (Verdict::Regression, "pass rate 93.8 %; at least 95 % asked"));
}

#[test]
fn other_cases_are_no_baseline() {
    let policy = Policy::default();
    let pairs = pairs(policy.setup(), [0, 0, 60, 0]);
    let (here, there) = (facts(60, 0), facts(59, 0));
    let found = decide(&policy, &Evidence { facts: &here, against: Some(Against { facts: &there, pairs: &pairs }) });
    assert_eq!((found.decision, found.rule), (Verdict::Invalid, "test_set"));
}

#[test]
fn cases_that_must_pass_do() {
    let policy = Policy { must_pass: vec!["c3".into(), "nobody".into()], ..Policy::default() };
    let mut found = Facts::default();
    found.case(&case("c3"), &side(Status::Failed, 0.0), &policy.must_pass);
    assert_eq!(decide(&policy, &Evidence { facts: &found, against: None }).rule, "must_pass");
    let policy = Policy { must_pass: vec!["c3".into()], ..policy };
    let mut found = Facts::default();
    found.case(&case("c3"), &side(Status::Failed, 0.0), &policy.must_pass);
    let decision = decide(&policy, &Evidence { facts: &found, against: None });
    assert_eq!((decision.decision, decision.words.as_str()), (Verdict::Regression, "must pass, and does not: c3"));
}

#[test]
fn an_improvement_must_be_shown() {
    let improved = |fixed, broken| {
        let asked = Improvement { any: false, metrics: vec![("pass".into(), 0.0)] };
        let policy = Policy { require_improvement: Some(asked), ..Policy::default() };
        decision_on(&policy, &pairs(policy.setup(), [fixed, broken, 100 - fixed - broken, 0])).decision
    };
    assert_eq!((improved(3, 0), improved(4, 0)), (Verdict::Inconclusive, Verdict::Pass));
}

#[test]
fn a_small_but_real_drop_is_told_or_blocked() {
    let policy = Policy::default();
    let found = decision_on(&policy, &pairs(policy.setup(), [0, 8, 992, 0]));
    assert!(found.decision == Verdict::Pass && found.words.contains("small but real drop"), "{}", found.words);
    let policy = Policy { block_deterioration: true, ..Policy::default() };
    assert_eq!(decision_on(&policy, &pairs(policy.setup(), [0, 8, 992, 0])).decision, Verdict::Regression);
}

#[test]
fn what_can_no_longer_change_is_known_early() {
    let policy = Policy::default();
    let ahead = |counts: [u64; 4], rest| {
        let pairs = pairs(policy.setup(), counts);
        let facts = facts(pairs.paired, 0);
        let against = Some(Against { facts: &facts, pairs: &pairs });
        foresee(&policy, &Evidence { facts: &facts, against }, rest).map(|decision| decision.decision)
    };
    assert_eq!(ahead([0, 0, 30, 0], 70), None, "30 of 100 say nothing");
    assert_eq!(ahead([0, 0, 99, 0], 1), Some(Verdict::Pass), "one more failure does not close it");
    assert_eq!(ahead([0, 60, 0, 0], 10), Some(Verdict::Regression), "ten passes do not open it");
    assert_eq!(ahead([0, 12, 40, 0], 12), Some(Verdict::Inconclusive), "so much disagreement cannot open it");
    assert_eq!(ahead([0, 2, 60, 0], 10), None);
}

#[test]
fn what_has_no_bound_is_never_foreseen() {
    let policy = Policy { max_p95_latency_ms: Some(500.0), ..Policy::default() };
    let facts = facts(30, 0);
    assert_eq!(foresee(&policy, &Evidence { facts: &facts, against: None }, 10), None);
    let policy = Policy { must_pass: vec!["c1".into()], min_pass_rate: Some(0.1), ..Policy::default() };
    assert_eq!(foresee(&policy, &Evidence { facts: &facts, against: None }, 10), None, "c1 may come again");
}

#[test]
fn whatever_comes_agrees_with_what_was_foreseen() {
    let policy = Policy::default();
    for broken in 0..12 {
        for rest in 0..12 {
            let now = pairs(policy.setup(), [0, broken, 60, 0]);
            let cases = facts(now.paired, 0);
            let against = Some(Against { facts: &cases, pairs: &now });
            let Some(early) = foresee(&policy, &Evidence { facts: &cases, against }, rest) else { continue };
            for fixed_of_rest in 0..=rest {
                let end = pairs(policy.setup(), [fixed_of_rest, broken + rest - fixed_of_rest, 60, 0]);
                let open = decision_on(&policy, &end).decision == Verdict::Pass;
                assert_eq!(open, early.decision == Verdict::Pass, "{broken} broken, {rest} to come");
            }
        }
    }
}

/// How often the gate opens when each alone passes at these rates: all results, with their probabilities.
fn promoted(cases: u64, margin: f64, candidate_only: f64, baseline_only: f64) -> f64 {
    let mut sum = 0.0;
    for fixed in 0..=cases {
        for broken in 0..=cases - fixed {
            let shown = guard(&Units::of_pairs(fixed, broken, cases), Scale::UNIT, margin, CONFIDENCE).unwrap();
            if shown.verdict == Verdict::Pass {
                let left = binom_pmf(fixed, cases, candidate_only);
                sum += left * binom_pmf(broken, cases - fixed, baseline_only / (1.0 - candidate_only));
            }
        }
    }
    sum
}

#[test]
fn it_errs_as_often_as_it_says() {
    for (cases, margin, rate, expected) in [(20, 0.1, 0.05, 0.266), (50, 0.05, 0.02, 0.267), (50, 0.1, 0.1, 0.437)] {
        let power = promoted(cases, margin, rate, rate);
        assert!((power - expected).abs() < 0.0006, "{power} of equals at {cases} and {margin}");
        for candidate_only in [0.0, 0.02, 0.2] {
            let wrong = promoted(cases, margin, candidate_only, candidate_only + margin);
            assert!(wrong <= 0.06, "{wrong} at {cases} and {margin}");
        }
    }
}
