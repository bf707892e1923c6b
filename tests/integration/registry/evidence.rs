//! What a run is worth as evidence: of exactly this content, by these cases and rules, whole, and not too old.

use serde_json::Value;

use super::{CASES, draft, last_entry, live, measured, newest_run, suite, three_versions};
use crate::project::{Project, Ran};
use crate::server::{Server, answer};

fn promote(project: &Project, more: &[&str]) -> Ran {
    project.run(&[&["promote", "cs", "1.1.0", "--to", "production"], more].concat())
}

/// Refused with these words, and the log says the same.
#[track_caller]
fn refused(project: &Project, more: &[&str], says: &str) {
    let ran = promote(project, more);
    let told: String = format!("{}{}", ran.out, ran.err).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(ran.code == 102 && told.contains(says), "`{says}`, 102 of {}: {told}", ran.code);
    let entry = last_entry(project);
    assert_eq!(entry["event"], "promote.denied");
    assert!(entry["missing"].to_string().contains(says), "{entry}");
    assert!(project.read(super::LABELS).contains("production: \"1.0.0\""));
}

#[test]
fn a_run_of_another_suite_is_none() {
    let project = live();
    let policy = "labels: {production: {suite: strict.yaml}}\n";
    let project = project.file("strict.yaml", &suite(&["cs@1.0.0", "cs@1.1.0"], "").replace("value: ok", "value: o"));
    let project = project.file("prompteval.yaml", policy);
    refused(&project, &[], "by other cases or assertions than strict.yaml has now");
    promote(&project, &[]).code(102).says("prompteval run -c strict.yaml");
    project.run(&["run", "-q", "-c", "strict.yaml"]).code(0);
    promote(&project, &[]).code(0);
}

#[test]
fn a_run_of_other_cases_or_assertions_is_none() {
    let project = live();
    let config = project.read("evalconfig.yaml");
    let says = "by other cases or assertions than evalconfig.yaml has now";
    for (from, to) in [("q7.", "another"), ("value: ok", "value: O"), ("  - {id: c59, vars: {x: 'q59.'}}\n", "")] {
        project.write("evalconfig.yaml", config.replace(from, to));
        refused(&project, &[], says);
    }
    // The order of cases, their comments and their layout are no other cases.
    project.write("evalconfig.yaml", config.replace("tests:\n", "# the cases\ntests:\n\n"));
    promote(&project, &["--dry-run"]).code(0);
    // A newer run of other cases does not hide the one that counts.
    project.write("evalconfig.yaml", config.replace("q7.", "another"));
    project.run(&["run", "-q"]).code(0);
    project.write("evalconfig.yaml", config);
    promote(&project, &[]).code(0);
}

#[test]
fn part_of_the_cases_is_not_the_suite() {
    let project = live();
    let config = project.read("evalconfig.yaml");
    super::release(&project, "cs", "1.3.0", "newer {{x}}");
    project.write("evalconfig.yaml", config.replace("cs@1.1.0", "cs@1.3.0"));
    project.run(&["run", "-q", "--no-gate", "-n", "40"]).code(0);
    let ran = project.run(&["promote", "cs", "1.3.0", "--to", "production"]).code(102);
    ran.says("by other cases or assertions");
}

#[test]
fn a_run_under_other_rules_has_to_be_decided_about_again() {
    let project = live();
    project.write(
        "evalconfig.yaml",
        project.read("evalconfig.yaml").replace("max_regression: 0.1", "max_regression: 0.2"),
    );
    refused(&project, &[], "was decided about by other rules than those of production now");
    let run = newest_run(&project);
    promote(&project, &[]).code(102).says(&format!("prompteval gate --candidate {run} -c evalconfig.yaml"));
    project.run(&["gate", "--candidate", &run, "-c", "evalconfig.yaml"]).code(0);
    promote(&project, &[]).code(0);
}

#[test]
fn rules_of_a_file_count_instead_of_the_suites() {
    let project = live().file("strict.yaml", "max_regression: 0.1\nmin_pass_rate: 0.99\n");
    let project = project.file("prompteval.yaml", "labels: {production: {gate: strict.yaml}}\n");
    refused(&project, &[], "by other rules than those of production now");
    let run = newest_run(&project);
    promote(&project, &[]).code(102).says("--policy strict.yaml");
    project.run(&["gate", "--candidate", &run, "-c", "evalconfig.yaml", "--policy", "strict.yaml"]).code(0);
    promote(&project, &[]).code(0);
}

#[test]
fn a_run_that_no_gate_decided_about_is_not_enough() {
    let project = three_versions().file("evalconfig.yaml", &suite(&["cs@1.0.0", "cs@1.1.0"], ""));
    project.run(&["run", "-q", "--no-gate"]).code(0);
    project.run(&["promote", "cs", "1.0.0", "--to", "production"]).code(0);
    refused(&project, &[], "no gate decided about cs@1.1.0 in the run");
    project.run(&["gate", "--candidate", &newest_run(&project), "-c", "evalconfig.yaml"]).code(0);
    promote(&project, &[]).code(0);
}

