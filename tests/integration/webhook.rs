//! Webhooks: what a server is asked, and what its reply, or the lack of one, comes to.

use serde_json::{Value, json};

use crate::project::{Project, Ran};
use crate::server::{Reply, Server};

const PASSWORD: &str = "hook-planted-1111111111";
const TOKEN: &str = "hook-planted-2222222222";

/// One answer of `echo` and an assertion of this type on it, whose server is at this address.
fn project(kind: &str, url: &str) -> Project {
    Project::with(&format!(
        "prompts: ['say {{{{x}}}}']\nproviders: [echo]\ntests:\n  - vars: {{x: hi, n: 3}}\n    assert: [{{type: {kind}, value: '{url}'}}]\n"
    ))
}

fn replies(reply: &Value) -> Server {
    let reply = reply.to_string();
    Server::start(move |_, _| Reply::Http(200, "", reply.clone()))
}

fn only(results: Vec<Value>) -> Value {
    let [result] = <[Value; 1]>::try_from(results).unwrap();
    result
}

#[test]
fn the_server_judges_what_it_is_sent() {
    for (kind, reply, code, score) in [
        ("webhook", json!({"pass": true}), 0, 1.0),
        ("webhook", json!({"pass": false, "score": 0.25, "reason": "too long"}), 100, 0.25),
        ("not-webhook", json!({"pass": false, "score": 0.25, "reason": "too long"}), 0, 0.75),
    ] {
        let server = replies(&reply);
        let (ran, results) = project(kind, &format!("{}/{{{{x}}}}", server.url())).results(&[]);
        ran.code(code);
        let grading = &only(results)["gradingResult"];
        assert_eq!((&grading["score"], grading["pass"] == true), (&json!(score), code == 0), "{reply}");
        if let Some(reason) = reply.get("reason") {
            assert_eq!(grading["componentResults"][0]["reason"], *reason);
        }
        assert_eq!(
            server.bodies(),
            [json!({"output": "say hi", "context": {"prompt": "say hi", "vars": {"x": "hi", "n": 3}}})]
        );
        assert!(server.heads()[0].starts_with("POST /v1/hi HTTP/1.1"), "{:?}", server.heads());
    }
}

/// A run whose webhook says nothing: an error, not a failure, even for `not-`.
fn silent(server: &Server, env: Option<&str>) -> Ran {
    let url = server.url().replace("http://", &format!("http://me:{PASSWORD}@"));
    let mut said = None;
    for kind in ["webhook", "not-webhook"] {
        let mut project = project(kind, &format!("{url}/check?token={TOKEN}"));
        if let Some(limit) = env {
            project = project.env("WEBHOOK_TIMEOUT", limit);
        }
        let (ran, results) = project.results(&["-v", "-o", "r.junit.xml"]);
        let ran = ran.code(101).never_says(PASSWORD).never_says(TOKEN);
        let result = only(results);
        assert_eq!((&result["success"], &result["failureReason"]), (&json!(false), &json!(2)), "{result}");
        for text in [result.to_string(), project.read("r.json"), project.read("r.junit.xml")] {
            assert!(!text.contains(PASSWORD) && !text.contains(TOKEN), "{text}");
        }
        said = Some(ran);
    }
    said.unwrap()
}

#[test]
fn without_a_good_reply_there_is_no_verdict() {
    let status = Server::start(|_, _| Reply::Http(500, "", format!("{{\"error\": \"no {TOKEN} here\"}}")));
    silent(&status, None).says("/v1/check replied with status 500: {\"error\": \"no [redacted] here\"}");
    let words = Server::start(|_, _| Reply::Http(200, "", "fine".into()));
    silent(&words, None).says("/v1/check replied with no JSON: fine");
    silent(&replies(&json!({"score": 1})), None).says("must reply with `pass`, true or false, and it replied");
    let cut = Server::start(|_, _| Reply::Truncated);
    silent(&cut, None).says("the webhook was not heard: the connection to");
    let late = Server::start(|_, _| {
        // Until the client goes.
        Reply::Script(Box::new(|wire| drop(wire.read(&mut [0]))))
    });
    silent(&late, Some("60")).says("within 60ms (WEBHOOK_TIMEOUT sets the limit, in milliseconds)");
    silent(&late, Some("5s")).says("WEBHOOK_TIMEOUT must be a whole number of milliseconds from 1, found `5s`");
}

#[test]
fn an_address_is_checked_before_anything_is_asked() {
    let (ran, results) = project("webhook", "127.0.0.1/check").results(&[]);
    ran.code(2).says("the address of a webhook must begin with http:// or https://");
    assert!(results.is_empty());
}
