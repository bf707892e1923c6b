use super::*;
use crate::experiment::tests::phase;

fn metric(name: &str, role: Role) -> Metric {
    let margin = (role == Role::Guardrail).then_some(0.1);
    let (direction, aggregate) = Default::default();
    Metric { name: name.into(), role, scale: Some([0.0, 1.0]), direction, aggregate, margin }
}

fn planned(metrics: Vec<Metric>, users: u64) -> Phase {
    Phase { metrics, planned_users: users, ..phase("seed", &[5000, 5000], 10_000) }
}

/// Users of both arms, and how many of them have a 1.
fn measured(arms: [(u32, u32); 2]) -> Measured {
    let mut measured = Measured::new(2);
    for (arm, (users, ones)) in arms.into_iter().enumerate() {
        (0..users).for_each(|n| measured.add(arm, None, f64::from(u8::from(n < ones))));
    }
    measured
}

fn evidence(phase: &Phase, measured: Vec<Measured>) -> Evidence<'_> {
    Evidence { phase, exposed: None, several: 0, measured }
}

fn word(phase: &Phase, measured: Vec<Measured>) -> Word {
    analyze(&evidence(phase, measured)).arms[0].verdict
}

#[test]
fn a_verdict_needs_a_gain_and_every_guardrail() {
    let metrics = vec![metric("won", Role::Success), metric("kept", Role::Guardrail)];
    // Ones of a thousand users of the arm, where the control has 500; the planned users; the verdict.
    for (won, kept, users, expected) in [
        (500, 500, 2000, Word::NoDifference),
        (500, 500, 9000, Word::KeepCollecting),
        (650, 500, 2000, Word::Better),
        (650, 500, 9000, Word::Better),
        (650, 420, 2000, Word::KeepCollecting),
        (650, 300, 2000, Word::GuardFailed),
        (500, 300, 2000, Word::GuardFailed),
        (350, 500, 2000, Word::Worse),
        (350, 700, 9000, Word::Worse),
    ] {
        let phase = planned(metrics.clone(), users);
        let both = [won, kept].map(|ones| measured([(1000, 500), (1000, ones)]));
        assert_eq!(word(&phase, both.to_vec()), expected, "{won} and {kept} of 1000, {users} planned");
    }
}

#[test]
fn less_is_better_where_that_was_said() {
    let lower = Metric { direction: Direction::Lower, ..metric("asked again", Role::Success) };
    let guard = Metric { direction: Direction::Lower, ..metric("escalated", Role::Guardrail) };
    let phase = planned(vec![lower, guard], 2000);
    let rates = |won, kept| [won, kept].map(|ones| measured([(1000, 500), (1000, ones)])).to_vec();
    assert_eq!(word(&phase, rates(350, 500)), Word::Better);
    assert_eq!(word(&phase, rates(650, 500)), Word::Worse);
    assert_eq!(word(&phase, rates(350, 700)), Word::GuardFailed);
}

#[test]
fn nothing_is_shown_by_few_users_or_by_a_wrong_proportion() {
    let phase = planned(vec![metric("won", Role::Success)], 1000);
    assert_eq!(word(&phase, vec![measured([(0, 0), (0, 0)])]), Word::KeepCollecting);
    assert_eq!(word(&phase, vec![measured([(49, 0), (49, 49)])]), Word::KeepCollecting);
    let lost = analyze(&evidence(&phase, vec![measured([(1000, 100), (800, 700)])]));
    assert_eq!(lost.arms[0].verdict, Word::Invalid);
    assert_eq!(lost.invalid.as_deref(), Some("the users with `won` are not split as planned"));
    let fine = || vec![measured([(1000, 500), (1000, 500)])];
    let seen = |exposed, several| analyze(&Evidence { exposed, several, ..evidence(&phase, fine()) }).invalid;
    assert_eq!(seen(Some(vec![1000, 1000]), 20), None);
    assert_eq!(seen(Some(vec![1000, 1000]), 21).as_deref(), Some("21 of 2021 users met more than one arm"));
    assert_eq!(seen(Some(vec![1200, 1000]), 0).as_deref(), Some("the exposed users are not split as planned"));
}

#[test]
fn the_level_is_shared_by_arms_and_gains_but_not_by_guardrails() {
    let metrics = vec![metric("a", Role::Success), metric("b", Role::Success), metric("c", Role::Guardrail)];
    let phase = Phase { metrics, ..phase("seed", &[2500, 2500, 5000, 0], 10_000) };
    let levels: Vec<f64> = phase.metrics.iter().map(|metric| alpha(&phase, metric)).collect();
    assert_eq!(levels, [0.0125, 0.0125, 0.1]);
}

#[test]
fn what_was_decided_stays_so_unless_the_data_cannot_be_trusted() {
    let phase = planned(vec![metric("won", Role::Success)], 1000);
    let look = |arms| analyze(&evidence(&phase, vec![measured(arms)]));
    let mut decided = Decided::default();
    let mut told = |mut analysis: Analysis, now| {
        let more = analysis.settle(&mut decided, now);
        let Against { verdict, decided_ms, contrary, .. } = analysis.arms.remove(0);
        (more, verdict, decided_ms, contrary)
    };
    assert_eq!(told(look([(1000, 500), (1000, 500)]), 1), (false, Word::NoDifference, None, None));
    assert_eq!(told(look([(1000, 500), (1000, 650)]), 2), (true, Word::Better, Some(2), None));
    assert_eq!(told(look([(2000, 1400), (2000, 900)]), 3), (false, Word::Better, Some(2), Some(Word::Worse)));
    assert_eq!(told(look([(2000, 1000), (1500, 900)]), 4), (false, Word::Invalid, None, None));
}

#[test]
fn segments_decide_nothing_and_are_not_without_number() {
    let phase = planned(vec![metric("won", Role::Success)], 20_000);
    let mut all = measured([(0, 0), (0, 0)]);
    for n in 0..400_u32 {
        for (arm, wins) in [(0, n % 2 == 0), (1, n % 8 != 0)] {
            all.add(arm, Some("new"), f64::from(u8::from(wins)));
            (0..20).for_each(|_| all.add(arm, Some("old"), f64::from(u8::from(n % 2 == 0))));
        }
    }
    let found = analyze(&evidence(&phase, vec![all.clone()]));
    let shown: Vec<_> = found.arms[0].metrics.iter().map(|one| (one.segment.as_deref(), one.shows)).collect();
    assert_eq!(shown, [(None, Shows::Nothing), (Some("new"), Shows::Better), (Some("old"), Shows::Nothing)]);
    assert_eq!((found.arms[0].verdict, found.crowded), (Word::KeepCollecting, false));
    (0..200).for_each(|n| all.add(0, Some(&format!("user-{n}")), 1.0));
    assert_eq!((all.segments.len(), all.all[0].users()), (SEGMENTS, 8600));
    assert!(analyze(&evidence(&phase, vec![all])).crowded);
}
