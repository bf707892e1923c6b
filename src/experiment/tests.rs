use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::stats::{chi2_sf, float, sample_ratio};

/// The vectors: another file can be named.
fn vectors() -> Vec<Value> {
    let named = std::env::var_os("PROMPTEVAL_ASSIGNMENT_VECTORS").map(std::path::PathBuf::from);
    let path = named.unwrap_or_else(|| {
        std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/stats/assignment_vectors.json")
    });
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()));
    serde_json::from_str(&text).unwrap()
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect()
}

fn pairs(value: &Value) -> Ranges {
    value.as_array().unwrap().iter().map(|pair| (pair[0].as_f64().unwrap(), pair[1].as_f64().unwrap())).collect()
}

fn text<'a>(input: &'a Value, key: &str) -> &'a str {
    input[key].as_str().unwrap()
}

/// What is wrong with a vector.
fn disagreement(vector: &Value) -> Option<String> {
    let (input, expected) = (&vector["input"], &vector["expected"]);
    let weights = || (!input["weights"].is_null()).then(|| floats(&input["weights"]));
    let agrees = match vector["algo"].as_str().unwrap() {
        "growthbook_hash" => {
            let (seed, value) = (text(input, "seed"), text(input, "value"));
            let found = match input["version"].as_u64() {
                Some(1) => Some(f64::from(thousandth(seed, value)) / 1000.0),
                Some(2) => Some(share(place(seed, value))),
                _ => None,
            };
            found == expected.as_f64()
        }
        "growthbook_bucket_ranges" => {
            let arms = usize::try_from(input["n"].as_u64().unwrap()).unwrap();
            let found = ranges(arms, input["coverage"].as_f64().unwrap(), weights().as_deref());
            // The SDK's own cases are rounded and say so; all others are to agree to the last bit.
            let tolerance = vector["tolerance"].as_f64().unwrap_or(0.0);
            let near = |a: f64, b: f64| (a - b).abs() <= tolerance;
            let expected = pairs(expected);
            found.len() == expected.len() && found.iter().zip(&expected).all(|(f, e)| near(f.0, e.0) && near(f.1, e.1))
        }
        "growthbook_choose_variation" => {
            let found = choose(input["n"].as_f64().unwrap(), &pairs(&input["ranges"]));
            found.map_or(-1, |at| i64::try_from(at).unwrap()) == expected.as_i64().unwrap()
        }
        "growthbook_in_namespace" => {
            let space = &input["namespace"];
            let part = space[1].as_f64().unwrap()..space[2].as_f64().unwrap();
            let place = thousandth(&format!("__{}", space[0].as_str().unwrap()), text(input, "user"));
            part.contains(&(f64::from(place) / 1000.0)) == expected.as_bool().unwrap()
        }
        "growthbook_assign" => {
            let share = share(place(text(input, "seed"), text(input, "id")));
            let given = weights().unwrap();
            let coverage = input["coverage"].as_f64().unwrap();
            let arm = choose(share, &ranges(given.len(), coverage, Some(&given)));
            let variation = expected["variation"].as_u64().unwrap_or(0);
            Some(share) == expected["bucket"].as_f64()
                && arm.is_some() == expected["in_experiment"].as_bool().unwrap()
                && arm.is_none_or(|arm| arm as u64 == variation)
        }
        other => return Some(format!("nobody knows `{other}`")),
    };
    (!agrees).then(|| vector.to_string())
}

#[test]
fn assignment_vectors() {
    let vectors = vectors();
    assert!(!vectors.is_empty());
    let wrong: Vec<String> = vectors.iter().filter_map(disagreement).collect();
    assert!(wrong.is_empty(), "{} of {} disagree:\n{}", wrong.len(), vectors.len(), wrong.join("\n"));
}

