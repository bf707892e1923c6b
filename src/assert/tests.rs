//! The tables test themselves; grading; the texts of problems.

use futures::FutureExt;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::stand::Stand;
use super::*;
use crate::diag::{Folder, Problems, Source, render};
use crate::env::Env;
use crate::record::{Mark, Output, Response, Status, Verdict};
use crate::script::{Home, PYTHON, RUBY, WorkerEnv};
use crate::template::Scope;
use crate::yaml;

/// Waits for what may need a process.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

/// A home with what the machine has.
pub(super) fn home() -> Home {
    Home::new(&Folder::default(), WorkerEnv::new(Env::from_process(), ""))
}

/// Whether a kind can be tried here; a skip is said, and is a failure where the tools are required.
fn can_run(kind: &Kind) -> bool {
    let languages = [("python", &PYTHON), ("ruby", &RUBY)];
    let Some((name, language)) = languages.iter().find(|(name, _)| *name == kind.name) else { return true };
    let env = Env::from_process();
    let found = language.program(&env).is_ok();
    let required = env.get("PROMPTEVAL_REQUIRE_TOOLS").is_some_and(|list| list.contains(name));
    assert!(found || !required, "{name} is required and not there");
    found
}

fn compile_text(text: &str) -> (Vec<Assertion>, Problems) {
    let mut problems = Problems::new();
    let node = yaml::parse(&Source::new("c.yaml", text)).unwrap();
    let setup = Setup { base: &Folder::new("/nonexistent", ""), lenient: false, graders: &Nobody, home: &home() };
    let compiled = compile(&node, &setup, &mut problems);
    (compiled, problems)
}

pub(super) fn told(text: &str) -> String {
    let (_, problems) = compile_text(text);
    problems.iter().map(|p| render(p, false, 80, &str::to_owned)).collect::<Vec<_>>().join("\n")
}

pub(super) fn rated(assertions: &str, threshold: Option<f64>, vars: &Value, response: &Response) -> Grade {
    rated_on(&Stand::new(json!({}), json!({})), assertions, threshold, vars, response)
}

/// Grades an answer beside another one.
fn rated_on(stand: &Stand, assertions: &str, threshold: Option<f64>, vars: &Value, response: &Response) -> Grade {
    let (compiled, problems) = compile_text(assertions);
    assert!(!problems.has_errors(), "{}", told(assertions));
    let scope = Scope::new(vars.as_object().unwrap());
    let (text, asked) = (response.output.text(), stand.asked(response));
    let subject = Subject { asked: Some(&asked), ..Subject::plain(response, &text, &scope) };
    let assertions: Vec<&Assertion> = compiled.iter().collect();
    let mut finds = wait(find_all(&assertions, &subject));
    for (place, contest) in contests(&assertions) {
        let scored = |score: &str| {
            let assertion = format!("[{{type: javascript, value: '{score}'}}]");
            rated(&assertion, None, &json!({}), response).verdicts
        };
        let (own, other) = (scored("0.4"), scored("0.2"));
        let entries = [Entry { text: &text, verdicts: &own }, Entry { text: "another", verdicts: &other }];
        finds[place] = wait(contest.hold(&subject, &entries)).map(|mut all| all.swap_remove(0));
    }
    fold(&assertions, threshold, &subject, finds)
}

/// The verdict on an output of a provider with these parameters.
pub(super) fn judged(assertion: &str, config: Value, output: Output) -> Verdict {
    let stand = Stand::new(config, json!({}));
    let response = Response { output, ..answer("") };
    rated_on(&stand, &format!("[{assertion}]"), None, &json!({}), &response).verdicts.remove(0)
}

pub(super) fn answer(text: &str) -> Response {
    Response { output: Output::Text(text.into()), cost: Some(0.0), latency_ms: Some(0), ..Response::default() }
}

fn marks(assertions: &str, output: &str) -> String {
    let grade = rated(assertions, None, &json!({"name": "Ann", "n": 3, "empty": ""}), &answer(output));
    grade
        .verdicts
        .iter()
        .map(|v| match v.mark {
            Mark::Pass => 'P',
            Mark::Fail => 'F',
            Mark::Error => 'E',
        })
        .collect()
}

