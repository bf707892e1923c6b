//! A registry on a disk: what a crash leaves, and what is made of it.

use std::fs;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::audit::{Event, FILE, Head, Kind};
use crate::env::Clock;

fn who() -> Who {
    let actor = crate::audit::Actor { os_user: Some("ada".into()), ..Default::default() };
    Who { actor, git: None, clock: Clock::fixed(1_795_338_000_000) }
}

/// A registry with versions 1.0.0 to 1.2.0 of `p`.
fn registry() -> (TempDir, Registry) {
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::new(dir.path().join("prompts"), dir.path());
    fs::create_dir(registry.folder()).unwrap();
    for n in 0..3 {
        fs::write(registry.folder().join("p.yaml"), format!("version: '1.0.0'\nsystem_prompt: take {n} {{{{a}}}}\n"))
            .unwrap();
        release(&registry, &format!("1.{n}.0")).unwrap();
    }
    (dir, registry)
}

fn release(registry: &Registry, version: &str) -> Result<Released, RegistryError> {
    let new = NewRelease { name: "p".into(), version: version.into(), description: "why".into(), author: None };
    registry.lock_sound()?.release(&new, &who())
}

fn promote(registry: &Registry, from: Option<&str>, to: &str) -> Result<Head, RegistryError> {
    let moved = Move {
        prompt: "p".into(),
        label: "production".into(),
        from: from.map(Into::into),
        to: to.into(),
        author: None,
        content_sha256: registry.card("p", to)?.prompt.hash.to_string(),
        withdrawn: registry.labels()?.is_withdrawn("p", to),
        evidence: None,
    };
    let entry = Move::entry(std::slice::from_ref(&moved), Event::Promote, &who());
    registry.lock_sound()?.promote(&[moved], &entry)
}

fn rollback(registry: &Registry) -> Result<String, RegistryError> {
    let back = Rollback { prompts: vec!["p".into()], label: "production".into(), to: None, reason: "bad".into() };
    let (moves, _) = registry.lock()?.rollback(&back, &who())?;
    Ok(moves[0].to.clone())
}

fn live(registry: &Registry) -> Option<String> {
    registry.labels().unwrap().get("p", "production").map(str::to_owned)
}

fn is_sound(registry: &Registry) -> bool {
    registry.audit(&[]).unwrap().findings.is_empty()
}

/// The folder as it was before something, and its files after it.
fn torn_apart(registry: &Registry, work: impl FnOnce()) -> (Vec<u8>, Vec<u8>) {
    let before = fs::read(registry.folder().join(FILE)).unwrap();
    work();
    (before, fs::read(registry.folder().join(FILE)).unwrap())
}

#[test]
fn a_change_that_was_broken_off_is_whole_or_did_not_happen() {
    let (_dir, registry) = registry();
    promote(&registry, None, "1.0.0").unwrap();
    let labels = registry.folder().join("labels.yaml");
    let old = fs::read(&labels).unwrap();
    let (before, after) = torn_apart(&registry, || drop(promote(&registry, Some("1.0.0"), "1.1.0").unwrap()));
    let new = fs::read(&labels).unwrap();
    let lines = &after[before.len()..];
    for cut in [0, 1, lines.len() / 2, lines.len() - 1, lines.len()] {
        fs::write(registry.folder().join(FILE), &after[..before.len() + cut]).unwrap();
        fs::write(&labels, &old).unwrap();
        let state = registry.folder().join(".registry");
        fs::write(state.join("0.new"), &new).unwrap();
        let pending = json!({"lines": String::from_utf8_lossy(lines), "files": [[".registry/0.new", "labels.yaml"]]});
        fs::write(state.join("pending.json"), pending.to_string()).unwrap();
        drop(registry.lock().unwrap());
        let expected = if cut == 0 { "1.0.0" } else { "1.1.0" };
        assert_eq!(live(&registry).as_deref(), Some(expected), "cut after {cut} bytes");
        assert!(is_sound(&registry), "cut after {cut} bytes");
        assert!(!state.join("pending.json").exists() && !state.join("0.new").exists());
    }
}

#[test]
fn a_change_that_somebody_else_wrote_stays_in_the_folder() {
    let (dir, registry) = registry();
    fs::write(dir.path().join("outside"), "mine").unwrap();
    let lines = fs::read_to_string(registry.folder().join(FILE)).unwrap();
    for (from, to) in [("../outside", "stolen"), (".registry/0.new", "../outside"), (".registry/0.new", "/tmp/x")] {
        let pending = json!({"lines": lines, "files": [[from, to]]});
        fs::write(registry.folder().join(".registry/pending.json"), pending.to_string()).unwrap();
        fs::write(registry.folder().join(".registry/0.new"), "theirs").unwrap();
        assert!(registry.lock().unwrap_err().message.contains("no change that prompteval began"), "{to}");
    }
    assert_eq!(fs::read_to_string(dir.path().join("outside")).unwrap(), "mine");
}

