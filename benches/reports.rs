//! What a finished cell costs in each report format.

#![expect(clippy::unwrap_used, reason = "a bench may stop where it fails")]

mod harness;

use std::hint::black_box;
use std::io;
use std::sync::Arc;

use prompteval::diag::Location;
use prompteval::env::Redactor;
use prompteval::record::{
    CaseRef, Column, Ending, Mark, Outcome, Output, Response, RunHead, RunTail, Status, Usage, Verdict,
};
use prompteval::report::{FORMATS, Format, Options};
use serde_json::{Map, Value, json};

const CELLS: usize = 20_000;
const SECRET: &str = "sk-proj-\"0123456789\"-abcdef";

/// What the runs that are told differ in.
const RUNS: [Run; 3] = [
    Run { name: "all green", red: usize::MAX, leak: false },
    Run { name: "one in ten red", red: 10, leak: false },
    Run { name: "one in ten red, a secret in each", red: 10, leak: true },
];

struct Run {
    name: &'static str,
    /// Every how many cells one fails.
    red: usize,
    /// Whether answers hold a secret.
    leak: bool,
}

fn main() {
    for run in &RUNS {
        let outcomes: Vec<Outcome> = (0..CELLS).map(|n| outcome(n, run)).collect();
        for format in FORMATS {
            let nanos = harness::each(CELLS, || tell(format, &outcomes));
            harness::row(&format!("{}, {}", format.name, run.name), nanos, "cell");
        }
    }
}

/// Folds a run into a report that nobody keeps.
fn tell(format: &Format, outcomes: &[Outcome]) {
    let redactor = Redactor::default();
    for secret in [SECRET, "ghp_0123456789abcdefghij", "https://hooks.example.com/T0123"] {
        redactor.learn(secret);
    }
    let mut report = (format.open)(Options { redactor, strict: false });
    let out = &mut black_box(io::sink());
    report.start(out, &head()).unwrap();
    for outcome in outcomes {
        report.cell(out, outcome).unwrap();
    }
    report.finish(out, &tail()).unwrap();
}

fn outcome(n: usize, run: &Run) -> Outcome {
    let red = n % run.red == run.red - 1;
    let marks = [Mark::Pass, if red { Mark::Fail } else { Mark::Pass }, Mark::Pass];
    let question = format!("Customer {n} asks: where is my order \"{n}\", and when will it come?\n").repeat(3);
    let leak = if run.leak { SECRET } else { "nothing secret" };
    Outcome {
        index: n as u64,
        cell: format!("{n:020x}").into(),
        request: "request".into(),
        row: n as u64 / 2,
        column: n % 2,
        repeat: 0,
        case: case(n, &question),
        prompt: question.as_str().into(),
        status: if red { Status::Failed } else { Status::Passed },
        score: if red { 0.67 } else { 1.0 },
        named: vec![("tone".to_owned(), 1.0)],
        verdicts: marks.into_iter().enumerate().map(|(at, mark)| verdict(at, mark)).collect(),
        response: Some(response(&question, leak)),
        failure: None,
        attempts: 1,
        setbacks: Vec::new(),
        grading: prompteval::record::Spent::default(),
        asides: Vec::new(),
    }
}

fn case(n: usize, question: &str) -> Arc<CaseRef> {
    let mut vars = Map::new();
    vars.insert("question".to_owned(), Value::from(question));
    vars.insert("number".to_owned(), Value::from(n));
    Arc::new(CaseRef {
        id: format!("case-{}", n / 2).into(),
        description: Some("a customer asks for an order".into()),
        vars: Arc::new(vars),
        metadata: Arc::default(),
        inputs: prompteval::content::Digest::default(),
        checks: prompteval::content::Digest::default(),
        cluster: None,
        min_pass: None,
        asserts: true,
        at: at(n),
    })
}

fn response(question: &str, leak: &str) -> Response {
    Response {
        output: Output::Text(format!("Thank you, it is on its way ({leak}). {question}")),
        usage: Some(Usage { total: 120, prompt: 70, completion: 50, ..Usage::default() }),
        cost: Some(0.000_12),
        latency_ms: Some(812),
        finish_reason: Some("stop".to_owned()),
        model: Some("gpt-4.1-mini".to_owned()),
        ..Response::default()
    }
}

fn verdict(n: usize, mark: Mark) -> Verdict {
    Verdict {
        kind: "contains".into(),
        mark,
        score: if mark == Mark::Pass { 1.0 } else { 0.0 },
        reason: "expected the output to contain \"order\", and it is \"Thank you, it is on its …\"".to_owned(),
        metric: (n == 0).then(|| "tone".to_owned()),
        weight: 1.0,
        expected: Some("order".to_owned()),
        threshold: None,
        at: at(n),
        depth: 0,
    }
}

fn at(line: usize) -> Location {
    Location { file: "evalconfig.yaml".into(), line: u32::try_from(line).unwrap(), column: 5 }
}

fn head() -> RunHead {
    let column = |label: &str| Column {
        provider: "openai:gpt-4.1-mini".into(),
        provider_id: "openai:gpt-4.1-mini".into(),
        label: label.into(),
        raw: "{{question}}".into(),
        prompt_hash: "abc123".into(),
        name: None,
        version: None,
        identity: None,
    };
    RunHead {
        id: "run-1".into(),
        started_ms: 1_795_338_000_000,
        description: None,
        columns: vec![column("short"), column("long")],
        cells: CELLS as u64,
        cases: CELLS as u64 / 2,
        repeat: 1,
        config: Arc::new(json!({"prompts": ["{{question}}"]})),
        config_path: "evalconfig.yaml".into(),
        tool_version: "0.0.0".into(),
        git: None,
    }
}

fn tail() -> RunTail {
    RunTail {
        ending: Ending::Complete,
        finished_ms: 1_795_338_002_000,
        duration_ms: 2000,
        finished: CELLS as u64,
        unrun: 0,
    }
}
