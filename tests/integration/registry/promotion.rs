//! Labels move by promotion: what it needs, what it leaves behind.

use super::{LABELS, LOG, draft, entries, json, last_entry, live, measured, release, shelf, suite, three_versions};
use crate::project::Project;

fn promote(project: &Project, version: &str) -> crate::project::Ran {
    project.run(&["promote", "cs", version, "--to", "production"])
}

#[test]
fn without_evidence_it_names_the_command_that_would_produce_it() {
    let project = three_versions();
    promote(&project, "1.0.0").code(2).says("nothing says by which cases").says("prompteval.yaml");
    let project = project.file("evalconfig.yaml", &suite(&["cs@1.0.0", "cs@1.1.0"], ""));
    let ran = promote(&project, "1.0.0").code(102);
    ran.says("refused: cs@1.0.0 stays away from production")
        .says("no stored run has the content of cs@1.0.0")
        .says("prompteval run -c evalconfig.yaml");
    assert!(!project.exists(LABELS));
    // A version that the suite does not name has to be named first.
    promote(&project, "1.2.0").code(102).says("put registry://cs@1.2.0 under `prompts:` of evalconfig.yaml");
    let denied = last_entry(&project);
    assert_eq!((&denied["event"], &denied["to"]), (&"promote.denied".into(), &"1.2.0".into()));
    project.run(&["run", "-q"]).code(0);
    promote(&project, "1.0.0").code(0).says("promoted cs production: nothing → 1.0.0").says("checkpoint {");
    assert!(project.read(LABELS).contains("cs:\n  production: \"1.0.0\"\n"));
}

#[test]
fn the_first_is_decided_by_absolute_rules_alone() {
    let rules = |gate: &str, prompt: &str| {
        let config = suite(&[prompt], "").replace("gate: {max_regression: 0.1}", gate);
        three_versions().file("evalconfig.yaml", &config)
    };
    let project = rules("gate: {min_pass_rate: 0.9}", "cs@1.0.0");
    project.run(&["run", "-q"]).code(0);
    promote(&project, "1.0.0").code(0).says("decided anew by its absolute rules alone");
    let project = rules("gate: {min_pass_rate: 0.9}", "cs@1.2.0");
    project.run(&["run", "-q"]).code(102);
    promote(&project, "1.2.0").code(102).says("the gate is closed").says("pass rate 0.0 %");
    // A gate without absolute rules asks for a complete run.
    let project = rules("gate: {max_regression: 0.1}", "cs@1.0.0");
    project.run(&["run", "-q", "--no-gate"]).code(0);
    promote(&project, "1.0.0").code(0).says("by its absolute rules alone");
}

#[test]
fn the_next_is_decided_against_what_is_live_in_the_same_run() {
    let project = live();
    promote(&project, "v1.1.0").code(0).says("1.0.0 → 1.1.0").says("decided anew against 1.0.0");
    let entry = last_entry(&project);
    let evidence = &entry["evidence"];
    assert_eq!((&entry["event"], &entry["from"], &entry["to"]), (&"promote".into(), &"1.0.0".into(), &"1.1.0".into()));
    assert_eq!((&evidence["run"], &evidence["decision"]), (&evidence["baseline_run"], &"promote".into()));
    for hash in ["results", "test_set", "assertions", "policy", "baseline_content_sha256"] {
        assert!(evidence[hash].as_str().is_some_and(|hash| hash.len() >= 32), "{hash} in {entry}");
    }
    assert_eq!(entry["content_sha256"], entries(&project)[1]["content_sha256"]);
    promote(&project, "1.1.0").code(0).says("points to 1.1.0 already");
    assert_eq!(last_entry(&project), entry, "nothing happened, so nothing is logged");
}

#[test]
fn what_is_live_may_have_been_measured_in_another_stored_run() {
    let project = three_versions().file("evalconfig.yaml", &suite(&["cs@1.1.0"], ""));
    project.run(&["run", "-q", "--no-gate"]).code(0);
    project.write("evalconfig.yaml", suite(&["cs@1.0.0"], "").replace("q7.", "other"));
    project.run(&["run", "-q", "--no-gate"]).code(0);
    promote(&project, "1.0.0").code(0);
    project.write("evalconfig.yaml", suite(&["cs@1.1.0"], ""));
    let never = "no stored run judged cs@1.0.0, which is live, by these cases";
    promote(&project, "1.1.0").code(102).says(never).says("put registry://cs@1.0.0 under `prompts:`");
    project.write("evalconfig.yaml", suite(&["cs@1.0.0"], ""));
    project.run(&["run", "-q", "--no-gate"]).code(0);
    let before = super::newest_run(&project);
    project.write("evalconfig.yaml", suite(&["cs@1.1.0"], ""));
    project.run(&["run", "-q", "--baseline", &before]).code(0);
    promote(&project, "1.1.0").code(0).says(&format!("against 1.0.0 in run {before}"));
    assert_eq!(last_entry(&project)["evidence"]["baseline_run"], before.as_str());
}

#[test]
fn a_regression_against_what_is_live_is_refused() {
    let project = live();
    project.write("evalconfig.yaml", suite(&["cs@1.0.0", "cs@1.2.0"], ""));
    project.run(&["run", "-q"]).code(102);
    let ran = promote(&project, "1.2.0").code(102);
    ran.says("the gate is closed at mock against 1.0.0, which is live").says("prompteval gate --candidate");
    let entry = last_entry(&project);
    assert_eq!(entry["event"], "promote.denied");
    assert!(entry["missing"][0].as_str().unwrap().contains("the gate is closed"), "{entry}");
    assert!(project.read(LABELS).contains("production: \"1.0.0\""));
}

