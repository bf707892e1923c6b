//! The way back, and what was live when.

use serde_json::Value;

use super::{LABELS, LOG, entries, json, last_entry, live, release, shelf, suite, ungated};
use crate::project::Project;

/// Three versions of `cs` that were live under `staging`, the last still is.
fn thrice() -> Project {
    let project = ungated();
    project.run(&["promote", "cs", "1.2.0", "--to", "staging"]).code(0);
    project
}

fn back(project: &Project) -> crate::project::Ran {
    project.run(&["rollback", "staging", "-m", "it is rude"])
}

#[test]
fn every_step_goes_further_back_until_nothing_is_left() {
    let project = thrice();
    back(&project).code(0).says("rolled back cs staging: 1.2.0 → 1.1.0").says("cs@1.2.0 is withdrawn");
    back(&project).code(0).says("1.1.0 → 1.0.0").says("checkpoint {");
    let log = project.read(LOG);
    back(&project).code(2).says("pointed to nothing before 1.0.0 that it could go back to").says("label history");
    assert_eq!(project.read(LOG), log);
    let labels = project.read(LABELS);
    assert!(labels.contains("staging: \"1.0.0\"") && labels.contains("withdrawn: [\"1.1.0\", \"1.2.0\"]"), "{labels}");
    let entry = last_entry(&project);
    assert_eq!((&entry["event"], &entry["reason"]), (&"rollback".into(), &"it is rude".into()));
    project.run(&["audit", "verify"]).code(0);
    project.run(&["audit", "log"]).code(0).says("rollback cs staging 1.1.0 → 1.0.0");
}

#[test]
fn a_rollback_says_why_and_may_skip_steps() {
    let project = thrice();
    project.run(&["rollback", "staging"]).code(2).says("--reason");
    project.run(&["rollback", "staging", "-m", "  "]).code(2).says("has to say why");
    let to = |version: &str| project.run(&["rollback", "staging", "-m", "x", "--to", version]);
    to("9.9.9").code(2).says("cannot go back to 9.9.9: it was never live").says("label history staging cs");
    to("1.2.0").code(2).says("it is live");
    to("latest").code(2).says("is no version");
    to("v1.0.0").code(0).says("1.2.0 → 1.0.0");
    to("1.2.0").code(2).says("it is withdrawn");
    // What was skipped was never withdrawn, and was live before.
    to("1.1.0").code(0);
}

#[test]
fn a_withdrawn_version_comes_back_by_a_newer_run_that_passes() {
    let project = live();
    let promote = || project.run(&["promote", "cs", "1.1.0", "--to", "production"]);
    promote().code(0);
    project.run(&["rollback", "production", "-m", "it is rude"]).code(0);
    let ran = promote().code(102);
    ran.says("cs@1.1.0 was withdrawn at")
        .says("(it is rude)")
        .says("is older")
        .says("prompteval run -c evalconfig.yaml");
    assert_eq!(last_entry(&project)["event"], "promote.denied");
    project.run(&["prompt", "list"]).code(0).says("withdrawn");
    project.run(&["run", "-q"]).code(0);
    promote().code(0);
    assert!(!project.read(LABELS).contains("withdrawn"));
    project.run(&["audit", "verify"]).code(0);
}

#[test]
fn several_prompts_under_one_label_are_to_be_named() {
    let project = thrice();
    for version in ["1.0.0", "1.1.0"] {
        release(&project, "dd", version, &format!("{version} {{{{x}}}}"));
        project.run(&["promote", "dd", version, "--to", "staging"]).code(0);
    }
    let ran = back(&project).code(2);
    ran.says("2 prompts have the label staging").says("of cs, dd").says("prompteval rollback NAME --label staging");
    project.run(&["rollback", "dd", "-m", "x"]).code(2).says("dd has no label production");
    project.run(&["rollback", "nobody", "-m", "x"]).code(2).says("is no prompt, and no label");
    project.run(&["rollback", "dd", "nobody", "-m", "x"]).code(2).says("there is no prompt `nobody`");
    project.run(&["rollback", "dd", "cs", "dd", "--label", "staging", "-m", "both"]).code(0);
    let entry = last_entry(&project);
    assert_eq!((&entry["prompt"], &entry["also"][0]["prompt"]), (&"cs".into(), &"dd".into()));
    // Where one of them cannot go back, none does.
    let before = project.read(LABELS);
    project.run(&["rollback", "cs", "dd", "--label", "staging", "-m", "both"]).code(2).says("staging of dd");
    assert_eq!(project.read(LABELS), before);
}

#[test]
fn it_needs_no_config_no_store_no_key_and_no_model() {
    let project = live();
    project.run(&["promote", "cs", "1.1.0", "--to", "production"]).code(0);
    let bare = Project::new();
    for (name, bytes) in super::files(&project.path().join("prompts")) {
        bare.write(&format!("prompts/{name}"), bytes);
    }
    let ran = bare.run(&["rollback", "production", "-m", "fire"]).code(0);
    ran.says("1.1.0 → 1.0.0").says("there is no place for a signing key").says("checkpoint {");
    let outside: Vec<String> = super::files(bare.path()).into_iter().map(|(name, _)| name).collect();
    assert!(outside.iter().all(|name| name.starts_with("prompts/")), "{outside:?}");
    bare.run(&["audit", "verify"]).code(0);
    // Where a broken config hides which folder it is, naming the folder is enough.
    let broken = thrice().file("evalconfig.yaml", "tests: [\n");
    back(&broken).code(2).says("evalconfig.yaml:2:1").says("--registry");
    broken.run(&["rollback", "staging", "-m", "fire", "--registry", "prompts"]).code(0).says("1.2.0 → 1.1.0");
}

