//! What a run leaves behind and what the next one makes of it: resuming, the cache, cassettes, budgets.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use serde_json::Value;

use crate::project::Project;
use crate::server::{Reply, Server, answer};

fn config(url: &str, cases: usize, more: &str) -> String {
    let tests: String = (0..cases).map(|n| format!("  - {{id: c{n}, vars: {{x: 'q{n}'}}}}\n")).collect();
    format!(
        "prompts: ['{{{{x}}}}']\nproviders:\n  - {{id: 'openai:m', config: {{apiBaseUrl: '{url}', maxRetries: 0}}}}\n\
         defaultTest: {{assert: [{{type: icontains, value: ok}}]}}\n{more}tests:\n{tests}"
    )
}

fn project(server: &Server, cases: usize) -> Project {
    Project::with(&config(&server.url(), cases, ""))
}

/// The question of a request.
fn asked(body: &Value) -> String {
    body["messages"][0]["content"].as_str().unwrap_or_default().to_owned()
}

fn store(project: &Project) -> Connection {
    Connection::open(project.path().join(".prompteval/prompteval.db")).unwrap()
}

fn column(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// A report without what differs from run to run.
fn timeless(mut report: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(map) => {
                for key in [
                    "evalId",
                    "timestamp",
                    "latencyMs",
                    "totalLatencyMs",
                    "durationMs",
                    "evaluationCreatedAt",
                    "exportedAt",
                ] {
                    map.remove(key);
                }
                map.values_mut().for_each(strip);
            }
            Value::Array(list) => list.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut report);
    report
}

/// Rounds of a run that is killed after a random number of requests and goes on; gives the rounds in
/// which each question was asked, and those after which its cell was on the disk.
struct Killing {
    asked: Arc<Mutex<BTreeMap<String, Vec<usize>>>>,
    durable: BTreeMap<String, usize>,
}

fn kill_rounds(rounds: usize, cells: usize) -> (Killing, Project) {
    let (requests, arrivals) = channel();
    let requests = Mutex::new(requests);
    let round = Arc::new(AtomicUsize::new(0));
    let asked_in = Arc::new(Mutex::new(BTreeMap::<String, Vec<usize>>::new()));
    let (now, log) = (Arc::clone(&round), Arc::clone(&asked_in));
    let server = Server::start(move |_, body| {
        let question = asked(body);
        log.lock().unwrap().entry(question.clone()).or_default().push(now.load(Ordering::SeqCst));
        let _ = requests.lock().unwrap().send(());
        answer(if question.ends_with('7') { "no" } else { "ok" })
    });
    let project = project(&server, cells);
    let mut killing = Killing { asked: asked_in, durable: BTreeMap::new() };
    for n in 0..rounds {
        round.store(n, Ordering::SeqCst);
        while arrivals.try_recv().is_ok() {}
        let resume: &[&str] = if n == 0 { &[] } else { &["--resume"] };
        let mut child = project
            .command(&[&["run", "-q", "--no-cache", "-j", "8", "-o", "r.json"], resume].concat())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let least = fastrand::usize(1..=2 * cells / rounds);
        // A run that has nothing left to ask ends by itself.
        let mut seen = 0;
        while seen < least && child.try_wait().unwrap().is_none() {
            seen += usize::from(arrivals.recv_timeout(std::time::Duration::from_millis(50)).is_ok());
        }
        let _ = child.kill();
        child.wait().unwrap();
        for question in column(&store(&project), "SELECT prompt FROM cells") {
            killing.durable.entry(question).or_insert(n);
        }
    }
    round.store(rounds, Ordering::SeqCst);
    project.run(&["run", "-q", "--no-cache", "-j", "8", "-o", "r.json", "--resume"]).code(100);
    let undisturbed = Project::with(&config(&server.url(), cells, ""));
    undisturbed.run(&["run", "-q", "-j", "8", "-o", "r.json"]).code(100);
    assert_eq!(timeless(project.json("r.json")), timeless(undisturbed.json("r.json")));
    (killing, project)
}

