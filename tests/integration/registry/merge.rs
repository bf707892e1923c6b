//! Two branches that both moved something, and the merge of them.

use super::{LABELS, LOG, entries, files, json, release, ungated};
use crate::project::{Project, Ran};

/// Another clone of a project.
fn clone_of(project: &Project) -> Project {
    let clone = super::shelf();
    for (name, bytes) in files(project.path()) {
        // What belongs to one machine is not in git.
        if !name.contains(".registry") && !name.starts_with("home") {
            clone.write(&name, bytes);
        }
    }
    clone
}

/// Merges as git does with `merge=union`: the lines of both that the other does not have, ours first.
fn merge(ours: &Project, theirs: &Project) {
    let (mine, other) = (ours.read(LOG), theirs.read(LOG));
    let new: String =
        other.lines().filter(|line| !mine.lines().any(|own| own == *line)).map(|line| format!("{line}\n")).collect();
    ours.write(LOG, mine + &new);
    for (name, bytes) in files(&theirs.path().join("prompts")) {
        if name.contains('/') && !name.starts_with('.') {
            ours.write(&format!("prompts/{name}"), bytes);
        }
    }
}

fn stage(project: &Project, name: &str, version: &str) {
    let ran = project.run(&["promote", name, version, "--to", "staging", "--checkpoint", "points"]);
    ran.code(0);
}

/// Two clones that released and moved different prompts, merged into the first.
fn merged() -> (Project, Project) {
    let ours = ungated();
    let theirs = clone_of(&ours);
    release(&ours, "aa", "1.0.0", "ours");
    stage(&ours, "aa", "1.0.0");
    release(&theirs, "bb", "1.0.0", "theirs");
    stage(&theirs, "bb", "1.0.0");
    merge(&ours, &theirs);
    (ours, theirs)
}

fn verify(project: &Project, more: &[&str]) -> Ran {
    project.run(&[&["audit", "verify"], more].concat())
}

#[test]
fn two_chains_are_refused_until_they_are_one() {
    let (ours, _) = merged();
    verify(&ours, &[]).code(103).says("forked").says("audit rebase");
    let before = ours.read(LABELS);
    for args in [
        &["promote", "cs", "1.2.0", "--to", "staging"][..],
        &["prompt", "release", "aa", "1.1.0", "-m", "x"],
        &["prompt", "withdraw", "cs", "1.2.0", "-m", "x"],
    ] {
        ours.run(args).code(103).says("audit rebase");
    }
    assert_eq!(ours.read(LABELS), before);
}

#[test]
fn a_rebase_makes_one_chain_that_both_branches_checkpoints_vouch_for() {
    let (ours, theirs) = merged();
    ours.run(&["audit", "rebase"]).code(0).says("2 entries of the other branch behind 2 entries of this one");
    verify(&ours, &[]).code(0).says("the log holds: 10 entries");
    let labels = ours.read(LABELS);
    for name in ["aa", "bb"] {
        assert!(labels.contains(&format!("{name}:\n  staging: \"1.0.0\"")), "{labels}");
    }
    ours.write("theirs", theirs.read("points"));
    verify(&ours, &["--checkpoint", "points", "--checkpoint", "theirs"]).code(0);
    let all = entries(&ours);
    assert_eq!(all[9]["event"], "merge");
    assert_eq!((&all[7]["prompt"], &all[7]["rebased"][0]["seq"]), (&"bb".into(), &5.into()));
    ours.run(&["prompt", "verify"]).code(0).says("5 versions right");
    ours.run(&["audit", "rebase"]).code(0).says("there is nothing to rebase");
    ours.run(&["promote", "cs", "1.2.0", "--to", "staging"]).code(0);
    // A checkpoint of theirs does not vouch for a log that lost their entries.
    let lost: Vec<String> = ours.read(LOG).lines().take(7).map(|line| format!("{line}\n")).collect();
    ours.write(LOG, lost.concat());
    verify(&ours, &["--checkpoint", "theirs"]).code(103);
}

#[test]
fn conflict_marks_of_git_are_passed_over() {
    let (ours, theirs) = merged();
    let base = ours.read(LOG).lines().take(5).map(|line| format!("{line}\n")).collect::<String>();
    let own = |project: &Project| {
        project.read(LOG).lines().skip(5).take(2).map(|line| format!("{line}\n")).collect::<String>()
    };
    let text = format!("{base}<<<<<<< HEAD\n{}=======\n{}>>>>>>> topic\n", own(&ours), own(&theirs));
    ours.write(LOG, text);
    verify(&ours, &[]).code(103);
    ours.run(&["audit", "rebase"]).code(0);
    verify(&ours, &[]).code(0).says("10 entries");
}

/// Both clones moved `staging` of `cs`, each elsewhere.
fn contested() -> Project {
    let ours = ungated();
    let theirs = clone_of(&ours);
    stage(&ours, "cs", "1.2.0");
    stage(&theirs, "cs", "1.0.0");
    merge(&ours, &theirs);
    ours.write("theirs", theirs.read("points"));
    ours
}

