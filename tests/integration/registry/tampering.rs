//! Files that somebody edited: each is found, and named as what was done to it.

use super::{LABELS, LOG, entries, json, last_entry, live, shelf, three_versions, ungated};
use crate::project::{Project, Ran};

fn verify(project: &Project, more: &[&str]) -> Ran {
    project.run(&[&["audit", "verify"], more].concat())
}

/// The first finding's word.
#[track_caller]
fn found(project: &Project, more: &[&str]) -> String {
    let ran = verify(project, &[more, &["--format", "json"]].concat());
    assert_eq!(ran.code, 103, "{}{}", ran.out, ran.err);
    json(&ran)["findings"][0]["kind"].as_str().unwrap_or("none").to_owned()
}

fn lines(project: &Project) -> Vec<String> {
    project.read(LOG).lines().map(str::to_owned).collect()
}

fn put(project: &Project, lines: &[String]) {
    project.write(LOG, lines.iter().map(|line| format!("{line}\n")).collect::<String>());
}

/// A staged project with a checkpoint of its whole log.
fn watched() -> Project {
    let project = ungated();
    project.run(&["rollback", "cs", "--label", "staging", "-m", "rude", "--checkpoint", "points"]).code(0);
    verify(&project, &["--checkpoint", "points"]).code(0).says("the log holds: 6 entries");
    project
}

#[test]
fn a_frozen_file_is_as_it_was_to_the_byte() {
    let project = live();
    let path = "prompts/cs/1.1.0.yaml";
    let frozen = project.read(path);
    let promote = || project.run(&["promote", "cs", "1.1.0", "--to", "production"]);
    let same = "its file was edited; what reaches the model is the same";
    for (from, to, says) in [
        ("new {{x}}", "neu {{x}}", "was edited after it was released"),
        ("# Frozen", "# frozen", same),
        ("\n", "\r\n", same),
        ("description: \"what", "description: \"That", same),
    ] {
        project.write(path, frozen.replacen(from, to, 1));
        project.run(&["prompt", "verify"]).code(103).says("wrong  cs@1.1.0: ").says(says);
        promote().code(103).says("was edited after it was released").says("git checkout");
        let denied = last_entry(&project);
        assert_eq!((&denied["event"], &denied["to"]), (&"promote.denied".into(), &"1.1.0".into()));
    }
    project.run(&["prompt", "verify", "nobody"]).code(3);
    std::fs::remove_file(project.path().join(path)).unwrap();
    project.run(&["prompt", "verify"]).code(103).says("it was released, and its file cannot be read");
    promote().code(2).says("no version `1.1.0`");
    project.write(path, frozen);
    project.run(&["prompt", "verify", "cs"]).code(0).says("3 versions right");
    promote().code(0);
}

#[test]
fn what_is_live_and_was_edited_is_nothing_to_decide_against() {
    let project = live();
    let path = "prompts/cs/1.0.0.yaml";
    project.write(path, project.read(path).replace("old", "odd"));
    let promote = |more: &[&str]| project.run(&[&["promote", "cs", "1.1.0", "--to", "production"], more].concat());
    promote(&[]).code(103).says("`prompts/cs/1.0.0.yaml` was edited after it was released");
    let denied = last_entry(&project);
    assert_eq!(
        (&denied["event"], &denied["from"], &denied["to"]),
        (&"promote.denied".into(), &"1.0.0".into(), &"1.1.0".into())
    );
    promote(&["--dry-run"]).code(103);
    promote(&["--override", "-m", "fire", "--approver", "bob"]).code(103);
    assert_eq!(entries(&project).len(), 6);
}

#[test]
fn the_hash_in_a_frozen_file_does_not_vouch_for_it() {
    // Text and hash are changed alike: the file agrees with itself, and not with the log.
    let project = live();
    super::release(&project, "other", "1.1.0", "smuggled {{x}}");
    let forged = project.read("prompts/other/1.1.0.yaml");
    project.write("prompts/cs/1.1.0.yaml", &forged);
    project.run(&["prompt", "show", "cs@1.1.0"]).code(0);
    project.run(&["prompt", "verify", "cs"]).code(103).says("its content is not what was released");
    project.run(&["promote", "cs", "1.1.0", "--to", "production"]).code(103).says("was edited after it was released");
    project.write("prompts/cs/9.0.0.yaml", forged.replace("1.1.0", "9.0.0"));
    project.run(&["prompt", "verify", "cs"]).code(103).says("cs@9.0.0: the log knows nothing of its release");
    project
        .run(&["promote", "cs", "9.0.0", "--to", "production"])
        .code(103)
        .says("the log knows no release of cs@9.0.0");
}