#[test]
fn a_run_that_did_not_end_is_none() {
    let server = Server::start(|_, _| answer("no"));
    let config = suite(&["cs@1.2.0"], "").replace("{max_regression: 0.1}", "{min_pass_rate: 0.9}");
    let start = config.find("providers:").unwrap();
    let end = start + config[start..].find('\n').unwrap();
    let provider =
        format!("providers: [{{id: 'openai:m', max_concurrency: 1, config: {{apiBaseUrl: '{}'}}}}]", server.url());
    let project = three_versions().file("evalconfig.yaml", &config.replace(&config[start..end], &provider));
    project.run(&["run", "-q", "--early-stop"]).code(102);
    assert!(server.requests() < CASES, "{} requests", server.requests());
    let promote = |more: &[&str]| project.run(&[&["promote", "cs", "1.2.0", "--to", "production"], more].concat());
    promote(&[]).code(102).says("no stored run has the content of cs@1.2.0");
    let run = newest_run(&project);
    promote(&["--evidence", &run]).code(102).says("did not come to its end").says(&format!("of {CASES} cells"));
}

#[test]
fn cells_without_a_verdict_are_no_passes() {
    let project = live();
    let broken = "rules: [{contains: 'new q7.', error: {status: 400}}, ";
    project.write("evalconfig.yaml", project.read("evalconfig.yaml").replace("rules: [", broken));
    project.run(&["run", "-q"]).code(101);
    let run = newest_run(&project);
    refused(&project, &["--evidence", &run], "1 cell");
    promote(&project, &[]).code(102).says("no verdict").says(&format!("--resume {run} --retry-errors"));
}

/// The project's report, changed.
fn edited(project: &Project, change: &dyn Fn(&mut Value)) {
    let mut report = project.json("r.json");
    change(&mut report);
    project.write("r.json", report.to_string());
}

/// 1.0.0 is live, and there is a report of it and 1.1.0.
fn reported() -> Project {
    let project = live();
    project.run(&["run", "-q", "-o", "r.json"]).code(0);
    project
}

#[test]
fn a_report_is_evidence_and_its_hash_is_kept() {
    let project = reported();
    std::fs::remove_dir_all(project.path().join(".prompteval")).unwrap();
    refused(&project, &[], "no stored run has the content of cs@1.1.0");
    promote(&project, &["--evidence", "r.json"]).code(0).says("decided anew against 1.0.0");
    let hash = &last_entry(&project)["evidence"]["report_sha256"];
    assert_eq!(hash.as_str().map(str::len), Some(64));
    promote(&project, &["--evidence", "gone.json"]).code(0).says("points to 1.1.0 already");
}

#[test]
fn a_report_that_is_too_old_or_from_the_future_is_none() {
    let project = reported().file("prompteval.yaml", "labels: {production: {max_age: 7d}}\n");
    let at = |time: &str| {
        let time = time.to_owned();
        edited(&project, &move |report| report["results"]["timestamp"] = time.clone().into());
    };
    at("2020-01-01T00:00:00.000Z");
    refused(&project, &["--evidence", "r.json"], "days old, and production allows 7.0 days");
    at("2120-01-01T00:00:00.000Z");
    refused(&project, &["--evidence", "r.json"], "which is yet to come");
}

#[test]
fn a_run_of_other_content_is_none() {
    let project = measured();
    project.run(&["promote", "cs", "1.0.0", "--to", "production"]).code(0);
    let run = newest_run(&project);
    let other = |version: &str| project.run(&["promote", "cs", version, "--to", "production", "--evidence", &run]);
    other("1.2.0").code(102).says("did not ask cs@1.2.0: no prompt in it has its content");
    // The draft that was tested is what counts, not the name it had.
    draft(&project, "cs", "newest {{x}}");
    project.write("evalconfig.yaml", suite(&["cs@1.0.0", "cs@draft"], ""));
    project.run(&["run", "-q"]).code(0);
    project.run(&["prompt", "release", "cs", "1.3.0", "-m", "as tested"]).code(0);
    project.run(&["promote", "cs", "1.3.0", "--to", "production"]).code(0);
    promote(&project, &["--evidence", "gone.json"]).code(2).says("gone.json");
    promote(&project, &["--evidence", "nobody"]).code(2).says("nobody");
}

#[test]
fn every_provider_of_the_suite_has_to_be_asked() {
    let project = live();
    let two = project
        .read("evalconfig.yaml")
        .replace("providers: [", "providers: [{id: 'mock:b', config: {default: {output: ok}}}, ");
    project.write("evalconfig.yaml", two);
    refused(&project, &[], "did not ask cs@1.1.0 at mock:b");
    project.run(&["run", "-q"]).code(0);
    promote(&project, &[]).code(0);
    assert_eq!(last_entry(&project)["evidence"]["providers"], serde_json::json!(["mock:b", "mock"]));
}
