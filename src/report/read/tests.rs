use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::content::Digest;
use crate::record::{CaseRef, Mark, Output, Status};
use crate::report::fixture::{cell, head, options, record};
use crate::report::{format_for, render};

type Read = Result<(ReadReport, Vec<Arc<Outcome>>), ReadError>;

fn from(name: &str, bytes: &[u8]) -> Read {
    let mut all = Vec::new();
    let report = read_from(Path::new(name), bytes, &mut |outcome| {
        all.push(outcome);
        true
    })?;
    Ok((report, all))
}

fn trouble(name: &str, text: &str) -> String {
    let error = from(name, text.as_bytes()).unwrap_err();
    error.hint.map_or(error.message.clone(), |hint| format!("{} | {hint}", error.message))
}

/// All kinds of cells.
fn cells() -> Vec<Outcome> {
    let mut structured = cell("a").column(1).done();
    structured.response.as_mut().unwrap().output = Output::Json(json!({"tool": [1, null, "x"]}));
    let mut known = cell("b").description("asks").var("q", "back?").output("No.").named("tone", 0.5).fails("no").done();
    let case: &mut CaseRef = Arc::get_mut(&mut known.case).unwrap();
    (case.inputs, case.checks) = (Digest::new([1; 16]), Digest::new([2; 16]));
    (case.cluster, case.min_pass) = (Some("orders".into()), Some(2));
    vec![
        cell("a").output("hi\n\"there\"").done(),
        structured,
        known,
        cell("b").repeat(1).column(1).errors("nobody answers").done(),
        cell("c").output("x").metric("tone").unjudged("the grader is silent").done(),
        cell("d").named("odd", f64::NAN).below_threshold(0.25).done(),
    ]
}

#[test]
fn what_was_written_comes_back() {
    for name in ["r.json", "r.jsonl"] {
        let bytes = render(format_for(Path::new(name)).unwrap(), &record(head(), cells(), 2), options()).unwrap();
        let (report, found) = from(name, &bytes).unwrap();
        assert_eq!((report.finished, found.len()), (6, 6));
        for (read, written) in found.iter().zip(cells()) {
            assert_eq!(told(read), told(&written), "{name}");
            assert_eq!(format!("{:?}", read.verdicts), format!("{:?}", written.verdicts), "{name}");
            assert_eq!(format!("{:?}", read.response), format!("{:?}", written.response), "{name}");
            assert_eq!(format!("{:?}", read.failure.is_some()), format!("{:?}", written.failure.is_some()), "{name}");
        }
        assert_eq!(found.iter().map(|o| o.index).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    }
}

/// What must be the same.
fn told(outcome: &Outcome) -> String {
    let (case, o) = (&outcome.case, outcome);
    let place = (&o.cell, o.row, o.column, o.repeat, &o.prompt, o.attempts);
    let result = (o.status, o.score, &o.named, o.reason());
    format!("{place:?} {result:?} {case:?}").replace("asserts: false", "asserts: true")
}

#[test]
fn the_head_comes_back() {
    let json = render(format_for(Path::new("r.json")).unwrap(), &record(head(), cells(), 2), options()).unwrap();
    let (report, _) = from("r.json", &json).unwrap();
    let (found, wanted) = (&report.head, head());
    assert_eq!((&found.columns, &found.id, found.started_ms), (&wanted.columns, &wanted.id, wanted.started_ms));
    assert_eq!((found.cells, found.cases, found.repeat), (wanted.cells, wanted.cases, wanted.repeat));
    assert_eq!((&found.config, &found.config_path), (&wanted.config, &wanted.config_path));
    assert_eq!((report.ending, report.unrun), (Some(Ending::Interrupted), 2));
    let lines = render(format_for(Path::new("r.jsonl")).unwrap(), &record(head(), cells(), 2), options()).unwrap();
    let (report, _) = from("out/nightly.jsonl", &lines).unwrap();
    let found = &report.head;
    assert_eq!((&*found.id, found.cells, found.cases, found.repeat), ("nightly", 6, 4, 2));
    assert_eq!((&*found.columns[0].label, &*found.columns[0].prompt_hash), ("support", "abc123"));
    assert_eq!((report.ending, report.unrun), (None, 0));
}

const PROMPTFOO: &str = r#"{
  "config": {"description": "refunds"},
  "results": {
    "stats": {"successes": 1, "failures": 0, "errors": 1},
    "results": [
      {
        "promptIdx": 0, "testIdx": 0, "promptId": "f00", "success": true, "score": 1, "failureReason": 0,
        "testCase": {"vars": {"q": "back?"}, "assert": [{"type": "contains", "value": "yes"}], "options": {}},
        "vars": {"q": "back?", "_conversation": []},
        "prompt": {"raw": "Say back?", "label": "p1"},
        "provider": {"id": "openai:gpt-4o", "label": ""},
        "response": {"output": "yes", "tokenUsage": {"total": 7, "numRequests": 1}, "raw": {"x": [1]}, "cached": false},
        "gradingResult": {"pass": true, "score": 1, "namedScores": {}, "componentResults": [
          {"pass": true, "score": 1, "reason": "ok", "assertion": null, "componentResults": [
            {"pass": false, "score": null, "reason": "odd", "assertion": {"type": "equals", "value": {"a": 1}, "weight": 2}}]}]},
        "latencyMs": 12.6, "cost": 0.5, "namedScores": {"tone": null}, "metadata": {}
      },
      {
        "promptIdx": 0, "testIdx": 1, "success": false, "error": "API error: 500", "score": 0, "failureReason": 2,
        "testCase": {"vars": {"q": "back?"}}, "vars": {"q": "back?"}, "prompt": {"raw": "Say", "label": "p1"},
        "provider": {"id": "openai:gpt-4o"}, "response": {"error": "API error: 500"}, "latencyMs": 0
      }
    ],
    "prompts": [{"provider": "openai:gpt-4o", "raw": "Say {{q}}", "label": "p1", "id": "f00", "metrics": {}}],
    "timestamp": "2026-11-22T09:00:00.000Z", "version": 3
  },
  "evalId": "eval-abc"
}"#;

