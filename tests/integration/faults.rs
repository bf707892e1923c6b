//! Endpoints that fail half-way: what is retried, what is given up and when, and what is said.

use std::io::Write;
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use socket2::SockRef;

use crate::project::{Project, Ran};
use crate::server::{Reply, Server, Wire, answer, completion};

/// A project with so many cases; `beside` stands beside the provider's id, `config` in its config.
fn project(url: &str, beside: &str, config: &str, cases: usize) -> Project {
    let tests: String = (0..cases).map(|n| format!("  - {{vars: {{x: 'q{n}'}}}}\n")).collect();
    Project::with(&format!(
        "prompts: ['{{{{x}}}}']\nproviders:\n  - {{id: 'openai:m'{beside}, config: {{apiBaseUrl: '{url}'{config}}}}}\ndefaultTest: {{assert: [{{type: icontains, value: ok}}]}}\ntests:\n{tests}"
    ))
}

/// One case at a server, and its result.
fn one(server: &Server, beside: &str, config: &str) -> (Ran, Value) {
    let (ran, mut results) = project(&server.url(), beside, config, 1).results(&[]);
    let result = if results.is_empty() { Value::Null } else { results.remove(0) };
    (ran, result)
}

/// Rows that wait, waiting together.
fn all<T: Send>(rows: Vec<T>, check: impl Fn(T) + Sync) {
    thread::scope(|scope| {
        for row in rows {
            scope.spawn(|| check(row));
        }
    });
}

fn script(write: impl FnOnce(&mut dyn Wire) + Send + 'static) -> Reply {
    Reply::Script(Box::new(write))
}

