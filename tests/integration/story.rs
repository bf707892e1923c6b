//! The story of `examples/registry`, told by its script.

use std::process::Command;

use crate::project::Project;

#[test]
#[cfg(unix)]
fn the_story_of_the_registry_ends_well() {
    let project = Project::new();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/registry/story.sh");
    let mut command = Command::new("sh");
    command.arg(script).arg(project.path()).env("PROMPTEVAL", env!("CARGO_BIN_EXE_prompteval"));
    command.env("GIT_AUTHOR_NAME", "Ada").env("GIT_AUTHOR_EMAIL", "ada@example.com").env("COLUMNS", "100");
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "\n--- stdout\n{out}\n--- stderr\n{err}");
    for words in [
        "no stored run has the content of customer_support@2.1.0",
        "promoted customer_support production: 2.0.0 → 2.1.0",
        "decided anew against 2.0.0",
        "was edited after it was released",
        "rolled back customer_support production: 2.1.0 → 2.0.0",
        "customer_support@2.1.0 was withdrawn at",
        "nothing was live at 2026-01-01",
        "the log holds: 8 entries",
    ] {
        assert!(out.contains(words) || err.contains(words), "`{words}` is not said\n{out}\n{err}");
    }
    assert_eq!(project.read("prompts/labels.yaml").lines().filter(|line| line.contains("production")).count(), 1);
}