#[test]
fn a_hundred_kills_lose_nothing_and_pay_for_nothing_twice() {
    const CELLS: usize = 2000;
    let (killing, project) = kill_rounds(100, CELLS);
    let cells = column(&store(&project), "SELECT cell FROM cells");
    assert_eq!(cells.len(), CELLS);
    assert_eq!(cells.iter().collect::<BTreeSet<_>>().len(), CELLS);
    assert_eq!(column(&store(&project), "SELECT name FROM runs").len(), 1);
    let asked = killing.asked.lock().unwrap();
    // The undisturbed run asked once more, in the last round.
    for (question, rounds) in asked.iter() {
        let durable = killing.durable.get(question).copied().unwrap_or(100);
        let again = rounds.iter().filter(|round| **round > durable).count();
        assert_eq!(again, usize::from(durable < 100), "{question}: durable in {durable}, asked in {rounds:?}");
    }
    let twice = asked.values().map(|rounds| rounds.len() - 2).sum::<usize>();
    assert!(twice <= 100 * 16, "{twice} requests were in flight at 100 kills of a run 8 wide");
}

#[test]
fn resuming_after_an_interrupt_asks_only_for_the_rest_and_notices_changes() {
    let server = Server::start(|_, _| answer("ok"));
    let project = project(&server, 6);
    project.run(&["run", "--max-requests", "4", "-j", "1"]).code(101).says("the budget of 4 requests is used up");
    assert_eq!(server.requests(), 4);
    let ran = project.run(&["run", "--resume", "-o", "r.json"]).code(0).says("4 cells kept, 6 cells planned");
    assert!(ran.out.contains("6 cells: 6 passed"), "{}", ran.out);
    assert_eq!(server.requests(), 6);
    // One question is another, one is gone, one assertion is another.
    let changed = config(&server.url(), 5, "").replace("'q2'", "'other'").replace("value: ok", "value: ok!");
    let project = project.file("evalconfig.yaml", &changed);
    project.run(&["run", "--resume", "-o", "r.json"]).code(100).says("6 cells kept, 5 cells planned");
    assert_eq!(server.requests(), 7);
    assert_eq!(project.json("r.json")["results"]["stats"]["failures"], 5);
    assert_eq!(column(&store(&project), "SELECT status FROM cells"), ["failed"; 5]);
    project.run(&["run", "--resume", "no-such"]).code(2).says("there is no run `no-such`").says("history");
}

#[test]
fn cells_without_a_verdict_are_asked_again_when_told_so() {
    let broken = Arc::new(AtomicUsize::new(1));
    let now = Arc::clone(&broken);
    let server = Server::start(move |_, body| {
        let trouble = now.load(Ordering::SeqCst) == 1 && asked(body) == "q2";
        if trouble { Reply::Http(400, "", "{\"error\":\"no\"}".into()) } else { answer("ok") }
    });
    let project = project(&server, 4);
    project.run(&["run"]).code(101);
    broken.store(0, Ordering::SeqCst);
    project.run(&["run", "--resume"]).code(101);
    assert_eq!(server.requests(), 4);
    let (ran, results) = project.results(&["--retry-errors"]);
    ran.code(0);
    assert_eq!(server.requests(), 5);
    assert_eq!(results.len(), 4);
    assert_eq!(column(&store(&project), "SELECT status FROM cells"), ["passed"; 4]);
    project.run(&["history"]).code(0).says("complete").says("evalconfig.yaml");
}

#[test]
fn answers_are_asked_for_once_kept_and_marked() {
    let server = Server::start(|_, _| answer("ok"));
    let project = project(&server, 3);
    let (first, _) = project.results(&[]);
    first.code(0);
    let (second, results) = project.results(&[]);
    second.code(0).says("3 from the cache");
    assert_eq!(server.requests(), 3);
    for result in results {
        assert_eq!(result["response"]["cached"], true);
        assert_eq!(result["tokenUsage"]["total"], 5);
        assert_eq!(result["attempts"], 0);
    }
    project.run(&["run", "--no-cache"]).code(0);
    assert_eq!(server.requests(), 6);
    project.run(&["cache", "stats"]).code(0).says("3 answers");
    project.run(&["cache", "clear"]).code(0).says("3 answers forgotten");
    project.run(&["run", "--cache-only"]).code(101).says("no recorded answer");
    assert_eq!(server.requests(), 6);
    project.run(&["run", "--repeat", "2"]).code(0);
    assert_eq!(server.requests(), 12);
    project.run(&["history", "prune", "--keep", "1"]).code(0).says("4 runs taken out");
    project.run(&["run", "--repeat", "2", "--cache-only"]).code(0);
}