#[test]
fn promptfoos_own_report_is_read() {
    let (report, found) = from("p.json", PROMPTFOO.as_bytes()).unwrap();
    let (head, first, second) = (&report.head, &found[0], &found[1]);
    assert_eq!((&*head.id, head.started_ms, head.cells, head.cases), ("eval-abc", 1_795_338_000_000, 2, 1));
    assert_eq!((head.description.as_deref(), head.repeat, report.ending), (Some("refunds"), 2, None));
    let column = &head.columns[0];
    assert_eq!((&*column.provider, &*column.label, &*column.raw), ("openai:gpt-4o", "p1", "Say {{q}}"));
    assert_eq!(&*first.case.id, &crate::content::case_hash(None, json!({"q": "back?"}).as_object().unwrap())[..10]);
    assert_eq!((&first.case.id, first.repeat, second.repeat), (&second.case.id, 0, 1));
    let response = first.response.as_ref().unwrap();
    assert_eq!((response.latency_ms, response.cost, response.usage.unwrap().total), (Some(13), Some(0.5), 7));
    assert!(first.named[0].1.is_nan() && !first.case.inputs.is_known());
    assert_eq!((first.verdicts[0].mark, first.verdicts[1].depth, first.verdicts[1].weight), (Mark::Pass, 1, 2.0));
    assert_eq!(first.verdicts[1].expected.as_deref(), Some(r#"{"a":1}"#));
    assert_eq!(first.verdicts[1].at.to_string(), "p.json:1:1");
    assert_eq!((second.status, second.reason(), second.score), (Status::Errored, Some("API error: 500"), 0.0));
    assert!(second.response.is_none());
}

#[test]
fn an_error_without_a_grading_is_no_verdict() {
    let of = |item: Value| from("r.jsonl", item.to_string().as_bytes()).unwrap().1[0].status;
    assert_eq!(of(json!({"promptIdx": 0, "error": "gone"})), Status::Errored);
    assert_eq!(of(json!({"promptIdx": 0, "error": "no", "success": false, "gradingResult": {}})), Status::Failed);
    assert_eq!(of(json!({"promptIdx": 0, "success": true, "error": null})), Status::Passed);
    assert_eq!(of(json!({"promptIdx": 0, "gradingResult": {"pass": true}})), Status::Passed);
}

#[test]
fn what_is_no_report_is_told_plainly() {
    let told = [
        trouble("r.json", ""),
        trouble("r.json", "[1, 2]"),
        trouble("r.json", "{\"a\": 1}"),
        trouble("r.json", "{\"results\": 7}"),
        trouble("r.json", "{\"results\": {\"version\": 3}}"),
        trouble("r.json", "{\"results\": {\"results\": []}}"),
        trouble("r.json", "{\"results\": {\"results\": [\n{\"promptIdx\": 0}, 7]}}"),
        trouble("r.json", "{\"results\": {\"results\": [{\"score\": 1}]}}"),
        trouble("r.json", "{\"results\": {\"results\": [\n{\"promptIdx\": 0},\n{\"prom"),
        trouble("r.json", "{\"results\": {\"results\": [\n  nope"),
        trouble("r.jsonl", " \n"),
        trouble("r.jsonl", "{\"promptIdx\": 0}\n{\"promptIdx\": 0"),
        trouble("r.jsonl", "{\"promptIdx\": 0}\n\nhello"),
        trouble("r.jsonl", "{\"promptIdx\": 99999999}"),
    ];
    insta::assert_snapshot!(told.join("\n"), @r"
    `r.json` is empty
    `r.json` is no report of an evaluation: invalid type: sequence, expected an object with `results` at line 1, column 1 | a report is the .json or .jsonl file that a run writes, or promptfoo's JSON
    `r.json` is no report of an evaluation: it has no `results` | a report is the .json or .jsonl file that a run writes, or promptfoo's JSON
    `r.json` is no report of an evaluation: invalid type: integer `7`, expected an object with a list of `results` at line 1, column 14 | a report is the .json or .jsonl file that a run writes, or promptfoo's JSON
    `r.json` is no report of an evaluation: it has no `results` | a report is the .json or .jsonl file that a run writes, or promptfoo's JSON
    `r.json` has no results
    `r.json` is no report of an evaluation: invalid type: integer `7`, expected a map at line 2, column 20 | a report is the .json or .jsonl file that a run writes, or promptfoo's JSON
    `r.json` has a result without a `promptIdx` (line 1, column 38) | a report of promptfoo must be of results version 3: write it again with a newer version
    `r.json` is cut short at line 3, column 6 | what wrote it was stopped, or has not finished yet
    `r.json` is broken JSON at line 2, column 4: expected ident | a report is the .json or .jsonl file that a run writes, or promptfoo's JSON
    `r.jsonl` has no results
    `r.jsonl` is cut short at line 2, column 15 | what wrote it was stopped, or has not finished yet
    `r.jsonl` is broken JSON at line 3, column 1: expected value | a report is the .json or .jsonl file that a run writes, or promptfoo's JSON
    `r.jsonl` has a result without a `promptIdx` (line 1) | a report is the .json or .jsonl file that a run writes, or promptfoo's JSON
    ");
}

#[test]
fn what_cannot_be_opened_is_named() {
    let read = |path: &Path| super::read(path, &mut |_| {}).unwrap_err().message;
    assert_eq!(read(Path::new("no/such.json")), "cannot read `no/such.json`: no such file");
    let folder = tempfile::tempdir().unwrap();
    assert!(read(folder.path()).ends_with("it is a folder"), "{}", read(folder.path()));
}

#[test]
fn a_byte_order_mark_is_passed_by() {
    assert!(from("p.json", format!("\u{feff}{PROMPTFOO}").as_bytes()).is_ok());
}

/// JSON with the keys that mean something, and anything below them.
fn hostile() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        ".{0,4}".prop_map(Value::from),
        Just(Value::from("a:1:2")),
    ];
    let keys = prop::sample::select(vec![
        "results",
        "prompts",
        "stats",
        "metadata",
        "promptIdx",
        "testCase",
        "vars",
        "provider",
        "prompt",
        "response",
        "output",
        "gradingResult",
        "componentResults",
        "assertion",
        "line",
        "namedScores",
        "failureReason",
        "failure",
        "repeatIndex",
        "tokenUsage",
        "latencyMs",
        "cells",
        "ending",
        "timestamp",
        "id",
        "min_pass",
        "location",
    ]);
    leaf.prop_recursive(6, 64, 6, move |inner| {
        let entries = prop::collection::vec((keys.clone(), inner.clone()), 0..6);
        let object = entries.prop_map(|all| all.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Value>());
        prop_oneof![object, prop::collection::vec(inner, 0..4).prop_map(Value::from)]
    })
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..60), cut in 0..PROMPTFOO.len()) {
        let mut mixed = PROMPTFOO.as_bytes()[..cut].to_vec();
        for text in [&bytes, &{ mixed.extend(&bytes); mixed }] {
            _ = from("r.json", text);
            _ = from("r.jsonl", text);
        }
    }

    #[test]
    fn no_json_makes_it_panic(value in hostile()) {
        let mut item = json!({"promptIdx": 0});
        if let (Value::Object(item), Value::Object(more)) = (&mut item, value.clone()) {
            item.extend(more);
        }
        _ = from("r.jsonl", item.to_string().as_bytes());
        let whole = json!({"results": {"results": [item], "prompts": value, "stats": value}, "metadata": value});
        _ = from("r.json", whole.to_string().as_bytes());
    }
}