/// The answer of an example, and the question around it.
fn example(example: &Example) -> (Response, Stand) {
    let rest: Value =
        if example.response.is_empty() { json!({}) } else { serde_json::from_str(example.response).unwrap() };
    let answer = match &rest["output"] {
        Value::Null => answer(example.output),
        output => Response { output: Output::Json(output.clone()), ..answer("") },
    };
    let stand = Stand::new(rest["asked"].clone(), rest["webhook"].clone());
    let response = Response {
        cost: rest["cost"].as_f64(),
        latency_ms: rest["latencyMs"].as_u64(),
        log_probs: serde_json::from_value(rest["logProbs"].clone()).unwrap(),
        finish_reason: rest["finishReason"].as_str().map(Into::into),
        guardrails: rest.get("guardrails").cloned(),
        ..answer
    };
    (response, stand)
}

#[test]
fn every_row_tests_itself() {
    for kind in kinds().filter(|kind| can_run(kind)) {
        assert!(!kind.about.is_empty() && !kind.score.is_empty(), "{}", kind.name);
        assert_eq!(kinds().filter(|other| other.name == kind.name).count(), 1, "{}", kind.name);
        assert!(!lacking::is_known_elsewhere(kind.name), "{}", kind.name);
        for (case, status) in [(&kind.passes, Status::Passed), (&kind.fails, Status::Failed)] {
            let plain = format!("[{}]", case.assertion);
            let (response, stand) = example(case);
            let stand = stand.graded(case.grader);
            let vars = Value::Object(stand.vars().clone());
            let found = rated_on(&stand, &plain, None, &vars, &response);
            assert_eq!(found.status, status, "{plain}: {:?}", found.verdicts);
            assert!(!found.verdicts[0].reason.is_empty());
            if kind.negatable {
                let turned = plain.replacen("{type: ", "{type: not-", 1);
                let stand = stand.graded(case.grader);
                let found = rated_on(&stand, &turned, None, &vars, &response);
                assert_ne!(found.status, status, "{turned}");
                assert_ne!(found.status, Status::Errored, "{turned}");
            }
        }
    }
}

