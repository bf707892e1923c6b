//! Lines against a provider that follows a script.

use std::sync::Mutex;

use futures::future::BoxFuture;
use serde_json::{Map, Value};

use super::*;
use crate::env::Clock;
use crate::provider::{Heard, Price};
use crate::record::{Messages, Usage};
use crate::store::{Spent, StoreError};
use crate::transport::Caps;

/// Gives the failures one after the other, then answers.
struct Script {
    failures: Mutex<Vec<Reason>>,
    calls: Mutex<u32>,
}

impl Provider for Script {
    fn call<'a>(&'a self, _: &'a Request, _: Heard<'a>) -> BoxFuture<'a, Result<Response, CallFailure>> {
        let next = self.failures.lock().unwrap().pop();
        *self.calls.lock().unwrap() += 1;
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let usage = Some(Usage { total: 20, prompt: 10, completion: 10, ..Usage::default() });
            let answer = Response { usage, cost: Some(0.2), latency_ms: Some(10), ..Response::default() };
            next.map_or(Ok(answer), |r| Err(CallFailure::new(r, "no")))
        })
    }
    fn identity(&self) -> &Value {
        &Value::Null
    }
    fn price(&self) -> Option<Price> {
        Some(Price { prompt: 0.01, completion: 0.01, cached: None })
    }
    fn max_tokens(&self) -> Option<u64> {
        Some(22)
    }
}

#[derive(Default)]
struct Shelf(Mutex<std::collections::HashMap<String, Response>>);

impl Memory for Shelf {
    fn recall(&self, id: &str) -> Result<Option<Response>, StoreError> {
        Ok(self.0.lock().unwrap().get(id).cloned())
    }
    fn remember(&self, id: &str, _: &str, _: &Request, response: &Response) {
        self.0.lock().unwrap().insert(id.to_owned(), response.clone());
    }
    fn durable(&self, _: &str) {}
}

fn shared(stop: &Stop) -> Shared {
    Shared::new(Clock::fixed(0), stop.clone())
}

fn line_with(script: &[Reason], shared: Shared, width: usize) -> (Line, Arc<Script>) {
    let failures = Mutex::new(script.iter().rev().copied().collect());
    let script = Arc::new(Script { failures, calls: Mutex::new(0) });
    let settings = Settings {
        label: "p".into(),
        width,
        retries: 3,
        delay: Duration::ZERO,
        rpm: None,
        tpm: None,
        has_timeout: false,
    };
    (Line::new(Arc::clone(&script) as Arc<dyn Provider>, settings, Arc::new(shared)), script)
}

fn line(script: &[Reason], stop: &Stop) -> Line {
    line_with(script, shared(stop), 1).0
}

fn request() -> Request {
    Request {
        text: "hi".into(),
        messages: Messages::User,
        vars: Arc::new(Map::new()),
        parameters: Arc::new(Map::new()),
    }
}

async fn send(line: &Line, id: &str) -> Option<Sent> {
    let turn = line.queue().turn().await?;
    line.send(&request(), &id.into(), turn, &|_| {}).await
}

