//! Stored runs, shown again: `report`, `history`, `history show`.

use std::path::Path;
use std::process::Command;

use rusqlite::Connection;
use serde_json::Value;

use crate::project::{Project, Ran};
use crate::server::{Reply, Server, answer};

fn store(project: &Project) -> Connection {
    Connection::open(project.path().join(".prompteval/prompteval.db")).unwrap()
}

/// Two prompts by a mock that knows one answer; one cell of four fails.
const SUITE: &str = "
description: \"two \\e[31mprompts\"
prompts: [{id: 'a {{x}}', label: first}, {id: 'b {{x}}', label: second}]
providers:
  - id: mock
    label: demo
    config: {rules: [{contains: b 2, output: no}], default: {output: ok, cost: 0.25, latency_ms: 7, usage: {prompt: 3, completion: 2}}}
defaultTest: {assert: [{type: contains, value: ok}]}
tests: [{vars: {x: 1}}, {vars: {x: 2}}]
";

#[test]
fn a_report_of_the_example_is_what_the_run_wrote_and_said() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let at_root = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_prompteval"));
        command.args(args).args(["--store", &path("store")]).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
        let output = command.env_clear().env("COLUMNS", "100").output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let outputs = |prefix: &str| ["r.json", "r.jsonl", "r.junit.xml"].map(|name| path(&format!("{prefix}{name}")));
    let [json, jsonl, junit] = outputs("run-");
    let (code, said) = at_root(&["run", "-c", "evalconfig.example.yaml", "-o", &json, "-o", &jsonl, "-o", &junit]);
    assert_eq!(code, 0, "{said}");
    let [again_json, again_jsonl, again_junit] = outputs("again-");
    let (code, nothing) = at_root(&["report", "-o", &again_json, "-o", &again_jsonl, "-o", &again_junit]);
    assert_eq!((code, nothing.as_str()), (0, ""));
    for (run, again) in [(json, again_json), (jsonl, again_jsonl), (junit, again_junit)] {
        assert!(std::fs::read(&run).unwrap() == std::fs::read(&again).unwrap(), "{again} differs from {run}");
    }
    let (code, said_again) = at_root(&["report"]);
    // The gate decided once; `history show` has its word.
    let without_gate = |said: &str| {
        let decided =
            |line: &&str| line.starts_with("gate ") || line.starts_with("  holds ") || line.starts_with("          ");
        said.lines().filter(|line| !line.is_empty() && !decided(line)).map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(said.contains("\ngate open"), "{said}");
    assert_eq!(code, 0);
    assert!(without_gate(&said_again) == without_gate(&said), "{said_again}");
}

#[test]
fn failures_caches_structures_and_secrets_come_back_as_they_were_reported() {
    let server = Server::start(|n, body| match body["messages"][0]["content"].as_str() {
        Some("q0") => Reply::Http(400, "", "{\"error\":{\"message\":\"sk-very-secret-1 is bad\"}}".into()),
        Some("q1") => answer("ok sk-very-secret-1"),
        _ => answer(&format!("{{\\\"n\\\": {n}.50}}")),
    });
    let config = format!(
        "prompts: ['{{{{x}}}}']\nproviders:\n  - id: 'openai:m'\n    config: {{apiKeyEnvar: THE_KEY, apiBaseUrl: '{}', \
         maxRetries: 0}}\ndefaultTest: {{assert: [{{type: contains, value: ok, metric: m}}]}}\ntests:\n  \
         - {{vars: {{x: q0}}}}\n  - {{vars: {{x: q1}}}}\n  - {{vars: {{x: q2}}, metadata: {{k: [1.50, null]}}}}\n",
        server.url()
    );
    let project = Project::with(&config).env("THE_KEY", "sk-very-secret-1");
    for _ in 0..2 {
        project.run(&["run", "--repeat", "2", "-o", "run.json", "-o", "run.junit.xml"]).code(101);
        project
            .run(&["report", "latest", "-o", "again.json", "-o", "again.junit.xml"])
            .code(0)
            .says("wrote again.json");
        assert_eq!(project.read("again.json"), project.read("run.json"));
        assert_eq!(project.read("again.junit.xml"), project.read("run.junit.xml"));
    }
    assert!(project.read("again.json").contains("ok [redacted]"));
    // What was cleaned once needs no key to stay clean.
    let keyless = project.command(&["report", "-o", "keyless.json"]).env_remove("THE_KEY").output().unwrap();
    assert_eq!(keyless.status.code(), Some(0));
    assert_eq!(project.read("keyless.json"), project.read("run.json"));
}

