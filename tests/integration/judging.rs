//! Graders of every temper: what their replies come to, and the exit codes.

use serde_json::{Value, json};

use crate::project::Project;
use crate::server::{Reply, Server, answer, completion};

const SUITE: &str = "
prompts: ['say {{x}}']
providers: [echo]
defaultTest:
  options:
    provider: {id: 'openai:judge', config: {apiBaseUrl: 'URL/v1', apiKeyEnvar: JUDGE_KEY, maxRetries: 0}}
tests:
  - {vars: {x: hi}, assert: [ASSERT]}
";
const RUBRIC: &str = "{type: llm-rubric, value: 'greets {{x}}'}";

fn project(server: &Server, assertion: &str) -> Project {
    let config = SUITE.replace("URL", &server.url()).replace("ASSERT", assertion);
    Project::with(&config).env("JUDGE_KEY", "judge-planted-0123456789")
}

/// A grader that gives these replies one after the other.
fn grader(replies: &'static [&'static str]) -> Server {
    Server::start(move |n, _| answer(replies[n.min(replies.len() - 1)]))
}

#[test]
fn replies_come_to_verdicts_and_exit_codes() {
    const GOOD: &str = "{\"reason\": \"so\", \"pass\": true, \"score\": 0.9}";
    const BAD: &str = "{\"reason\": \"no\", \"pass\": false, \"score\": 0.1}";
    let table: &[(&str, &'static [&'static str], i32, usize)] = &[
        (RUBRIC, &[GOOD], 0, 1),
        (RUBRIC, &[BAD], 100, 1),
        (RUBRIC, &["```json\n{\"pass\": true, \"score\": 1}\n```"], 0, 1),
        (RUBRIC, &["Well {now}: {\"pass\": true, \"score\": 1} – so be it."], 0, 1),
        (RUBRIC, &["{pass: true, score: 1, reason: 'bare'}"], 0, 1),
        // Asked once more, with what is wrong.
        (RUBRIC, &["{\"pass\": tr", GOOD], 0, 2),
        (RUBRIC, &["", BAD], 100, 2),
        (RUBRIC, &["I like it.", GOOD], 0, 2),
        (RUBRIC, &["{\"pass\": \"maybe\", \"score\": 1}", GOOD], 0, 2),
        (RUBRIC, &["{\"score\": 1}", GOOD], 0, 2),
        (RUBRIC, &["{\"pass\": true, \"score\": 7}", GOOD], 0, 2),
        // Twice is no verdict, whatever stands before or beside the kind.
        (RUBRIC, &["{\"pass\": tr"], 101, 2),
        (RUBRIC, &[""], 101, 2),
        ("{type: not-llm-rubric, value: x}", &["nonsense"], 101, 2),
        ("{type: llm-rubric, value: x, weight: 0}", &["nonsense"], 101, 2),
        // A pass without a score is none, and a threshold counts.
        (RUBRIC, &["{\"pass\": true, \"score\": 0}"], 100, 1),
        ("{type: llm-rubric, value: x, threshold: 0.8}", &["{\"pass\": true, \"score\": 0.5}"], 100, 1),
        ("{type: llm-rubric, value: x, threshold: 0.8}", &["{\"score\": 0.9}"], 0, 1),
        ("{type: not-llm-rubric, value: x}", &[BAD], 0, 1),
        ("{type: factuality, value: x}", &["{\"category\": \"C\"}"], 0, 1),
        ("{type: factuality, value: x}", &["(D)"], 100, 1),
        ("{type: factuality, value: x}", &["(A) or (B)"], 101, 2),
        ("{type: model-graded-closedqa, value: x}", &["thinking\nY"], 0, 1),
        ("{type: model-graded-closedqa, value: x}", &["maybe"], 101, 2),
        ("{type: g-eval, value: x}", &["{\"steps\": [\"read\"]}", "{\"reason\": \"so\", \"score\": 8}"], 0, 2),
        ("{type: g-eval, value: x}", &["{\"steps\": [\"read\"]}", "{\"reason\": \"so\", \"score\": 3}"], 100, 2),
    ];
    for (assertion, replies, code, requests) in table {
        let server = grader(replies);
        let ran = project(&server, assertion).run(&["run", "--no-table", "--no-store"]);
        assert_eq!(
            (ran.code, server.requests()),
            (*code, *requests),
            "{assertion} {replies:?}\n{}{}",
            ran.out,
            ran.err
        );
    }
}