#[test]
fn a_better_baseline_than_what_is_live_is_none() {
    // 1.2.0 passed against a version that fails alike; what is live does not fail.
    let project = live();
    release(&project, "cs", "1.3.0", "worse still {{x}}");
    project.write("evalconfig.yaml", suite(&["cs@1.2.0", "cs@1.3.0"], ""));
    project.run(&["run", "-q"]).code(0);
    let ran = promote(&project, "1.3.0").code(102);
    ran.says("the gate is closed at mock against 1.0.0, which is live");
}

#[test]
fn a_dry_run_moves_and_logs_nothing() {
    let project = measured();
    let before = project.read(LOG);
    let dry = |version: &str| project.run(&["promote", "cs", version, "--to", "production", "--dry-run"]);
    dry("1.0.0").code(0).says("would be promoted cs production: nothing → 1.0.0").never_says("checkpoint {");
    dry("1.2.0").code(102).says("refused");
    assert_eq!(project.read(LOG), before);
    assert!(!project.exists(LABELS) && !project.exists("home"));
}

/// Two prompts, and a run of the first alone.
fn two_prompts() -> Project {
    let project = shelf();
    release(&project, "aa", "1.0.0", "one {{x}}");
    release(&project, "bb", "1.0.0", "two {{x}}");
    project.write("evalconfig.yaml", suite(&["aa@1.0.0"], ""));
    project.run(&["run", "-q", "--no-gate"]).code(0);
    project.write("evalconfig.yaml", suite(&["aa@1.0.0", "bb@1.0.0"], ""));
    project
}

#[test]
fn several_prompts_move_together_or_not_at_all() {
    let project = two_prompts();
    let both = ["promote", "aa@1.0.0", "bb@v1.0.0", "--to", "production"];
    project.run(&both).code(102).says("aa@1.0.0, bb@1.0.0 stay away").says("no stored run has the content of bb@1.0.0");
    assert!(!project.exists(LABELS));
    let denied = last_entry(&project);
    assert_eq!((&denied["prompt"], &denied["also"][0]["prompt"]), (&"aa".into(), &"bb".into()));
    project.run(&["run", "-q", "--no-gate"]).code(0);
    project.run(&both).code(0).says("promoted aa production").says("promoted bb production");
    let entry = last_entry(&project);
    assert_eq!((&entry["also"][0]["prompt"], &entry["also"][0]["to"]), (&"bb".into(), &"1.0.0".into()));
    assert_eq!(project.read(LABELS).matches("production: \"1.0.0\"").count(), 2);
    let list = json(&project.run(&["label", "list", "--format", "json"]).code(0));
    assert_eq!((list[0]["seq"].clone(), list.as_array().unwrap().len()), (list[1]["seq"].clone(), 2));
}

#[test]
fn what_is_to_be_promoted_is_named_clearly() {
    let project = live();
    let run = |args: &[&str]| project.run(&[&["promote"], args, &["--to", "production"]].concat());
    run(&["cs"]).code(2).says("does not say which version").says("NAME@VERSION");
    run(&["cs@1.0.0", "cs@1.1.0"]).code(2).says("`cs` is named twice");
    run(&["cs", "9.9.9"]).code(2).says("no version `9.9.9`").says("1.0.0, 1.1.0, 1.2.0");
    run(&["cs", "latest"]).code(2).says("`latest` is no version");
    run(&["cs", "draft"]).code(2).says("`draft` is no version");
    run(&["sc", "1.0.0"]).code(2).says("sc").says("hint:");
    for label in ["latest", "draft", "withdrawn", "v2", "2.0.0", "2", "Production", "../x", "a b", ""] {
        project.run(&["promote", "cs", "1.1.0", "--to", label]).code(2);
    }
    project.run(&["promote", "cs", "1.1.0", "--to", "latest"]).code(2).says("`latest` is reserved");
    project.run(&["promote", "cs", "1.1.0", "--to", "v2"]).code(2).says("looks like a version");
    project.run(&["promote", "cs", "1.1.0", "--to", "2.0.0"]).code(2).says("looks like a version");
    assert_eq!(last_entry(&project)["event"], "promote", "what was never meant to be is no refusal");
}

#[test]
fn a_label_that_asks_for_nothing_gets_everything_but_what_was_withdrawn() {
    let project = three_versions().file("prompteval.yaml", "labels: {staging: {gated: false}}\n");
    let stage = |version: &str| project.run(&["promote", "cs", version, "--to", "staging"]);
    stage("1.2.0").code(0).says("promoted cs staging: nothing → 1.2.0").never_says("on run");
    project.run(&["label", "show", "staging"]).code(0).says("this label asks for no evidence");
    project.run(&["prompt", "withdraw", "cs", "1.1.0", "-m", "rude"]).code(0);
    stage("1.1.0").code(102).says("cs@1.1.0 is withdrawn");
    project.run(&["prompt", "withdraw", "cs", "1.2.0", "-m", "x"]).code(2).says("staging of cs points to 1.2.0");
    // A label that nobody set up is gated, and the one that was meant is named.
    project.run(&["promote", "cs", "1.0.0", "--to", "stagin"]).code(2).says("did you mean `staging`");
}

#[test]
fn a_version_of_other_content_that_came_back_under_its_number_is_not_what_was_tested() {
    let project = measured();
    std::fs::remove_file(project.path().join("prompts/cs/1.0.0.yaml")).unwrap();
    draft(&project, "cs", "smuggled {{x}}");
    project.run(&["prompt", "release", "cs", "1.0.0", "-m", "again"]).code(103).says("cs@1.0.0");
}
