//! What is live, since when and on what evidence: the registry with the real binary.

mod approval;
mod bundle;
mod evidence;
mod imports;
mod merge;
mod promotion;
mod rollback;
mod storm;
mod tampering;
mod traps;

use std::path::Path;

use serde_json::Value;

use crate::project::{Project, Ran};

/// The cases of [`suite`]: enough for its gate to open when nothing changes.
const CASES: usize = 60;
const LABELS: &str = "prompts/labels.yaml";
const LOG: &str = "prompts/audit.jsonl";

/// A project with a home for its key, in which Ada works.
fn shelf() -> Project {
    let project = Project::new();
    let home = project.path().join("home").display().to_string();
    project.env("XDG_CONFIG_HOME", &home).env("USER", "ada")
}

/// A draft with this system prompt.
fn draft(project: &Project, name: &str, text: &str) {
    project
        .write(&format!("prompts/{name}.yaml"), format!("version: \"0.0.1\"\nsystem_prompt: {}\n", Value::from(text)));
}

#[track_caller]
fn release(project: &Project, name: &str, version: &str, text: &str) {
    draft(project, name, text);
    project.run(&["prompt", "release", name, version, "-m", &format!("what {version} is for")]).code(0);
}

/// `cs` in versions whose mock answers pass, and 1.2.0, whose answers all fail.
fn three_versions() -> Project {
    let project = shelf();
    release(&project, "cs", "1.0.0", "old {{x}}");
    release(&project, "cs", "1.1.0", "new {{x}}");
    release(&project, "cs", "1.2.0", "worse {{x}}");
    project
}

/// A suite of these prompts, in the order that makes the first the baseline, with a gate and more keys.
fn suite(prompts: &[&str], more: &str) -> String {
    let prompts: Vec<String> = prompts.iter().map(|prompt| format!("'registry://{prompt}'")).collect();
    let tests: String = (0..CASES).map(|n| format!("  - {{id: c{n}, vars: {{x: 'q{n}.'}}}}\n")).collect();
    format!(
        "prompts: [{}]\n\
         providers: [{{id: mock, config: {{rules: [{{contains: worse, output: 'no'}}], default: {{output: ok}}}}}}]\n\
         defaultTest: {{assert: [{{type: contains, value: ok}}]}}\ngate: {{max_regression: 0.1}}\n{more}\ntests:\n{tests}",
        prompts.join(", ")
    )
}

/// `cs` with a run of 1.0.0 and 1.1.0 behind it.
fn measured() -> Project {
    let project = three_versions().file("evalconfig.yaml", &suite(&["cs@1.0.0", "cs@1.1.0"], ""));
    project.run(&["run", "-q"]).code(0);
    project
}

/// The same, and 1.0.0 is live.
fn live() -> Project {
    let project = measured();
    project.run(&["promote", "cs", "1.0.0", "--to", "production"]).code(0);
    project
}

/// A project whose label `staging` asks for nothing, with two versions of `cs` that were live there.
fn ungated() -> Project {
    let project = three_versions().file("prompteval.yaml", "labels: {staging: {gated: false}}\n");
    project.run(&["promote", "cs", "1.0.0", "--to", "staging"]).code(0);
    project.run(&["promote", "cs", "1.1.0", "--to", "staging"]).code(0);
    project
}

/// The newest run's id.
fn newest_run(project: &Project) -> String {
    let ran = project.run(&["history", "--format", "json"]).code(0);
    json(&ran)[0]["id"].as_str().unwrap().to_owned()
}

#[track_caller]
fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {}{}", ran.out, ran.err))
}

/// The entries of the log, oldest first.
#[track_caller]
fn entries(project: &Project) -> Vec<Value> {
    let log = json(&project.run(&["audit", "log", "-n", "100000", "--format", "json"]).code(0));
    log.as_array().unwrap().iter().rev().cloned().collect()
}

#[track_caller]
fn last_entry(project: &Project) -> Value {
    entries(project).pop().unwrap()
}

/// All files of a folder, with what is in them.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                all.push((path.strip_prefix(folder).unwrap().display().to_string(), std::fs::read(&path).unwrap()));
            }
        }
    }
    all.sort();
    all
}
