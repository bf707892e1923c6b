//! The store by itself.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use rusqlite::Connection;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::schema::{STEPS, migrate};
use super::*;
use crate::diag::Source;
use crate::env::{Clock, Redactor};
use crate::record::{
    CallFailure, CaseRef, Column, Ending, Git, Messages, Outcome, Output, Reason, RunHead, RunTail, Setback, Status,
    Usage,
};

mod readback;

const NOW: u64 = 1_795_338_000_000;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn store(folder: &Path) -> Store {
    Store::open(folder, Redactor::default(), Clock::fixed(NOW)).unwrap()
}

fn head(id: &str, cells: u64) -> RunHead {
    RunHead {
        id: id.into(),
        started_ms: NOW,
        description: None,
        columns: Vec::new(),
        cells,
        cases: cells,
        repeat: 1,
        config: Arc::new(json!({})),
        config_path: "c.yaml".into(),
        tool_version: "0".into(),
        git: None,
    }
}

fn outcome(index: u64) -> Outcome {
    let case = CaseRef {
        id: format!("case {index}").into(),
        description: None,
        vars: Arc::new(Map::new()),
        metadata: Arc::new(Map::new()),
        inputs: crate::content::Digest::default(),
        checks: crate::content::Digest::default(),
        cluster: None,
        min_pass: None,
        asserts: true,
        at: Source::new("c.yaml", "x").span().location(),
    };
    let usage = Some(Usage { total: 3, prompt: 2, completion: 1, ..Usage::default() });
    let response =
        Response { output: Output::Text(format!("answer {index}")), usage, latency_ms: Some(7), ..Response::default() };
    Outcome {
        index,
        cell: format!("{index:020x}").into(),
        request: format!("{index:032x}").into(),
        row: index,
        column: 0,
        repeat: 0,
        case: Arc::new(case),
        prompt: "question".into(),
        status: Status::Passed,
        score: 1.0,
        named: Vec::new(),
        verdicts: Vec::new(),
        response: Some(response),
        failure: None,
        attempts: 1,
        setbacks: Vec::new(),
        grading: crate::record::Spent::default(),
        asides: Vec::new(),
    }
}

fn tail(ending: Ending) -> Arc<RunTail> {
    Arc::new(RunTail { ending, finished_ms: NOW, duration_ms: 1, finished: 0, unrun: 0 })
}

async fn put(journal: &mut Journal, outcomes: Vec<Outcome>, shared: bool) {
    let count = outcomes.len();
    for outcome in outcomes {
        journal.put(Entry { outcome: Arc::new(outcome), replaces: None, response: None, shared, drafted: false });
    }
    let mut durable = 0;
    while durable < count {
        durable += journal.durable().await.unwrap().len();
    }
}

fn request() -> Request {
    Request {
        text: "question".into(),
        messages: Messages::User,
        vars: Arc::new(Map::new()),
        parameters: Arc::new(Map::new()),
    }
}

#[test]
fn a_store_of_any_older_version_becomes_the_newest() {
    for version in 0..=STEPS.len() {
        let folder = folder();
        let file = folder.path().join("prompteval.db");
        let old = Connection::open(&file).unwrap();
        STEPS[..version].iter().for_each(|step| old.execute_batch(step).unwrap());
        old.pragma_update(None, "user_version", i64::try_from(version).unwrap()).unwrap();
        if version > 0 {
            let row = "INSERT INTO runs (name, started_ms, config_path, config, columns, cells, cases, repeats, \
                       tool_version, origin) VALUES ('old', 1, 'c.yaml', '{}', '[]', 0, 0, 1, '0', '/c.yaml')";
            old.execute_batch(row).unwrap();
        }
        drop(old);
        let newest = store(folder.path());
        let lines = newest.history(10).unwrap();
        assert_eq!(lines.len(), usize::from(version > 0), "from version {version}");
        for line in lines {
            assert_eq!((line.git, line.summary, line.gates.len()), (None, None, 0));
            assert_eq!(&*newest.run(Some("old")).unwrap().head.id, "old");
        }
        let mut now = Connection::open(&file).unwrap();
        migrate(&mut now).unwrap();
        let found: usize =
            now.pragma_query_value(None, "user_version", |row| Ok(row.get::<_, u32>(0)? as usize)).unwrap();
        assert_eq!(found, STEPS.len());
    }
}

