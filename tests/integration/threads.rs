//! Cells that read what earlier ones answered, and scripts that score a whole case.

use serde_json::{Value, json};

use crate::project::Project;
use crate::server::{Reply, Server, answer, completion};

const CONVERSATION: &str = "
prompts:
  - '{% for turn in _conversation %}<{{turn.input}}|{{turn.output}}>{% endfor %}{{q}}'
providers:
  - {id: 'openai:m', config: {apiBaseUrl: 'URL/v1', maxRetries: 0}, max_concurrency: 8}
tests:
  - {vars: {q: one}, metadata: {conversationId: a}, assert: [{type: contains, value: reply}]}
  - {vars: {q: other}, metadata: {conversationId: b}, assert: [{type: contains, value: reply}]}
  - {vars: {q: two}, metadata: {conversationId: a}, assert: [{type: contains, value: reply}]}
  - {vars: {q: three}, metadata: {conversationId: a}, assert: [{type: contains, value: reply}]}
  - {vars: {q: alone}, metadata: {conversationId: a}, options: {disableConversationVar: true}, assert: [{type: contains, value: reply}]}
";

fn asked(body: &Value) -> String {
    body["messages"][0]["content"].as_str().unwrap_or_default().to_owned()
}

/// A server that answers `reply N` to the N-th question, in the words of the question's end.
fn echoing() -> Server {
    Server::start(|_, body| {
        let text = asked(body);
        answer(&format!("reply to {}", text.rsplit('>').next().unwrap_or_default()))
    })
}

#[test]
fn a_conversation_goes_on_in_its_order_and_others_do_not_hear_it() {
    let server = echoing();
    let project = Project::with(&CONVERSATION.replace("URL", &server.url()));
    project.run(&["run", "--no-table", "--repeat", "2", "--no-cache"]).code(0);
    let mut questions: Vec<String> = server.bodies().iter().map(asked).collect();
    questions.sort();
    let two = "<one|reply to one>two";
    let three = "<one|reply to one><<one|reply to one>two|reply to two>three";
    let mut expected: Vec<&str> = [two, three, "alone", "one", "other"].into_iter().flat_map(|q| [q, q]).collect();
    expected.sort_unstable();
    assert_eq!(questions, expected);
}

#[test]
fn what_follows_a_turn_without_an_answer_is_not_asked() {
    let server = Server::start(|_, body| match asked(body) {
        text if text.ends_with("two") => Reply::Http(400, "", "{\"error\": {\"message\": \"no\"}}".into()),
        text => answer(&format!("reply to {text}")),
    });
    let (ran, results) = Project::with(&CONVERSATION.replace("URL", &server.url())).results(&[]);
    ran.code(101);
    let errors: Vec<bool> = results.iter().map(|r| r["failureReason"] == json!(2)).collect();
    assert_eq!(errors, [false, false, true, true, false]);
    let said = results[3]["error"].as_str().unwrap();
    assert!(said.starts_with("not asked: the earlier case ") && said.ends_with(" has no answer"), "{said}");
    assert_eq!(server.requests(), 4);
}

#[test]
fn an_output_that_is_kept_is_read_by_name() {
    let project = Project::with(
        "prompts: ['{{q}}', 'please {{q}}']
providers: [echo]
tests:
  - {vars: {q: one}, options: {storeOutputAs: first, transform: 'output.toUpperCase()'}, assert: [{type: contains, value: ONE}]}
  - {vars: {q: 'after {{first}}'}, assert: [{type: contains, value: 'after {{first}}'}, {type: contains, value: ONE}, {type: javascript, value: 'output.includes(context.vars.first)'}]}
",
    );
    let (ran, results) = project.results(&[]);
    ran.code(0).never_says("which no test sets");
    let outputs: Vec<&str> = results.iter().map(|r| r["response"]["output"].as_str().unwrap()).collect();
    // Each column reads its own.
    assert_eq!(outputs, ["ONE", "PLEASE ONE", "after ONE", "please after PLEASE ONE"]);
}

#[test]
fn a_conversation_is_resumed_without_asking_again() {
    let server = echoing();
    let config = CONVERSATION.replace("URL", &server.url());
    let project = Project::with(&config);
    project.run(&["run", "--no-table"]).code(0);
    let before = server.requests();
    project.run(&["run", "--no-table", "--resume"]).code(0);
    assert_eq!(server.requests(), before);
}

#[test]
fn a_script_of_its_own_makes_the_verdict() {
    let config = "
prompts: ['{{q}}']
providers: [echo]
defaultTest:
  assertScoringFunction: '({pass: namedScores.a > 0.4, score: namedScores.a, reason: `${context.componentResults.length} parts`})'
tests:
  - {vars: {q: one}, assert: [{type: javascript, value: '0.5', metric: a}, {type: contains, value: nowhere}]}
  - {vars: {q: two}, assert: [{type: javascript, value: '0.3', metric: a}]}
  - {vars: {q: three}, assert: [{type: javascript, value: 'nothing.at.all', metric: a}]}
  - {vars: {q: four}, assertScoringFunction: 'output', assert: [{type: javascript, value: '0.5', metric: a}]}
";
    let (ran, results) = Project::with(config).results(&[]);
    ran.code(101);
    let reasons: Vec<&Value> = results.iter().map(|r| &r["failureReason"]).collect();
    assert_eq!(reasons, [&json!(0), &json!(1), &json!(2), &json!(2)]);
    assert_eq!((&results[0]["score"], &results[1]["error"]), (&json!(0.5), &json!("1 parts")));
}

#[test]
fn grading_a_conversation_waits_for_nobody_for_ever() {
    // One place at the provider, which is the grader too.
    let server = Server::start(|_, body| {
        let reply = if asked(body).contains("criterion") || body["messages"].as_array().is_some_and(|m| m.len() > 1) {
            "{\"reason\": \"so\", \"pass\": true, \"score\": 1}"
        } else {
            "fine"
        };
        Reply::Http(200, "", completion(reply))
    });
    let config = CONVERSATION
        .replace("URL", &server.url())
        .replace("max_concurrency: 8", "max_concurrency: 1")
        .replace("{type: contains, value: reply}", "{type: llm-rubric, value: fine, provider: 'openai:m'}");
    Project::with(&config).run(&["run", "--no-table"]).code(0);
}
