//! The shared corpus: verdicts of promptfoo 0.121.20, case by case. Runs where `PROMPTEVAL_CORPUS` names it.

use std::collections::BTreeMap;

use futures::FutureExt;
use serde_json::{Value, json};

use super::stand::Stand;
use super::tests::home;
use super::{Grade, Nobody, Setup, Subject, compile, find, grade, lacking};
use crate::diag::{Folder, Problems, Source};
use crate::record::{Mark, Output, Response, Status};
use crate::template::{Scope, Template};
use crate::yaml::Node;

const AGGREGATES: [&str; 9] = [
    "weight",
    "threshold",
    "metric",
    "aggregate",
    "config-error",
    "unknown-type",
    "template",
    "transform",
    "provider-output",
];

#[derive(Debug, PartialEq)]
struct Got {
    error: bool,
    pass: bool,
    score: f64,
    components: Vec<(bool, f64)>,
    named: BTreeMap<String, f64>,
}

const ERROR: Got = Got { error: true, pass: false, score: 0.0, components: Vec::new(), named: BTreeMap::new() };

fn run(case: &Value) -> (Got, String) {
    let mut vars = case["vars"].as_object().cloned().unwrap_or_default();
    if let Some(output) = case["output"].as_str() {
        vars.insert("__out".into(), json!(output));
    }
    let scope = Scope::new(&vars);
    let assertions = match &case["assert"] {
        list @ Value::Array(_) => list.clone(),
        one => json!([one]),
    };
    let mut problems = Problems::new();
    let setup = Setup { base: &Folder::default(), lenient: false, graders: &Nobody, home: &home() };
    let node = Node::from_json(&assertions, &Source::new("case", assertions.to_string()));
    let compiled = compile(&node, &setup, &mut problems);
    if !case["threshold"].is_null() && !case["threshold"].is_number() {
        return (ERROR, "threshold".into());
    }
    if problems.has_errors() {
        return (ERROR, problems.iter().map(|p| p.message.clone()).collect::<Vec<_>>().join("; "));
    }
    let response = response(case, &scope);
    let text = response.output.text();
    let stand = Stand::new(case["provider_config"].clone(), Value::Null);
    let asked = stand.asked(&response).with_vars(scope.vars());
    let subject = Subject { asked: Some(&asked), ..Subject::plain(&response, &text, &scope) };
    let grade = grade(&compiled, case["threshold"].as_f64(), &subject).now_or_never().unwrap();
    let reasons = grade.verdicts.iter().map(|v| v.reason.clone()).collect::<Vec<_>>().join("; ");
    (got(&grade), reasons)
}

fn response(case: &Value, scope: &Scope) -> Response {
    if case["via"] == "echo" {
        let output = Template::new("{{__out}}").unwrap().render(scope).unwrap();
        return Response { output: Output::Text(output), cost: Some(0.0), latency_ms: Some(0), ..Response::default() };
    }
    let Some(message) = case["response"]["message"].as_object() else {
        let output = Output::Text(case["output"].as_str().unwrap_or_default().into());
        return Response { output, finish_reason: Some("stop".into()), ..Response::default() };
    };
    let refusal = message.get("refusal").and_then(Value::as_str);
    let calls = ["tool_calls", "function_call"].iter().find_map(|form| message.get(*form));
    let output = match (message.get("content").and_then(Value::as_str), refusal, calls) {
        (Some(text), _, Some(_)) if !text.is_empty() => Output::Json(Value::Object(message.clone())),
        (Some(text), _, None) | (None, Some(text), None) => Output::Text(text.into()),
        (_, _, calls) => calls.cloned().map_or_else(Output::default, Output::Json),
    };
    let tokens = case["response"]["logprobs"]["content"].as_array();
    let log_probs = tokens.map(|tokens| tokens.iter().filter_map(|token| token["logprob"].as_f64()).collect());
    let finish_reason: Option<String> = case["response"]["finish_reason"].as_str().map(Into::into);
    let flagged = refusal.is_some() || finish_reason.as_deref() == Some("content_filter");
    let guardrails = flagged.then(|| json!({"flagged": true}));
    Response { output, finish_reason, guardrails, log_probs, is_refusal: false, ..Response::default() }
}