#[test]
fn errors_are_not_cached() {
    let server = Server::start(|n, _| if n == 0 { Reply::Http(400, "", "{}".into()) } else { answer("ok") });
    let project = project(&server, 1);
    project.run(&["run"]).code(101);
    project.run(&["run"]).code(0);
    assert_eq!(server.requests(), 2);
}

#[test]
fn a_question_in_flight_is_not_asked_twice() {
    let server = Server::start(|_, _| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        answer("ok")
    });
    let config = config(&server.url(), 8, "");
    let same = (0..8).fold(config, |text, n| text.replace(&format!("'q{n}'"), "same"));
    let project = Project::with(&same);
    project.run(&["run", "-j", "8"]).code(0);
    assert_eq!(server.requests(), 1);
    project.run(&["run", "-j", "8", "--no-cache"]).code(0);
    assert_eq!(server.requests(), 9);
}

#[test]
fn a_cassette_replays_without_a_key_and_without_a_server() {
    let server = Server::start(|n, _| answer(&format!("ok {n}")));
    let text = config(&server.url(), 3, "").replace("config: {", "config: {apiKeyEnvar: THE_KEY, ");
    let project = Project::with(&text).env("THE_KEY", "sk-very-secret-1");
    project.run(&["run", "--cassette", "tape.jsonl", "--no-store", "-j", "1"]).code(0);
    let tape = project.read("tape.jsonl");
    assert_eq!(tape.lines().count(), 3);
    assert!(!tape.contains("sk-very"));
    drop(server);
    let replay = Project::with(&text).file("tape.jsonl", &tape);
    let (ran, results) = replay.results(&["--cassette", "tape.jsonl", "--cache-only", "--no-store"]);
    ran.code(0);
    assert_eq!(results[2]["response"]["output"], "ok 2");
    assert_eq!(replay.read("tape.jsonl"), tape);
    let less: String = tape.lines().take(2).map(|line| format!("{line}\n")).collect();
    let replay = replay.file("tape.jsonl", &less);
    replay.run(&["run", "--cassette", "tape.jsonl", "--cache-only", "--no-store"]).code(101).says("no recorded answer");
    let replay = replay.env("THE_KEY", "sk-very-secret-1");
    replay.file("tape.jsonl", "{\"id\":1}\n").run(&["run", "--cassette", "tape.jsonl"]).code(1).says("tape.jsonl:1");
}

#[test]
fn nothing_is_kept_where_nothing_shall_be() {
    let server = Server::start(|_, _| answer("ok"));
    let project = project(&server, 1);
    project.run(&["run", "--no-store"]).code(0);
    assert!(!project.exists(".prompteval"));
    project.run(&["history"]).code(2).says("there is no store");
    project.run(&["run", "--store", "elsewhere"]).code(0);
    assert!(project.exists("elsewhere/prompteval.db") && !project.exists(".prompteval"));
    assert_eq!(project.read("elsewhere/.gitignore"), "*\n");
    project.run(&["run", "--resume", "--no-store"]).code(2);
    project.run(&["run", "--cache-only", "--no-store"]).code(2);
}

#[test]
fn a_budget_ends_the_run_and_says_what_was_not_run() {
    let server = Server::start(|_, _| answer("ok"));
    let priced = config(&server.url(), 40, "max_cost_usd: 0.01\n")
        .replace("{id: 'openai:m',", "{id: 'openai:m', price: {input: 100, output: 100},")
        .replace("maxRetries: 0", "maxRetries: 0, max_tokens: 10");
    // Five tokens an answer, at a hundredth of a cent each.
    let project = Project::with(&priced);
    let (ran, results) = project.results(&["-j", "16"]);
    ran.code(101).says("beyond the budget of $0.01").says("not run");
    let cost: f64 = results.iter().map(|r| r["cost"].as_f64().unwrap()).sum();
    assert!(cost <= 0.01 && !results.is_empty(), "{cost}");
    assert_eq!(server.requests(), results.len());
    let unpriced = Project::with(&config(&server.url(), 1, "max_cost_usd: 1\n"));
    unpriced.run(&["run"]).code(2).says("the price of `openai:m` is not known");
    Project::with(&config(&server.url(), 1, "max_requests: 0\n")).run(&["run"]).code(2);
}

