use super::super::bench::{self, Then, answer, server};
use super::*;
use crate::env::Redactor;
use crate::provider::service::Sender;
use crate::record::{CallFailure, Reason};

const KEY: &[(&str, &str)] = &[("HF_TOKEN", "hf-test-key")];

fn read(task: &Task, body: &str) -> String {
    let redactor = Redactor::default();
    let sender = Sender { shown: "HF", hint: task.hint, redactor: &redactor };
    match sender.read(body.as_bytes(), task.form.read) {
        Ok(response) => response.output.text().into_owned(),
        Err(failure) => {
            assert_eq!(failure.reason, Reason::BadAnswer);
            assert_eq!(failure.hint.as_deref(), Some(task.hint));
            failure.message
        }
    }
}

#[test]
fn labels_of_every_shape() {
    for (body, expected) in [
        (
            r#"[[{"label":"joy","score":0.9},{"score":0.1,"label":"fear"}]]"#,
            r#"[{"label":"joy","score":0.9},{"label":"fear","score":0.1}]"#,
        ),
        (r#"[{"label":"joy","score":1,"x":2}]"#, r#"[{"label":"joy","score":1.0}]"#),
        (r#"{"label":"joy","score":-2.5}"#, r#"[{"label":"joy","score":-2.5}]"#),
        ("[]", "the answer of HF is no list of labels with scores: []"),
        ("[[]]", "the answer of HF is no list of labels with scores: [[]]"),
        (r#"[{"label":"joy"}]"#, r#"the answer of HF is no list of labels with scores: [{"label":"joy"}]"#),
        (
            r#"[{"label":"a","score":1},{"label":1,"score":1}]"#,
            r#"the answer of HF is no list of labels with scores: [{"label":"a","score":1},{"label":1,"score":1}]"#,
        ),
        (
            r#"{"error":"Model is too busy"}"#,
            r#"the answer of HF is an error with status 200: {"error":"Model is too busy"}"#,
        ),
        (r#"[{"label":"a","score":NaN}]"#, r#"the answer of HF is no JSON: [{"label":"a","score":NaN}]"#),
        ("<html>", "the answer of HF is no JSON: <html>"),
    ] {
        assert_eq!(read(&LABELS, body), expected, "{body}");
    }
}

#[test]
fn vectors_of_every_shape() {
    for (body, expected) in [
        ("[0.5,-1]", "[0.5,-1.0]"),
        ("[[0.5,1],[1.5,3]]", "[1.0,2.0]"),
        ("[[[0.5,1],[1.5,3]]]", "[1.0,2.0]"),
        ("[]", "the answer of HF has an empty vector: []"),
        ("[null]", "the answer of HF has a vector whose entry 0 is no number: [null]"),
        ("\"AACAPw==\"", "the answer of HF has no vector: \"AACAPw==\""),
        (r#"{"error":["no"]}"#, r#"the answer of HF is an error with status 200: {"error":["no"]}"#),
        ("[[1],[1,2]]", "the answer of HF has a matrix with rows of different lengths: [[1],[1,2]]"),
    ] {
        assert_eq!(read(&VECTOR, body), expected, "{body}");
    }
}

async fn asked(id: &str, config: &str, body: &str) -> (String, Result<Response, CallFailure>, Value) {
    let (base, asked) = server(&answer("200 OK", body), Then::Close).await;
    let config = format!("{{apiEndpoint: '{base}?token=planted-secret'{config}}}");
    let provider = bench::build(id, &config, KEY).unwrap_or_else(|problems| panic!("{problems:?}"));
    let result = provider.call(&bench::request("so good", &json!({})), &|_| {}).await;
    let identity = provider.identity().to_string().replace(&base, "BASE");
    (asked.await.unwrap(), result, serde_json::from_str(&identity).unwrap())
}

#[tokio::test]
async fn asks_a_classifier() {
    let id = "huggingface:text-classification:me/moods";
    let (asked, result, identity) =
        asked(id, ", parameters: {top_k: 2}, passthrough: {options: {x: 1}}", r#"[{"label":"joy","score":0.9}]"#).await;
    let response = result.unwrap();
    assert_eq!(response.output.text(), r#"[{"label":"joy","score":0.9}]"#);
    assert_eq!((response.cost, response.usage), (None, None));
    assert!(asked.starts_with("POST /v1?token=planted-secret HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("authorization: Bearer hf-test-key\r\n"), "{asked}");
    let (_, body) = asked.split_once("\r\n\r\n").unwrap();
    insta::assert_snapshot!(body, @r#"{"parameters":{"top_k":2},"options":{"x":1},"inputs":"so good"}"#);
    insta::assert_snapshot!(identity.to_string(), @r#"{"kind":"huggingface:text-classification","url":"BASE","headers":{},"body":{"model":"me/moods","parameters":{"top_k":2},"options":{"x":1}}}"#);
}

#[tokio::test]
async fn asks_for_features_with_their_parameters_beside_the_text() {
    let (asked, result, identity) =
        asked("hf:feature-extraction:me/e5", ", parameters: {normalize: true}", "[[1, 2]]").await;
    assert_eq!(result.unwrap().output.text(), "[1.0,2.0]");
    let (_, body) = asked.split_once("\r\n\r\n").unwrap();
    insta::assert_snapshot!(body, @r#"{"normalize":true,"inputs":"so good"}"#);
    insta::assert_snapshot!(identity.to_string(), @r#"{"kind":"huggingface:feature-extraction","url":"BASE","headers":{},"body":{"model":"me/e5","normalize":true}}"#);
}

#[test]
fn addresses_and_keys() {
    for (id, vars, expected) in [
        ("huggingface:text-classification:a/b c", KEY, "https://router.huggingface.co/hf-inference/models/a/b%20c"),
        (
            "huggingface:feature-extraction:a/b",
            &[("HF_API_TOKEN", "hf-old-key")],
            "https://router.huggingface.co/hf-inference/models/a/b/pipeline/feature-extraction",
        ),
    ] {
        let provider = bench::build(id, "", vars).unwrap_or_else(|p| panic!("{p:?}"));
        assert_eq!(provider.identity()["url"], expected);
        assert_eq!(provider.max_tokens(), Some(0));
    }
}

#[test]
fn problems_of_the_config() {
    let of = |id, config| bench::build(id, config, &[]).err().unwrap().join("\n");
    insta::assert_snapshot!(of("huggingface:text-classification", "{paramters: {}, wait_for_model: true}"), @r#"
    paramters: unknown key `paramters` in the huggingface:text-classification provider's config | did you mean `parameters`?
    wait_for_model: unknown key `wait_for_model` in the huggingface:text-classification provider's config | known keys are apiEndpoint, apiKey, apiKeyEnvar, headers, ca_file, maxRetries, parameters, passthrough
    huggingface:text-classification: `huggingface:text-classification` names no model | write `huggingface:text-classification:MODEL`
    huggingface:text-classification: `huggingface:text-classification` needs a key, and HF_TOKEN is not set | export HF_TOKEN=…, put it into .env, or set apiEndpoint to another server
    "#);
    insta::assert_snapshot!(of("hf:feature-extraction:m", "{apiEndpoint: 'localhost', use_cache: true, timeout_ms: 3}"), @r#"
    use_cache: `use_cache` is ignored: answers are kept here; --no-cache asks anew
    timeout_ms: `timeout_ms` is not supported here: write it beside the provider's id, not under config
    'localhost': `localhost` is no address: relative URL without a base | write it like http://127.0.0.1:8080/predict
    "#);
}
