//! Who has to agree, and what happens when somebody does it anyway.

use super::{LABELS, entries, last_entry, live, measured};
use crate::project::{Project, Ran};

fn asking(policy: &str) -> Project {
    live().file("prompteval.yaml", &format!("labels: {{production: {{{policy}}}}}\n"))
}

fn promote(project: &Project, approvers: &[&str]) -> Ran {
    let more: Vec<&str> = approvers.iter().flat_map(|name| ["--approver", *name]).collect();
    project.run(&[&["promote", "cs", "1.1.0", "--to", "production"], &more[..]].concat())
}

#[test]
fn so_many_people_have_to_agree_and_each_counts_once() {
    let project = asking("approvers: 2");
    promote(&project, &[]).code(102).says("production asks for 2 approvers, and has 0").says("add --approver NAME");
    promote(&project, &["bob"]).code(102).says("and has 1");
    promote(&project, &["bob", "Bob <bob@example.com>", " ", "BOB"]).code(102).says("and has 1");
    assert!(project.read(LABELS).contains("\"1.0.0\""));
    let denied = last_entry(&project);
    assert_eq!((&denied["event"], &denied["approvers"][0]), (&"promote.denied".into(), &"bob".into()));
    promote(&project, &["bob", "carol"]).code(0);
    assert_eq!(last_entry(&project)["approvers"], serde_json::json!(["bob", "carol"]));
    project.run(&["label", "show", "production"]).code(0).says("approved by").says("bob, carol");
}

#[test]
fn neither_the_author_nor_who_promotes_is_one_of_them() {
    let project = asking("approvers: 1");
    promote(&project, &["ada"]).code(102).says("and has 0 (ada wrote it)");
    promote(&project, &["Ada <ada@example.com>"]).code(102).says("wrote it");
    super::release(&project, "cs", "1.3.0", "newest {{x}}");
    super::draft(&project, "cs", "by bob {{x}}");
    project.run(&["prompt", "release", "cs", "1.4.0", "-m", "x", "--author", "Bob <bob@example.com>"]).code(0);
    let bobs = |approver: &str| {
        project.run(&["promote", "cs", "1.4.0", "--to", "production", "--dry-run", "--approver", approver]).code(102)
    };
    bobs("bob@example.com").says("bob@example.com wrote it");
    bobs("ada").says("ada promotes it");
    bobs("carol").never_says("approver");
    let own = asking("approvers: 1, self_approval: true");
    promote(&own, &["ada"]).code(0);
    let log = own.run(&["audit", "log"]).code(0);
    log.says("[self_approved]").says("approved by ada");
}

#[test]
fn mistakes_in_the_projects_file_are_shown_where_they_are() {
    for (text, place, says) in [
        ("labels:\n  production: {aprovers: 1}\n", "prompteval.yaml:2:16", "did you mean `approvers`"),
        ("labels:\n  production: {max_age: soon}\n", "prompteval.yaml:2:25", "`soon` is no age"),
        ("labels:\n  latest: {}\n", "prompteval.yaml:2:3", "`latest` is reserved"),
        ("labels:\n  production: {gated: maybe}\n", "prompteval.yaml:2:23", "must be true or false"),
        ("label: {}\n", "prompteval.yaml:1:1", "did you mean `labels`"),
        ("labels:\n\tproduction: {}\n", "prompteval.yaml:2", "tabs disallowed"),
        ("labels: {production: {suite: gone.yaml}}\n", "gone.yaml", "cannot"),
        ("labels: {production: {gate: gone.yaml}}\n", "gone.yaml", "cannot"),
    ] {
        let project = measured().file("prompteval.yaml", text);
        let ran = project.run(&["promote", "cs", "1.0.0", "--to", "production"]);
        ran.code(2).says(place).says(says);
        assert!(!project.exists(LABELS), "{text}");
    }
    let project = measured().file("prompteval.yaml", "");
    project.run(&["promote", "cs", "1.0.0", "--to", "production"]).code(0);
}

#[test]
fn an_override_says_why_and_who_agreed_and_is_seen_for_ever() {
    let project = live();
    let over =
        |more: &[&str]| project.run(&[&["promote", "cs", "1.2.0", "--to", "production", "--override"], more].concat());
    over(&[]).code(2).says("--reason").says("--approver");
    over(&["-m", "fire"]).code(2).says("--approver");
    over(&["--approver", "bob"]).code(2).says("--reason");
    over(&["-m", " ", "--approver", "bob"]).code(2).says("has to say why");
    over(&["-m", "fire", "--approver", " "]).code(2).says("has to say who agreed");
    assert_eq!(entries(&project).len(), 4, "a command that makes no sense is no refusal");
    let ran = over(&["-m", "the old one leaks", "--approver", "bob"]).code(0);
    ran.says("OVERRIDDEN cs production: 1.0.0 → 1.2.0").says("without").says("no stored run has the content");
    let entry = last_entry(&project);
    assert_eq!((&entry["event"], &entry["reason"]), (&"promote.override".into(), &"the old one leaks".into()));
    assert!(entry["missing"][0].as_str().unwrap().contains("no stored run"), "{entry}");
    project.run(&["label", "list"]).code(0).says("(override)");
    project.run(&["label", "show", "production"]).code(0).says("promoted although something was missing");
    project.run(&["label", "history", "production"]).code(0).says("(override)").says("the old one leaks");
    project.run(&["audit", "log"]).code(0).says("promote.override cs production 1.0.0 → 1.2.0").says("approved by bob");
    project.run(&["audit", "export"]).code(0).says("promote.override,overridden");
    project.run(&["audit", "export", "--format", "ocsf"]).code(0).says("\"flags\":[\"overridden\"]");
    project.run(&["audit", "verify"]).code(0);
    // Also when it is not live any more.
    project.run(&["rollback", "production", "-m", "worse"]).code(0);
    project.run(&["label", "history", "production"]).code(0).says("(override)");
    project.run(&["at", "2020-01-01"]).code(0).says("nothing was live");
}

#[test]
fn an_override_of_nothing_missing_is_a_promotion() {
    let project = live();
    let more = ["--override", "-m", "in a hurry", "--approver", "bob"];
    project.run(&[&["promote", "cs", "1.1.0", "--to", "production"], &more[..]].concat()).code(0).says("promoted cs");
    assert_eq!(last_entry(&project)["event"], "promote");
    super::draft(&project, "cs", "x");
    let file = project.read("prompts/cs/1.2.0.yaml").replace("worse", "wors");
    project.write("prompts/cs/1.2.0.yaml", file);
    let ran = project.run(&[&["promote", "cs", "1.2.0", "--to", "production"], &more[..]].concat());
    ran.code(103).says("was edited after it was released");
    assert_eq!(last_entry(&project)["event"], "promote.denied");
}

#[test]
fn ci_says_who_started_the_job() {
    let project = live().env("GITHUB_ACTIONS", "true").env("GITHUB_ACTOR", "carol").env("GITHUB_RUN_ID", "7");
    promote(&project, &[]).code(0);
    let ci = &last_entry(&project)["actor"]["ci"];
    assert_eq!((&ci["system"], &ci["user"], &ci["run"]), (&"github".into(), &"carol".into(), &"7".into()));
    project.run(&["audit", "log"]).code(0).says("by carol in github");
    project.run(&["audit", "export"]).code(0).says(",carol,github");
}