pub(super) fn phase(seed: &str, weights: &[u32], coverage: u32) -> Phase {
    let arm = |(n, weight): (usize, &u32)| Arm {
        name: format!("arm{n}"),
        version: format!("{n}.0.0"),
        content_sha256: String::new(),
        weight: *weight,
        control: n == 0,
    };
    Phase {
        name: "t".into(),
        phase: 1,
        algorithm: ALGORITHM.into(),
        seed: seed.into(),
        prompt: "p".into(),
        arms: weights.iter().enumerate().map(arm).collect(),
        allocation: Allocation::new(weights, coverage),
        coverage,
        namespace: None,
        holdout: None,
        forced: BTreeMap::new(),
        metrics: Vec::new(),
        planned_users: 1000,
    }
}

fn name_of<'a>(phase: &'a Phase, user: &str) -> Option<&'a str> {
    match phase.assign(user) {
        Assignment::In { arm, .. } => Some(&arm.name),
        Assignment::Out(_) => None,
    }
}

#[test]
fn places_are_dealt_as_the_sdk_deals_users() {
    for (weights, coverage) in
        [(&[5000, 5000][..], 10_000), (&[1000, 2000, 7000], 10_000), (&[3333, 3333, 3334], 5000), (&[9000, 1000], 100)]
    {
        let fractions: Vec<f64> = weights.iter().map(|w| share(*w)).collect();
        let ranges = ranges(weights.len(), share(coverage), Some(&fractions));
        let phase = phase("seed", weights, coverage);
        for n in 0..5000 {
            let user = format!("user-{n}");
            let expected = choose(share(place("seed", &user)), &ranges).map(|at| format!("arm{at}"));
            assert_eq!(name_of(&phase, &user), expected.as_deref(), "{user}");
        }
    }
}

#[test]
fn nobody_is_in_no_arm() {
    assert_eq!(phase("s", &[5000, 5000], PLACES).assign(""), Assignment::Out(Outside::NoId));
    assert!(name_of(&phase("s", &[5000, 5000], PLACES), " ").is_some());
}

#[test]
fn every_arm_has_its_share() {
    let weights = [1000, 2500, 6500];
    let phase = phase("shares", &weights, 10_000);
    let mut counts = [0_u64; 3];
    for n in 0..200_000 {
        let name = name_of(&phase, &n.to_string()).unwrap();
        counts[usize::from(name.as_bytes()[3] - b'0')] += 1;
    }
    let split = sample_ratio(&counts, &weights.map(f64::from)).unwrap();
    assert!(split.p > 0.001, "{counts:?}: {split:?}");
}

#[test]
fn two_experiments_have_nothing_in_common() {
    let (one, other) = (phase("checkout-tone", &[5000, 5000], 10_000), phase("greeting", &[5000, 5000], 10_000));
    let mut counts = [[0_u64; 2]; 2];
    for n in 0..200_000 {
        let user = n.to_string();
        let at = |phase: &Phase| usize::from(name_of(phase, &user).unwrap().ends_with('1'));
        counts[at(&one)][at(&other)] += 1;
    }
    let total = float(counts.as_flattened().iter().sum());
    let (rows, columns) =
        (counts.map(|row| float(row[0] + row[1])), [0, 1].map(|c| float(counts[0][c] + counts[1][c])));
    let part = |r: usize, c: usize| {
        let expected = rows[r] * columns[c] / total;
        (float(counts[r][c]) - expected).powi(2) / expected
    };
    let chi2 = part(0, 0) + part(0, 1) + part(1, 0) + part(1, 1);
    assert!(chi2_sf(chi2, 1.0) > 0.001, "{counts:?}");
}