#[test]
fn a_run_that_was_killed_is_shown_as_interrupted() {
    let project = Project::with(SUITE);
    project.run(&["run"]).code(100);
    let end = "UPDATE runs SET ending = NULL, finished_ms = NULL, duration_ms = NULL, summary = NULL";
    store(&project).execute_batch(&format!("{end}; DELETE FROM cells WHERE place = 3")).unwrap();
    project
        .run(&["report"])
        .code(0)
        .says("was broken off: 3 of 4 cells are finished")
        .says("--resume")
        .says("1 not run");
    let ran = project.run(&["report", "-o", "-", "-q"]).code(0);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["metadata"]["ending"], "interrupted");
    assert_eq!(report["results"]["stats"]["unrun"], 1);
    project.run(&["history", "show"]).code(0).says("broken off, 3 of 4 cells finished").says("--resume");
    let line = &json(project.run(&["history", "--format", "json"]))[0];
    assert_eq!((&line["ending"], &line["costUsd"], &line["unrun"]), (&Value::Null, &Value::Null, &1.into()));
    project.run(&["run", "--resume"]).code(100);
    assert_eq!(json(project.run(&["history", "--format", "json"]))[0]["costUsd"], 0.75);
}

#[test]
fn what_cannot_be_reported_is_said() {
    let project = Project::with(SUITE);
    project.run(&["report"]).code(2).says("there is no store").says("hint:");
    project.run(&["run"]).code(100);
    project.run(&["report", "nope"]).code(2).says("there is no run `nope`").says("prompteval history");
    project.run(&["history", "show", "nope"]).code(2).says("there is no run `nope`");
    project.run(&["report", "-o", "r.toml"]).code(2).says("names no report format");
    project.run(&["report", "-o", "r.json", "-o", "r.json"]).code(2).says("named twice");
    project.run(&["report", "-o", "no/r.json"]).code(2).says("mkdir");
    project.run(&["report", "--no-table"]).code(0).says("4 cells: 3 passed, 1 failed").never_says("│");
    project.run(&["history", "prune", "--keep", "0"]).code(0);
    project.run(&["report"]).code(2).says("there is no run in");
}

fn json(ran: Ran) -> Value {
    serde_json::from_str(&ran.code(0).out).unwrap()
}

fn note_gate(project: &Project, decision: &str, rule: &str) {
    let hashes = "SELECT name, '#0', '#1', 't', 'k', 'm', name, 'p', ?1, ?2, 1795338000000, '{\"pairs\": 2}' FROM runs ORDER BY id DESC LIMIT 1";
    let report = json(project.run(&["history", "--format", "json"]));
    let hash = |n: usize| report[0]["prompts"][n]["contentHash"].as_str().unwrap().to_owned();
    let select = hashes.replace("#0", &hash(1)).replace("#1", &hash(0));
    let into =
        "run, candidate, baseline, test_set, checks, provider, results, policy, decision, rule, decided_ms, body";
    store(project).execute(&format!("INSERT INTO gates ({into}) {select}"), [decision, rule]).unwrap();
}

