//! YAML, names and versions that have bitten others: clear errors, or exactly what was written.

use super::{LOG, draft, entries, files, json, release, shelf};
use crate::project::{Project, Ran};

fn freeze(project: &Project, name: &str, version: &str) -> Ran {
    project.run(&["prompt", "release", "-m", "why", "--", name, version])
}

/// The hash of what reaches the model.
fn content(project: &Project, what: &str) -> String {
    let shown = json(&project.run(&["prompt", "show", what, "--format", "json"]).code(0));
    shown["contentHash"].as_str().unwrap().to_owned()
}

#[test]
fn a_draft_that_yaml_reads_otherwise_is_refused_with_its_place() {
    for (text, place, says) in [
        ("version: 2.10\nsystem_prompt: a\n", "p.yaml:1:10", "write the version in quotes"),
        ("version: 1\nsystem_prompt: a\n", "p.yaml:1:10", "write the version in quotes"),
        ("version: '1.0'\nsystem_prompt: a\n", "p.yaml:1:10", "versions have three parts"),
        ("version: '1.0.0'\n\tsystem_prompt: a\n", "p.yaml:2:2", "tabs disallowed"),
        ("version: '1.0.0'\nsystem_prompt: a\0b\n", "p.yaml:2:17", "unprintable character"),
        ("version: '1.0.0'\nsystem_prompt: *b\n", "p.yaml:2:16", "anchor"),
        ("version: '1.0.0'\nsystem_promt: a\nmessages: [{role: user, content: a}]\n", "p.yaml:2:1", "`system_prompt`"),
        ("version: '1.0.0'\nsystem_prompt: a\nsystem_prompt: b\n", "p.yaml:3:1", "twice"),
        ("version: '1.0.0'\nsystem_prompt: a\nrelease: {author: me}\n", "p.yaml:3:10", "take the key out"),
        ("- a\n", "p.yaml:1:1", "it needs `version`"),
        ("", "p.yaml:1:1", "it needs `version`"),
    ] {
        let project = shelf().file("prompts/p.yaml", text);
        let ran = freeze(&project, "p", "1.0.0").code(2).says(place).says(says);
        assert_eq!(ran.out, "", "{text}");
        assert_eq!(files(project.path()).len(), 1, "{text}: nothing is written");
    }
    let project = shelf().bytes("prompts/p.yaml", b"version: '1.0.0'\nsystem_prompt: \xff\n");
    freeze(&project, "p", "1.0.0").code(2).says("p.yaml` is not UTF-8 text (byte 32)");
}

#[test]
fn whatever_a_draft_looks_like_its_version_says_exactly_the_same() {
    let long = format!("version: '1.0.0'\nsystem_prompt: \"{}\"\n", "a word 🌱 \\\" ".repeat(80_000));
    assert!(long.len() > 1_000_000);
    for text in [
        "\u{feff}version: '1.0.0'\nsystem_prompt: a\n",
        "version: '1.0.0'\r\nsystem_prompt: |\r\n  a\r\n  b\r\n",
        "version: '1.0.0'\nmetadata: {b: &b 'hello {{x}}'}\nsystem_prompt: *b\n",
        "metadata: {base: &b {role: user, content: '{{x}}'}}\nversion: '1.0.0'\nmessages: [{<<: *b}, *b]\n",
        "version: '1.0.0'\nsystem_prompt: \"a\\0b \\u2028 \\u0085 end \"\n",
        "version: '1.0.0'\nsystem_prompt: |+\n  🧑\u{200d}🚀 é e\u{301}\n\n\n",
        "version: '1.0.0' # 1.0.0\nsystem_prompt: >\n  folded\n  text\n...\n",
        "{version: '1.0.0', messages: [{role: user, content: 'a: {{x}}'}], tools: [{a: 1.0}]}",
        "version: \"1.0.0\"\nsystem_prompt: '{query} {{x}}'\ntemplate_format: f-string\n",
        long.as_str(),
    ] {
        let project = shelf().file("prompts/p.yaml", text);
        let shown: String = text.chars().take(80).collect();
        freeze(&project, "p", "2.10.0").code(0);
        let draft = content(&project, "p@draft");
        assert_eq!(content(&project, "p@2.10.0"), draft, "{shown}");
        assert_eq!(entries(&project)[0]["content_sha256"], draft, "{shown}");
        let diff = json(&project.run(&["prompt", "diff", "p", "2.10.0", "draft", "--format", "json"]).code(0));
        assert_eq!(diff["same"], true, "{shown}");
        assert_eq!(diff["old"]["content"], diff["new"]["content"], "{shown}");
        assert_eq!(diff["old"]["prompt"], "p@2.10.0", "{shown}");
        project.run(&["prompt", "verify"]).code(0).says("1 version right, 0 wrong");
        assert_eq!(project.read("prompts/p.yaml"), text, "a draft stays as it is");
    }
}

