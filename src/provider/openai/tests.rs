//! Embeddings and moderations; completions have tests of their own.

use serde_json::{Value, json};

use super::super::bench::{self, Then, answer, server};
use super::*;
use crate::env::Redactor;
use crate::provider::service::Sender;
use crate::record::{CallFailure, Reason, Response, Usage};

const KEY: &[(&str, &str)] = &[("OPENAI_API_KEY", "sk-test-key")];

fn read(read: fn(&Value) -> Result<Response, String>, body: &str) -> String {
    let redactor = Redactor::default();
    let sender = Sender { shown: "H", hint: "look there", redactor: &redactor };
    match sender.read(body.as_bytes(), read) {
        Ok(response) => response.output.text().into_owned(),
        Err(failure) => {
            assert_eq!((failure.reason, failure.hint.as_deref()), (Reason::BadAnswer, Some("look there")));
            failure.message
        }
    }
}

#[test]
fn embeddings_of_every_shape() {
    let of = |embedding: Value| json!({"object": "list", "data": [{"index": 0, "embedding": embedding}]}).to_string();
    for (body, expected) in [
        (of(json!([0.25, -1])), "[0.25,-1.0]"),
        (of(json!([[0.25, -1]])), "[0.25,-1.0]"),
        (of(json!("AACAPwAAAL8=")), "[1.0,-0.5]"),
        (format!("\u{feff}{}", of(json!([1]))), "[1.0]"),
        (of(json!([])), "the answer of H has an empty vector: "),
        (of(json!(null)), "the answer of H has a vector that is no list: "),
        (of(json!([null])), "the answer of H has a vector whose entry 0 is no number: "),
        (of(json!("AACAfw==")), "the answer of H has a vector whose entry 0 is not finite: "),
        (of(json!(["x"])).replace("\"x\"", "1e999"), "the answer of H is no JSON: "),
        (of(json!(["x"])).replace("\"x\"", "NaN"), "the answer of H is no JSON: "),
        (json!({"data": []}).to_string(), "the answer of H has no embedding: "),
        (json!({"data": [], "error": "no"}).to_string(), "the answer of H is an error with status 200: "),
        (json!([1, 2]).to_string(), "the answer of H has no embedding: "),
        (String::new(), "the answer of H is no JSON: "),
        ("[".repeat(100_000), "the answer of H is no JSON: "),
    ] {
        let said = read(embedding::read, &body);
        assert!(said == expected || expected.ends_with(": ") && said.starts_with(expected), "{said}");
    }
}