#[tokio::test]
async fn a_run_goes_on_where_it_was_left() {
    let folder = folder();
    let store = store(folder.path());
    let mut journal = store.begin(&head("r1", 5), "c.yaml").unwrap();
    let failed = Outcome {
        response: None,
        failure: Some(CallFailure::new(Reason::Timeout, "silent")),
        status: Status::Errored,
        setbacks: vec![Setback::of(&CallFailure::new(Reason::Timeout, "silent"), 1, NOW)],
        ..outcome(1)
    };
    put(&mut journal, vec![outcome(0), failed, outcome(2)], true).await;
    drop(journal);

    let run = store.find(None, "c.yaml").unwrap();
    assert_eq!((run.name.as_str(), run.started_ms), ("r1", NOW));
    let (journal, kept) = store.resume(&run, &head("r1", 5)).unwrap();
    assert_eq!(kept.len(), 3);
    let first = kept.take(&outcome(0).cell).unwrap().unwrap();
    assert!(first.says(&outcome(0)));
    assert!(
        !first.says(&Outcome { index: 4, ..outcome(0) })
            && !first.says(&Outcome { status: Status::Failed, ..outcome(0) })
    );
    assert_eq!(first.result.unwrap().unwrap().output, Output::Text("answer 0".into()));
    assert!(kept.take(&outcome(0).cell).unwrap().is_none(), "taken twice");
    let second = kept.take(&outcome(1).cell).unwrap().unwrap();
    assert_eq!(second.result.unwrap().unwrap_err().reason, Reason::Timeout);
    assert!(kept.take(&outcome(9).cell).unwrap().is_none());
    let stale = kept.left();
    assert_eq!(stale.len(), 1);
    journal.end(tail(Ending::Complete), stale).await.unwrap();
    let line = store.history(1).unwrap().remove(0);
    assert_eq!((line.ending.as_deref(), line.passed, line.errored), (Some("complete"), 1, 1));
}

#[tokio::test]
async fn runs_are_found_by_the_beginning_of_their_id() {
    let folder = folder();
    let store = store(folder.path());
    for id in ["a-1", "a-12", "b-1"] {
        store.begin(&head(id, 0), "c.yaml").unwrap().end(tail(Ending::Complete), Vec::new()).await.unwrap();
    }
    let find = |id| store.find(id, "c.yaml").map(|run| run.name).map_err(|e| e.message);
    assert_eq!(find(Some("b")), Ok("b-1".into()));
    assert_eq!(find(Some("a-1")), Ok("a-1".into()));
    assert_eq!(find(None), Ok("b-1".into()));
    assert!(find(Some("a")).unwrap_err().contains("2 runs begin with `a`"));
    assert!(find(Some("x")).unwrap_err().contains("no run `x`"));
    assert!(store.find(None, "other.yaml").is_err());
}

#[tokio::test]
async fn structures_and_texts_come_back_as_they_were() {
    let folder = folder();
    let store = store(folder.path());
    let mut journal = store.begin(&head("r", 4), "c.yaml").unwrap();
    let outputs =
        [Output::Json("text".into()), Output::Text("\"text\"".into()), Output::Json(json!({"a": [1.0, null]}))];
    let cells = outputs.iter().zip(0..).map(|(output, index)| {
        let response = Response { output: output.clone(), reasoning: Some("so".into()), ..Response::default() };
        Outcome { response: Some(response), ..outcome(index) }
    });
    put(&mut journal, cells.collect(), true).await;
    let cache = store.cache(None).unwrap();
    for (output, index) in outputs.into_iter().zip(0..) {
        let found = cache.recall(&outcome(index).request).unwrap().unwrap();
        assert_eq!((found.output, found.reasoning.as_deref()), (output, Some("so")));
    }
}

#[tokio::test]
async fn the_cache_knows_what_is_shared_fresh_and_young() {
    let folder = folder();
    let store = store(folder.path());
    let mut journal = store.begin(&head("r", 4), "c.yaml").unwrap();
    put(&mut journal, vec![outcome(0)], true).await;
    put(&mut journal, vec![outcome(1)], false).await;
    let cache = store.cache(Some(1000)).unwrap();
    let known = |cache: &Cache, n| cache.recall(&outcome(n).request).unwrap().is_some();
    assert_eq!([known(&cache, 0), known(&cache, 1), known(&cache, 2)], [true, false, false]);
    cache.remember(&outcome(2).request, "p", &request(), &Response::default());
    assert!(known(&cache, 2));
    cache.durable(&outcome(2).request);
    assert!(!known(&cache, 2));
    let later = Store::open(folder.path(), Redactor::default(), Clock::fixed(NOW + 2000)).unwrap();
    assert!(!known(&later.cache(Some(1000)).unwrap(), 0));
    assert!(known(&later.cache(None).unwrap(), 0));
    // A clock that was set back makes nothing older.
    let earlier = Store::open(folder.path(), Redactor::default(), Clock::fixed(NOW - 9_000_000)).unwrap();
    assert!(known(&earlier.cache(Some(1000)).unwrap(), 0));
}

