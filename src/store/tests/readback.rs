//! What was written, read back.

use super::*;

fn columns(hashes: &[&str]) -> Vec<Column> {
    let column = |hash: &&str| Column {
        provider: "p".into(),
        provider_id: "p:m".into(),
        label: format!("prompt {hash}").into(),
        raw: "\u{1b}{{x}}".into(),
        prompt_hash: (*hash).into(),
        name: Some("support".into()),
        version: None,
        identity: None,
    };
    hashes.iter().map(column).collect()
}

fn replayed(store: &Store, id: &str) -> Vec<Outcome> {
    let mut all = Vec::new();
    let mut keep = |outcome: Arc<Outcome>| {
        all.push((*outcome).clone());
        Ok(())
    };
    store.replay(&store.run(Some(id)).unwrap(), &mut keep).unwrap();
    all
}

#[tokio::test]
async fn a_run_is_read_back_as_it_was_written() {
    let folder = folder();
    let store = store(folder.path());
    let git = Some(Git { commit: "c0ffee".into(), dirty: true });
    let written = RunHead {
        columns: columns(&["a", "b"]),
        description: Some("d".into()),
        config: Arc::new(json!({"z": [1.5, null], "a": "é"})),
        git,
        ..head("r", 3)
    };
    let mut journal = store.begin(&written, "/full/c.yaml").unwrap();
    let unended = store.run(None).unwrap();
    assert!(unended.tail.is_none() && unended.summary.is_none() && unended.finished == 0);
    put(&mut journal, vec![Outcome { attempts: 2, ..outcome(2) }, outcome(0)], true).await;
    journal.end(tail(Ending::Interrupted), Vec::new()).await.unwrap();
    let run = store.run(Some("latest")).unwrap();
    assert_eq!(format!("{:?}", run.head), format!("{written:?}"));
    let end = run.tail.unwrap();
    assert_eq!((end.ending, end.finished_ms, end.duration_ms), (Ending::Interrupted, NOW, 1));
    assert_eq!((run.finished, end.finished, end.unrun, run.origin.as_str()), (2, 2, 1, "/full/c.yaml"));
    assert_eq!(run.summary, Some(Summary { requests: 2, tokens: 6, cost_usd: None }));
    let places: Vec<u64> = replayed(&store, "r").iter().map(|o| o.index).collect();
    assert_eq!(places, [0, 2]);
}

#[tokio::test]
async fn what_a_run_took_is_told_at_its_end_and_after_every_going_on() {
    let folder = folder();
    let store = store(folder.path());
    let paid = |index, cost| {
        let response = Response { cost: Some(cost), ..Response::default() };
        Outcome { response: Some(response), ..outcome(index) }
    };
    let recalled = Outcome { attempts: 0, ..paid(1, 9.0) };
    let mut journal = store.begin(&head("r", 4), "c.yaml").unwrap();
    put(&mut journal, vec![paid(0, 0.5), recalled], true).await;
    journal.end(tail(Ending::Budget), Vec::new()).await.unwrap();
    let summary = |store: &Store| store.run(None).unwrap().summary.unwrap();
    assert_eq!(summary(&store), Summary { requests: 1, tokens: 0, cost_usd: Some(0.5) });
    let (mut journal, kept) = store.resume(&store.find(None, "c.yaml").unwrap(), &head("r", 4)).unwrap();
    assert!((kept.spent().unwrap().cost_usd - 0.5).abs() < 1e-9);
    assert!(store.run(None).unwrap().summary.is_none());
    put(&mut journal, vec![paid(2, 0.25)], true).await;
    journal.end(tail(Ending::Complete), Vec::new()).await.unwrap();
    assert_eq!(summary(&store), Summary { requests: 2, tokens: 0, cost_usd: Some(0.75) });
    let idle = store.begin(&head("idle", 0), "c.yaml").unwrap();
    idle.end(tail(Ending::Complete), Vec::new()).await.unwrap();
    assert_eq!(summary(&store).cost_usd, Some(0.0));
}

#[tokio::test]
async fn the_newest_row_of_a_place_counts_and_no_row_beyond_the_plan() {
    let folder = folder();
    let store = store(folder.path());
    let mut journal = store.begin(&head("r", 2), "c.yaml").unwrap();
    let newer = Outcome { cell: "f".into(), status: Status::Failed, score: 0.0, ..outcome(1) };
    put(&mut journal, vec![outcome(0), outcome(1), newer, outcome(2)], true).await;
    journal.end(tail(Ending::Complete), Vec::new()).await.unwrap();
    let all = replayed(&store, "r");
    assert_eq!(all.iter().map(|o| (o.index, o.status)).collect::<Vec<_>>(), [(0, Status::Passed), (1, Status::Failed)]);
    assert_eq!(store.run(None).unwrap().finished, 2);
}

#[tokio::test]
async fn runs_are_found_by_what_their_prompts_say_and_by_their_config() {
    let folder = folder();
    let store = store(folder.path());
    for (id, hashes, ending, origin) in [
        ("r1", &["aa", "bb"][..], Ending::Complete, "/one"),
        ("r2", &["aa"], Ending::Decided, "/one"),
        ("r3", &["aa"], Ending::Interrupted, "/two"),
    ] {
        let journal = store.begin(&RunHead { columns: columns(hashes), ..head(id, 0) }, origin).unwrap();
        journal.end(tail(ending), Vec::new()).await.unwrap();
    }
    let of = |hash| store.newest_of(hash).unwrap().map(|run| run.head.id.to_string());
    assert_eq!((of("aa").as_deref(), of("bb").as_deref(), of("a")), (Some("r1"), Some("r1"), None));
    let at = |origin| store.newest_at(origin).unwrap().map(|run| run.head.id.to_string());
    assert_eq!((at("/one").as_deref(), at("/two").as_deref(), at("/")), (Some("r2"), Some("r3"), None));
    let error = |id| store.run(id).unwrap_err().message;
    assert!(error(Some("r")).contains("3 runs begin with `r`") && error(Some("x")).contains("no run `x`"));
    let empty = tempfile::tempdir().unwrap();
    assert!(self::store(empty.path()).run(None).unwrap_err().message.contains("there is no run in"));
}