#[test]
fn the_second_question_holds_the_reply_and_what_is_wrong() {
    let server = grader(&["I like it.", "{\"pass\": true, \"score\": 1}"]);
    project(&server, RUBRIC).run(&["run", "--no-table"]).code(0);
    let messages = server.bodies()[1]["messages"].as_array().unwrap().clone();
    let said = messages.last().unwrap()["content"].as_str().unwrap();
    assert_eq!(messages[messages.len() - 2], json!({"role": "assistant", "content": "I like it."}));
    assert!(said.starts_with("This reply cannot be used: it holds no JSON.") && said.contains("\"score\""), "{said}");
}

#[test]
fn a_grader_that_fails_gives_no_verdict() {
    for (status, body) in [(500, "boom"), (401, "{\"error\": {\"message\": \"bad key\"}}"), (400, "{}")] {
        let server = Server::start(move |_, _| Reply::Http(status, "", body.to_owned()));
        let (ran, results) = project(&server, RUBRIC).results(&[]);
        ran.code(101).never_says("judge-planted");
        let said = results[0]["error"].as_str().unwrap();
        assert!(said.starts_with("the grader `openai:judge` gave no answer: "), "{said}");
        assert_eq!(said.contains("JUDGE_KEY"), status == 401, "{said}");
    }
    let server = grader(&[""]);
    let config = SUITE.replace("URL", "http://127.0.0.1:9").replace("ASSERT", RUBRIC);
    drop(server);
    Project::with(&config).env("JUDGE_KEY", "judge-planted-0123456789").run(&["run", "--no-table"]).code(101);
}

#[test]
fn a_shape_is_asked_for_until_the_endpoint_refuses_it() {
    let server = Server::start(|_, body| {
        if body.get("response_format").is_some() {
            return Reply::Http(400, "", "{\"error\": {\"message\": \"unknown response_format\"}}".into());
        }
        answer("{\"pass\": true, \"score\": 1}")
    });
    let both = format!("{RUBRIC}, {{type: llm-rubric, value: is short}}");
    let config = SUITE.replace("maxRetries: 0}", "maxRetries: 0}, max_concurrency: 1");
    let config = config.replace("URL", &server.url()).replace("ASSERT", &both);
    let project = Project::with(&config).env("JUDGE_KEY", "judge-planted-0123456789");
    project.run(&["run", "--no-table"]).code(0);
    let shaped = server.bodies().iter().filter(|body| body.get("response_format").is_some()).count();
    assert!((1..=2).contains(&shaped) && server.requests() == 2 + shaped, "{shaped} of {}", server.requests());
    assert_eq!(
        server.bodies()[0]["response_format"]["json_schema"]["schema"]["required"],
        json!(["reason", "pass", "score"])
    );
}

#[test]
fn what_was_asked_once_is_not_asked_again() {
    let server = grader(&["{\"pass\": true, \"score\": 1}"]);
    let project = project(&server, RUBRIC);
    project.run(&["run", "--no-table"]).code(0);
    project.run(&["run", "--no-table"]).code(0);
    assert_eq!(server.requests(), 1);
    project.run(&["run", "--no-table", "--no-cache"]).code(0);
    assert_eq!(server.requests(), 2);
}