#[test]
fn names_that_lead_elsewhere_are_refused_as_names() {
    let project = shelf();
    project.write("p.yaml", "version: '1.0.0'\nsystem_prompt: a\n");
    project.write("prompts/a/b.yaml", "version: '1.0.0'\nsystem_prompt: a\n");
    let before = files(project.path());
    let long = "x".repeat(101);
    let absolute = project.path().join("p").display().to_string();
    for name in ["../p", "a/b", "a\\b", "Support", "p.", ".p", "-p", "", "p q", "ü", &long, &absolute] {
        freeze(&project, name, "1.0.0").code(2).says("is no name of a prompt").never_says("prompt new");
        project.run(&["prompt", "new", "--", name]).code(2).says("is no name of a prompt");
        project.run(&["prompt", "show", "--", name]).code(2).says("is no name of a prompt");
    }
    for name in ["labels", "audit"] {
        freeze(&project, name, "1.0.0").code(2).says("is reserved");
        project.run(&["prompt", "new", name]).code(2).says("is reserved");
    }
    assert_eq!(files(project.path()), before, "nothing is written");
    for name in ["../p", "a/b", "labels"] {
        project.run(&["promote", name, "1.0.0", "--to", "production"]).code(2);
        project.run(&["prompt", "withdraw", name, "1.0.0", "-m", "x"]).code(2);
        project.run(&["rollback", name, "-m", "x"]).code(2);
    }
    assert!(!project.exists(LOG));
}

#[test]
fn versions_that_are_none_are_refused() {
    let project = shelf();
    draft(&project, "p", "a");
    for version in ["2.10", "2", "latest", "draft", "../1.0.0", "1.0.0/..", "01.0.0", "1.0.0-", "", "1.0.0 ", "vv1.0.0"]
    {
        freeze(&project, "p", version).code(2).says("is no version").says("versions have three parts");
    }
    assert!(!project.exists(LOG) && !project.exists("prompts/p"));
    freeze(&project, "p", "v2.1.0").code(0).says("released p@2.1.0");
    assert!(project.exists("prompts/p/2.1.0.yaml"));
    freeze(&project, "p", "2.1.0").code(0).says("is released already");
}

#[test]
fn a_change_that_says_nothing_of_itself_is_refused() {
    let project = shelf();
    draft(&project, "p", "a");
    for message in ["", " ", "\n\t"] {
        project.run(&["prompt", "release", "p", "1.0.0", "-m", message]).code(2).says("has to say what changed");
    }
    project.run(&["prompt", "release", "p", "1.0.0"]).code(2).says("--message");
    assert!(!project.exists(LOG));
    release(&project, "p", "1.0.0", "a");
    project.run(&["prompt", "withdraw", "p", "1.0.0", "-m", " "]).code(2).says("has to say why");
}

#[test]
fn a_draft_knows_its_own_name() {
    let project = shelf().file("prompts/p.yaml", "version: '1.0.0'\nname: other\nsystem_prompt: a\n");
    freeze(&project, "p", "1.0.0").code(2).says("`prompts/p.yaml` says that it is `other`, not `p`").says("hint:");
    freeze(&project, "other", "1.0.0").code(2).says("there is no draft").says("prompt new other");
    project.write("prompts/p.yaml", "version: '1.0.0'\nname: p\nsystem_prompt: a\n");
    freeze(&project, "p", "1.0.0").code(0);
}

