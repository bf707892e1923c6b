use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use std::time::Duration;

use super::super::super::bench::{self, Then, answer, server};
use super::super::super::http::{self, Dial, Post, Trust};
use super::super::super::{Limits, Timeouts};
use super::*;
use crate::record::{Output, Reason, Usage};

const KEY: &[(&str, &str)] = &[("OPENAI_API_KEY", "sk-test-key")];

fn provider(id: &str, base: &str, more: &str) -> Arc<dyn Provider> {
    let config = format!("{{apiBaseUrl: '{base}'{more}}}");
    bench::build(id, &config, KEY).unwrap_or_else(|problems| panic!("{problems:?}"))
}

async fn fails(answer: &str, then: Then) -> CallFailure {
    let (base, _) = server(answer, then).await;
    let mut failure =
        provider("openai:m", &base, "").call(&bench::request("hi", &json!({})), &|_| {}).await.unwrap_err();
    failure.message = failure.message.replace(&base, "BASE");
    failure
}

#[tokio::test]
async fn asks_and_reads() {
    let body = json!({
        "model": "gpt-4o-2024-08-06",
        "choices": [{"message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 1000},
    });
    let (base, asked) = server(&answer("200 OK", &body.to_string()), Then::Close).await;
    let provider = provider(
        "openai:chat:gpt-4o",
        &format!("{base}/"),
        ", headers: {x-a: b, x-api-key: sk-header}, organization: o",
    );
    let response = provider.call(&bench::request("hi", &json!({})), &|_| {}).await.unwrap();
    assert_eq!(response.output, Output::Text("hello".into()));
    assert_eq!(response.usage, Some(Usage { total: 2000, prompt: 1000, completion: 1000, ..Usage::default() }));
    assert!((response.cost.unwrap() - 0.0125).abs() < 1e-12);
    let asked = asked.await.unwrap();
    let (head, body) = asked.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<&str> = head.lines().filter(|l| !l.starts_with("host:")).collect();
    lines[1..].sort_unstable();
    insta::assert_snapshot!(lines.join("\n").replace(env!("CARGO_PKG_VERSION"), "VERSION"), @r#"
    POST /v1/chat/completions HTTP/1.1
    accept-encoding: gzip
    accept: */*
    authorization: Bearer sk-test-key
    content-length: 96
    content-type: application/json
    openai-organization: o
    user-agent: prompteval/VERSION
    x-a: b
    x-api-key: sk-header
    "#);
    insta::assert_snapshot!(body, @r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}],"max_tokens":1024,"temperature":0}"#);
    insta::assert_snapshot!(provider.identity().to_string().replace(&base, "BASE"), @r#"{"kind":"openai:chat","url":"BASE/chat/completions","headers":{"openai-organization":"o","x-a":"b"},"body":{"model":"gpt-4o","max_tokens":1024,"temperature":0}}"#);
    assert_eq!(provider.max_tokens(), Some(1024));
}

#[tokio::test]
async fn a_refused_key_is_named_and_never_shown() {
    let body = r#"{"error":{"message":"Incorrect API key provided: sk-test-key."}}"#;
    let failure = fails(&answer("401 Unauthorized", body), Then::Close).await;
    assert_eq!((failure.reason, failure.status), (Reason::Auth, Some(401)));
    insta::assert_snapshot!(failure.message, @"401 from BASE/chat/completions: Incorrect API key provided: [redacted]; the key came from OPENAI_API_KEY");
}

#[tokio::test]
async fn a_rate_limit_says_how_long() {
    let failure = fails("HTTP/1.1 429 Slow\r\nretry-after: 2\r\ncontent-length: 4\r\n\r\nslow", Then::Close).await;
    assert_eq!((failure.reason, failure.retry_after), (Reason::RateLimit, Some(Duration::from_secs(2))));
    assert_eq!(failure.message, "429 from BASE/chat/completions: slow");
}

#[tokio::test]
async fn limits_are_told_once_for_a_reply_that_names_them() {
    let body = r#"{"choices":[{"message":{"content":"x"}}]}"#;
    let limit = "x-ratelimit-remaining-requests: 7\r\n";
    for (status, limit, expected) in [("200 OK", limit, &[7.0][..]), ("429 Slow", limit, &[7.0]), ("200 OK", "", &[])] {
        let reply = answer(status, body).replacen("\r\n", &format!("\r\n{limit}"), 1);
        let (base, _) = server(&reply, Then::Close).await;
        let heard = std::sync::Mutex::new(Vec::new());
        let hear: Heard<'_> = &|limits: Limits| heard.lock().unwrap().push(limits.requests.unwrap().remaining);
        let _ = provider("openai:m", &base, "").call(&bench::request("hi", &json!({})), hear).await;
        assert_eq!(*heard.lock().unwrap(), expected, "{status}");
    }
}

#[tokio::test]
async fn an_endless_body_is_cut_off() {
    let failure = fails("HTTP/1.1 200 OK\r\n\r\n", Then::Forever).await;
    assert_eq!(failure.reason, Reason::TooLarge);
    assert_eq!(failure.message, "the answer of BASE/chat/completions is larger than 16 MiB");
    let failure = fails("HTTP/1.1 500 Oops\r\n\r\n", Then::Forever).await;
    assert_eq!(failure.reason, Reason::Server);
}

#[tokio::test]
async fn a_truncated_body_is_broken() {
    let failure = fails("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"choices\":", Then::Close).await;
    assert_eq!(failure.reason, Reason::Broken, "{failure}");
    let failure = fails("", Then::Close).await;
    assert_eq!(failure.reason, Reason::Broken, "{failure}");
    let failure = fails("HTTP/1.1 503 Busy\r\ncontent-length: 100\r\n\r\nbusy", Then::Close).await;
    assert_eq!(failure.reason, Reason::Server, "{failure}");
}

#[tokio::test]
async fn something_that_is_no_json() {
    let failure = fails(&answer("200 OK", "<html>Welcome"), Then::Close).await;
    assert_eq!(failure.reason, Reason::BadAnswer);
    assert_eq!(failure.message, "the answer of BASE/chat/completions is no JSON: <html>Welcome");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let failure =
        fails("HTTP/1.1 301 Moved\r\nlocation: https://there/\r\ncontent-length: 0\r\n\r\n", Then::Close).await;
    assert_eq!(failure.reason, Reason::Rejected);
    assert!(failure.hint.unwrap().contains("https://there/"));
}

#[tokio::test]
async fn nobody_listens() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let provider = provider("openai:m", &format!("http://{address}/v1"), "");
    let failure = provider.call(&bench::request("hi", &json!({})), &|_| {}).await.unwrap_err();
    assert_eq!(failure.reason, Reason::Unreachable);
    insta::assert_snapshot!(failure.message.replace(&address, "ADDRESS"), @"no connection to http://ADDRESS/v1/chat/completions: Connection refused (os error 111)");
}

#[tokio::test]
async fn a_server_without_tls_is_told_apart() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let provider = provider("openai:m", &format!("https://{}/v1", listener.local_addr().unwrap()), "");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        // Hold the stream until the client has read and gone.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let failure = provider.call(&bench::request("hi", &json!({})), &|_| {}).await.unwrap_err();
    assert_eq!(failure.reason, Reason::Unreachable);
    assert!(failure.message.contains("no TLS connection"), "{failure}");
}

#[tokio::test]
async fn a_silent_server_times_out() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let shown = format!("http://{}/v1/chat/completions", listener.local_addr().unwrap());
    let (url, headers) = (shown.parse().unwrap(), reqwest::header::HeaderMap::new());
    let timeouts = Timeouts { total: Duration::from_millis(20), ..Timeouts::default() };
    let dial = &Dial { connect: timeouts.connect, trust: Trust::Nobody };
    let post = Post {
        url: &url,
        shown: "BASE",
        setting: "apiBaseUrl",
        headers: &headers,
        body: "{}".into(),
        timeouts: &timeouts,
        dial,
    };
    let failure = http::post(post).await.err().unwrap();
    assert_eq!(
        (failure.reason, failure.message.as_str()),
        (Reason::Timeout, "no complete answer from BASE within 20ms")
    );
}

#[test]
fn the_address_comes_from_the_first_that_names_one() {
    let host = ("OPENAI_API_HOST", "h3");
    let both = [("OPENAI_BASE_URL", "http://h2/v1"), host];
    for (config, vars, expected) in [
        ("{apiBaseUrl: 'http://h/v1/', apiHost: x}", &both[..], "http://h/v1/chat/completions"),
        ("{apiHost: h1}", &both, "https://h1/v1/chat/completions"),
        ("", &both, "http://h2/v1/chat/completions"),
        ("", &[("OPENAI_API_BASE_URL", "http://h4")], "http://h4/chat/completions"),
        ("", &[host], "https://h3/v1/chat/completions"),
        ("{apiKey: sk-in-config}", &[], "https://api.openai.com/v1/chat/completions"),
        ("{apiBaseUrl: 'http://user:hunter2@h/v1'}", &[], "http://h/v1/chat/completions"),
        ("{apiBaseUrl: 'http://h/v1?key=hunter2'}", &[], "http://h/v1/chat/completions"),
        ("{apiBaseUrl: 'http://h/v1?api-version=1'}", &[], "http://h/v1/chat/completions?api-version=1"),
    ] {
        let provider = bench::build("openai:m", config, vars).unwrap_or_else(|p| panic!("{p:?}"));
        assert_eq!(provider.identity()["url"], expected, "{config}");
        assert!(!provider.identity().to_string().contains("hunter2"));
    }
}

#[test]
fn problems_of_the_config() {
    let of = |id, config| bench::build(id, config, &[]).err().unwrap().join("\n");
    insta::assert_snapshot!(of("openai:gpt-4o", ""), @"openai:gpt-4o: `openai:gpt-4o` needs a key, and OPENAI_API_KEY is not set | export OPENAI_API_KEY=…, put it into .env, or set apiBaseUrl to another server");
    insta::assert_snapshot!(of("openai:gpt-4o", "{apiKeyEnvar: MY_KEY}"), @"MY_KEY: the variable `MY_KEY` is not set, and apiKeyEnvar says that it holds the key | export MY_KEY=…, or put it into .env");
    insta::assert_snapshot!(of("openai:gpt-4o", "{apiBaseUrl: 'localhost:8000', headers: {'a b': c}}"), @r#"
    'localhost:8000': `localhost:8000` is no base URL: it must begin with http:// or https:// | write it like http://127.0.0.1:8000/v1
    'a b': `a b` is no name of an HTTP header
    "#);
    insta::assert_snapshot!(of("openai:chat", "{apiBaseUrl: 'http://h/v1/chat/completions'}"), @r#"
    openai:chat: `openai:chat` names no model | write `openai:chat:gpt-4o-mini`
    'http://h/v1/chat/completions': `http://h/v1/chat/completions` is no base URL: leave /chat/completions out, it is added | write it like http://127.0.0.1:8000/v1
    "#);
    insta::assert_snapshot!(of("openai:o3", "{apiKey: \"a\\nb\", temperature: 1, inputCost: x, stream: true}"), @r#"
    x: `inputCost` must be a number from 0, found text
    stream: `stream` is not supported here: answers are read whole
    "a\nb": the key of apiKey in the config has characters that no HTTP header can hold | is it cut, or are there quotes or line breaks in it?
    1: `temperature` is not sent: the reasoning model `o3` would refuse it | remove it
    "#);
}