#[tokio::test]
async fn decisions_are_kept_counted_by_run_and_outlive_it() {
    let folder = folder();
    let redactor = Redactor::default();
    redactor.learn("hunter22");
    let store = Store::open(folder.path(), redactor, Clock::fixed(NOW)).unwrap();
    let gate = |run: &str, decided_ms| GateLine {
        run: run.into(),
        candidate: "c".into(),
        baseline: "b".into(),
        test_set: "t".into(),
        checks: "k".into(),
        provider: "m".into(),
        results: format!("of {run}"),
        policy: "p".into(),
        decision: "closed".into(),
        rule: "says hunter22".into(),
        decided_ms,
        body: r#"{"n":1.50,"why":"hunter22"}"#.into(),
    };
    assert_eq!(store.tries(&gate("r1", 1)).unwrap(), 1);
    for line in [gate("r1", 1), gate("r1", 2), GateLine { policy: "other".into(), ..gate("r2", 3) }] {
        store.note_gate(&line).unwrap();
    }
    let tries = |gate| store.tries(&gate).unwrap();
    assert_eq!([tries(gate("r1", 9)), tries(gate("r2", 9)), tries(gate("r3", 9))], [2, 2, 3]);
    assert_eq!(tries(GateLine { results: "of r1".into(), ..gate("r3", 9) }), 2, "the same results again");
    for other in
        [GateLine { checks: "other".into(), ..gate("r3", 9) }, GateLine { provider: "other".into(), ..gate("r3", 9) }]
    {
        assert_eq!(tries(other), 1);
    }
    let journal = store.begin(&head("r1", 0), "c.yaml").unwrap();
    journal.end(tail(Ending::Complete), Vec::new()).await.unwrap();
    assert_eq!(store.history(1).unwrap()[0].gates.len(), 2);
    assert_eq!(store.prune(0).unwrap().gone, ["r1"]);
    let kept = store.gates_of("r1").unwrap();
    assert_eq!(kept.iter().map(|line| line.decided_ms).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((kept[0].rule.as_str(), kept[0].body.contains("hunter")), ("says [redacted]", false));
}

#[tokio::test]
async fn a_store_that_nobody_writes_is_read_without_a_log() {
    let folder = folder();
    let place = folder.path().join("odd %41 #?name");
    let written = store(&place);
    let still = || Store::still(&place, Redactor::default(), Clock::fixed(NOW));
    let mut journal = written.begin(&head("r", 1), "c.yaml").unwrap();
    assert!(still().is_none(), "a log that is not empty was overlooked");
    put(&mut journal, vec![outcome(0)], true).await;
    journal.end(tail(Ending::Complete), Vec::new()).await.unwrap();
    let store = still().unwrap();
    assert_eq!(replayed(&store, "r").len(), 1);
    assert_eq!(store.clear_cache().unwrap_err().trouble, Trouble::ReadOnly);
    assert!(!place.join("prompteval.db-wal").exists());
}

fn any_output() -> impl Strategy<Value = Output> {
    prop_oneof![
        ".{0,20}".prop_map(Output::Text),
        ".{0,9}".prop_map(|text| Output::Json(text.into())),
        any::<f64>().prop_map(|n| Output::Json(json!({"n": n, "list": [null, true]}))),
    ]
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    let answer = (any_output(), any::<bool>(), proptest::option::of(0.0f64..9.0));
    (0_u64..3, 0_usize..2, 0_u32..3, ".{0,9}", proptest::option::of(answer), -1.0f64..2.0).prop_map(
        |(row, column, repeat, text, answer, score)| {
            let failure = CallFailure { status: Some(503), ..CallFailure::new(Reason::Server, &*text) }.hint("wait");
            let failure = answer.is_none().then_some(failure);
            let response =
                answer.map(|(output, cached, cost)| Response { output, cost, cached, ..Response::default() });
            let base = outcome(row);
            let verdict = crate::record::Verdict {
                kind: "not-contains".into(),
                mark: crate::record::Mark::Fail,
                score,
                reason: text.clone(),
                metric: Some(text.clone()),
                weight: score + 1.5,
                expected: None,
                threshold: Some(score / 3.0),
                at: base.case.at.clone(),
                depth: 1,
            };
            let named = vec![(text.clone(), score)];
            let status = if failure.is_some() { Status::Errored } else { Status::Failed };
            let prompt = text.into();
            Outcome { column, repeat, failure, response, score, named, verdicts: vec![verdict], status, prompt, ..base }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_outcome_is_read_back_as_it_was_written(outcomes in proptest::collection::vec(any_outcome(), 1..6)) {
        let folder = folder();
        let store = store(folder.path());
        let written: Vec<Outcome> =
            outcomes.into_iter().zip(0..).map(|(outcome, index)| Outcome { index, ..outcome }).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut journal = store.begin(&head("r", 9), "c.yaml").unwrap();
            put(&mut journal, written.clone(), true).await;
        });
        prop_assert_eq!(format!("{:?}", replayed(&store, "r")), format!("{written:?}"));
    }
}
