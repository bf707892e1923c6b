//! What a newcomer runs first.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::project::Project;

fn at_root(args: &[&str]) -> (i32, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let store = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_prompteval"))
        .args(args)
        .current_dir(root)
        .env_clear()
        .env("COLUMNS", "80")
        .env("PROMPTEVAL_STORE", store.path())
        .output()
        .unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_example_shows_what_the_newer_version_fixes_and_breaks() {
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("r.json");
    let junit = dir.path().join("r.junit.xml");
    let (code, out) =
        at_root(&["run", "-c", "evalconfig.example.yaml", "-o", json.to_str().unwrap(), "-o", junit.to_str().unwrap()]);
    assert_eq!(code, 0, "the gate is open: {out}");
    assert!(out.contains("64 cases: 6 fixed, 1 broken. Difference +7.8 pp") && out.contains("gate open"), "{out}");
    assert!(out.contains("128 cells: 121 passed, 7 failed"), "{out}");
    assert!(out.lines().all(|line| console_width(line) <= 80 || !line.starts_with(['│', '┌', '└', '╞'])), "{out}");
    let report: Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    assert_eq!(report["results"]["stats"]["successes"], 121);
    assert_eq!(report["results"]["results"].as_array().unwrap().len(), 128);
    let junit = std::fs::read_to_string(junit).unwrap();
    assert_eq!(junit.matches("<testcase ").count(), 128);
    assert_eq!(junit.matches("<failure ").count(), 7);
}

#[test]
fn the_example_of_graders_shows_what_they_say_and_what_they_take() {
    let (code, out) = at_root(&["run", "-c", "examples/graders.yaml", "--no-table"]);
    assert_eq!(code, 100, "{out}");
    assert!(out.contains("llm-rubric: the grader says: A bare fragment."), "{out}");
    assert!(out.contains("graders: 8 requests · 527 tokens · $0.0002"), "{out}");
    assert!(out.contains("4 cells: 1 passed, 3 failed, 0 without a verdict"), "{out}");
}

fn console_width(line: &str) -> usize {
    line.chars().count()
}

#[test]
fn a_fresh_config_runs_at_once() {
    let project = Project::new();
    project.run(&["init"]).code(0).says("prompteval run");
    project.run(&["run"]).code(100).says("1 fixed, 0 broken").says("4 cells: 3 passed, 1 failed");
    project.run(&["init"]).code(2).says("there is a config already").says("hint:");
}

#[test]
fn without_a_config_the_next_step_is_named() {
    Project::new().run(&["run"]).code(2).says("no config in").says("prompteval init");
}

#[test]
fn every_kind_can_be_explained() {
    let project = Project::new();
    project.run(&["explain"]).code(0).says("contains-json").says("openai").says("junit");
    project.run(&["explain", "not-contains"]).code(0).says("- {type: contains");
    project.run(&["explain", "mock"]).code(0).says("rules");
    project.run(&["explain", "contians"]).code(2).says("did you mean `contains`?");
}

#[test]
fn schema_and_completions_are_printed() {
    let project = Project::new();
    let schema: Value = serde_json::from_str(&project.run(&["schema"]).code(0).out).unwrap();
    assert!(schema["definitions"]["a-test"]["properties"]["vars"].is_object());
    assert!(jsonschema::validator_for(&schema).is_ok());
    project.run(&["completions", "bash"]).code(0).says("prompteval");
}

#[test]
fn the_schema_accepts_the_example() {
    let schema: Value = serde_json::from_str(&Project::new().run(&["schema"]).code(0).out).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["evalconfig.example.yaml", "src/cli/starter.yaml", "examples/graders.yaml"] {
        let source = prompteval::diag::Source::read(&root.join(name), name).unwrap();
        let config = prompteval::yaml::parse(&source).unwrap().to_json();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&config).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
}