/// A success with these header lines and exactly this body, and then the end.
fn raw(head: &'static str, body: Vec<u8>) -> Reply {
    script(move |wire| {
        let _ = wire.write_all(format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{head}\r\n").as_bytes());
        let _ = wire.write_all(&body);
    })
}

/// So many bytes of a success, and then a reset instead of an orderly end.
fn reset(bytes: &'static str) -> Reply {
    script(move |wire| {
        let _ = wire.write_all(bytes.as_bytes());
        SockRef::from(wire.socket()).set_linger(Some(Duration::ZERO)).unwrap();
    })
}

/// So many bytes, and then nothing until the client goes.
fn hang(bytes: &'static str) -> Reply {
    script(move |wire| {
        let _ = wire.write_all(bytes.as_bytes());
        let _ = wire.read(&mut [0]);
    })
}

const HALF: &str = "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"choices\":";

#[test]
fn what_may_pass_is_asked_again() {
    type Make = fn() -> Reply;
    let rows: Vec<(&str, Make)> = vec![
        ("429, seconds", || Reply::Http(429, "retry-after: 0\r\n", "slow".into())),
        ("429, a date", || Reply::Http(429, "retry-after: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "slow".into())),
        ("429, nothing", || Reply::Http(429, "", "slow".into())),
        ("500", || Reply::Http(500, "retry-after-ms: 1\r\n", "oops".into())),
        ("502", || Reply::Http(502, "retry-after-ms: 1\r\n", "<html><title>Bad Gateway</title>".into())),
        ("503", || Reply::Http(503, "retry-after-ms: 1\r\n", String::new())),
        ("529", || Reply::Http(529, "retry-after-ms: 1\r\n", json!({"error": {"type": "overloaded"}}).to_string())),
        ("reset before the head", || reset("")),
        ("reset within the head", || reset("HTTP/1.1 200 OK\r\ncontent-le")),
        ("reset within the body", || reset(HALF)),
        ("cut short", || Reply::Truncated),
        ("truncated JSON", || Reply::Http(200, "", "{\"choices\": [{\"mess".into())),
        ("a page", || raw("content-type: text/html\r\n", b"<html>Log in".to_vec())),
    ];
    all(rows, |(name, make)| {
        let server = Server::start(move |n, _| if n == 0 { make() } else { answer("ok") });
        let (ran, result) = one(&server, "", "");
        assert_eq!((ran.code, server.requests()), (0, 2), "{name}: {}{}", ran.out, ran.err);
        assert_eq!(result["attempts"], 2, "{name}");
    });
}

#[test]
fn odd_answers_that_are_whole_are_taken() {
    type Make = fn() -> Reply;
    let rows: Vec<(&str, Make)> = vec![
        ("text/plain", || raw("content-type: text/plain\r\n", completion("ok").into())),
        ("no content type", || raw("", completion("ok").into())),
        ("10 MB", || {
            let padding = "x".repeat(10_000_000);
            Reply::Http(200, "", completion("ok").replacen('{', &format!("{{\"padding\":\"{padding}\","), 1))
        }),
        ("gzip", || {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            gzip.write_all(completion("ok").as_bytes()).unwrap();
            raw("content-encoding: gzip\r\n", gzip.finish().unwrap())
        }),
        ("a byte order mark", || Reply::Http(200, "", format!("\u{feff}{}", completion("ok")))),
        ("chunked", || {
            let text = completion("ok");
            let (a, b) = text.split_at(7);
            let chunks = format!("{:x}\r\n{a}\r\n{:x};odd=1\r\n{b}\r\n0\r\n\r\n", a.len(), b.len());
            raw("transfer-encoding: chunked\r\n", chunks.into())
        }),
    ];
    all(rows, |(name, make)| {
        let server = Server::start(move |_, _| make());
        let (ran, result) = one(&server, "", ", maxRetries: 0");
        assert_eq!(ran.code, 0, "{name}: {}{}", ran.out, ran.err);
        assert_eq!((&result["attempts"], &result["response"]["output"]), (&json!(1), &json!("ok")), "{name}");
    });
}

#[test]
fn each_limit_of_time_says_which_it_was() {
    type Make = fn() -> Reply;
    let rows: Vec<(Make, &str, &str, &str)> = vec![
        (|| hang(""), "timeout_ms: 150", "no complete answer from", "within 150ms"),
        (|| hang(HALF), "timeout_ms: 150", "no complete answer from", "within 150ms"),
        (|| hang(""), "first_byte_timeout_ms: 100", "no answer from", "began within 100ms"),
        (|| hang("HTTP/1.1 200 OK\r\ncontent-"), "first_byte_timeout_ms: 100", "no answer from", "began within 100ms"),
        (|| hang(HALF), "idle_timeout_ms: 100", "the answer of", "stood still for 100ms"),
    ];
    all(rows, |(make, limit, said, rest)| {
        let server = Server::start(move |_, _| make());
        let (ran, result) = one(&server, &format!(", {limit}"), ", maxRetries: 0");
        assert_eq!((ran.code, server.requests()), (101, 1), "{limit}: {}{}", ran.out, ran.err);
        let error = result["error"].as_str().unwrap();
        assert!(error.contains(said) && error.contains(rest), "{limit}: {error}");
        ran.says(limit.split(':').next().unwrap_or_default());
    });
}

#[test]
fn an_error_page_that_stands_still_is_judged_by_its_status() {
    let server = Server::start(|_, _| hang("HTTP/1.1 500 Oops\r\ncontent-length: 900\r\n\r\nhalf a page"));
    let (ran, _) = one(&server, ", idle_timeout_ms: 100", ", maxRetries: 0");
    ran.code(101).says("500 from").says("half a page");
}

#[test]
fn a_slow_drip_within_the_limits_is_an_answer() {
    // In all, the drip takes longer than each limit but the total.
    let server = Server::start(|_, _| {
        script(|wire| {
            let body = completion("ok");
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            let mut write = |bytes: &[u8]| wire.write_all(bytes).and_then(|()| wire.flush()).unwrap();
            write(head.as_bytes());
            for piece in body.as_bytes().chunks(body.len().div_ceil(6)) {
                thread::sleep(Duration::from_millis(200));
                write(piece);
            }
        })
    });
    let (ran, _) = one(&server, ", idle_timeout_ms: 1000, first_byte_timeout_ms: 1000", ", maxRetries: 0");
    ran.code(0);
    assert!(server.heads()[0].to_lowercase().contains("content-length: "), "{}", server.heads()[0]);
}

#[test]
fn an_answer_that_comes_too_late_does_not_count() {
    let second = (Mutex::new(false), Condvar::new());
    let server = Server::start(move |n, _| {
        let (arrived, told) = &second;
        if n > 0 {
            *arrived.lock().unwrap() = true;
            told.notify_all();
            return answer("ok, in time");
        }
        drop(told.wait_while(arrived.lock().unwrap(), |arrived| !*arrived).unwrap());
        answer("ok, too late")
    });
    let (ran, result) = one(&server, ", timeout_ms: 1000", "");
    ran.code(0);
    assert_eq!((&result["attempts"], &result["response"]["output"]), (&json!(2), &json!("ok, in time")));
}

#[test]
fn answers_in_another_order_go_to_their_own_cases() {
    // Of each four, the last is answered first.
    let answered = (Mutex::new(Vec::new()), Condvar::new());
    let server = Server::start(move |_, body| {
        let asked = body["messages"][0]["content"].as_str().unwrap().to_owned();
        let number: usize = asked[1..].parse().unwrap();
        let (done, told) = &answered;
        let turn = |done: &mut Vec<usize>| number % 4 != 3 && !done.contains(&(number + 1));
        told.wait_while(done.lock().unwrap(), turn).unwrap().push(number);
        told.notify_all();
        answer(&format!("ok {asked}"))
    });
    let (ran, results) = project(&server.url(), "", "", 4).results(&["-j", "4"]);
    ran.code(0);
    for (n, result) in results.iter().enumerate() {
        assert_eq!((&result["testIdx"], &result["response"]["output"]), (&json!(n), &json!(format!("ok q{n}"))));
    }
}

#[test]
fn connections_serve_many_requests() {
    for beside in ["", ", first_byte_timeout_ms: 60000"] {
        let server = Server::start(|_, _| answer("ok"));
        let (ran, results) = project(&server.url(), beside, "", 20).results(&["-j", "1"]);
        ran.code(0);
        assert_eq!((results.len(), server.requests()), (20, 20));
        // A connection goes back to the pool a moment after its answer was read, so that the next request
        // may open a second one. With those two there is always one that is free.
        assert!(server.connections() <= 3, "{} connections", server.connections());
    }
}

#[test]
fn a_host_without_an_address_is_named() {
    let project = project("http://nowhere.invalid/v1", "", ", maxRetries: 0", 1);
    project.run(&["run"]).code(101).says("no connection to http://nowhere.invalid/v1").says("check apiBaseUrl");
}

#[test]
fn proxies_of_the_environment_are_used() {
    let proxy = Server::start(|_, _| answer("ok, by proxy"));
    let project = |url: &str| project(url, "", ", maxRetries: 0", 1).env("HTTP_PROXY", &proxy.url());
    let (ran, results) = project("http://nowhere.invalid/v1").results(&[]);
    ran.code(0);
    assert_eq!(results[0]["response"]["output"], "ok, by proxy");
    let line = "POST http://nowhere.invalid/v1/chat/completions HTTP/1.1\r\n";
    assert!(proxy.heads()[0].starts_with(line), "{}", proxy.heads()[0]);

    let direct = Server::start(|_, _| answer("ok"));
    project(&direct.url()).env("NO_PROXY", "127.0.0.1").run(&["run"]).code(0);
    assert_eq!((proxy.requests(), direct.requests()), (1, 1));
}