#[test]
fn what_grading_took_is_shown_apart_and_counts_for_the_budget() {
    let server = grader(&["{\"pass\": true, \"score\": 1}"]);
    let project = project(&server, RUBRIC);
    let (ran, results) = project.results(&[]);
    ran.code(0).says("graders: 1 request · ");
    let grading = &results[0]["gradingResult"];
    assert!(grading["tokensUsed"]["total"].as_u64().unwrap() > 0, "{grading}");
    assert_eq!((&grading["spent"]["requests"], &results[0]["tokenUsage"]["total"]), (&json!(1), &json!(0)));
    project.run(&["run", "--no-table", "--no-cache", "--max-requests", "2"]).code(0);
    let two =
        SUITE.replace("URL", &server.url()).replace("ASSERT", &format!("{RUBRIC}, {{type: llm-rubric, value: y}}"));
    let two = Project::with(&two).env("JUDGE_KEY", "judge-planted-0123456789");
    two.run(&["run", "--no-table", "--no-cache", "--max-requests", "2"]).code(101);
    two.run(&["run", "--no-table", "--no-cache", "--resume", "--max-requests", "9"]).code(0);
}

#[test]
fn the_best_of_all_answers_passes() {
    let server = Server::start(|_, body| {
        let text = body["messages"][0]["content"].as_str().unwrap();
        let best = text.split("index=\"").skip(1).find(|part| part.contains("please")).unwrap();
        Reply::Http(200, "", completion(&format!("number {}", best.split('"').next().unwrap())))
    });
    let config = SUITE
        .replace("prompts: ['say {{x}}']", "prompts: ['say {{x}}', 'please say {{x}}', 'now']")
        .replace("URL", &server.url())
        .replace(
            "ASSERT",
            "{type: select-best, value: the politest}, {type: contains, value: say, weight: 0}, {type: max-score}",
        );
    let (ran, results) = Project::with(&config).env("JUDGE_KEY", "judge-planted-0123456789").results(&[]);
    ran.code(100);
    let passes = |at: usize| -> Vec<&Value> {
        results.iter().map(|r| &r["gradingResult"]["componentResults"][at]["pass"]).collect()
    };
    assert_eq!(passes(0), [&json!(false), &json!(true), &json!(false)]);
    assert_eq!(passes(2), [&json!(true), &json!(true), &json!(false)]);
    assert_eq!(server.requests(), 1);
    let alone = config.replace(", 'please say {{x}}', 'now'", "");
    Project::with(&alone)
        .env("JUDGE_KEY", "k-0123456789")
        .run(&["run"])
        .code(2)
        .says("holds answers against each other");
}

#[test]
fn a_reply_that_could_not_be_used_is_asked_for_again() {
    let server = Server::start(|n, _| answer(if n < 2 { "nonsense" } else { "{\"pass\": true, \"score\": 1}" }));
    let project = project(&server, RUBRIC);
    project.run(&["run", "--no-table"]).code(101);
    project.run(&["run", "--no-table", "--resume", "--retry-errors"]).code(0);
    assert_eq!(server.requests(), 3);
}

#[test]
fn a_context_is_found_in_what_the_provider_gave() {
    let server = Server::start(|_, body| {
        let text = body["messages"][0]["content"].as_str().unwrap();
        answer(if text.contains("Paris is the capital") { "{\"sentences\": [{\"attributed\": true}]}" } else { "no" })
    });
    let config = SUITE
        .replace("'say {{x}}'", "'{\"answer\": \"Paris\", \"context\": \"Paris is the capital.\"}'")
        .replace("[echo]", "[{id: echo, transform: 'JSON.parse(output)'}]")
        .replace("  options:\n", "  options:\n    transform: output.answer\n")
        .replace("URL", &server.url())
        .replace(
            "ASSERT",
            "{type: equals, value: Paris}, {type: context-recall, value: so, contextTransform: output.context, threshold: 0.9}",
        );
    Project::with(&config).env("JUDGE_KEY", "judge-planted-0123456789").run(&["run", "--no-table"]).code(0);
}