#[test]
fn a_damaged_store_is_named_and_kept_aside() {
    let server = Server::start(|_, _| answer("ok"));
    let project = project(&server, 1).file(".prompteval/prompteval.db", &"no database ".repeat(1000));
    project.run(&["run"]).code(1).says("is damaged").says("kept aside as").says("hint:");
    assert_eq!(server.requests(), 0);
    let kept: Vec<String> = names(&project, ".prompteval").filter(|name| name.contains("damaged")).collect();
    assert_eq!(kept.len(), 1);
    assert!(project.read(&format!(".prompteval/{}", kept[0])).starts_with("no database"));
    project.run(&["run"]).code(0);
}

fn names(project: &Project, folder: &str) -> impl Iterator<Item = String> {
    std::fs::read_dir(project.path().join(folder)).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap())
}

#[test]
fn a_store_of_a_newer_version_is_left_alone() {
    let server = Server::start(|_, _| answer("ok"));
    let project = project(&server, 1);
    project.run(&["run"]).code(0);
    store(&project).pragma_update(None, "user_version", 9999).unwrap();
    project.run(&["run"]).code(1).says("schema 9999").says("newer prompteval");
    assert_eq!(server.requests(), 1);
}

#[cfg(unix)]
#[test]
fn a_store_that_cannot_be_written_is_found_before_the_first_request() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;

    let server = Server::start(|_, _| answer("ok"));
    let project = project(&server, 1).file(".prompteval/.gitignore", "*\n");
    let open = |mode| std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(project.path(), open(0o755)).unwrap();
    std::fs::set_permissions(project.path().join(".prompteval"), open(0o555)).unwrap();
    let mut command = project.command(&["run"]);
    // Nothing is read-only for root.
    if std::fs::metadata(project.path()).unwrap().uid() == 0 {
        command.uid(65_534);
    }
    let output = match command.output() {
        Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => {
            println!("skipped: another user may not run the binary here");
            return;
        }
        output => output.unwrap(),
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("prompteval.db") && said.contains("--no-store"), "{said}");
    assert_eq!(server.requests(), 0);
}

