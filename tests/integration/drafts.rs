//! Answers that wait for their graders, when the run stops meanwhile.

use std::process::Stdio;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::project::Project;
use crate::server::{Server, answer};

const GOOD: &str = "{\"reason\": \"so\", \"pass\": true, \"score\": 1}";

/// A suite whose answers are graded twice, by a grader that is another line.
fn project(server: &Server, cases: usize, more: &str) -> Project {
    let tests: String = (0..cases).map(|n| format!("  - {{vars: {{x: 'q{n}'}}}}\n")).collect();
    let url = server.url();
    let config = format!(
        "prompts: ['{{{{x}}}}']\n\
         providers: [{{id: 'openai:m', max_concurrency: 4, config: {{apiBaseUrl: '{url}', apiKeyEnvar: KEY, maxRetries: 0}}}}]\n\
         defaultTest:\n  \
           options: {{provider: {{id: 'openai:judge', max_concurrency: 2, config: {{apiBaseUrl: '{url}', apiKeyEnvar: KEY}}}}}}\n  \
           assert: [{{type: llm-rubric, value: one}}, {{type: llm-rubric, value: two}}{more}]\n\
         tests:\n{tests}"
    );
    Project::with(&config).env("KEY", "planted-0123456789")
}

fn is_judge(body: &Value) -> bool {
    body["model"] == "judge"
}

fn count(project: &Project, sql: &str) -> usize {
    let store = Connection::open(project.path().join(".prompteval/prompteval.db")).unwrap();
    let found: u32 = store.query_row(sql, [], |row| row.get(0)).unwrap();
    found as usize
}

#[test]
fn killed_runs_pay_neither_for_answers_nor_for_graders_twice() {
    const CELLS: usize = 40;
    const KILLS: usize = 8;
    let (arrived, arrivals) = channel();
    let arrived = Mutex::new(arrived);
    let server = Server::start(move |_, body| {
        let _ = arrived.lock().unwrap().send(());
        answer(if is_judge(body) { GOOD } else { body["messages"][0]["content"].as_str().unwrap() })
    });
    let project = project(&server, CELLS, "");
    for n in 0..KILLS {
        while arrivals.try_recv().is_ok() {}
        let resume: &[&str] = if n == 0 { &[] } else { &["--resume"] };
        let mut child = project
            .command(&[&["run", "-q", "--no-cache"], resume].concat())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut seen = 0;
        while seen < 9 && child.try_wait().unwrap().is_none() {
            seen += usize::from(arrivals.recv_timeout(Duration::from_millis(50)).is_ok());
        }
        let _ = child.kill();
        child.wait().unwrap();
    }
    let paid = count(&project, "SELECT (SELECT COUNT(*) FROM cells) + (SELECT COUNT(*) FROM drafts)")
        + count(&project, "SELECT COUNT(DISTINCT question) FROM responses");
    assert!(paid > 0);
    // Another key tells the requests of this go from those that were in flight at the last kill.
    let project = project.env("KEY", "the-last-0123456789");
    project.run(&["run", "-q", "--no-cache", "--resume", "-o", "r.json"]).code(0);
    let report = project.json("r.json");
    assert_eq!(report["results"]["stats"]["successes"], CELLS);
    // What was in flight at a kill is asked again; what was in the ledger is not.
    let last = server.heads().iter().filter(|head| head.contains("the-last")).count();
    assert_eq!(last, 3 * CELLS - paid);
    assert_eq!(count(&project, "SELECT COUNT(*) FROM drafts"), 0);
}

#[test]
fn an_interrupt_leaves_what_waits_for_graders_to_the_next_go() {
    let (arrived, arrivals) = channel();
    let (release, released) = channel::<()>();
    let (arrived, released) = (Mutex::new(arrived), Mutex::new(released));
    let server = Server::start(move |_, body| {
        if !is_judge(body) {
            return answer(body["messages"][0]["content"].as_str().unwrap());
        }
        let _ = arrived.lock().unwrap().send(());
        let _ = released.lock().unwrap().recv();
        answer(GOOD)
    });
    let project = project(&server, 6, "");
    let child = project.command(&["run", "--no-table", "--no-cache", "-o", "r.json"]);
    let mut child = { child }.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    arrivals.recv().unwrap();
    arrivals.recv().unwrap();
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    // The two that are asked may finish; nobody else is.
    drop(release);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let stats = project.json("r.json")["results"]["stats"].clone();
    assert_eq!((&stats["errors"], &stats["failures"]), (&json!(0), &json!(0)), "{stats}");
    let before = server.bodies().iter().filter(|body| !is_judge(body)).count();
    project.run(&["run", "--no-table", "--no-cache", "--resume", "-o", "r.json"]).code(0);
    assert_eq!(project.json("r.json")["results"]["stats"]["successes"], 6);
    let answers = server.bodies().iter().filter(|body| !is_judge(body)).count();
    assert!(answers <= 6 && before <= answers, "{answers} requests for 6 answers");
    assert!(server.bodies().iter().filter(|body| is_judge(body)).count() <= 12);
}

#[test]
fn a_contest_that_was_not_held_is_held_by_the_next_go() {
    let server = Server::start(|_, body| answer(if is_judge(body) { "0" } else { "fine" }));
    let project = project(&server, 2, "").file(
        "contest.yaml",
        &format!(
            "prompts: ['a {{{{x}}}}', 'b {{{{x}}}}']\n\
             providers: [{{id: 'openai:m', config: {{apiBaseUrl: '{0}', apiKeyEnvar: KEY}}}}]\n\
             defaultTest: {{options: {{provider: {{id: 'openai:judge', config: {{apiBaseUrl: '{0}', apiKeyEnvar: KEY}}}}}}}}\n\
             tests: [{{vars: {{x: q}}, assert: [{{type: select-best, value: the best}}]}}]\n",
            server.url()
        ),
    );
    let stopped =
        project.run(&["run", "-c", "contest.yaml", "--no-table", "--no-cache", "--max-requests", "2", "-o", "r.json"]);
    stopped.code(101);
    let stats = project.json("r.json")["results"]["stats"].clone();
    assert_eq!((&stats["errors"], &stats["unrun"]), (&json!(0), &json!(2)), "{stats}");
    project
        .run(&[
            "run",
            "-c",
            "contest.yaml",
            "--no-table",
            "--no-cache",
            "--resume",
            "--max-requests",
            "9",
            "-o",
            "r.json",
        ])
        .code(100);
    assert_eq!(server.requests(), 3);
}