#[test]
fn a_version_that_was_edited_is_nothing_to_go_back_to() {
    let project = thrice();
    let path = "prompts/cs/1.1.0.yaml";
    project.write(path, project.read(path).replace("new", "neu"));
    back(&project).code(103).says("was edited after it was released");
    project.run(&["rollback", "staging", "-m", "x", "--to", "1.0.0"]).code(0);
}

#[test]
fn what_was_live_is_known_for_every_moment() {
    let project = thrice();
    back(&project).code(0);
    let times: Vec<String> = entries(&project)
        .iter()
        .filter(|entry| entry["label"] == "staging")
        .map(|entry| entry["time"].as_str().unwrap().to_owned())
        .collect();
    let at = |time: &str| {
        let told = json(&project.run(&["at", time, "--format", "json"]).code(0));
        let live = told["live"].as_array().unwrap().clone();
        live.first().map_or(Value::Null, |live| live["to"].clone())
    };
    let versions: Vec<Value> = times.iter().map(|time| at(time)).collect();
    assert_eq!(versions, ["1.0.0", "1.1.0", "1.2.0", "1.1.0"]);
    let before = entries(&project)[0]["time"].as_str().unwrap().to_owned();
    assert_eq!(at(&before), Value::Null);
    project.run(&["at", &before]).code(0).says("nothing was live at");
    let text = project.run(&["at", &times[2], "cs", "--label", "staging"]).code(0);
    text.says("1.2.0").says("staging");
    project.run(&["at", &times[2], "other"]).code(2).says("there is no prompt `other`");
    project.run(&["at", &times[2], "--label", "stagin"]).code(2).says("did you mean `staging`");
    project.run(&["at", "2120-01-01"]).code(2).says("is yet to come");
    project.run(&["at", "yesterday"]).code(2).says("`yesterday` is no time").says("2026-11-01T10:00Z");
}

#[test]
fn the_history_of_a_label_is_told_newest_first() {
    let project = thrice();
    back(&project).code(0);
    let told = json(&project.run(&["label", "history", "staging", "cs", "--format", "json"]).code(0));
    let moves: Vec<String> = told
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{} {}-{}", one["event"], one["from"], one["to"]).replace('"', ""))
        .collect();
    assert_eq!(moves, ["rollback 1.2.0-1.1.0", "promote 1.1.0-1.2.0", "promote 1.0.0-1.1.0", "promote null-1.0.0"]);
    project.run(&["label", "history", "staging"]).code(0).says("ada (rollback)").says("it is rude");
    let shown = project.run(&["label", "show", "staging", "cs"]).code(0);
    shown.says("cs staging → 1.1.0").says("rolled back").says("it is rude").says("before");
    project.run(&["label", "show", "production"]).code(2).says("no prompt has the label production");
    project.run(&["label", "history", "production"]).code(2).says("no label production was ever moved");
    project.run(&["label", "list", "staging"]).code(0).says("1.1.0").says("(rollback)");
    project.run(&["label", "show", "../x"]).code(2);
}

#[test]
fn a_second_label_and_another_prompt_are_left_alone() {
    let project = shelf().file("prompteval.yaml", "labels: {a: {gated: false}, b: {gated: false}}\n");
    for version in ["1.0.0", "1.1.0"] {
        release(&project, "cs", version, version);
        project.run(&["promote", "cs", version, "--to", "a"]).code(0);
        project.run(&["promote", "cs", version, "--to", "b"]).code(0);
    }
    project.run(&["rollback", "a", "-m", "x"]).code(0);
    let labels = project.read(LABELS);
    assert!(labels.contains("  a: \"1.0.0\"\n  b: \"1.1.0\"\n"), "{labels}");
    // What is withdrawn under one label is what the other still points to, and that is told.
    project.run(&["prompt", "list"]).code(0).says("b 1.1.0").says("1.1.0");
    project.write("evalconfig.yaml", suite(&["cs@1.0.0"], ""));
    project.run(&["rollback", "b", "-m", "x"]).code(0).says("1.1.0 → 1.0.0");
}

#[test]
fn an_auditor_gets_the_whole_of_a_period() {
    let project = thrice();
    back(&project).code(0);
    let all = entries(&project);
    let time = |at: usize| all[at]["time"].as_str().unwrap();
    let export = |args: &[&str]| project.run(&[&["audit", "export"], args].concat()).code(0).out;
    let part = export(&["--format", "jsonl", "--from", time(3), "--to", time(5)]);
    let lines: Vec<Value> = part.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, all[3..=5]);
    // What is exported is what stands in the log, byte by byte.
    assert_eq!(export(&["--format", "jsonl"]), project.read(LOG));
    let table = export(&[]);
    assert_eq!((table.lines().count(), table.matches("rolled_back").count()), (all.len() + 1, 1));
    assert_eq!(export(&["--to", "2020-01-01"]).lines().count(), 1);
    let event: Value = serde_json::from_str(export(&["--format", "ocsf"]).lines().last().unwrap()).unwrap();
    assert_eq!((&event["class_uid"], &event["api"]["operation"]), (&6003.into(), &"rollback".into()));
    project.run(&["audit", "export", "--from", "soon"]).code(2).says("`soon` is no time");
    project.run(&["prompt", "log", "cs", "-n", "1"]).code(0).says("rollback cs staging 1.2.0 → 1.1.0");
}