#[tokio::test(start_paused = true)]
async fn repeats_what_may_pass_and_counts() {
    let line = line(&[Reason::Server, Reason::RateLimit, Reason::Broken], &Stop::default());
    let sent = send(&line, "a").await.unwrap();
    assert!(sent.result.is_ok());
    assert_eq!(sent.attempts, 4);
    let reasons: Vec<_> = sent.setbacks.iter().map(|s| (s.attempt, s.reason)).collect();
    assert_eq!(reasons, [(1, Reason::Server), (2, Reason::RateLimit), (3, Reason::Broken)]);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_key_closes_the_line_after_one_request() {
    let line = line(&[Reason::Auth], &Stop::default());
    let first = send(&line, "a").await.unwrap();
    assert_eq!(first.result.unwrap_err().reason, Reason::Auth);
    let second = send(&line, "b").await.unwrap();
    assert_eq!((second.attempts, second.result.unwrap_err().reason), (0, Reason::NotSent));
}

#[tokio::test]
async fn turns_are_given_in_the_order_of_asking() {
    let line = line(&[], &Stop::default());
    let tickets: Vec<Ticket> = (0..5).map(|_| line.queue()).collect();
    let order = Arc::new(Mutex::new(Vec::new()));
    let waiters = tickets.into_iter().enumerate().rev().map(|(n, ticket)| {
        let order = Arc::clone(&order);
        tokio::spawn(async move {
            let _turn = ticket.turn().await.unwrap();
            order.lock().unwrap().push(n);
        })
    });
    futures::future::join_all(waiters.collect::<Vec<_>>()).await;
    assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn nothing_is_sent_after_the_word_to_stop_though_all_is_ready() {
    for _ in 0..50 {
        let stop = Stop::default();
        let (line, script) = line_with(&[], shared(&stop), 1);
        let (first, second) = (line.queue().turn().await.unwrap(), line.queue());
        let turn = second.turn();
        tokio::pin!(turn);
        assert!(futures::poll!(&mut turn).is_pending());
        stop.drain();
        drop(first);
        assert!(turn.await.is_none());
        assert!(line.queue().turn().await.is_none());
        assert_eq!(*script.calls.lock().unwrap(), 0);
    }
    let stop = Stop::default();
    let (line, script) = line_with(&[], shared(&stop), 1);
    let turn = line.queue().turn().await.unwrap();
    stop.drain();
    assert!(line.send(&request(), &"a".into(), turn, &|_| {}).await.is_none());
    assert_eq!(*script.calls.lock().unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn stopping_ends_the_wait_before_a_retry() {
    let stop = Stop::default();
    let line = line(&[Reason::Server], &stop);
    let turn = line.queue().turn().await.unwrap();
    let sent = line.send(&request(), &"a".into(), turn, &|_| stop.drain()).await;
    assert!(sent.is_none());
    assert!(line.queue().turn().await.is_none());
}

/// Answers at once, but never the question `silent`.
struct Silent;

impl Provider for Silent {
    fn call<'a>(&'a self, request: &'a Request, _: Heard<'a>) -> BoxFuture<'a, Result<Response, CallFailure>> {
        Box::pin(async move {
            if &*request.text == "silent" {
                std::future::pending::<()>().await;
            }
            Ok(Response { latency_ms: Some(10), ..Response::default() })
        })
    }
    fn identity(&self) -> &Value {
        &Value::Null
    }
}

#[tokio::test(start_paused = true)]
async fn a_silence_is_measured_by_the_answers_that_came_meanwhile() {
    let (line, _) = line_with(&[], shared(&Stop::default()), 4);
    let line = Line { provider: Arc::new(Silent), ..line };
    let silent = Request { text: "silent".into(), ..request() };
    let started = Instant::now();
    let id = "s".into();
    let answers = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        for n in 0..20 {
            send(&line, &n.to_string()).await.unwrap().result.unwrap();
        }
    };
    let turn = line.queue().turn().await.unwrap();
    let (sent, ()) = futures::future::join(line.send(&silent, &id, turn, &|_| {}), answers).await;
    let failure = sent.unwrap().result.unwrap_err();
    assert_eq!(failure.reason, Reason::Timeout);
    assert!(failure.message.contains("far longer than any answer before"), "{}", failure.message);
    // 30 s, 60 s and 120 s, and the waits between.
    let took = started.elapsed().as_secs();
    assert!((210..220).contains(&took), "{took} s");
}

#[tokio::test(start_paused = true)]
async fn one_question_at_a_time_is_asked_once_and_then_remembered() {
    let memory = Arc::new(Shelf::default());
    let (line, script) = line_with(&[], shared(&Stop::default()).with_memory(memory, false), 4);
    let sent = futures::future::join_all([send(&line, "a"), send(&line, "a"), send(&line, "b")]).await;
    let cached: Vec<bool> = sent.into_iter().map(|s| s.unwrap().result.unwrap().cached).collect();
    assert_eq!(cached, [false, true, false]);
    assert!(send(&line, "a").await.unwrap().result.unwrap().cached);
    assert_eq!(*script.calls.lock().unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_not_remembered_and_the_next_in_flight_asks_itself() {
    let memory = Arc::new(Shelf::default());
    let (line, script) = line_with(&[Reason::Rejected], shared(&Stop::default()).with_memory(memory, false), 4);
    let sent = futures::future::join_all([send(&line, "a"), send(&line, "a")]).await;
    let good: Vec<bool> = sent.into_iter().map(|s| s.unwrap().result.is_ok()).collect();
    assert_eq!((good, *script.calls.lock().unwrap()), (vec![false, true], 2));
}

#[tokio::test(start_paused = true)]
async fn with_memory_alone_a_miss_is_an_error() {
    let memory = Arc::new(Shelf::default());
    memory.remember("a", "p", &request(), &Response::default());
    let (line, script) = line_with(&[], shared(&Stop::default()).with_memory(memory, true), 1);
    assert!(send(&line, "a").await.unwrap().result.is_ok());
    assert_eq!(send(&line, "b").await.unwrap().result.unwrap_err().reason, Reason::Unrecorded);
    assert_eq!(*script.calls.lock().unwrap(), 0);
}

/// Each request may cost 0.40 (18 bytes and 22 tokens at a cent) and costs 0.20.
#[tokio::test(start_paused = true)]
async fn a_budget_is_never_overrun_by_the_width() {
    for (caps, calls) in [
        (Caps { cost_usd: Some(1.0), ..Caps::default() }, 4),
        (Caps { requests: Some(3), ..Caps::default() }, 3),
        (Caps { tokens: Some(100), ..Caps::default() }, 4),
    ] {
        let (line, script) = line_with(&[], shared(&Stop::default()).with_caps(caps, Spent::default()), 16);
        let said = Mutex::new(Vec::new());
        let note = |notice| said.lock().unwrap().push(format!("{notice:?}"));
        let ids: Vec<Arc<str>> = (0..16).map(|n| n.to_string().into()).collect();
        let request = request();
        let sends = ids.iter().map(|id| async { line.send(&request, id, line.queue().turn().await?, &note).await });
        let sent = futures::future::join_all(sends).await;
        assert_eq!(sent.iter().flatten().count(), calls, "{caps:?}");
        assert_eq!(*script.calls.lock().unwrap() as usize, calls, "{caps:?}");
        assert!(said.lock().unwrap()[0].contains("budget"));
    }
}
