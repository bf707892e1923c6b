//! A comparison, a gate and changed cases for tests.

use std::sync::Arc;

use serde_json::json;

use super::GateReport;
use crate::content::Digest;
use crate::record::{CaseRef, Outcome, Status};
use crate::report::fixture::cell;
use crate::stats::gate::{Against, Evidence, Facts, Policy, decide};
use crate::stats::{Changed, Comparison, Names, Pairs, Party, Question, Setup, Side};

fn party(prompt: &str) -> Party {
    Party {
        run: "run-1".into(),
        prompt: prompt.into(),
        name: None,
        version: None,
        prompt_hash: format!("hash-of-{prompt}").into(),
        provider: "mock".into(),
    }
}

fn answer(id: usize, status: Status, output: &str) -> Arc<Outcome> {
    let id = format!("c{id}");
    let cell = cell(&id).output(output);
    Arc::new(match status {
        Status::Passed => cell.done(),
        Status::Failed => cell.fails("expected \"yes\"").done(),
        Status::Errored => cell.errors("gone").done(),
    })
}

fn side(outcome: &Outcome) -> Side {
    let mut side = Side::default();
    side.add(outcome, &mut Names::default());
    side
}

/// Thirty cases: three fixed, one broken.
fn thirty() -> (Pairs, Facts) {
    use Status::{Failed, Passed};
    let policy = Policy::default();
    let (mut pairs, mut facts) = (Pairs::new(Setup::comparing()), Facts::default());
    for n in 0..30 {
        let (before, after) = match n {
            0..3 => (Failed, Passed),
            3 => (Passed, Failed),
            _ => (Passed, Passed),
        };
        let (before, after) = (answer(n, before, "no"), answer(n, after, "yes"));
        pairs.pair(&after.case, &side(&before), &side(&after));
        facts.case(&after.case, &side(&after), &policy.must_pass);
    }
    (pairs, facts)
}

pub(super) fn comparison() -> Comparison {
    Comparison::of(&thirty().0, party("old"), party("new"), &Question::default())
}

/// Names and numbers of whoever means harm.
pub(super) fn hostile() -> Comparison {
    let mut comparison = comparison();
    comparison.candidate.prompt = "<script>|`\n\u{202e}hunter2-hunter2".into();
    let metric = &mut comparison.metrics[0];
    metric.fixed.push("a|b<img src=x onerror=alert(1)>`@all\n# x".into());
    (metric.difference, metric.ci, metric.p) =
        (Some(f64::NAN), Some([f64::NEG_INFINITY, f64::INFINITY]), Some(f64::NAN));
    (metric.candidate.mean, metric.p_adjusted) = (Some(f64::INFINITY), Some(f64::NAN));
    comparison
}

pub(super) fn gate() -> GateReport {
    let (pairs, facts) = thirty();
    let policy = Policy::default();
    let against = Some(Against { facts: &facts, pairs: &pairs });
    GateReport {
        decision: decide(&policy, &Evidence { facts: &facts, against }),
        baseline: Some(party("old")),
        candidate: party("new"),
        test_set: Digest::new([1; 16]),
        checks: Digest::new([2; 16]),
        policy: json!(policy),
        policy_digest: policy.digest(),
        attempt: Some(2),
        early: None,
    }
}

/// One fixed, one broken, one without an answer to show and one without a verdict.
pub(super) fn changed(before: &str, after: &str) -> Vec<Changed> {
    use Status::{Errored, Failed, Passed};
    let change = |n, was: Option<Status>, is, better| {
        let after = answer(n, is, after);
        let case: Arc<CaseRef> = Arc::clone(&after.case);
        Changed { case, before: was.map(|was| answer(n, was, before)), after, better }
    };
    vec![
        change(0, Some(Failed), Passed, Some(true)),
        change(1, None, Passed, Some(true)),
        change(2, Some(Passed), Errored, None),
        change(3, Some(Passed), Failed, Some(false)),
    ]
}