#[test]
fn people_who_are_told_or_held_out_do_not_follow_the_hash() {
    let mut phase = phase("s", &[5000, 5000], 10_000);
    phase.forced.insert("qa".into(), "arm1".into());
    phase.holdout = Some(Namespace { name: "company".into(), from: 0, to: 500 });
    phase.namespace = Some(Namespace { name: "checkout".into(), from: 0, to: 5000 });
    let Assignment::In { arm, forced } = phase.assign("qa") else { panic!("qa is out") };
    assert_eq!((&*arm.name, forced), ("arm1", true));
    let mut out = BTreeMap::<String, u32>::new();
    for n in 0..10_000 {
        if let Assignment::Out(why) = phase.assign(&n.to_string()) {
            *out.entry(format!("{why:?}")).or_default() += 1;
        }
    }
    let near = |name: &str, expected: u32| out[name].abs_diff(expected) < expected / 5;
    assert!(near("HeldOut", 500) && near("OtherExperiment", 4750), "{out:?}");
}

#[test]
fn an_arm_of_three_grows_without_losing_anybody() {
    let (small, large) = ([1000, 1000, 8000], [2500, 1000, 6500]);
    let old = Allocation::new(&small, PLACES);
    // The SDK's ranges slide: the second arm would begin where the first one ends now.
    assert_eq!(Allocation::new(&large, PLACES).slices(1), [(2500, 3500)]);
    let new = old.ramped(&large, PLACES);
    assert_eq!(new.slices(0), [(0, 1000), (2000, 3500)]);
    assert_eq!((new.slices(1), new.slices(2)), (old.slices(1), &[(3500, 10_000)][..]));
    // There and back again, everybody is where they were.
    assert_eq!(new.ramped(&small, PLACES), old);
}

#[test]
fn an_arm_grows_among_those_who_saw_nothing_yet() {
    let old = Allocation::new(&[5000, 5000], 4000);
    let new = old.ramped(&[3000, 7000], 5000);
    assert_eq!((old.slices(0), old.slices(1)), (&[(0, 2000)][..], &[(5000, 7000)][..]));
    assert_eq!((new.slices(0), new.slices(1)), (&[(0, 1500)][..], &[(3000, 4500), (5000, 7000)][..]));
}

#[test]
fn users_come_by_places_and_not_by_weights() {
    // Of a hundredth, 1.5 places are two.
    let phase = phase("s", &[150, 9850], 100);
    let users: Vec<u64> = (0..2).map(|arm| 200 * u64::from(phase.allocation.size(arm))).collect();
    assert!(sample_ratio(&users, &[150.0, 9850.0]).unwrap().alarm, "{users:?}");
    let evidence = |exposed| analysis::Evidence { phase: &phase, exposed: Some(exposed), several: 0, measured: vec![] };
    assert_eq!(analysis::analyze(&evidence(users)).invalid, None);
    let said = analysis::analyze(&evidence(vec![600, 19_700])).invalid;
    assert_eq!(said.as_deref(), Some("the exposed users are not split as planned"));
}