#[test]
fn a_version_never_changes() {
    let project = shelf();
    release(&project, "p", "1.0.0", "a");
    let before = files(&project.path().join("prompts"));
    // The same content in another layout, with another description: nothing happens.
    project.write("prompts/p.yaml", "# other\nversion: '3.0.0'\nsystem_prompt:   a\ndescription: other\n");
    freeze(&project, "p", "1.0.0").code(0).says("p@1.0.0 is released already, with this content");
    project.run(&["prompt", "release", "p", "v1.0.0", "-m", "x", "--format", "json"]).code(0).says("\"new\": false");
    let unchanged = |before: &[(String, Vec<u8>)]| {
        let after = files(&project.path().join("prompts"));
        let without =
            |all: &[(String, Vec<u8>)]| all.iter().filter(|(name, _)| name != "p.yaml").cloned().collect::<Vec<_>>();
        assert_eq!(without(&after), without(before));
    };
    unchanged(&before);
    draft(&project, "p", "b");
    freeze(&project, "p", "1.0.0").code(103).says("released, with other content").says("prompt diff p 1.0.0 draft");
    unchanged(&before);
    project.run(&["prompt", "verify"]).code(0);
}

#[test]
fn versions_that_compare_as_equal_cannot_stand_side_by_side() {
    let project = shelf();
    release(&project, "p", "2.0.0+a", "a");
    for version in ["2.0.0+b", "2.0.0", "2.0.0+A"] {
        freeze(&project, "p", version).code(103).says("are the same version").says("choose the next version");
    }
    release(&project, "p", "2.1.0-rc.1", "a");
    freeze(&project, "p", "2.1.0-RC.1").code(103).says("are the same version");
    project.run(&["prompt", "show", "p@2.0.0+a"]).code(0);
    project.run(&["prompt", "show", "p@2.0.0"]).code(2).says("2.0.0+a");
}

#[test]
fn ten_comes_after_two_and_a_candidate_is_not_the_latest() {
    let project = shelf();
    for version in ["10.0.0", "2.0.0", "11.0.0-rc.10", "11.0.0-rc.2", "9.9.0", "11.0.0-rc.1"] {
        release(&project, "p", version, &format!("text of {version}"));
    }
    let list = || json(&project.run(&["prompt", "list", "--format", "json"]).code(0))[0].clone();
    let order = ["2.0.0", "9.9.0", "10.0.0", "11.0.0-rc.1", "11.0.0-rc.2", "11.0.0-rc.10"];
    assert_eq!(list()["versions"], serde_json::json!(order));
    assert_eq!(list()["latest"], "10.0.0");
    let latest = |project: &Project| {
        json(&project.run(&["prompt", "show", "p@latest", "--format", "json"]).code(0))["version"].clone()
    };
    assert_eq!(latest(&project), "10.0.0");
    project.run(&["prompt", "withdraw", "p", "v10.0.0", "-m", "a typo"]).code(0).says("withdrawn p@10.0.0");
    assert_eq!((latest(&project), &list()["latest"]), ("9.9.0".into(), &"9.9.0".into()));
    project.run(&["prompt", "withdraw", "p", "10.0.0", "-m", "again"]).code(2).says("is withdrawn already");
    project.run(&["prompt", "list"]).code(0).says("9.9.0").says("withdrawn");
    // The parent is the version below, whenever it was released.
    assert_eq!(entries(&project)[3]["parent"], "10.0.0");
    assert_eq!(entries(&project)[4]["parent"], "2.0.0");
}

#[test]
fn names_that_yaml_takes_for_something_else_are_names() {
    let project = shelf().file("prompteval.yaml", "labels: {1up: {gated: false}}\n");
    let names = ["null", "true", "1e3", "0x1", "1.0", "no", "2026-11-22", "draft", "latest", "withdrawn", "con"];
    for name in names {
        release(&project, name, "1.0.0", name);
        project.run(&["promote", name, "1.0.0", "--to", "1up"]).code(0);
    }
    project.run(&["audit", "verify"]).code(0);
    project.run(&["prompt", "verify"]).code(0).says("11 versions right");
    let live = json(&project.run(&["label", "list", "1up", "--format", "json"]).code(0));
    assert_eq!(live.as_array().unwrap().len(), names.len());
    project.run(&["rollback", "null", "--label", "1up", "-m", "x"]).code(2).says("1up of null pointed to nothing");
}