#[test]
fn moderations_of_every_shape() {
    for (body, expected) in [
        (
            r#"{"results":[{"flagged":true,"categories":{"hate":true},"category_scores":{"hate":0.9}},{"flagged":false}]}"#,
            r#"{"flagged":true,"categories":{"hate":true},"category_scores":{"hate":0.9}}"#,
        ),
        (r#"{"results":[]}"#, r#"the answer of H has no results: {"results":[]}"#),
        (
            r#"{"results":[{"flagged":"no"}]}"#,
            r#"the answer of H does not say whether the text is flagged: {"results":[{"flagged":"no"}]}"#,
        ),
        (r#"{"results":[true]}"#, r#"the answer of H does not say whether the text is flagged: {"results":[true]}"#),
        (r#"{"error":{"message":"x"}}"#, r#"the answer of H is an error with status 200: {"error":{"message":"x"}}"#),
    ] {
        assert_eq!(read(moderation::read, body), expected, "{body}");
    }
}

/// The request line and body, the answer, and the identity, of which nothing may be secret.
async fn asked(id: &str, config: &str, body: &Value) -> (String, Result<Response, CallFailure>, String) {
    let (base, asked) = server(&answer("200 OK", &body.to_string()), Then::Close).await;
    let provider =
        bench::build(id, &format!("{{apiBaseUrl: '{base}'{config}}}"), KEY).unwrap_or_else(|p| panic!("{p:?}"));
    let result = provider.call(&bench::request("so good", &json!({})), &|_| {}).await;
    assert_eq!(provider.max_tokens(), Some(0));
    let asked = asked.await.unwrap();
    assert!(asked.contains("authorization: Bearer sk-test-key\r\n"), "{asked}");
    let (head, sent) = asked.split_once("\r\n\r\n").unwrap();
    let line = head.lines().next().unwrap();
    (format!("{line}\n{sent}"), result, provider.identity().to_string().replace(&base, "BASE"))
}

#[tokio::test]
async fn asks_for_an_embedding() {
    let body = json!({"data": [{"embedding": [1, 0]}], "model": "text-embedding-3-small-1",
        "usage": {"prompt_tokens": 500_000, "total_tokens": 500_000}});
    let (asked, result, identity) = asked(
        "openai:embedding:text-embedding-3-small",
        ", dimensions: 2, user: 7, headers: {x-api-key: sk-header}, passthrough: {input: other, truncate: true}",
        &body,
    )
    .await;
    let response = result.unwrap();
    assert_eq!(response.output.text(), "[1.0,0.0]");
    assert_eq!(response.usage, Some(Usage { total: 500_000, prompt: 500_000, ..Usage::default() }));
    assert!((response.cost.unwrap() - 0.01).abs() < 1e-12);
    assert_eq!(response.model.as_deref(), Some("text-embedding-3-small-1"));
    assert!(response.latency_ms.is_some());
    insta::assert_snapshot!(asked, @r#"
    POST /v1/embeddings HTTP/1.1
    {"model":"text-embedding-3-small","encoding_format":"float","dimensions":2,"user":"7","truncate":true,"input":"so good"}
    "#);
    insta::assert_snapshot!(identity, @r#"{"kind":"openai:embedding","url":"BASE/embeddings","headers":{},"body":{"model":"text-embedding-3-small","encoding_format":"float","dimensions":2,"user":"7","truncate":true}}"#);
}

#[tokio::test]
async fn asks_for_a_moderation_free_of_charge() {
    let body = json!({"model": "omni-1", "results": [{"flagged": false, "categories": {}}]});
    let (asked, result, identity) = asked("openai:moderation:omni-moderation-latest", "", &body).await;
    let response = result.unwrap();
    assert_eq!(response.output.text(), r#"{"flagged":false,"categories":{}}"#);
    assert_eq!((response.cost, response.usage), (Some(0.0), None));
    insta::assert_snapshot!(asked, @r#"
    POST /v1/moderations HTTP/1.1
    {"model":"omni-moderation-latest","input":"so good"}
    "#);
    insta::assert_snapshot!(identity, @r#"{"kind":"openai:moderation","url":"BASE/moderations","headers":{},"body":{"model":"omni-moderation-latest"}}"#);
}

#[test]
fn problems_of_the_config() {
    let of = |id, config| bench::build(id, config, &[]).err().unwrap().join("\n");
    insta::assert_snapshot!(of("openai:embedding", "{dimension: 3, temperature: 1}"), @r#"
    dimension: unknown key `dimension` in the openai:embedding provider's config | did you mean `dimensions`?
    temperature: unknown key `temperature` in the openai:embedding provider's config | known keys are apiBaseUrl, apiHost, apiKey, apiKeyEnvar, organization, headers, ca_file, maxRetries, cost, dimensions, user, passthrough
    openai:embedding: `openai:embedding` names no model | write `openai:embedding:text-embedding-3-small`
    openai:embedding: `openai:embedding` needs a key, and OPENAI_API_KEY is not set | export OPENAI_API_KEY=…, put it into .env, or set apiBaseUrl to another server
    "#);
    insta::assert_snapshot!(of("openai:moderation:m", "{apiBaseUrl: 'http://h/v1/moderations', dimensions: 3}"), @r#"
    dimensions: unknown key `dimensions` in the openai:moderation provider's config | known keys are apiBaseUrl, apiHost, apiKey, apiKeyEnvar, organization, headers, ca_file, maxRetries, passthrough
    'http://h/v1/moderations': `http://h/v1/moderations` is no base URL: leave /moderations out, it is added | write it like http://127.0.0.1:8000/v1
    "#);
    insta::assert_snapshot!(of("openai:embeddings:m", "{dimensions: 0, apiHost: ':', delay: 3}"), @r#"
    0: `dimensions` must be a whole number from 1, found `0`
    delay: `delay` is not supported here: write it beside the provider's id, not under config
    ':': `https://:/v1` is no base URL: empty host | write it like http://127.0.0.1:8000/v1
    "#);
}
