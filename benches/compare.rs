//! What it costs to compare two versions on 100,000 cases: taking the cells in, and asking the numbers.

mod harness;

use std::hint::black_box;
use std::sync::Arc;

use prompteval::content::Digest;
use prompteval::diag::Source;
use prompteval::record::{CaseRef, Outcome, Response, Status, Usage};
use prompteval::stats::gate::Policy;
use prompteval::stats::{Base, Comparison, Party, Question, Versus};

const CASES: usize = 100_000;

fn main() {
    let cells: Vec<Arc<Outcome>> = (0..2 * CASES).map(|n| outcome(n / 2, n % 2)).collect();
    let fold = || {
        let mut versus = Versus::new(Base::Column(0), 1, Some(Policy::default()));
        for cell in &cells {
            versus.add(cell);
        }
        versus.end();
        versus
    };
    harness::row("take the cells of 100,000 pairs in", harness::each(CASES, || drop(black_box(fold()))), "pair");
    let versus = fold();
    let ask = || Comparison::of(&versus.pairs, party("old"), party("new"), &Question::default());
    harness::row("compare them in six metrics", harness::each(CASES, || drop(black_box(ask()))), "pair");
    let policy = Policy::default();
    let decide = || prompteval::stats::gate::decide(&policy, &versus.evidence(&versus.gated()));
    harness::row("decide", harness::each(CASES, || drop(black_box(decide()))), "pair");
}

fn party(prompt: &str) -> Party {
    Party {
        run: "run".into(),
        prompt: prompt.into(),
        name: None,
        version: None,
        prompt_hash: "hash".into(),
        provider: "mock".into(),
    }
}

/// A cell whose scores are all different from others', the worst there is for counting equal ones.
fn outcome(case: usize, column: usize) -> Arc<Outcome> {
    let noise = |salt: u64| {
        let n = ((case * 2 + column) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(salt << 17);
        f64::from(u32::try_from((n ^ (n >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32).unwrap_or(0))
            / f64::from(u32::MAX)
    };
    let passed = noise(1) < 0.9;
    let case_ref = CaseRef {
        id: format!("case-{case}").into(),
        description: None,
        vars: Arc::default(),
        metadata: Arc::default(),
        asserts: true,
        at: Source::new("tests.jsonl", "x").span().location(),
        inputs: Digest::new([1; 16]),
        checks: Digest::new([2; 16]),
        cluster: None,
        min_pass: None,
    };
    Arc::new(Outcome {
        index: (2 * case + column) as u64,
        cell: "".into(),
        request: "".into(),
        row: case as u64,
        column,
        repeat: 0,
        case: Arc::new(case_ref),
        prompt: "".into(),
        status: if passed { Status::Passed } else { Status::Failed },
        score: noise(2),
        named: vec![("tone".to_owned(), noise(3))],
        verdicts: Vec::new(),
        response: Some(Response {
            latency_ms: Some(100 + u64::from(case.is_multiple_of(7)) * 40),
            usage: Some(Usage { total: 80 + (case % 40) as u64, ..Usage::default() }),
            cost: Some(0.000_1 * (1.0 + noise(4))),
            ..Response::default()
        }),
        failure: None,
        attempts: 1,
        setbacks: Vec::new(),
        grading: prompteval::record::Spent::default(),
        asides: Vec::new(),
    })
}
