//! What stored runs say together: `trend`, `history flaky`, `prompt show`.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::project::{Project, Ran};
use crate::server::{Server, answer};

/// Two versions; the older passes one case of two.
const SUITE: &str = "
prompts: ['registry://greet@1.9.0', 'registry://greet@1.10.0', {id: 'plain {{x}}', label: \"<b>\\e[31m\"}]
providers:
  - id: mock
    label: demo
    config: {rules: [{contains: old 2, output: no}], default: {output: ok, cost: 0.25, latency_ms: 7}}
defaultTest: {assert: [{type: contains, value: ok, metric: tone}]}
tests: [{id: one, vars: {x: 1}}, {id: two, vars: {x: 2}}]
";

fn project() -> Project {
    let version = |version: &str, text: &str| {
        format!("version: '{version}'\nsystem_prompt: be kind\nuser_prompt: '{text} {{{{x}}}}'\n")
    };
    Project::with(SUITE)
        .file("prompts/greet/1.9.0.yaml", &version("1.9.0", "old"))
        .file("prompts/greet/1.10.0.yaml", &version("1.10.0", "new"))
}

fn json(ran: Ran) -> Value {
    serde_json::from_str(&ran.code(0).out).unwrap()
}

fn at_root(store: &Path, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prompteval"));
    command.args(args).arg("--store").arg(store).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.env_clear().env("COLUMNS", "80").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_example_has_a_trend_that_fits_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().join("r.json");
    for _ in 0..2 {
        at_root(dir.path(), &["run", "-q", "-c", "evalconfig.example.yaml", "-o", report.to_str().unwrap()]);
    }
    let said = at_root(dir.path(), &["trend", "customer_support"]);
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");
    for words in ["2.0.0  demo-model  content ", ", 2 runs", "90.6 % [81.0, 95.6] → 90.6 % [81.0, 95.6]", "  ██\n"]
    {
        assert!(said.contains(words), "`{words}` is not said:\n{said}");
    }
    let all: Value =
        serde_json::from_str(&at_root(dir.path(), &["trend", "customer_support", "--format", "json"])).unwrap();
    let points = all["points"].as_array().unwrap();
    assert_eq!((&all["schema"], points.len(), &points[0]["n"]), (&1.into(), 4, &64.into()));
    assert_eq!((&points[0]["value"], &points[0]["version"]), (&0.90625.into(), &"2.0.0".into()));
    let shown = at_root(dir.path(), &["prompt", "show", "customer_support", "--registry", "fixtures/prompts"]);
    assert!(shown.contains("98.4 % [91.7, 99.7]") && shown.contains("85%"), "{shown}");
}

#[test]
fn versions_come_in_their_order_and_runs_in_theirs() {
    let project = project();
    project.run(&["run"]).code(100);
    project.run(&["run", "--max-requests", "1", "--no-cache"]);
    project.run(&["run"]).code(100);
    let ran = project.run(&["trend", "greet"]).code(0).says("50.0 % [9.5, 90.5]").says("1.10.0  demo").says("█");
    assert!(ran.out.find("1.9.0  demo") < ran.out.find("1.10.0  demo"), "{}", ran.out);
    // A run that did not come to its end is none.
    let points = json(project.run(&["trend", "greet", "--metric", "tone", "--format", "json"]))["points"].clone();
    assert_eq!((points.as_array().unwrap().len(), &points[0]["value"]), (4, &0.5.into()));
    let newest = json(project.run(&["trend", "greet", "-n", "1", "--format", "json"]))["points"].clone();
    assert_eq!((newest.as_array().unwrap().len(), &newest[0]["run"]), (2, &points[2]["run"]));
    let cost = json(project.run(&["trend", "greet", "--metric", "cost", "--format", "json"]));
    assert_eq!((&cost["points"][1]["value"], &cost["points"][1]["status"]), (&0.25.into(), &"no_variation".into()));
    assert_eq!(cost["points"][1]["ci"], Value::Null);
}

#[test]
fn a_trend_is_written_for_spreadsheets_and_as_a_chart() {
    let project = project();
    project.run(&["run"]).code(100);
    let csv = project.run(&["trend", "greet", "--format", "csv"]).code(0).out;
    assert!(csv.starts_with("time,run,label,version,hash,provider,n,errored,value,low,high,status\n"), "{csv}");
    assert!(csv.contains(",greet@1.9.0,1.9.0,") && csv.contains(",demo,2,0,0.5,"), "{csv}");
    let hostile = "<b>\u{1b}[31m";
    let svg = project.run(&["trend", hostile, "--format", "svg"]).code(0).never_says("\u{1b}").never_says("<b>").out;
    assert!(svg.starts_with("<svg ") && svg.contains("<title>&lt;b&gt;\u{fffd}[31m · demo</title>"), "{svg}");
}

#[test]
fn what_has_no_trend_is_said() {
    let project = project();
    project.run(&["trend", "greet"]).code(2).says("there is no store");
    project.run(&["run"]).code(100);
    project.run(&["trend", "gret"]).code(2).says("no finished run has a prompt `gret`").says("did you mean `greet`?");
    let ran = project.run(&["trend", "greet", "--metric", "tune"]).code(2);
    ran.says("there is no metric `tune` in the runs of `greet`").says("did you mean `tone`?").says("latency");
}

#[test]
fn cases_that_do_both_are_named_with_their_place() {
    let project = project();
    project.run(&["history", "flaky"]).code(2).says("there is no store");
    project.run(&["run", "--repeat", "2"]).code(100);
    // The mock says always the same.
    project
        .run(&["history", "flaky"])
        .code(0)
        .says("no case passed sometimes")
        .says("12 verdicts on new answers in 1 run");
    let server = Server::start(|n, body| {
        let wavers = body.to_string().contains("wavers");
        answer(if wavers && n % 2 == 0 { "no" } else { "ok" })
    });
    let config = format!(
        "prompts: ['{{{{x}}}}']\nproviders:\n  - {{id: 'openai:m', label: loop, config: {{apiBaseUrl: '{}', maxRetries: 0}}}}\n\
         defaultTest: {{assert: [{{type: contains, value: ok}}]}}\ntests:\n  - {{id: one, vars: {{x: wavers}}}}\n  \
         - {{id: two, description: \"always\\e[2J\", vars: {{x: stays}}}}\n",
        server.url()
    );
    let project = Project::with(&config);
    project.run(&["run", "--repeat", "4", "-j", "1"]).code(100);
    // Recalled answers are not looked at again.
    project.run(&["run", "--repeat", "4", "-j", "1"]).code(100);
    let ran = project.run(&["history", "flaky"]).code(0).never_says("always");
    ran.says("1 case passed sometimes and failed sometimes: 8 verdicts on new answers in 2 runs")
        .says("x: wavers")
        .says("2 of 4")
        .says("evalconfig.yaml:6:5");
    let told = json(project.run(&["history", "flaky", "-n", "2", "--format", "json"]));
    let case = &told["cases"][0];
    assert_eq!((&told["observations"], &case["id"], &case["runs"]), (&8.into(), &"one".into(), &1.into()));
    assert_eq!((&case["passed"], &case["observed"], &case["provider"]), (&2.into(), &4.into(), &"loop".into()));
}

#[test]
fn a_prompt_is_shown_with_what_was_declared_and_measured() {
    let project = project();
    let draft = "version: '1.10.0'\nauthor: \"Kim\\e[2J\"\nsystem_prompt: be kind\nuser_prompt: 'new {{x}}'\n\
        performance: {tone: 4.50, csat: 85%}\nvariations: [{id: brief, description: short, performance: {pass_rate: 90%}}]\n";
    let project = project.file("prompts/greet.yaml", draft);
    let ran = project.run(&["prompt", "show", "greet"]).code(0).says("no runs are stored").never_says("\u{1b}");
    ran.says("greet@1.10.0  draft")
        .says("4.50")
        .says("85%")
        .says("be kind")
        .says("variables     x")
        .says("never measured");
    project.run(&["run", "--filter-prompts", "1.9.0", "--no-cache"]).code(100);
    project.run(&["prompt", "show", "greet@draft"]).code(0).says("this content has never been run");
    project.run(&["run"]).code(100);
    let ran = project.run(&["prompt", "show", "greet"]).code(0).never_says("never been run");
    ran.says("tone").says("1.000 [0.342, 1.000]").says("100.0 % [34.2, 100.0]").says("never measured").says("brief");
    let old = project.run(&["prompt", "show", "greet@1.9.0"]).code(0).never_says("draft");
    old.says("50.0 % [9.5, 90.5]").says("prompts/greet/1.9.0.yaml");
    let told = json(project.run(&["prompt", "show", "greet", "--format", "json"]));
    assert_eq!(
        (&told["draft"], &told["performance"]["tone"], &told["everRun"]),
        (&true.into(), &"4.50".into(), &true.into())
    );
    let tone = told["measured"].as_array().unwrap().iter().find(|row| row["figure"] == "tone").unwrap();
    assert_eq!((&tone["measured"][0]["value"], &tone["measured"][0]["n"]), (&1.0.into(), &2.into()));
    assert_eq!(told["measured"].as_array().unwrap().iter().filter(|row| row["measured"][0].is_null()).count(), 1);
}

#[test]
fn a_prompt_that_is_none_is_said() {
    let project = project().file("elsewhere/other.yaml", "version: '1.0.0'\nsystem_prompt: a\n");
    project
        .run(&["prompt", "show", "gret"])
        .code(2)
        .says("no released versions of prompt `gret`")
        .says("did you mean `greet`?");
    project.run(&["prompt", "show", "greet@3.0.0"]).code(2).says("has no version `3.0.0`").says("1.9.0, 1.10.0");
    project.run(&["prompt", "show", "../greet"]).code(2).says("is no name of a prompt").says("NAME@VERSION");
    // Without a draft the newest version is shown.
    project.run(&["prompt", "show", "greet"]).code(0).says("greet@1.10.0").says("new {{x}}");
    project.run(&["prompt", "show", "other", "--registry", "elsewhere"]).code(0).says("other@1.0.0  draft");
    let other = Project::with("registry: '{{env.PLACE}}'").file("lib/p.yaml", "version: '1.0.0'\nsystem_prompt: a\n");
    other.env("PLACE", "lib").run(&["prompt", "show", "p"]).code(0).says("lib/p.yaml").says("the case's `input`");
}
