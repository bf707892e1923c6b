//! Prompts from elsewhere, and from before the log.

use crate::project::Project;

#[test]
fn a_folder_of_texts_becomes_versions_and_drafts() {
    let project = Project::new()
        .file("texts/support_v1.txt", "You help with {{topic}}.")
        .file("texts/support_v10.txt", "You help kindly with {{topic}}.")
        .file("texts/support_v2.1.md", "You help with {{topic}} now.")
        .file("texts/greet.txt", "hello {{name}}")
        .file("texts/logo.png", "x");
    let ran = project.run(&["prompt", "import", "texts", "--role", "system"]);
    ran.code(0)
        .says("released support@10.0.0")
        .says("draft greet")
        .says("left out texts/logo.png")
        .says("3 versions, 2 drafts");
    project.run(&["prompt", "list"]).code(0).says("support  10.0.0").says("greet    draft only");
    project.run(&["prompt", "verify"]).code(0).says("3 versions right");
    project.run(&["prompt", "show", "support@2.1.0"]).code(0).says("made from").says("imported from");
    project.run(&["prompt", "diff", "support"]).code(0).says("the same content");
    let log = project.read("prompts/audit.jsonl");
    project.run(&["prompt", "import", "texts", "--role", "system"]).code(0).says("0 versions, 0 drafts");
    assert_eq!(project.read("prompts/audit.jsonl"), log);
    project.run(&["prompt", "import", "nowhere"]).code(2).says("no such file");
    project.run(&["prompt", "import"]).code(2);
}

#[test]
fn dumps_of_other_registries_keep_versions_and_lose_labels() {
    let dump = r#"[{"name": "movie", "version": 3, "type": "chat", "labels": ["production"], "config": {"temperature": 0.3},
        "prompt": [{"role": "system", "content": "A {{level}} critic"}, {"role": "user", "content": "{{film}}"}]}]"#;
    let project = Project::new().file("dump.json", dump);
    project
        .run(&["prompt", "import", "dump.json", "--format", "json"])
        .code(0)
        .says("movie@3.0.0")
        .says("without evidence");
    project.run(&["prompt", "show", "movie@3.0.0"]).code(0).says("A {{level}} critic").says("0.3");
    assert!(!project.exists("prompts/labels.yaml"));
}

#[test]
fn versions_from_before_the_log_are_adopted_as_they_are() {
    let project = Project::new().file("prompts/p/2.0.0.yaml", "version: '2.0.0'\nsystem_prompt: a {{b}}\n");
    project.run(&["prompt", "verify"]).code(103).says("the log knows nothing of its release");
    project.run(&["prompt", "import", "--adopt"]).code(0).says("adopted p@2.0.0");
    project.run(&["prompt", "verify"]).code(0);
    project.run(&["prompt", "import", "--adopt"]).code(0).says("0 versions");
}

#[test]
fn the_folder_of_the_project_is_that_of_its_suites_too() {
    let config = "prompts: ['registry://p@production']\nproviders: [echo]\ntests: [{assert: [{type: icontains, value: hello}]}]\n";
    let project = Project::with(config)
        .file("prompteval.yaml", "registry: shelf\nlabels: {production: {gated: false}}\n")
        .file("shelf/p.yaml", "version: '1.0.0'\nsystem_prompt: hello\n");
    let project = {
        let home = project.path().display().to_string();
        project.env("XDG_CONFIG_HOME", &home)
    };
    project.run(&["prompt", "release", "p", "1.0.0", "-m", "x"]).code(0);
    project.run(&["run"]).code(2).says("no version and no label `production`");
    project.run(&["promote", "p", "1.0.0", "--to", "production"]).code(0);
    project.run(&["run"]).code(0);
}

#[test]
fn an_import_never_releases_a_version_anew() {
    let project = Project::new().file("texts/x_v1.txt", "good {{q}}");
    project.run(&["prompt", "import", "texts"]).code(0).says("released x@1.0.0");
    std::fs::remove_file(project.path().join("prompts/x/1.0.0.yaml")).unwrap();
    project.write("texts/x_v1.txt", "bad {{q}}");
    project.run(&["prompt", "import", "texts"]).code(103).says("x@1.0.0 was released, and its file is gone");
}

#[test]
fn evidence_of_other_provider_settings_is_none() {
    let config = |output: &str| {
        format!(
            "prompts: ['registry://p@1.0.0']\nproviders: [{{id: mock, label: m, config: {{default: {{output: {output}}}}}}}]\n\
             tests: [{{assert: [{{type: icontains, value: good}}]}}]\ngate: {{min_pass_rate: 0.5}}\n"
        )
    };
    let project = Project::with(&config("bad"))
        .file("other.yaml", &config("good"))
        .file("prompts/p.yaml", "version: '1.0.0'\nsystem_prompt: hello\n");
    project.run(&["prompt", "release", "p", "1.0.0", "-m", "x"]).code(0);
    project.run(&["run", "-c", "other.yaml"]).code(0);
    let ran = project.run(&["promote", "p", "1.0.0", "--to", "production"]);
    ran.code(102).says("asked m with other settings than the suite has now");
}
