//! Better or only different, and may it ship: comparing and deciding with the real binary.

use serde_json::Value;

use crate::project::{Project, Ran};
use crate::server::{Server, answer};

/// So many cases; the old prompt fails the first `fixed` of them, the new one the last `broken`.
fn suite(cases: usize, fixed: usize, broken: usize, gate: &str) -> Project {
    let tests: String = (0..cases).map(|n| format!("  - {{id: c{n}, vars: {{x: 'q{n}.'}}}}\n")).collect();
    let rule = |prompt: &str, n: usize| format!("[{{contains: '{prompt} q{n}.', output: 'no, not at all'}}]");
    let rules = (0..fixed).map(|n| rule("old", n)).chain((cases - broken..cases).map(|n| rule("new", n)));
    let rules: Vec<String> = rules.map(|rule| rule.trim_matches(['[', ']']).to_owned()).collect();
    Project::with(&format!(
        "prompts: [{{raw: 'old {{{{x}}}}', label: old}}, {{raw: 'new {{{{x}}}}', label: new}}]\n\
         providers: [{{id: mock, config: {{rules: [{}], default: {{output: 'yes, it is ok', latency_ms: 40}}}}}}]\n\
         defaultTest: {{assert: [{{type: contains, value: ok, metric: fit}}]}}\n{gate}\ntests:\n{tests}",
        rules.join(", ")
    ))
}

/// The same at a server, and with another second prompt.
fn at(server: &Server, suite: &Project, prompt: &str) -> Project {
    let config = suite.read("evalconfig.yaml");
    let start = config.find("providers:").unwrap();
    let end = start + config[start..].find('\n').unwrap();
    let provider =
        format!("providers: [{{id: 'openai:m', max_concurrency: 2, config: {{apiBaseUrl: '{}'}}}}]", server.url());
    Project::with(&config.replace(&config[start..end], &provider).replace("'new ", &format!("'{prompt} ")))
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {}", ran.out))
}

#[test]
fn the_gate_alone_decides_between_0_and_102() {
    let gate = "gate: {max_regression: 0.1}";
    let ran = suite(60, 2, 1, gate).run(&["run"]);
    ran.code(0).says("gate open").says("60 cases: 2 fixed, 1 broken").says("PROMOTE.").says("broken  x: q59.");
    suite(60, 0, 12, gate).run(&["run"]).code(102).says("closed: regression").says("REGRESSION.");
    suite(60, 4, 6, gate).run(&["run"]).code(102).says("not enough evidence").says("NOT SHOWN.");
    suite(60, 0, 12, gate).run(&["run", "--no-gate"]).code(100).never_says("gate");
    suite(60, 0, 0, "").run(&["run", "--gate"]).code(0).says("gate open");
}

#[test]
fn a_suite_that_is_too_small_is_refused_before_the_first_request() {
    let ran = suite(40, 0, 0, "gate: {}").run(&["run"]);
    ran.code(2)
        .says("40 cases cannot open this gate even if nothing changes: 52 are needed")
        .says("nothing was requested");
    suite(40, 0, 0, "gate: {min_cases: 50, max_regression: 0.2}")
        .run(&["run"])
        .code(2)
        .says("40 cases, and min_cases asks for 50");
    suite(60, 0, 0, "gate: {}").run(&["run", "-n", "55"]).code(2).says("the gate judges the whole suite");
    suite(60, 0, 0, "gate: {}")
        .run(&["run", "--filter-prompts", "new"])
        .code(2)
        .says("a filter leaves the baseline out");
    suite(60, 0, 0, "gate: {must_pass: [c3, c99]}").run(&["validate"]).code(2).says("`c99`, and no test is called so");
    suite(60, 0, 0, "gate: {max_regresion: 0.1}").run(&["validate"]).code(2).says("did you mean `max_regression`");
    suite(60, 0, 0, "gate: {max_regression: 0}").run(&["validate"]).code(2).says("must be more than 0");
    suite(60, 0, 0, "gate: {metrics: {latency: {}}}").run(&["validate"]).code(2).says("`latency` needs `max_increase`");
}

