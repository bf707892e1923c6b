//! What it costs to keep a finished cell, and to find an answer again.

#![expect(clippy::unwrap_used, reason = "a bench may stop where it fails")]

mod harness;

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use prompteval::diag::Source;
use prompteval::env::{Clock, Redactor};
use prompteval::record::{CaseRef, Ending, Mark, Outcome, Output, Response, RunHead, RunTail, Status, Usage, Verdict};
use prompteval::store::{Entry, Journal, Memory, Store};
use serde_json::{Map, Value, json};

const CELLS: usize = 20_000;
/// As many cells are on their way at once as in a run 64 wide.
const AHEAD: usize = 1024;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let outcomes: Vec<Arc<Outcome>> = (0..CELLS).map(|n| Arc::new(outcome(n))).collect();
    let folder = tempfile::tempdir().unwrap();
    let mut run = 0;
    for (what, shared) in [("keep a cell, durable", false), ("keep a cell that the cache may serve", true)] {
        let nanos = harness::each(CELLS, || {
            run += 1;
            let store = open(folder.path());
            let mut journal = store.begin(&head(&format!("run-{run}")), "c.yaml").unwrap();
            runtime.block_on(async {
                for piece in outcomes.chunks(AHEAD) {
                    put(&mut journal, piece, shared).await;
                }
                let tail = RunTail { ending: Ending::Complete, finished_ms: 0, duration_ms: 0, finished: 0, unrun: 0 };
                journal.end(Arc::new(tail), Vec::new()).await.unwrap();
            });
        });
        harness::row(what, nanos, "cell");
    }
    let cache = open(folder.path()).cache(None).unwrap();
    let nanos = harness::each(CELLS, || {
        for outcome in &outcomes {
            assert!(black_box(cache.recall(&outcome.request).unwrap()).is_some());
        }
    });
    harness::row("find an answer in the cache", nanos, "answer");
}

fn open(folder: &Path) -> Store {
    Store::open(folder, Redactor::default(), Clock::real()).unwrap()
}

async fn put(journal: &mut Journal, outcomes: &[Arc<Outcome>], shared: bool) {
    for outcome in outcomes {
        journal.put(Entry { outcome: Arc::clone(outcome), replaces: None, response: None, shared, drafted: false });
    }
    let mut durable = 0;
    while durable < outcomes.len() {
        durable += journal.durable().await.unwrap().len();
    }
}

fn head(id: &str) -> RunHead {
    RunHead {
        id: id.into(),
        started_ms: 0,
        description: None,
        columns: Vec::new(),
        cells: CELLS as u64,
        cases: CELLS as u64,
        repeat: 1,
        config: Arc::new(json!({})),
        config_path: "evalconfig.yaml".into(),
        tool_version: "bench".into(),
        git: None,
    }
}

fn outcome(n: usize) -> Outcome {
    let question = format!("Customer {n} asks: where is my order, and when will it come?");
    let mut vars = Map::new();
    vars.insert("question".to_owned(), Value::from(question.as_str()));
    let at = Source::new("tests.jsonl", "x").span().location();
    let case = CaseRef {
        id: format!("case-{n}").into(),
        description: None,
        vars: Arc::new(vars),
        metadata: Arc::default(),
        inputs: prompteval::content::Digest::default(),
        checks: prompteval::content::Digest::default(),
        cluster: None,
        min_pass: None,
        asserts: true,
        at: at.clone(),
    };
    let verdict = |kind: &str| Verdict {
        kind: kind.into(),
        mark: Mark::Pass,
        score: 1.0,
        reason: "holds".into(),
        metric: None,
        weight: 1.0,
        expected: Some("order".into()),
        threshold: None,
        at: at.clone(),
        depth: 0,
    };
    Outcome {
        index: n as u64,
        cell: format!("{n:020x}").into(),
        request: format!("{:032x}", (n as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)).into(),
        row: n as u64,
        column: 0,
        repeat: 0,
        case: Arc::new(case),
        prompt: question.as_str().into(),
        status: Status::Passed,
        score: 1.0,
        named: Vec::new(),
        verdicts: ["contains", "regex", "is-json"].into_iter().map(verdict).collect(),
        response: Some(Response {
            output: Output::Text(format!("{{\"order\": \"{n}\", \"status\": \"shipped\", \"note\": \"on its way\"}}")),
            usage: Some(Usage { total: 80, prompt: 50, completion: 30, ..Usage::default() }),
            latency_ms: Some(12),
            finish_reason: Some("stop".into()),
            model: Some("mock-1".into()),
            ..Response::default()
        }),
        failure: None,
        attempts: 1,
        setbacks: Vec::new(),
        grading: prompteval::record::Spent::default(),
        asides: Vec::new(),
    }
}