#[test]
fn labels_that_were_moved_by_hand_are_found() {
    let project = ungated();
    let text = project.read(LABELS);
    for edited in
        [text.replace("1.1.0", "1.2.0"), text.replace("# Moved", "# moved"), text.clone() + "\n", String::new()]
    {
        project.write(LABELS, &edited);
        assert_eq!(found(&project, &[]), "labels", "{edited}");
        verify(&project, &[]).code(103).says("labels.yaml:").says("where the log gives");
    }
    project.write(LABELS, text.replace("1.1.0", "1.2.0"));
    project.run(&["label", "list"]).code(103).says("points to 1.2.0, and the log does not");
    project.write(LABELS, text.replace("\"1.1.0\"", "1.1"));
    project.run(&["label", "list"]).code(2).says("`1.1` is no version");
    std::fs::remove_file(project.path().join(LABELS)).unwrap();
    assert_eq!(found(&project, &[]), "labels");
    project.run(&["audit", "repair"]).code(0).says("labels.yaml is what the log tells again");
    assert_eq!(project.read(LABELS), text);
    verify(&project, &[]).code(0);
    verify(&project, &["--key", "x"]).code(2).says("--checkpoint");
}

#[test]
fn a_rollback_goes_by_the_log_and_not_by_an_edited_label() {
    let project = ungated();
    let text = project.read(LABELS);
    project.write(LABELS, text.replace("1.1.0", "1.2.0"));
    project.run(&["rollback", "cs", "--label", "staging", "-m", "x"]).code(103).says("audit repair");
    project.run(&["audit", "repair"]).code(0);
    project.run(&["rollback", "cs", "--label", "staging", "-m", "x"]).code(0).says("1.1.0 → 1.0.0");
    verify(&project, &[]).code(0);
}

#[test]
fn nothing_is_built_on_labels_that_were_moved_by_hand() {
    let project = ungated();
    let text = project.read(LABELS);
    project.write(LABELS, text.replace("1.1.0", "1.2.0"));
    let before = entries(&project).len();
    for args in [
        &["promote", "cs", "1.0.0", "--to", "staging"][..],
        &["prompt", "withdraw", "cs", "1.0.0", "-m", "x"],
        &["prompt", "release", "cs", "1.4.0", "-m", "x"],
    ] {
        project
            .run(args)
            .code(103)
            .says("the labels were not moved by promote")
            .says("labels.yaml:3")
            .says("git checkout");
    }
    let moved = entries(&project).into_iter().skip(before).filter(|entry| entry["event"] != "promote.denied").count();
    assert_eq!(moved, 0);
}

#[test]
fn what_was_done_to_the_log_is_named() {
    let project = watched();
    let whole = lines(&project);
    let with = |change: &dyn Fn(&mut Vec<String>)| {
        let mut copy = whole.clone();
        change(&mut copy);
        put(&project, &copy);
    };
    let given = ["--checkpoint", "points"];
    with(&|lines| lines[1] = lines[1].replace("what 1.1.0", "What 1.1.0"));
    assert_eq!((found(&project, &[]), found(&project, &given)), ("edited".into(), "edited".into()));
    verify(&project, &[]).code(103).says("edited  audit.jsonl:2: its hash is not that of its content");
    with(&|lines| drop(lines.remove(2)));
    assert_eq!((found(&project, &[]), found(&project, &given)), ("gap".into(), "gap".into()));
    with(&|lines| lines.swap(2, 3));
    assert_eq!(found(&project, &given), "edited");
    with(&|lines| lines.insert(2, lines[4].clone()));
    assert_eq!(found(&project, &given), "edited");
    with(&|lines| lines.truncate(5));
    assert_eq!(found(&project, &given), "truncated");
    verify(&project, &given).code(103).says("counts 6 entries, the log has 5");
    with(&|_| {});
    verify(&project, &given).code(0);
}

#[test]
fn a_log_that_is_another_one_is_named_by_its_checkpoint() {
    let project = watched();
    let points = project.read("points");
    let other = watched().file("points", &points);
    verify(&other, &[]).code(0);
    assert_eq!(found(&other, &["--checkpoint", "points"]), "rewritten");
    std::fs::remove_file(other.path().join(LOG)).unwrap();
    verify(&other, &["--checkpoint", "points"]).code(103).says("truncated");
}