#[test]
fn a_stored_run_is_decided_about_again_and_the_decision_is_complete() {
    let project = suite(60, 2, 1, "gate: {max_regression: 0.1, metrics: {fit: {}}}");
    project.run(&["run", "-q"]).code(0);
    let ran = project.run(&["gate", "--format", "json"]);
    let found = json(&ran);
    assert_eq!((ran.code, &found["decision"], &found["rule"]), (0, &"promote".into(), &"max_regression".into()));
    for hash in ["test_set", "assertions", "baseline_prompt", "candidate_prompt"] {
        assert!(found["hashes"][hash].as_str().is_some_and(|hash| hash.len() >= 32), "{hash} in {found}");
    }
    assert_eq!((&found["attempt"], &found["candidate"]["prompt"]), (&1.into(), &"new".into()));
    let metrics: Vec<_> = found["comparison"]["metrics"].as_array().unwrap().iter().map(|m| &m["name"]).collect();
    assert_eq!(metrics[..2], ["pass", "score"]);
    let strict = "max_regression: 0.02\nmin_cases: 10\n";
    let project = project.file("strict.yaml", strict);
    let ran = project.run(&["gate", "--policy", "strict.yaml"]);
    ran.code(2).says("133 are needed");
    project.run(&["history", "show"]).code(0).says("promote").says("new against old");
}

#[test]
fn a_baseline_of_another_run_serves_when_it_judged_the_same() {
    let project = suite(60, 3, 1, "");
    project.run(&["run", "-q", "--filter-prompts", "old", "-o", "old.json", "-o", "old.jsonl"]).code(100);
    let gate = ["run", "--filter-prompts", "new", "--gate", "--baseline"];
    for word in ["latest", "old.json", "old.jsonl"] {
        let ran = project.run(&[&gate[..], &[word]].concat()).code(0);
        let ran = ran.says("60 cases: 3 fixed, 1 broken").says("gate open").says("new against old");
        ran.says("- no, not at all").says("+ yes, it is ok");
        // The newest run is the candidate's now.
        project.run(&["run", "-q", "--filter-prompts", "old"]).code(100);
    }
    let report = project.read("old.json");
    let other = project.file("evalconfig.yaml", &suite(61, 3, 1, "").read("evalconfig.yaml")).file("old.json", &report);
    let ran = other.run(&[&gate[..], &["old.json"]].concat());
    ran.code(2).says("judged other cases: 60 there, 61 here");
    other.run(&[&gate[..], &["gone.json"]].concat()).code(2).says("cannot read `gone.json`");
    other.run(&[&gate[..], &["nobody"]].concat()).code(2).says("nobody");
}

#[test]
fn without_a_baseline_only_absolute_rules_decide_and_that_is_said() {
    let alone = |gate: &str| {
        let config = suite(60, 0, 5, gate).read("evalconfig.yaml").replace("{raw: 'old {{x}}', label: old}, ", "");
        Project::with(&config).run(&["run"])
    };
    alone("gate: {}").code(2).says("nothing to hold the candidate against").says("min_pass_rate");
    alone("gate: {min_pass_rate: 0.9}").code(0).says("absolute rules only").says("pass rate 91.7 %");
    alone("gate: {min_pass_rate: 0.95}").code(102).says("pass rate 91.7 %; at least 95 % asked");
    alone("gate: {min_pass_rate: 0.5, must_pass: [c59]}").code(102).says("must pass, and does not: c59");
}

#[test]
fn it_stops_when_the_rest_cannot_change_the_decision() {
    let server = Server::start(|_, body| {
        let text = body["messages"][0]["content"].as_str().unwrap_or_default().to_owned();
        answer(if text.contains("bad") { "no" } else { "ok" })
    });
    let project = |prompt: &str| at(&server, &suite(120, 0, 0, "gate: {max_regression: 0.2}"), prompt);
    let same = project("new");
    let ran = same.run(&["run", "--early-stop", "--no-table", "--no-cache"]).code(0);
    ran.says("gate open").says("decided after").says("the same even if all").says("not run");
    assert!(server.requests() < 240, "{} requests", server.requests());
    same.run(&["gate"]).code(102).says("the run was stopped early");
    let before = server.requests();
    let worse = project("bad").run(&["run", "--early-stop", "--no-table"]);
    worse.code(102).says("closed: it can no longer open").says("the same even if all").says("not run");
    assert!(server.requests() - before < 200, "{} requests", server.requests() - before);
    suite(60, 2, 1, "gate: {max_regression: 0.1}").run(&["run", "--early-stop"]).code(0).says("gate open");
}