#[test]
fn history_fits_every_terminal_and_says_most_in_a_wide_one() {
    let project = Project::with(SUITE);
    project.run(&["run"]).code(100);
    project.run(&["run", "-n", "1", "--max-requests", "1", "--no-cache"]).code(101);
    note_gate(&project, "closed", "max_regression");
    let history = |columns: &str| {
        let output = project.command(&["history"]).env("COLUMNS", columns).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    for columns in [40, 60, 80, 100, 120, 160, 200] {
        let said = history(&columns.to_string());
        assert_eq!(said.lines().count(), 3, "{said}");
        assert!(said.lines().all(|line| line.chars().count() <= columns), "{columns}:\n{said}");
    }
    let wide = history("200");
    let words =
        ["when (UTC)", "git", "evalconfig.yaml", "75.0 % [30.1, 95.4]", "no verdict", "$0.7500", "closed", "budget"];
    assert!(words.iter().all(|word| wide.contains(word)), "{wide}");
    assert!(history("80").contains("budget") && !history("80").contains("evalconfig"), "{}", history("80"));
    Project::with(SUITE).file(".prompteval/.gitignore", "*").run(&["history"]).code(2);
}

#[test]
fn one_run_is_told_in_full() {
    let project = Project::with(SUITE);
    project.run(&["run"]).code(100);
    note_gate(&project, "closed", "max_regression\u{1b}[2J");
    let ran = project.run(&["history", "show"]).code(0).never_says("\u{1b}");
    let ran = ran.says("two \u{fffd}[31mprompts").says("first").says("2 of 2 passed · 100.0 % [34.2 %, 100.0 %]");
    let ran = ran.says("content ").says("$0.5000").says("latency p50 7").says("complete, 4 of 4 cells finished");
    ran.says("closed  second against first at m, the only try").says("max_regression").says("prompteval report ");
    let told = json(project.run(&["history", "show", "latest", "--format", "json"]).never_says("\u{1b}"));
    assert_eq!((&told["passed"], &told["failed"], &told["gates"][0]["tries"]), (&3.into(), &1.into(), &1.into()));
    assert_eq!(told["gates"][0]["body"]["pairs"], 2);
    let second = &told["columns"][1];
    assert_eq!((&second["prompt"]["label"], &second["passRate"]["value"]), (&"second".into(), &0.5.into()));
    assert_eq!((&second["latencyMs"]["p95"], &second["costUsd"]), (&7.into(), &0.25.into()));
    assert_eq!(told["costUsd"], 0.75);
    let hash = second["prompt"]["contentHash"].as_str().unwrap();
    project.run(&["history", "show"]).code(0).says(&hash[..12]);
}

#[test]
fn a_run_knows_the_commit_of_its_config() {
    let project = Project::with(SUITE).file("sub/evalconfig.yaml", SUITE);
    let git = |args: &[&str]| {
        let identity = ["-c", "user.name=n", "-c", "user.email=e@example.invalid", "-c", "commit.gpgsign=false"];
        let mut command = Command::new("git");
        command.args(identity).args(args).current_dir(project.path().join("sub"));
        command.output().is_ok_and(|output| output.status.success())
    };
    if !git(&["init", "-q"]) {
        println!("skipped: there is no git here");
        return;
    }
    let state = || json(project.run(&["history", "show", "--format", "json"]))["git"].clone();
    project.run(&["run", "-c", "sub"]).code(100);
    assert_eq!(state(), Value::Null);
    assert!(git(&["add", "evalconfig.yaml"]) && git(&["commit", "-q", "-m", "m"]));
    project.run(&["run", "-c", "sub"]).code(100);
    assert_eq!((state()["commit"].as_str().unwrap().len(), &state()["dirty"]), (40, &false.into()));
    let project = &project;
    std::fs::write(project.path().join("sub/evalconfig.yaml"), format!("{SUITE}\n# more\n")).unwrap();
    project.run(&["run", "--config", "sub/evalconfig.yaml"]).code(100);
    assert_eq!(state()["dirty"], true);
    let commit = state()["commit"].as_str().unwrap()[..7].to_owned();
    let output = project.command(&["history"]).env("COLUMNS", "200").output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains(&format!("{commit}*")));
}

#[cfg(unix)]
#[test]
fn a_store_that_cannot_be_written_can_be_read() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;

    let project = Project::with(SUITE);
    project.run(&["run"]).code(100);
    let rights = |name: &str, mode| {
        std::fs::set_permissions(project.path().join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    rights(".", 0o755);
    rights(".prompteval", 0o555);
    let read = |args: &[&str]| {
        let mut command = project.command(args);
        // Nothing is read-only for root.
        if std::fs::metadata(project.path()).unwrap().uid() == 0 {
            command.uid(65_534);
        }
        command.output()
    };
    for args in [&["history"][..], &["history", "show"], &["report"]] {
        match read(args) {
            Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => {
                println!("skipped: another user may not run the binary here");
            }
            output => assert_eq!(output.unwrap().status.code(), Some(0), "{args:?}"),
        }
    }
    rights(".prompteval", 0o755);
}