fn got(grade: &Grade) -> Got {
    if grade.status == Status::Errored {
        return ERROR;
    }
    Got {
        error: false,
        pass: grade.status == Status::Passed,
        score: grade.score,
        components: grade.verdicts.iter().map(|v| (v.mark == Mark::Pass, v.score)).collect(),
        named: grade.named.iter().cloned().collect(),
    }
}

fn expected(case: &Value) -> Got {
    let expected = &case["expected"];
    if expected["error"] == true {
        return ERROR;
    }
    let pair = |c: &Value| (c["pass"] == true, c["score"].as_f64().unwrap_or(f64::NAN));
    Got {
        error: false,
        pass: expected["pass"] == true,
        score: expected["score"].as_f64().unwrap_or(f64::NAN),
        components: expected["components"].as_array().unwrap().iter().map(pair).collect(),
        named: expected["namedScores"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(k, v)| (k.clone(), v.as_f64().unwrap()))
            .collect(),
    }
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

fn agree(a: &Got, b: &Got) -> bool {
    a.error == b.error
        && a.pass == b.pass
        && (a.error
            || near(a.score, b.score)
                && a.components.len() == b.components.len()
                && a.components.iter().zip(&b.components).all(|(a, b)| a.0 == b.0 && near(a.1, b.1))
                && a.named.len() == b.named.len()
                && a.named.iter().zip(&b.named).all(|(a, b)| a.0 == b.0 && near(*a.1, *b.1)))
}

/// Whether every assertion of a case is of a kind that this version has or that nobody has.
fn is_ours(case: &Value) -> bool {
    let kind = case["type"].as_str().unwrap();
    if find(kind).is_none() && !AGGREGATES.contains(&kind) {
        return false;
    }
    let known = |a: &Value| {
        let name = a["type"].as_str().unwrap_or_default();
        !lacking::is_known_elsewhere(name.strip_prefix("not-").unwrap_or(name))
    };
    let list = case["assert"].as_array().cloned().unwrap_or_else(|| vec![case["assert"].clone()]);
    kind == "unknown-type"
        || list.iter().all(|a| known(a) && a["assert"].as_array().is_none_or(|members| members.iter().all(known)))
}

#[test]
#[expect(clippy::disallowed_methods, clippy::print_stderr, reason = "a test for developers says whether it ran")]
fn agrees_with_promptfoo() {
    let Ok(path) = std::env::var("PROMPTEVAL_CORPUS") else {
        eprintln!("skipped: PROMPTEVAL_CORPUS does not name a corpus");
        return;
    };
    let deviations = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/deviations.json");
    let deviations: Value = serde_json::from_str(&std::fs::read_to_string(deviations).unwrap()).unwrap();
    let corpus = std::fs::read_to_string(path).unwrap();
    let cases: Vec<Value> = corpus.lines().map(|l| serde_json::from_str(l).unwrap()).filter(is_ours).collect();
    let (mut declared, mut wrong, mut used) = (0, Vec::new(), std::collections::BTreeSet::new());
    for case in &cases {
        let (got, said) = run(case);
        let expected = expected(case);
        if agree(&got, &expected) {
            continue;
        }
        let quirk = case["quirk"].as_str().unwrap_or_default();
        let id = case["id"].as_str().unwrap();
        if !deviations["quirks"][quirk].is_null() || !deviations["ids"][id].is_null() {
            declared += 1;
            used.extend([quirk.to_owned(), id.to_owned()]);
            continue;
        }
        let output: String = case["output"].to_string().chars().take(120).collect();
        let assertion: String = case["assert"].to_string().chars().take(200).collect();
        wrong.push(format!(
            "{id} [{quirk}] {assertion} {} on {output}\n  expected {expected:?}\n  got {got:?} {said}",
            case["vars"]
        ));
    }
    eprintln!("{} cases, {declared} declared deviations, {} wrong", cases.len(), wrong.len());
    let all = ["quirks", "ids"].iter().filter_map(|part| deviations[part].as_object()).flat_map(|m| m.keys());
    let idle: Vec<_> = all.filter(|name| !used.contains(*name)).collect();
    eprintln!("declared without need: {idle:?}");
    assert!(cases.len() > 500, "the corpus is not the one expected");
    eprintln!("{}", wrong.join("\n"));
    assert!(wrong.is_empty(), "{} of {} cases differ", wrong.len(), cases.len());
}