#[test]
fn nothing_is_built_on_a_log_that_does_not_hold() {
    let project = ungated();
    let mut all = lines(&project);
    all[1] = all[1].replace("what 1.1.0", "What 1.1.0");
    put(&project, &all);
    let before = project.read(LABELS);
    for args in [
        &["promote", "cs", "1.2.0", "--to", "staging"][..],
        &["prompt", "release", "cs", "1.4.0", "-m", "x"],
        &["prompt", "withdraw", "cs", "1.2.0", "-m", "x"],
    ] {
        project
            .run(args)
            .code(103)
            .says("the log does not hold")
            .says("audit.jsonl:2")
            .says("edited")
            .says("audit verify");
    }
    assert_eq!(project.read(LABELS), before);
    assert!(!project.exists("prompts/cs/1.4.0.yaml"));
    project.run(&["audit", "export"]).code(103).says("the log does not hold");
    // What is live can always go back.
    project.run(&["rollback", "staging", "-m", "fire"]).code(0);
}

#[test]
fn a_torn_line_is_said_and_repaired_by_hand_alone() {
    let project = ungated();
    let whole = project.read(LOG);
    project.write(LOG, format!("{whole}{{\"actor\":{{\"os_us"));
    assert_eq!(found(&project, &[]), "torn");
    verify(&project, &[]).code(103).says("torn  audit.jsonl:6").says("audit repair");
    project.run(&["promote", "cs", "1.2.0", "--to", "staging"]).code(103).says("is torn").says("audit repair");
    project.run(&["prompt", "release", "cs", "1.4.0", "-m", "x"]).code(103).says("is torn");
    project.run(&["audit", "repair"]).code(0).says("took 16 bytes torn off the log");
    let kept = last_entry(&project);
    assert_eq!(
        (&kept["event"], kept["reason"].as_str()),
        (&"repair".into(), Some("a torn line was taken out: {\"actor\":{\"os_us"))
    );
    verify(&project, &[]).code(0);
    project.run(&["promote", "cs", "1.2.0", "--to", "staging"]).code(0);
    project.run(&["audit", "repair"]).code(0).says("there is nothing to repair");
    // Only the line's end is missing.
    let whole = project.read(LOG);
    project.write(LOG, whole.trim_end());
    assert_eq!(found(&project, &[]), "torn");
    project.run(&["audit", "repair"]).code(0).says("it has it now");
    assert_eq!(project.read(LOG), whole);
}

#[test]
fn a_forged_checkpoint_is_no_witness() {
    let project = watched();
    let key = project.run(&["audit", "key"]).code(0).out;
    let key = key.trim();
    let given = ["--checkpoint", "points", "--key", key];
    verify(&project, &given).code(0).says("key you gave");
    verify(&project, &given[..2]).code(0).says("which nobody vouched for: give --key");
    // Somebody cuts the log and makes a checkpoint that fits.
    let whole = project.read("points");
    let forged = whole.replace("\"size\":6", "\"size\":5");
    project.write("points", &forged);
    verify(&project, &given)
        .code(103)
        .says("is not signed by a key that you gave, or was changed")
        .never_says("the log holds");
    verify(&project, &given[..2]).code(103).says("was changed");
    let other = shelf().run(&["audit", "key"]).code(0).out;
    project.write("points", &whole);
    verify(&project, &["--checkpoint", "points", "--key", other.trim()]).code(103).says("is not signed by a key");
    verify(&project, &["--checkpoint", "points", "--key", "nonsense"]).code(2).says("is no public key");
    verify(&project, &["--checkpoint", "gone"]).code(2).says("cannot read `gone`");
    project.write("points", "nothing here\n");
    verify(&project, &["--checkpoint", "points"]).code(2).says("there is no checkpoint in `points`");
    // A CI log that it was printed into does as well, and the key may be a file.
    project.write("points", format!("step 3\n  2026 checkpoint {whole}done\n"));
    project.write("key.pub", key);
    verify(&project, &["--checkpoint", "points", "--key", "key.pub"]).code(0).says("you gave");
}

#[test]
fn where_there_is_no_log_nothing_is_clean() {
    let project = three_versions();
    std::fs::remove_file(project.path().join(LOG)).unwrap();
    verify(&project, &[]).code(3).says("there is no log to verify");
    project.run(&["prompt", "verify"]).code(103).says("the log knows nothing of its release");
    shelf().run(&["audit", "verify"]).code(2).says("there is no registry");
}