#[test]
fn a_label_goes_back_and_further_back_but_not_forth() {
    let (_dir, registry) = registry();
    for (from, to) in [(None, "1.0.0"), (Some("1.0.0"), "1.1.0"), (Some("1.1.0"), "1.2.0")] {
        promote(&registry, from, to).unwrap();
    }
    assert_eq!(rollback(&registry).unwrap(), "1.1.0");
    assert_eq!(rollback(&registry).unwrap(), "1.0.0");
    assert!(rollback(&registry).unwrap_err().message.contains("nothing before 1.0.0"));
    assert!(registry.labels().unwrap().is_withdrawn("p", "1.2.0"));
    promote(&registry, Some("1.0.0"), "1.2.0").unwrap();
    assert!(!registry.labels().unwrap().is_withdrawn("p", "1.2.0"));
    assert_eq!(rollback(&registry).unwrap(), "1.0.0");
    assert!(is_sound(&registry));
}

#[test]
fn what_was_skipped_by_a_rollback_is_not_gone_forth_to() {
    let (_dir, registry) = registry();
    for (from, to) in [(None, "1.0.0"), (Some("1.0.0"), "1.1.0"), (Some("1.1.0"), "1.2.0")] {
        promote(&registry, from, to).unwrap();
    }
    let far = Rollback {
        to: Some("1.0.0".into()),
        prompts: vec!["p".into()],
        label: "production".into(),
        reason: "x".into(),
    };
    registry.lock().unwrap().rollback(&far, &who()).unwrap();
    assert!(rollback(&registry).unwrap_err().message.contains("nothing before 1.0.0"));
}

#[test]
fn a_label_that_was_moved_meanwhile_is_not_moved_again() {
    let (_dir, registry) = registry();
    promote(&registry, None, "1.0.0").unwrap();
    let error = promote(&registry, None, "1.1.0").unwrap_err();
    assert_eq!((error.trouble, live(&registry).as_deref()), (Trouble::Conflict, Some("1.0.0")));
}

#[test]
fn versions_never_change_and_clash_by_their_precedence() {
    let (_dir, registry) = registry();
    assert!(!release(&registry, "v1.2.0").unwrap().new, "the same content again");
    for (version, trouble) in [
        ("1.1.0", Trouble::Integrity),
        ("1.2.0+build", Trouble::Integrity),
        ("1.2", Trouble::Usage),
        ("../1.0.0", Trouble::Usage),
    ] {
        assert_eq!(release(&registry, version).unwrap_err().trouble, trouble, "{version}");
    }
    assert_eq!(release(&registry, "10.0.0-rc.1").unwrap().parent.as_deref(), Some("1.2.0"));
    assert!(release(&registry, "10.0.0-RC.1").is_err(), "one file on some file systems");
}

#[test]
fn nothing_is_built_on_a_log_that_does_not_hold() {
    let (_dir, registry) = registry();
    let log = registry.folder().join(FILE);
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, text.replacen("why", "why?", 1)).unwrap();
    assert_eq!(promote(&registry, None, "1.0.0").unwrap_err().trouble, Trouble::Integrity);
    assert_eq!(registry.audit(&[]).unwrap().findings[0].kind, Kind::Edited);
    fs::write(&log, &text[..text.len() - 9]).unwrap();
    assert!(registry.lock().unwrap_err().message.contains("torn"));
    assert!(!registry.repair(&who()).unwrap().unwrap().is_empty());
    assert!(is_sound(&registry) && registry.repair(&who()).unwrap().is_none());
    let last = registry.entries(&[]).unwrap().pop().unwrap();
    assert_eq!(last.entry.event, Event::Repair);
}

#[test]
fn files_that_were_there_before_the_log_are_adopted_once() {
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::new(dir.path().to_owned(), dir.path());
    fs::create_dir(dir.path().join("p")).unwrap();
    fs::write(dir.path().join("p/2.0.0.yaml"), "version: '2.0.0'\nsystem_prompt: a\nauthor: Ada\n").unwrap();
    assert_eq!(registry.frozen("p", "2.0.0").unwrap_err().trouble, Trouble::Integrity);
    assert_eq!(registry.lock_sound().unwrap().adopt(&who()).unwrap(), ["p@2.0.0"]);
    assert_eq!(registry.frozen("p", "2.0.0").unwrap().release.author, "Ada");
    assert!(registry.lock_sound().unwrap().adopt(&who()).unwrap().is_empty());
    assert_eq!(registry.verify(None).unwrap(), (1, Vec::new()));
}

#[test]
fn every_byte_of_the_labels_counts() {
    let (_dir, registry) = registry();
    promote(&registry, None, "1.0.0").unwrap();
    promote(&registry, Some("1.0.0"), "1.1.0").unwrap();
    rollback(&registry).unwrap();
    let path = registry.folder().join("labels.yaml");
    let text = fs::read(&path).unwrap();
    for at in 0..text.len() {
        for bits in [1, 32, 255] {
            let mut edited = text.clone();
            edited[at] ^= bits;
            fs::write(&path, &edited).unwrap();
            let kinds: Vec<Kind> = registry.audit(&[]).unwrap().findings.iter().map(|f| f.kind).collect();
            assert_eq!(kinds, [Kind::Labels], "byte {at} ^ {bits}");
        }
    }
    for edited in [Vec::new(), text[..text.len() - 1].to_vec(), [&text[..], b"\n"].concat()] {
        fs::write(&path, &edited).unwrap();
        assert!(!is_sound(&registry));
    }
    assert!(registry.restore().unwrap() && is_sound(&registry));
    assert_eq!(fs::read(&path).unwrap(), text);
}