/// Weights that are 10000 together.
fn weights(arms: usize) -> impl Strategy<Value = Vec<u32>> {
    proptest::collection::vec(0_u32..=PLACES, arms - 1).prop_map(|mut cuts| {
        cuts.extend([0, PLACES]);
        cuts.sort_unstable();
        cuts.windows(2).map(|pair| pair[1] - pair[0]).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_ramp_moves_nobody_who_need_not_move(
        (before, after) in (2_usize..5).prop_flat_map(|arms| (weights(arms), weights(arms))),
        coverages in (0_u32..=PLACES, 0_u32..=PLACES),
    ) {
        let old = Allocation::new(&before, coverages.0);
        let (new, dealt) = (old.ramped(&after, coverages.1), Allocation::new(&after, coverages.1));
        let count = |of: &dyn Fn(u32) -> bool| u32::try_from((0..PLACES).filter(|place| of(*place)).count()).unwrap();
        let mut taken = 0;
        for arm in 0..after.len() {
            prop_assert_eq!(new.size(arm), dealt.size(arm));
            let kept = count(&|place| old.arm(place) == Some(arm) && new.arm(place) == Some(arm));
            prop_assert_eq!(kept, old.size(arm).min(new.size(arm)));
            taken += new.size(arm) - kept;
        }
        // From one arm to another only where nothing else is left.
        let fresh = count(&|place| old.arm(place).is_none());
        let moved = count(&|place| old.arm(place).is_some_and(|arm| new.arm(place).is_some_and(|new| new != arm)));
        prop_assert_eq!(moved, taken.saturating_sub(fresh));
    }

    #[test]
    fn a_ramp_is_the_sdks_own_where_that_moves_nobody_without_need(
        shares in (2_usize..5).prop_flat_map(weights),
        halves in (weights(2), weights(2)),
        coverages in (0_u32..=PLACES, 0_u32..=PLACES),
    ) {
        let ramped = Allocation::new(&shares, coverages.0).ramped(&shares, coverages.1);
        prop_assert_eq!(ramped, Allocation::new(&shares, coverages.1));
        let ramped = Allocation::new(&halves.0, PLACES).ramped(&halves.1, PLACES);
        prop_assert_eq!(ramped, Allocation::new(&halves.1, PLACES));
    }

    #[test]
    fn any_id_has_a_place(user in "\\PC+", seed in "\\PC+") {
        prop_assert!(place(&seed, &user) < PLACES);
        prop_assert_eq!(name_of(&phase(&seed, &[5000, 5000], PLACES), &user).is_some(), true);
    }
}

fn read(text: &str) -> Result<Plan, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tone.yaml");
    std::fs::write(&path, text).unwrap();
    Plan::read(&path, "tone.yaml", "tone")
        .map_err(|problems| problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>().join("; "))
}

const FILE: &str = "
prompt: support
arms:
  - {version: 2.0.0, weight: 9000}
  - {name: warm, version: v2.1.0, weight: 1000}
success: [{metric: csat, scale: [1, 5]}]
guardrails: [{metric: escalated, scale: [0, 1], direction: lower, margin: 0.02, aggregate: any}]
forced: {qa-1: warm}
";

#[test]
fn a_file_is_a_plan() {
    let plan = read(FILE).unwrap();
    assert_eq!((plan.key.as_str(), plan.coverage, plan.planned_users), ("tone", 10_000, 1000));
    assert_eq!((&*plan.arms[0].name, plan.arms[0].control, &*plan.arms[1].version), ("2.0.0", true, "2.1.0"));
    assert_eq!((plan.metrics[1].direction, plan.metrics[1].aggregate), (Direction::Lower, Aggregate::Any));
}

#[test]
fn mistakes_are_told_all_at_once() {
    for (from, to, says) in [
        ("9000", "8000", "the weights of the arms are 9000 together, not 10000"),
        ("name: warm, ", "name: 2.0.0, ", "two arms are called `2.0.0`"),
        ("direction: lower", "direction: down", "`down` is no direction"),
        ("[1, 5]", "[5, 1]", "a scale is its two ends, the lower one first"),
        ("metric: csat, ", "metric: escalated, ", "`escalated` is measured twice"),
        ("qa-1: warm", "qa-1: wram", "no arm is called `wram`"),
        ("prompt: support", "owner: me", "an experiment needs a `prompt`"),
        (
            "success: [{metric: csat, scale: [1, 5]}]",
            "planned_users: 500",
            "an experiment needs a metric that is to improve",
        ),
        ("aggregate: any", "agregate: any", "unknown key `agregate`"),
        ("margin: 0.02, ", "", "the guardrail `escalated` does not say how much worse it may be"),
        ("forced:", "holdout: {name: x, to: 5}\nforced:", "a holdout goes in steps of 10 basis points"),
        ("forced:", "namespace: {name: x, from: 5, to: 5}\nforced:", "this namespace is empty"),
    ] {
        let said = read(&FILE.replacen(from, to, 1)).unwrap_err();
        assert!(said.contains(says), "{to}: {said}");
    }
}
