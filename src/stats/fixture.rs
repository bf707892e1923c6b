//! Cases and outcomes for tests.

use std::sync::Arc;

use super::{Comparison, Names, Pairs, Party, Question, Setup, Side};
use crate::content::Digest;
use crate::diag::Source;
use crate::record::{CaseRef, Column, Outcome, Response, RunHead, Status, Usage};

/// A case of this id.
pub(super) fn case(id: &str) -> CaseRef {
    CaseRef {
        id: id.into(),
        description: None,
        vars: Arc::default(),
        metadata: Arc::default(),
        asserts: true,
        at: Source::new("c", "").span().location(),
        inputs: Digest::new([1; 16]),
        checks: Digest::new([2; 16]),
        cluster: None,
        min_pass: None,
    }
}

/// A run with a column a version.
pub(super) fn head(versions: &[&str]) -> RunHead {
    let column = |version: &&str| Column {
        provider: "mock".into(),
        provider_id: "mock".into(),
        label: "p".into(),
        raw: "".into(),
        prompt_hash: "h".into(),
        name: Some("p".into()),
        version: Some((*version).into()),
        identity: None,
    };
    RunHead {
        id: "run".into(),
        started_ms: 1,
        description: None,
        columns: versions.iter().map(column).collect(),
        cells: 0,
        cases: 0,
        repeat: 1,
        config: Arc::default(),
        config_path: "c".into(),
        tool_version: "t".into(),
        git: None,
    }
}

/// A run of a case.
pub(super) fn outcome(case: &Arc<CaseRef>, column: usize, status: Status) -> Arc<Outcome> {
    let response = Response {
        latency_ms: Some(100 + 10 * column as u64),
        usage: Some(Usage { total: 50, ..Usage::default() }),
        ..Response::default()
    };
    Arc::new(Outcome {
        index: 0,
        cell: "".into(),
        request: "".into(),
        row: 0,
        column,
        repeat: 0,
        case: Arc::clone(case),
        prompt: "".into(),
        status,
        score: f64::from(u8::from(status == Status::Passed)),
        named: Vec::new(),
        verdicts: Vec::new(),
        response: (status != Status::Errored).then_some(response),
        failure: None,
        attempts: 1,
        setbacks: Vec::new(),
        grading: crate::record::Spent::default(),
        asides: Vec::new(),
    })
}

/// One side of a case that ran once.
pub(super) fn side(status: Status, score: f64) -> Side {
    let case = Arc::new(case("x"));
    let mut outcome = Arc::unwrap_or_clone(outcome(&case, 0, status));
    outcome.score = score;
    let mut side = Side::default();
    side.add(&outcome, &mut Names::default());
    side
}

/// Pass/fail pairs: so many fixed, so many broken, so many that pass and fail on both sides.
pub(super) fn pairs(setup: Setup, counts: [u64; 4]) -> Pairs {
    use Status::{Failed, Passed};
    let kinds = [(Failed, Passed), (Passed, Failed), (Passed, Passed), (Failed, Failed)];
    let mut pairs = Pairs::new(setup);
    let mut n = 0;
    for ((before, after), count) in kinds.into_iter().zip(counts) {
        for _ in 0..count {
            n += 1;
            let score = |status| f64::from(u8::from(status == Passed));
            pairs.pair(&case(&format!("c{n}")), &side(before, score(before)), &side(after, score(after)));
        }
    }
    pairs
}

/// What the pairs say.
pub(super) fn comparison(pairs: &Pairs) -> Comparison {
    let party = |prompt: &str| Party {
        run: "run-1".into(),
        prompt: prompt.into(),
        name: None,
        version: None,
        prompt_hash: "abc".into(),
        provider: "mock".into(),
    };
    Comparison::of(pairs, party("old"), party("new"), &Question::default())
}