#[test]
fn two_runs_are_compared_in_every_format() {
    let project = suite(60, 8, 0, "");
    project.run(&["run", "-q", "-o", "both.json"]).code(100);
    let found = json(&project.run(&["compare", "latest#old", "latest#new", "--format", "json"]).code(0));
    let pass = &found["metrics"][0];
    assert_eq!((&found["schema"], &found["n_paired"], &pass["name"]), (&1.into(), &60.into(), &"pass".into()));
    assert_eq!((pass["fixed"].as_array().unwrap().len(), &pass["verdict"]), (8, &"better".into()));
    assert_eq!(pass["scale"], serde_json::json!([0.0, 1.0]));
    let same = json(&project.run(&["compare", "both.json", "--format", "json"]).code(0));
    assert_eq!(same["metrics"][0]["p"], pass["p"], "a report says what the store says");
    let mirrored = json(&project.run(&["compare", "both.json#new", "latest#old", "--format", "json"]).code(0));
    assert_eq!(mirrored["metrics"][0]["verdict"], "worse");
    project.run(&["compare", "both.json"]).code(0).says("8 fixed, 0 broken, 52 unchanged").says("Better.");
    project.run(&["compare", "both.json", "--format", "markdown"]).code(0).says("| pass |");
    project.run(&["compare", "both.json", "--format", "html"]).code(0).says("<!doctype html>");
    let report = project.read("both.json");
    let (head, rest) = report.split_once("\"results\":[").unwrap();
    let (results, tail) = rest.split_once("\n],\n\"prompts\"").unwrap();
    let mut lines: Vec<&str> = results.trim().split(",\n").collect();
    lines.sort_by_key(|line| line.len());
    let shuffled = format!("{head}\"results\":[\n{}\n],\n\"prompts\"{tail}", lines.join(",\n"));
    let project = project.file("shuffled.json", &shuffled);
    let same = json(&project.run(&["compare", "shuffled.json", "--format", "json"]).code(0));
    assert_eq!(same["metrics"][0]["p"], pass["p"], "the order of results says nothing");
    project.run(&["compare", "both.json#old"]).code(2).says("nothing to compare");
    project.run(&["compare", "both.json#nobody"]).code(2).says("no prompt `nobody`");
    project.run(&["compare", "gone", "latest"]).code(2).says("gone");
}

#[test]
fn a_case_may_fail_some_of_its_repeats() {
    let server = Server::start(|n, _| answer(if n % 3 == 1 { "no" } else { "ok" }));
    let config = format!(
        "prompts: ['{{{{x}}}}']\nproviders: [{{id: 'openai:m', max_concurrency: 1, config: {{apiBaseUrl: '{}'}}}}]\n\
         defaultTest: {{min_pass: 2, assert: [{{type: contains, value: ok}}]}}\n\
         evaluateOptions: {{repeat: 3}}\ntests: [{{vars: {{x: a}}}}, {{vars: {{x: b}}}}]\n",
        server.url()
    );
    let project = Project::with(&config);
    let ran = project.run(&["run", "--no-cache", "-o", "r.xml"]).code(0);
    ran.says("pass@3 100.0 %").says("pass^3 0.0 %").says("2 flaky cases").says("enough 2 of 3");
    assert_eq!(project.read("r.xml").matches("<flakyFailure ").count(), 2);
    assert!(!project.read("r.xml").contains("<failure "));
    let strict = Project::with(&config.replace("min_pass: 2", "min_pass: 3"));
    strict.run(&["run", "--no-cache"]).code(100).says("flaky  2 of 3");
    Project::with(&config.replace("min_pass: 2", "min_pass: 4"))
        .run(&["run"])
        .code(2)
        .says("`min_pass` asks for 4 passes");
}