#[tokio::test]
async fn an_answer_with_a_secret_is_kept_without_it_and_serves_nobody() {
    let folder = folder();
    let redactor = Redactor::default();
    redactor.learn("answer 0");
    let store = Store::open(folder.path(), redactor, Clock::fixed(NOW)).unwrap();
    let mut journal = store.begin(&head("r", 1), "c.yaml").unwrap();
    put(&mut journal, vec![outcome(0)], true).await;
    drop(journal);
    assert!(store.cache(None).unwrap().recall(&outcome(0).request).unwrap().is_none());
    let run = store.find(None, "c.yaml").unwrap();
    let (_journal, kept) = store.resume(&run, &head("r", 1)).unwrap();
    assert!(kept.take(&outcome(0).cell).unwrap().unwrap().result.is_none());
}

#[tokio::test]
async fn pruning_leaves_the_newest_runs_and_the_cache() {
    let folder = folder();
    let store = store(folder.path());
    for (n, id) in ["r0", "r1", "r2"].into_iter().enumerate() {
        let mut journal = store.begin(&head(id, 1), "c.yaml").unwrap();
        put(&mut journal, vec![outcome(n as u64)], n != 1).await;
        journal.end(tail(Ending::Complete), Vec::new()).await.unwrap();
    }
    let busy = store.begin(&head("r3", 1), "c.yaml").unwrap();
    let pruned = store.prune(0).unwrap();
    assert_eq!((pruned.gone, pruned.busy), (vec!["r2".into(), "r1".into(), "r0".into()], vec!["r3".into()]));
    drop(busy);
    assert_eq!(store.cache_stats().unwrap().answers, 2);
    assert_eq!(store.clear_cache().unwrap().answers, 2);
    assert_eq!(store.cache_stats().unwrap(), CacheStats::default());
}

#[tokio::test]
async fn a_lock_that_is_held_on_is_named_and_one_that_is_released_is_waited_for() {
    let folder = folder();
    store(folder.path());
    let open = |patience| Store::open_within(folder.path(), Redactor::default(), Clock::fixed(NOW), patience).unwrap();
    let holder = Connection::open(folder.path().join("prompteval.db")).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let error = open(Duration::from_millis(20)).begin(&head("r", 1), "c.yaml").err().unwrap();
    assert_eq!(error.trouble, Trouble::Locked);
    assert!(error.message.contains("locked by another process"), "{}", error.message);
    let patient = open(Duration::from_secs(30));
    let waiting = std::thread::spawn(move || patient.begin(&head("r", 1), "c.yaml").is_ok());
    holder.execute_batch("COMMIT").unwrap();
    assert!(waiting.join().unwrap());
}

#[tokio::test]
async fn damage_found_while_writing_is_told_and_ends_the_journal() {
    let folder = folder();
    let store = store(folder.path());
    let mut journal = store.begin(&head("r", 9), "c.yaml").unwrap();
    Connection::open(store.file()).unwrap().execute_batch("DROP TABLE cells").unwrap();
    journal.put(Entry { outcome: Arc::new(outcome(0)), replaces: None, response: None, shared: false, drafted: false });
    let error = journal.durable().await.unwrap_err();
    assert!(error.message.contains("no such table"), "{}", error.message);
    assert!(journal.end(tail(Ending::Complete), Vec::new()).await.is_err());
}

#[test]
fn a_cassette_is_written_in_one_order_and_not_touched_for_nothing() {
    let folder = folder();
    let path = folder.path().join("tape.jsonl");
    let record = |ids: &[&str]| {
        let tape = Cassette::open(&path, Redactor::default()).unwrap();
        for id in ids {
            assert!(tape.recall(id).unwrap().is_none());
            tape.remember(id, "p", &request(), &Response { output: Output::Text((*id).into()), ..Response::default() });
        }
        tape.save().unwrap();
    };
    record(&["b", "c"]);
    record(&["a"]);
    let text = std::fs::read_to_string(&path).unwrap();
    let ids: Vec<Value> = text.lines().map(|l| serde_json::from_str::<Value>(l).unwrap()["id"].clone()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    let before = std::fs::metadata(&path).unwrap().modified().unwrap();
    let tape = Cassette::open(&path, Redactor::default()).unwrap();
    assert_eq!(tape.recall("b").unwrap().unwrap().output, Output::Text("b".into()));
    assert_eq!(tape.save().unwrap(), 2);
    assert_eq!(std::fs::metadata(&path).unwrap().modified().unwrap(), before);
}