#[test]
fn edge_cases() {
    for (assertion, output, expected) in [
        ("{type: equals, value: {a: 1, b: [1, 2.0]}}", r#"{"b":[1.0,2],"a":1}"#, "P"),
        ("{type: equals, value: [\"{{name}}\"]}", "[\"Ann\"]", "P"),
        ("{type: equals, value: ~}", "null", "P"),
        ("{type: contains, value: \"{{empty}}\"}", "x", "E"),
        ("{type: not-contains, value: \"{{empty}}\"}", "x", "E"),
        ("{type: icontains, value: ÉCOLE}", "une école", "P"),
        ("{type: contains-any, value: \"{{name}}, Bob\"}", "Ann", "P"),
        ("{type: contains-all, value: [\"{{name}}\", Bob]}", "Ann", "F"),
        ("{type: contains-any, value: [\"{{empty}}\", Bob]}", "Ann", "E"),
        ("{type: regex, value: \"^{{name}}$\"}", "Ann", "P"),
        ("{type: regex, value: \"({{empty}}\"}", "Ann", "E"),
        ("{type: is-json, value: false}", "1", "F"),
        ("{type: is-json, value: \"type: {{empty}}x\"}", "1", "E"),
        ("{type: contains-json, value: {required: [b]}}", "{\"a\":1} and {\"b\":2}", "P"),
        ("{type: word-count, value: \"{{n}}\"}", "a\u{a0}b\u{feff}c", "P"),
        ("{type: word-count, value: \"{{empty}}\"}", "", "E"),
        ("{type: levenshtein, value: \"\", threshold: -1}", "", "F"),
        ("{type: latency, threshold: -1}", "", "F"),
        ("{type: finish-reason, value: stop}", "", "F"),
        ("{type: not-finish-reason, value: stop}", "", "P"),
        ("{type: is-refusal}", " ", "P"),
    ] {
        assert_eq!(marks(&format!("[{assertion}]"), output), expected, "{assertion} on {output}");
    }
}

#[test]
fn formats_and_schemas() {
    for (schema, output, expected) in [
        ("{format: date-time}", "\"2024-02-29 12:00:00+0530\"", "P"),
        ("{format: date-time}", "\"2024-02-30T12:00:00Z\"", "F"),
        ("{format: int32}", "2147483648", "F"),
        ("{format: int32}", "\"x\"", "P"),
        ("{format: url}", "\"http://localhost\"", "F"),
        ("{format: email}", "\"root@localhost\"", "F"),
        ("{properties: {a: {type: string, nullable: true}}}", "{\"a\":null}", "P"),
        ("{$schema: 'https://json-schema.org/draft/2020-12/schema', prefixItems: [{type: string}]}", "[1]", "F"),
    ] {
        assert_eq!(marks(&format!("[{{type: is-json, value: {schema}}}]"), output), expected, "{schema} on {output}");
    }
}

#[test]
fn weights_thresholds_and_sets() {
    let answer = answer("abc");
    let rated = |text: &str, threshold| rated(text, threshold, &json!({"m": "tone"}), &answer);
    let good = "{type: contains, value: a}";
    let bad = "{type: contains, value: z";
    let grade = rated(&format!("[{good}, {bad}, weight: 3}}]"), Some(0.25));
    assert_eq!((grade.status, grade.score), (Status::Passed, 0.25));
    let grade = rated(&format!("[{bad}, weight: 0, metric: '{{{{m}}}}'}}]"), None);
    assert_eq!((grade.status, grade.score, grade.named), (Status::Passed, 0.0, vec![("tone".into(), 0.0)]));
    let grade = rated(
        &format!("[{{type: assert-set, metric: s, weight: 2, assert: [{good}, {bad}, metric: k}}]}}, {good}]"),
        None,
    );
    assert_eq!((grade.status, grade.named), (Status::Failed, vec![("s".into(), 0.5), ("k".into(), 0.0)]));
    assert_eq!(grade.verdicts.iter().map(|v| v.depth).collect::<Vec<_>>(), [0, 1, 1, 0]);
    assert!(rated("[]", None).score > 0.99);
}

#[test]
fn an_error_swallows_nobody() {
    let grade =
        rated("[{type: contains, value: '{{no}}'}, {type: contains, value: a}]", None, &json!({}), &answer("abc"));
    assert_eq!((grade.status, grade.verdicts.len()), (Status::Errored, 2));
    assert_eq!(grade.verdicts[1].mark, Mark::Pass);
    assert_eq!(
        marks("[{type: assert-set, assert: [{type: regex, value: '({{no}}'}, {type: equals, value: a}]}]", "a"),
        "EEP"
    );
}

#[test]
fn reasons_say_what_came() {
    let reason = |text: &str, output: &str| rated(text, None, &json!({}), &answer(output)).verdicts[0].reason.clone();
    insta::assert_snapshot!(reason("[{type: contains, value: refund}]", "Sorry,\nno"), @r#"expected the output to contain "refund", but it is "Sorry,\nno""#);
    insta::assert_snapshot!(reason("[{type: not-contains-any, value: [a, b]}]", "xb"), @r#"expected the output not to contain any of "a", "b", but "b" is there: it is "xb""#);
    insta::assert_snapshot!(reason("[{type: is-json, value: {required: [a]}}]", "{}"), @r#"expected the output to be JSON that conforms to the schema, but "a" is a required property: it is "{}""#);
    insta::assert_snapshot!(reason("[{type: word-count, value: {max: 2}}]", "a b c"), @"expected the output to have at most 2 words, but it has 3");
}

#[test]
#[expect(clippy::too_many_lines, reason = "what is told is long")]
fn problems_are_told_all_at_once() {
    let text = "
- {type: contain, value: a}
- {type: not-icontain}
- {type: llm-rubric}
- {type: latency}
- {type: regex, value: '('}
- {type: contains, weight: -1, treshold: 2}
- {type: assert-set, assert: []}
- {type: not-assert-set, assert: [{type: equals, value: 1}]}
- {type: equals, value: 'file://no.txt'}
- {type: is-json, value: {dependentRequired: {a: [b]}}}
- {type: is-json, value: {requierd: [a]}}
- {type: equals, value: '{% if %}'}
";
    insta::assert_snapshot!(told(text), @r#"
    error: `weight` must be a number from 0, found `-1`
     --> c.yaml:7:28
      |
    7 | - {type: contains, weight: -1, treshold: 2}
      |                            ^^
    error: unknown key `treshold` in an assertion
     --> c.yaml:7:32
      |
    7 | - {type: contains, weight: -1, treshold: 2}
      |                                ^^^^^^^^
    hint: did you mean `threshold`?
    error: unknown assertion kind `contain`
     --> c.yaml:2:10
      |
    2 | - {type: contain, value: a}
      |          ^^^^^^^
    hint: did you mean `contains`?
    error: unknown assertion kind `not-icontain`
     --> c.yaml:3:10
      |
    3 | - {type: not-icontain}
      |          ^^^^^^^^^^^^
    hint: did you mean `not-icontains`?
    error: `llm-rubric` needs text: what the output must be as its `value`, but there is none
     --> c.yaml:4:3
      |
    4 | - {type: llm-rubric}
      |   ^^^^^^^^^^^^^^^^^^
    error: `latency` needs a `threshold`: milliseconds
     --> c.yaml:5:3
      |
    5 | - {type: latency}
      |   ^^^^^^^^^^^^^^^
    hint: for example {type: latency, threshold: 1000}
    error: "(" is no valid pattern: unbalanced parenthesis
     --> c.yaml:6:24
      |
    6 | - {type: regex, value: '('}
      |                        ^^^
    error: `contains` needs text or a number as its `value`, but there is none
     --> c.yaml:7:3
      |
    7 | - {type: contains, weight: -1, treshold: 2}
      |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    error: this `assert-set` is empty: it would pass whatever came
     --> c.yaml:8:30
      |
    8 | - {type: assert-set, assert: []}
      |                              ^^
    error: `assert-set` cannot be negated
     --> c.yaml:9:10
      |
    9 | - {type: not-assert-set, assert: [{type: equals, value: 1}]}
      |          ^^^^^^^^^^^^^^
    error: no file `no.txt`
      --> c.yaml:10:25
       |
    10 | - {type: equals, value: 'file://no.txt'}
       |                         ^^^^^^^^^^^^^^^
    hint: looked at /nonexistent/no.txt; paths are relative to the folder of the config
    error: `dependentRequired` is not part of draft-07, the default; say `$schema: https://json-schema.org/draft/2020-12/schema` in the schema to use it
      --> c.yaml:11:26
       |
    11 | - {type: is-json, value: {dependentRequired: {a: [b]}}}
       |                          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    warning: `requierd` is no keyword of JSON Schema draft-07 and checks nothing; did you mean `required`?
      --> c.yaml:12:26
       |
    12 | - {type: is-json, value: {requierd: [a]}}
       |                          ^^^^^^^^^^^^^^^
    error: this is no valid template: template syntax: unexpected end of block
      --> c.yaml:13:25
       |
    13 | - {type: equals, value: '{% if %}'}
       |                         ^^^^^^^^^^
    hint: braces that are meant literally go between {% raw %} and {% endraw %}
    "#);
}

#[test]
fn cells() {
    let setup = Setup { base: &Folder::default(), lenient: false, graders: &Nobody, home: &home() };
    let at = Source::new("t.csv", "cell").span();
    let read = |cell: &str| {
        let mut problems = Problems::new();
        let compiled = compile_cell(cell, &at, None, Some("m"), &setup, &mut problems);
        let messages: Vec<_> = problems.iter().map(|p| p.message.clone()).collect();
        compiled.map_or_else(|| messages.join("; "), |a| a.name().to_string())
    };
    for (cell, expected) in [
        ("", ""),
        ("Paris", "equals"),
        ("Note: x", "equals"),
        ("contains:refund", "contains"),
        ("not-contains: refund", "not-contains"),
        ("levenshtein(3):kitten", "levenshtein"),
        ("latency(500)", "latency"),
        ("is-json", "is-json"),
        ("contains-any: a, b", "contains-any"),
        ("is-xml:a.b, c", "is-xml"),
        ("not-is-html", "not-is-html"),
        ("is-sql", "is-sql"),
        ("contain:x", "unknown assertion kind `contain`"),
        ("not_contains:x", "unknown assertion kind `not_contains`"),
        ("latency", "`latency` needs a `threshold`: milliseconds"),
        ("grade: be nice", "llm-rubric"),
        ("javascript: output > 1", "javascript"),
        ("fn:output > ", "this is no valid JavaScript: it ends in the middle, or a bracket is closed once too often"),
        ("similar(0.8):x", "similar"),
        ("levenshtein(x):y", "`(x):y` does not fit after `levenshtein`"),
        ("http://example.com", "equals"),
    ] {
        assert_eq!(read(cell), expected, "{cell}");
    }
}

#[test]
fn cells_without_a_threshold_have_the_usual_one() {
    let setup = Setup { base: &Folder::default(), lenient: false, graders: &Nobody, home: &home() };
    let at = Source::new("t.csv", "cell").span();
    for (cell, expected) in [("similar:x", 0.8), ("similar(0.5):x", 0.5), ("context-recall:x", 0.75)] {
        let mut problems = Problems::new();
        let compiled = compile_cell(cell, &at, None, None, &setup, &mut problems).unwrap();
        assert!(format!("{:?}", compiled.threshold()).contains(&expected.to_string()), "{cell}");
    }
}

#[test]
fn assertions_cross_threads() {
    fn crosses<T: Send + Sync>() {}
    crosses::<Assertion>();
}

#[test]
fn values_from_files() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("words.txt"), " {{name}} \n").unwrap();
    std::fs::write(folder.path().join("schema.yaml"), "required: [a]\n").unwrap();
    std::fs::write(folder.path().join("bad.json"), "{\"type\": 1}").unwrap();
    let run = |text: &str, output: &str| {
        let mut problems = Problems::new();
        let node = yaml::parse(&Source::new("c.yaml", text)).unwrap();
        let setup = Setup { base: &Folder::new(folder.path(), ""), lenient: false, graders: &Nobody, home: &home() };
        let compiled = compile(&node, &setup, &mut problems);
        if let Some(problem) = problems.iter().next() {
            return format!("{} at {:?}", problem.message, problem.at);
        }
        let (response, scope) = (answer(output), Scope::new(&serde_json::Map::new()));
        format!(
            "{:?}",
            grade(&compiled, None, &Subject::plain(&response, output, &scope)).now_or_never().unwrap().status
        )
    };
    assert_eq!(run("[{type: equals, value: 'file://words.txt'}]", "{{name}}"), "Passed");
    assert_eq!(run("[{type: contains-any, value: [x, 'file://words.txt']}]", "a {{name}}"), "Passed");
    assert_eq!(run("[{type: is-json, value: 'file://schema.yaml'}]", "{}"), "Failed");
    assert!(run("[{type: is-json, value: 'file://bad.json'}]", "{}").ends_with("at Some(bad.json:1:1)"));
    assert!(run("[{type: equals, value: 'file://x.py'}]", "").contains("no file `x.py`"));
}

proptest! {
    #[test]
    fn grade_never_panics(output in ".{0,60}", value in "[^\"\\\\{}]{1,12}", pick in 0_usize..14) {
        let kind = ["equals", "contains", "icontains", "contains-any", "icontains-all", "starts-with", "regex", "word-count", "levenshtein", "finish-reason", "rouge-n", "bleu", "gleu", "meteor"][pick];
        let text = json!([{"type": kind, "value": value}]).to_string();
        let node = yaml::parse(&Source::new("p", text));
        prop_assume!(node.is_ok());
        let setup = Setup { base: &Folder::default(), lenient: false, graders: &Nobody, home: &home() };
        let compiled = compile(&node.unwrap(), &setup, &mut Problems::new());
        let response = answer(&output);
        let scope = Scope::new(&serde_json::Map::new());
        let _ = grade(&compiled, None, &Subject::plain(&response, &output, &scope)).now_or_never();
    }

    #[test]
    fn a_mean_lies_within_its_members(weights in proptest::collection::vec((0.0_f64..10.0, proptest::bool::ANY), 1..8)) {
        let list: Vec<Value> = weights.iter().map(|(w, good)| json!({"type": "contains", "value": if *good { "a" } else { "z" }, "weight": w})).collect();
        let grade = rated(&json!(list).to_string(), None, &json!({}), &answer("a"));
        prop_assert!((0.0..=1.0 + 1e-12).contains(&grade.score));
        prop_assert!(weights.iter().any(|(_, good)| !good) || grade.status == Status::Passed);
    }
}