#[test]
fn cells_without_a_verdict_are_never_green() {
    let server = Server::start(|_, body| {
        let text = body["messages"][0]["content"].as_str().unwrap_or_default().to_owned();
        if text.contains("new q7.") { crate::server::Reply::Http(400, "", "{}".into()) } else { answer("ok") }
    });
    let project = at(&server, &suite(60, 0, 0, "gate: {max_regression: 0.2}"), "new");
    project.run(&["run"]).code(101).says("1 case without a verdict counts");
    project.run(&["gate"]).code(101).says("1 case without a verdict counts");
}

#[test]
fn what_was_refused_does_not_pass_as_its_own_baseline() {
    let alone = |gate: &str| {
        let config = suite(60, 0, 20, gate).read("evalconfig.yaml").replace("{raw: 'old {{x}}', label: old}, ", "");
        Project::with(&config)
    };
    let project = alone("gate: {max_regression: 0.1, min_pass_rate: 0.1}");
    project.run(&["run", "-q"]).code(0);
    project.run(&["gate", "--format", "markdown"]).code(0).says("absolute rules only");
    project.run(&["run", "--baseline", "latest"]).code(102).says("baseline and candidate are the same prompt");
    project.run(&["gate", "--baseline", "latest"]).code(2).says("baseline and candidate are the same run");
    project.run(&["gate", "--baseline", "latest#new", "--candidate", "latest#new"]).code(2);
    let both = suite(60, 0, 0, "gate: {max_regression: 0.1}");
    both.run(&["run", "-q"]).code(0);
    both.run(&["gate", "--baseline", "latest", "--candidate", "latest#old"]).code(2).says("the same run");
    both.run(&["gate", "--baseline", "old", "--candidate", "latest#new"]).code(0).says("new against old");
    both.run(&["gate", "--candidate", "latest#new"]).code(0).says("new against old");
}

#[test]
fn a_run_of_something_else_decides_nothing_about_the_config() {
    let project = suite(60, 0, 0, "gate: {max_regression: 0.1}");
    project.run(&["run", "-q"]).code(0);
    project.run(&["gate"]).code(0);
    let config = project.read("evalconfig.yaml");
    let project = project.file("evalconfig.yaml", &config.replace("'new {{x}}'", "'newer {{x}}'"));
    project.run(&["gate"]).code(102).says("the prompt `new` is another one now");
    project.run(&["gate", "--candidate", "latest"]).code(0);
    let project = project.file("evalconfig.yaml", &config.replace("value: ok", "value: fine"));
    project.run(&["gate"]).code(102).says("tests or assertions are others now");
    let project = project.file("evalconfig.yaml", &config);
    project.run(&["run", "-q", "--no-gate", "-n", "55"]).code(0);
    project.run(&["gate"]).code(102).says("tests or assertions are others now");
}

#[test]
fn an_early_stop_never_opens_before_the_cases_that_must_pass() {
    let mut config =
        suite(60, 0, 1, "gate: {max_regression: 0.3, must_pass: [severity=critical]}").read("evalconfig.yaml");
    for id in ["c0,", "c59,"] {
        config = config.replace(&format!("id: {id}"), &format!("id: {id} metadata: {{severity: critical}},"));
    }
    let project = Project::with(&config);
    project.run(&["run", "--early-stop", "-j", "1", "--no-cache"]).code(102).says("must pass, and does not");
}

#[test]
fn a_rule_that_names_nothing_is_a_mistake() {
    let wrong = |gate: &str| suite(60, 0, 0, gate).run(&["validate"]).code(2);
    wrong("gate: {metrics: {fitt: {}}}").says("`fitt`, which is no metric of this suite").says("did you mean `fit`");
    wrong("gate: {require_improvement: passs}").says("`passs`, which is no metric");
    wrong("gate: {require_improvement: []}").says("names no metric");
    wrong("gate: {require_improvement: {all: [pass], any: [fit]}}").says("two lists");
}

#[test]
fn quiet_still_says_why_the_gate_is_closed() {
    let ran = suite(60, 0, 12, "gate: {max_regression: 0.1}").run(&["run", "-q"]).code(102);
    ran.says("gate closed: regression").says("REGRESSION.").never_says("broken  x:");
    suite(60, 0, 0, "gate: {}").run(&["run", "-q"]).code(0).never_says("gate");
}
