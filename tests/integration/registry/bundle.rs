//! Prompts for applications, in one signed file; and labels in configs.

use super::{draft, json, release, shelf, suite, ungated};
use crate::project::Project;

fn bundled() -> Project {
    let project = ungated();
    project.run(&["bundle", "--label", "staging", "-o", "b.json"]).code(0).says("wrote b.json: 1 prompt of staging");
    project
}

#[test]
fn a_bundle_has_the_texts_of_a_label_and_vouches_for_itself() {
    let project = bundled();
    let bundle = project.json("b.json");
    let prompt = &bundle["prompts"]["cs"];
    assert_eq!((&bundle["label"], &prompt["version"]), (&"staging".into(), &"1.1.0".into()));
    assert_eq!(prompt["content"]["messages"][0]["content"], "new {{x}}");
    assert_eq!(prompt["variables"], serde_json::json!(["x"]));
    assert_eq!(bundle["checkpoint"]["size"], 5);
    project
        .run(&["bundle", "verify", "b.json"])
        .code(0)
        .says("the bundle holds: 1 prompt of staging")
        .says("give --key");
    let key = project.run(&["audit", "key"]).code(0).out;
    project.run(&["bundle", "verify", "b.json", "--key", key.trim()]).code(0).says("the key you gave");
    // Nothing else is needed to verify it.
    let elsewhere = Project::new().file("b.json", &project.read("b.json")).file("key.pub", &key);
    elsewhere.run(&["bundle", "verify", "b.json", "--key", "key.pub"]).code(0);
    let printed = project.run(&["bundle", "--label", "staging"]).code(0);
    assert_eq!(json(&printed)["prompts"], bundle["prompts"]);
    // The bundle's checkpoint is one of the log.
    project.write("point", bundle["checkpoint"].to_string());
    project.run(&["audit", "verify", "--checkpoint", "point", "--key", key.trim()]).code(0);
}

#[test]
fn a_bundle_that_was_changed_is_not_to_be_trusted() {
    let project = bundled();
    let text = project.read("b.json");
    for (from, to) in [
        ("new {{x}}", "neu {{x}}"),
        ("\"1.1.0\"", "\"1.1.1\""),
        ("\"input\": true", "\"input\": false"),
        ("\"label\": \"staging\"", "\"label\": \"production\""),
        ("\"size\": 5", "\"size\": 6"),
        ("\"label\":", "\"added\": 1,\n  \"label\":"),
        ("\"version\": \"1.1.0\"", "\"added\": 1, \"version\": \"1.1.0\""),
    ] {
        assert!(text.contains(from), "{from}");
        project.write("b.json", text.replace(from, to));
        project.run(&["bundle", "verify", "b.json"]).code(103).says("is not to be trusted");
    }
    project.write("b.json", &text);
    let other = shelf().run(&["audit", "key"]).code(0).out;
    project.run(&["bundle", "verify", "b.json", "--key", other.trim()]).code(103).says("not signed by this key");
    project.run(&["bundle", "verify", "gone.json"]).code(2).says("cannot read `gone.json`");
    project.write("b.json", "{}");
    project.run(&["bundle", "verify", "b.json"]).code(2).says("is no bundle");
}

#[test]
fn whatever_byte_is_changed_it_is_another_bundle() {
    let project = bundled();
    let bytes = project.read("b.json").into_bytes();
    let before: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    for at in (0..bytes.len()).step_by(bytes.len() / 40) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        project.write("b.json", &changed);
        let code = project.run(&["bundle", "verify", "b.json"]).code;
        let same = serde_json::from_slice(&changed).is_ok_and(|value: serde_json::Value| value == before);
        assert!(same || code == 103 || code == 2, "byte {at}: {code}");
    }
}

#[test]
fn there_is_no_bundle_of_nothing_or_of_what_was_edited() {
    let project = ungated();
    project.run(&["bundle"]).code(2).says("no prompt has the label production");
    project.run(&["bundle", "--label", "latest"]).code(2).says("is reserved");
    project.run(&["bundle", "--label", "staging", "-o", "no/b.json"]).code(1).says("cannot write");
    project.write("prompts/cs/1.1.0.yaml", project.read("prompts/cs/1.1.0.yaml").replace("new", "neu"));
    project.run(&["bundle", "--label", "staging", "-o", "b.json"]).code(103).says("was edited after it was released");
    assert!(!project.exists("b.json"));
}

#[test]
fn a_config_may_name_a_prompt_by_its_label() {
    let project = ungated().file("evalconfig.yaml", &suite(&["cs@staging"], ""));
    let asked = |project: &Project| {
        let (ran, results) = project.results(&["--no-gate"]);
        ran.code(0);
        results[0]["prompt"]["raw"].as_str().unwrap().to_owned()
    };
    assert!(asked(&project).contains("new q0."));
    project.run(&["rollback", "staging", "-m", "x"]).code(0);
    assert!(asked(&project).contains("old q0."));
    for (word, says) in [("cs@production", "production"), ("sc@staging", "did you mean `cs`"), ("cs@latst", "latst")] {
        project.write("evalconfig.yaml", suite(&[word], ""));
        project.run(&["validate"]).code(2).says("evalconfig.yaml:1:").says(says);
    }
    release(&project, "cs", "2.0.0", "newest {{x}}");
    draft(&project, "cs", "draft {{x}}");
    for (word, text) in
        [("cs@latest", "newest q0."), ("cs", "newest q0."), ("cs@draft", "draft q0."), ("cs@v1.1.0", "new q0.")]
    {
        project.write("evalconfig.yaml", suite(&[word], ""));
        assert!(asked(&project).contains(text), "{word}");
    }
}
