use std::time::Duration;

use serde_json::json;

use super::super::bench;
use super::*;
use crate::record::{Output, Usage};

fn mock(config: &str) -> Arc<dyn Provider> {
    bench::build("mock:m", config, &[]).unwrap_or_else(|problems| panic!("{problems:?}"))
}

async fn say(provider: &dyn Provider, text: &str, vars: &Value) -> String {
    match provider.call(&bench::request(text, vars), &|_| {}).await {
        Ok(response) => response.output.text().into_owned(),
        Err(failure) => format!("{:?}: {}", failure.reason, failure.message),
    }
}

#[tokio::test]
async fn the_first_rule_that_fits_answers() {
    let provider = mock(
        "{rules: [
            {contains: [red, blue], output: both},
            {contains: red, vars: {n: 2}, output: 'red {{n}}'},
            {regex: '^b.*e$', output: {colour: blue}},
            {vars: {who: {contains: nn, regex: '^A', equals: Anna}}, output: 'hi {{who}}: {{prompt}}'},
          ], default: {output: 42}}",
    );
    for (text, vars, expected) in [
        ("red blue", json!({"n": 2}), "both"),
        ("red", json!({"n": 2}), "red 2"),
        ("red", json!({"n": 3}), "42"),
        ("bleue", json!({}), r#"{"colour":"blue"}"#),
        ("x", json!({"who": "Anna"}), "hi Anna: x"),
        ("x", json!({"who": "Annabel"}), "42"),
        ("x", json!({}), "42"),
    ] {
        assert_eq!(say(&*provider, text, &vars).await, expected, "{text} {vars}");
    }
}

#[tokio::test]
async fn without_a_rule_there_is_no_answer() {
    let provider = mock("rules: [{contains: a, output: b}]");
    let said = say(&*provider, "x", &json!({})).await;
    assert_eq!(said, "Rejected: no rule of the mock provider matches this prompt");
}

#[tokio::test]
async fn an_embedder_answers_with_a_vector_where_no_rule_fits() {
    let provider = bench::build("mock:embedding", "{rules: [{contains: odd, output: [0, 1]}]}", &[]);
    let provider = provider.unwrap_or_else(|problems| panic!("{problems:?}"));
    let response = provider.call(&bench::request("two words", &json!({})), &|_| {}).await.unwrap();
    let Output::Json(Value::Array(vector)) = response.output else { panic!("{:?}", response.output) };
    assert_eq!(vector.len(), 64);
    assert_eq!(response.usage, Some(Usage { total: 2, prompt: 2, ..Usage::default() }));
    assert_eq!((response.cost, response.finish_reason), (Some(0.0), None));
    let response = provider.call(&bench::request("odd", &json!({})), &|_| {}).await.unwrap();
    assert_eq!(response.output, Output::Json(json!([0, 1])));
}

#[tokio::test]
async fn errors_come_per_prompt_and_pass() {
    let provider = mock(
        "rules:
          - {contains: a, error: {status: 429, times: 2, retry_after: 1.5, message: slow}, output: ok}
          - {contains: b, error: {status: 401}}",
    );
    let none = json!({});
    let failure = provider.call(&bench::request("a1", &none), &|_| {}).await.unwrap_err();
    assert_eq!(failure.retry_after, Some(Duration::from_millis(1500)));
    assert_eq!(failure.status, Some(429));
    for (text, expected) in [
        ("a1", "RateLimit: 429 from mock: slow"),
        ("a2", "RateLimit: 429 from mock: slow"),
        ("a1", "ok"),
        ("a2", "RateLimit: 429 from mock: slow"),
        ("a2", "ok"),
        ("b", "Auth: 401 from mock: an error of the mock provider"),
        ("b", "Auth: 401 from mock: an error of the mock provider"),
    ] {
        assert_eq!(say(&*provider, text, &none).await, expected, "{text}");
    }
}

#[tokio::test]
async fn numbers_are_what_the_rule_says_or_words() {
    let plain = mock("default: {output: three little words}");
    let response = plain.call(&bench::request("two words", &json!({})), &|_| {}).await.unwrap();
    assert_eq!(response.usage, Some(Usage { total: 5, prompt: 2, completion: 3, ..Usage::default() }));
    assert_eq!((response.cost, response.latency_ms), (Some(0.0), Some(0)));
    assert_eq!(response.finish_reason.as_deref(), Some("stop"));
    assert_eq!(response.model.as_deref(), Some("m"));
    let set = mock(
        "default: {output: No, refusal: true, latency_ms: 7, delay_ms: 1, cost: 0.5, finish_reason: END_TURN,
                   usage: {prompt: 10, cached: 4}}",
    );
    let response = set.call(&bench::request("two words", &json!({})), &|_| {}).await.unwrap();
    assert_eq!(response.usage, Some(Usage { total: 11, prompt: 10, completion: 1, cached: 4, reasoning: 0 }));
    assert_eq!((response.cost, response.latency_ms, response.is_refusal), (Some(0.5), Some(8), true));
    assert_eq!(response.output, Output::Text("No".into()));
}

#[test]
fn everything_is_checked_at_load() {
    let problems = bench::build(
        "mock",
        "{rules: [{regex: '(', output: a}, {contains: b}, {error: {status: 200, times: 1}}, {outputs: a},
                  {output: '{{ x'}, {vars: {a: {contain: b}}, output: c}], default: {contains: x, output: y}}",
        &[],
    );
    insta::assert_snapshot!(problems.err().unwrap().join("\n"), @r#"
    200: `status` must be a whole number from 300 to 599, found `200`
    outputs: unknown key `outputs` in a rule of the mock provider | did you mean `output`?
    contain: unknown key `contain` in a condition on a var | did you mean `contains`?
    contains: the default answer has no conditions, found `contains` | make it the last of the rules
    '(': `(` is no regular expression: unclosed group
    {contains: b}: this rule has no answer | add `output`
    {error: {status: 200, times: 1}}: this rule has no answer for when its error is over | add `output`
    {outputs: a}: this rule has no answer | add `output`
    '{{ x': the output is no template: template syntax: unexpected end of input, expected end of variable block
    "#);
    insta::assert_snapshot!(bench::build("mock", "", &[]).err().unwrap().join("\n"), @"mock: `mock` has nothing to answer with | give its config `rules` or a `default`");
}