/// A file-size limit stands for a full disk: both refuse the next byte.
#[cfg(unix)]
#[test]
fn a_full_disk_stops_the_run_and_keeps_what_was_finished() {
    let server = Server::start(|_, _| answer(&format!("ok {}", "x".repeat(2000))));
    let project = project(&server, 300);
    let command = format!("ulimit -f 4000; exec '{}' run -j 4", env!("CARGO_BIN_EXE_prompteval"));
    let output = std::process::Command::new("sh").args(["-c", &command]).current_dir(project.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot grow") && said.contains("--resume"), "{said}");
    let before = server.requests();
    assert!(before < 300, "{before} requests although nothing could be kept");
    let kept = column(&store(&project), "SELECT cell FROM cells").len();
    assert!(kept > 10, "{kept} cells kept of {before} requests");
    project.run(&["run", "--resume"]).code(0).says(&format!("{kept} cells kept"));
    assert_eq!(server.requests() - before, 300 - kept);
}

#[test]
fn two_processes_share_a_store() {
    let server = Server::start(|_, _| answer("ok"));
    let project = project(&server, 200);
    let start =
        || project.command(&["run", "--no-cache", "-q"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let children = [start(), start(), start()];
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let counts = column(&store(&project), "SELECT CAST(COUNT(*) AS TEXT) FROM cells GROUP BY run");
    assert_eq!(counts, ["200", "200", "200"]);
}

#[test]
fn a_run_is_gone_on_with_by_one_process_at_a_time() {
    let (arrived, arrivals) = channel();
    let (release, released) = channel::<()>();
    let (arrived, released) = (Mutex::new(arrived), Mutex::new(released));
    let server = Server::start(move |_, _| {
        let _ = arrived.lock().unwrap().send(());
        let _ = released.lock().unwrap().recv();
        answer("ok")
    });
    let project = project(&server, 1);
    let mut child = project.command(&["run"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    arrivals.recv().unwrap();
    project.run(&["run", "--resume"]).code(1).says("another process is working on the run");
    drop(release);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    project.run(&["run", "--resume"]).code(0);
}

#[test]
fn a_part_of_a_run_that_is_gone_on_with_takes_nothing_from_the_rest() {
    let server = Server::start(|_, _| answer("ok"));
    let project = project(&server, 8);
    project.run(&["run", "--no-cache"]).code(0);
    project.run(&["run", "--resume", "-n", "2", "--no-cache"]).code(0);
    project.run(&["run", "--resume", "--no-cache"]).code(0);
    assert_eq!(server.requests(), 8);
    assert_eq!(column(&store(&project), "SELECT cell FROM cells").len(), 8);
}

#[test]
fn a_budget_holds_for_the_run_however_often_it_is_gone_on_with() {
    let server = Server::start(|_, _| answer("ok"));
    let project = project(&server, 10);
    project.run(&["run", "--max-requests", "4"]).code(101).says("larger budget");
    project.run(&["run", "--resume", "--max-requests", "4"]).code(101);
    assert_eq!(server.requests(), 4);
    project.run(&["run", "--resume", "--max-requests", "7"]).code(101);
    assert_eq!(server.requests(), 7);
    project.run(&["run", "--resume"]).code(0);
    assert_eq!(server.requests(), 10);
}

#[test]
fn suites_that_share_a_store_go_on_with_their_own_runs() {
    let server = Server::start(|_, _| answer("ok"));
    let shared = tempfile::tempdir().unwrap();
    let folder = shared.path().to_str().unwrap();
    let (one, other) = (project(&server, 3), project(&server, 2));
    one.run(&["run", "--store", folder]).code(0);
    other.run(&["run", "--store", folder, "--resume"]).code(2).says("there is no run of");
    other.run(&["run", "--store", folder]).code(0);
    one.run(&["run", "--store", folder, "--resume"]).code(0).says("3 cells kept, 3 cells planned");
}

#[test]
fn what_was_kept_is_on_the_cassette_too() {
    let server = Server::start(|_, _| answer("ok"));
    let project = project(&server, 4);
    project.run(&["run", "--max-requests", "2"]).code(101);
    project.run(&["run", "--resume", "--cassette", "tape.jsonl"]).code(0);
    assert_eq!((server.requests(), project.read("tape.jsonl").lines().count()), (4, 4));
    project.run(&["run", "--cassette", "missing/tape.jsonl"]).code(2).says("create it first");
}

/// Answers that were judged once are not judged by another answer to the same question later.
#[test]
fn a_cassettes_answers_stay_apart_from_the_caches() {
    let server = Server::start(|n, _| answer(if n == 0 { "ok" } else { "no" }));
    let project = project(&server, 1);
    project.run(&["run"]).code(0);
    project.run(&["run", "--cassette", "tape.jsonl"]).code(100);
    project.run(&["run", "--resume", "--cassette", "tape.jsonl"]).code(100);
    project.run(&["run"]).code(0).says("1 from the cache");
    assert_eq!(server.requests(), 2);
}

#[test]
fn absurd_headers_stall_and_break_nothing() {
    for extra in [
        "x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 10000000000000000000\r\n",
        "x-ratelimit-remaining-requests: 5\r\nx-ratelimit-limit-requests: 0\r\nx-ratelimit-reset-requests: 1795338000\r\n",
        "x-ratelimit-remaining-tokens: -1\r\nx-ratelimit-reset-tokens: 9999999h\r\n",
    ] {
        let server = Server::start(move |_, _| {
            let Reply::Http(status, _, body) = answer("ok") else { unreachable!() };
            Reply::Http(status, extra, body)
        });
        project(&server, 3).run(&["run"]).code(0);
    }
    let server = Server::start(|_, _| Reply::Http(429, "retry-after: 3600\r\n", "{}".into()));
    project(&server, 30).run(&["run", "-j", "2"]).code(101).says("429");
    assert!(server.requests() <= 30);
}

#[cfg(unix)]
#[test]
fn a_report_that_breaks_off_leaves_the_ledger_whole() {
    let server = Server::start(|_, _| answer("ok"));
    let project = project(&server, 200);
    let command = format!("'{}' run -q -j 4 -o - | head -c 10 > /dev/null", env!("CARGO_BIN_EXE_prompteval"));
    std::process::Command::new("sh").args(["-c", &command]).current_dir(project.path()).output().unwrap();
    let kept = column(&store(&project), "SELECT cell FROM cells").len();
    assert_eq!(kept, server.requests());
    project.run(&["run", "--resume"]).code(0);
    assert_eq!(server.requests(), 200);
}