#[test]
fn a_label_that_both_moved_needs_a_word() {
    for (word, version) in [("ours", "1.2.0"), ("theirs", "1.0.0")] {
        let project = contested();
        let log = project.read(LOG);
        project
            .run(&["audit", "rebase"])
            .code(2)
            .says("both branches moved staging of cs")
            .says("--prefer ours or --prefer theirs");
        assert_eq!(project.read(LOG), log);
        let ran = project.run(&["audit", "rebase", "--prefer", word]).code(0);
        ran.says(&format!("both moved staging of cs: {word} stands"));
        assert!(project.read(LABELS).contains(&format!("staging: \"{version}\"")));
        verify(&project, &["--checkpoint", "points", "--checkpoint", "theirs"]).code(0);
        let live = json(&project.run(&["label", "show", "staging", "--format", "json"]).code(0));
        assert_eq!(live[0]["to"], version);
        let back = project.run(&["rollback", "staging", "-m", "x"]).code(0);
        if word == "ours" {
            // What the other branch had was never here.
            back.says("1.2.0 → 1.1.0");
            project.run(&["label", "history", "staging"]).code(0).says("(lost)");
        }
        verify(&project, &[]).code(0);
    }
}

#[test]
fn one_version_that_both_released_is_refused() {
    let ours = ungated();
    let theirs = clone_of(&ours);
    release(&ours, "cs", "1.3.0", "ours");
    release(&theirs, "cs", "1.3.0", "theirs");
    merge(&ours, &theirs);
    let ran = ours.run(&["audit", "rebase", "--prefer", "ours"]).code(103);
    ran.says("both branches released cs@1.3.0, with different files").says("under another version");
}

#[test]
fn a_line_that_is_no_entry_is_not_rebased() {
    let (ours, _) = merged();
    ours.write(LOG, ours.read(LOG).replace("what 1.1.0", "What 1.1.0"));
    ours.run(&["audit", "rebase"]).code(103).says("line 2 of").says("is no entry of either chain");
}

/// Git in a project's folder; nothing where there is none.
fn git(project: &Project, args: &[&str]) -> Option<bool> {
    let settings = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false"];
    let home = project.path().display().to_string();
    let mut git = std::process::Command::new("git");
    git.args(settings).args(args).current_dir(project.path()).env("HOME", &home).env("GIT_CONFIG_NOSYSTEM", "1");
    git.output().ok().map(|output| output.status.success())
}

#[test]
fn git_itself_leaves_what_a_rebase_can_join() {
    let project = ungated();
    if git(&project, &["init", "-q", "-b", "main"]).is_none() {
        println!("skipped: there is no git");
        return;
    }
    let commit = |what: &str| {
        assert_eq!(git(&project, &["add", "prompts", "prompteval.yaml"]), Some(true));
        assert_eq!(git(&project, &["commit", "-q", "-m", what]), Some(true), "{what}");
    };
    commit("base");
    assert_eq!(git(&project, &["checkout", "-q", "-b", "topic"]), Some(true));
    release(&project, "bb", "1.0.0", "theirs");
    stage(&project, "bb", "1.0.0");
    commit("theirs");
    assert_eq!(git(&project, &["checkout", "-q", "main"]), Some(true));
    release(&project, "dd", "1.0.0", "ours");
    stage(&project, "dd", "1.0.0");
    commit("ours");
    // One label stands before `cs` and one behind it: no line is in the way of another.
    assert_eq!(git(&project, &["merge", "-q", "topic"]), Some(true));
    verify(&project, &[]).code(103).says("forked");
    project.run(&["audit", "rebase"]).code(0).says("2 entries of the other branch behind 2 entries of this one");
    verify(&project, &["--checkpoint", "points"]).code(0);
    project.run(&["prompt", "verify"]).code(0).says("5 versions right");
    assert_eq!(git(&project, &["ls-files", "--error-unmatch", "prompts/.registry/lock"]), Some(false));
    project.run(&["label", "list"]).code(0).says("bb").says("dd");
}

#[test]
fn an_experiment_that_both_branches_changed_is_stopped() {
    let ours = ungated();
    let plan = |weight: u32| {
        let arm = |version: &str, weight: u32| format!("  - {{version: '{version}', weight: {weight}}}\n");
        let arms = arm("1.2.0", 10_000 - weight) + &arm("1.1.0", weight);
        format!("prompt: cs\narms:\n{arms}success: [{{metric: rating, scale: [1, 5]}}]\n")
    };
    ours.write("experiments/tone.yaml", plan(1000));
    ours.run(&["ab", "start", "tone"]).code(0);
    let theirs = clone_of(&ours);
    for (project, weight) in [(&ours, 2000), (&ours, 3000), (&theirs, 5000)] {
        project.write("experiments/tone.yaml", plan(weight));
        project.run(&["ab", "start", "tone"]).code(0).says("started tone, phase");
    }
    merge(&ours, &theirs);
    ours.run(&["audit", "rebase"]).code(0).says("both changed the experiment tone: it is stopped");
    verify(&ours, &[]).code(0);
    ours.run(&["ab", "assign", "tone", "--user", "u"]).code(0).says("the experiment was stopped");
    ours.run(&["ab", "list", "--format", "json"]).code(0).says("two branches changed it, and were merged");
    ours.run(&["ab", "start", "tone"]).code(0).says("started tone, phase 4");
    ours.run(&["ab", "assign", "tone", "--user", "u"]).code(0).says("cs@1.");
}
