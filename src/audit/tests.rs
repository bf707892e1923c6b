//! What tampering is called.

use proptest::prelude::*;

use super::*;

fn entry(n: u64) -> Entry {
    let version = format!("1.{n}.0");
    Entry {
        time: format!("2026-11-01T10:{:02}:{:02}.000Z", n / 60, n % 60),
        event: [Event::Release, Event::Promote, Event::Denied, Event::Rollback][usize::try_from(n % 4).unwrap()],
        actor: Actor { os_user: Some("ada".into()), ..Actor::default() },
        approvers: Vec::new(),
        change: Change {
            prompt: Some("p".into()),
            version: Some(version.clone()),
            to: Some(version),
            ..Change::default()
        },
        also: Vec::new(),
        reason: Some(format!("wörds with \"quotes\" and a 🌱, {n}")),
        missing: Vec::new(),
        tool: "0.1.0".into(),
        git: None,
    }
}

/// Lines of a chain of so many entries behind a head.
fn chain(numbers: std::ops::Range<u64>, mut head: Option<Head>) -> (Vec<Vec<u8>>, Option<Head>) {
    let mut lines = Vec::new();
    for n in numbers {
        let (mut line, next) = entry(n).seal(head.as_ref()).unwrap();
        line.push(b'\n');
        lines.push(line);
        head = Some(next);
    }
    (lines, head)
}

fn checkpoint(lines: &[Vec<u8>], head: &Head) -> Checkpoint {
    let origin = examine(&lines.concat(), &[]).origin.unwrap();
    Checkpoint::new(&origin, head, "2026-11-22T10:00:00.000Z".into(), None)
}

/// One change to a log, and what it has to be called.
#[derive(Debug, Clone)]
enum Edit {
    Flip(usize, u8),
    Remove(usize),
    Swap(usize, usize),
    Insert(usize, u64),
    Forge(usize, u64),
    Repeat(usize, usize),
    Cut(usize),
    Rewrite(u64),
}

impl Edit {
    fn apply(&self, lines: &[Vec<u8>]) -> (Vec<u8>, &'static [Kind]) {
        let mut lines = lines.to_vec();
        let all = lines.len();
        match *self {
            Self::Flip(at, bits) => {
                let mut bytes = lines.concat();
                let at = at % bytes.len();
                bytes[at] ^= bits.max(1);
                return (bytes, &[Kind::Edited]);
            }
            Self::Remove(at) if at % all == all - 1 => {
                lines.pop();
                return (lines.concat(), &[Kind::Truncated]);
            }
            Self::Remove(at) => {
                lines.remove(at % all);
                return (lines.concat(), &[Kind::Gap]);
            }
            Self::Swap(one, other) => {
                let (one, other) = (one % all, other % all);
                lines.swap(one, if one == other { (one + 1) % all } else { other });
            }
            // A line that somebody wrote: its own hash is right, its place is not.
            Self::Insert(at, n) => lines.insert(at % (all + 1), chain(n..n + 1, None).0.remove(0)),
            // One that even follows the line before it.
            Self::Forge(at, n) => {
                let at = at % all;
                let head = examine(&lines[..at].concat(), &[]).head;
                lines.insert(at, chain(1000 + n..1001 + n, head).0.remove(0));
            }
            Self::Repeat(from, to) => {
                let line = lines[from % all].clone();
                lines.insert(to % (all + 1), line);
            }
            Self::Cut(bytes) => {
                let text = lines.concat();
                let cut = bytes % (text.len() - 1) + 1;
                let rest = text[..text.len() - cut].to_vec();
                // The end of the last line alone takes no entry away.
                return (rest, if cut == 1 { &[Kind::Torn] } else { &[Kind::Truncated] });
            }
            Self::Rewrite(n) => {
                let size = u64::try_from(all).unwrap();
                return (chain(n + 1..n + 1 + size, None).0.concat(), &[Kind::Rewritten]);
            }
        }
        (lines.concat(), &[Kind::Edited])
    }
}

fn edits() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, bits)| Edit::Flip(at, bits)),
        any::<usize>().prop_map(Edit::Remove),
        (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Edit::Swap(a, b)),
        (any::<usize>(), 300..400_u64).prop_map(|(at, n)| Edit::Insert(at, n)),
        (any::<usize>(), 0..100_u64).prop_map(|(at, n)| Edit::Forge(at, n)),
        (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Edit::Repeat(a, b)),
        any::<usize>().prop_map(Edit::Cut),
        (0..100_u64).prop_map(Edit::Rewrite),
    ]
}

#[test]
fn every_one_of_2000_edits_is_found_and_named() {
    let (lines, head) = chain(0..200, None);
    let last = checkpoint(&lines, head.as_ref().unwrap());
    assert!(examine(&lines.concat(), std::slice::from_ref(&last)).findings.is_empty());
    let config = ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let found = runner.run(&edits(), |edit| {
        let (bytes, kinds) = edit.apply(&lines);
        let findings = examine(&bytes, std::slice::from_ref(&last)).findings;
        let named = findings.first().map(|finding| finding.kind);
        prop_assert!(named.is_some_and(|kind| kinds.contains(&kind)), "{:?} is called {:?}", edit, findings);
        Ok(())
    });
    found.unwrap();
}

#[test]
fn what_each_edit_is_said_to_be() {
    let (lines, head) = chain(0..5, None);
    let last = checkpoint(&lines, head.as_ref().unwrap());
    let said = |edit: Edit| {
        let findings = examine(&edit.apply(&lines).0, std::slice::from_ref(&last)).findings;
        let said = |f: &Finding| format!("{} {:?}: {}", f.kind.word(), f.line, f.words);
        findings.iter().map(said).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(said(Edit::Flip(700, 1)), @"edited Some(3): its hash is not that of its content");
    insta::assert_snapshot!(said(Edit::Remove(2)), @"gap Some(3): entry 2 is missing before it");
    insta::assert_snapshot!(said(Edit::Swap(1, 3)), @"edited Some(2): entry 3 stands where entry 1 belongs: lines were moved");
    insta::assert_snapshot!(said(Edit::Forge(2, 7)), @"edited Some(3): it was put in: no checkpoint knows this entry 2");
    insta::assert_snapshot!(said(Edit::Repeat(1, 3)), @"edited Some(4): it repeats line 2, or was moved here");
    insta::assert_snapshot!(said(Edit::Cut(30)), @r#"
    truncated None: the checkpoint of 2026-11-22T10:00:00.000Z counts 5 entries, the log has 4
    torn Some(5): the last line ends too early
    "#);
    insta::assert_snapshot!(said(Edit::Cut(1)), @r#"
    truncated None: the checkpoint of 2026-11-22T10:00:00.000Z counts 5 entries, the log has 4
    torn Some(5): the last line ends too early
    "#);
    insta::assert_snapshot!(said(Edit::Remove(4)), @"truncated None: the checkpoint of 2026-11-22T10:00:00.000Z counts 5 entries, the log has 4");
    insta::assert_snapshot!(said(Edit::Rewrite(50)), @"rewritten None: the checkpoint of 2026-11-22T10:00:00.000Z counts 5 entries up to f48e8673919f, and this log is another one there");
}

#[test]
fn two_chains_are_told_and_become_one_that_keeps_both_checkpoints() {
    let (shared, fork) = chain(0..3, None);
    let (ours, our_head) = chain(10..12, fork.clone());
    let (theirs, their_head) = chain(20..23, fork);
    let [our, their] = [(&ours, our_head), (&theirs, their_head)]
        .map(|(lines, head)| checkpoint(&[shared.clone(), lines.clone()].concat(), head.as_ref().unwrap()));
    let union = [shared.concat(), ours.concat(), theirs.concat()].concat();
    for checkpoints in [vec![our.clone()], Vec::new()] {
        let kinds: Vec<Kind> = examine(&union, &checkpoints).findings.iter().map(|finding| finding.kind).collect();
        assert_eq!(kinds, [Kind::Forked]);
    }
    let conflict =
        [&shared.concat()[..], b"<<<<<<< HEAD\n", &ours.concat(), b"=======\n", &theirs.concat(), b">>>>>>> x\n"];
    let conflict = conflict.concat();
    for bytes in [&union, &conflict] {
        let merging = merging(bytes).unwrap().unwrap();
        assert_eq!((merging.fork, merging.shared().len(), merging.ours().len(), merging.theirs().len()), (3, 3, 2, 3));
        let (log, head) = merging.log(&Entry { event: Event::Merge, ..entry(99) }).unwrap();
        let done = examine(&log, &[our.clone(), their.clone()]);
        assert_eq!((done.findings, done.entries.len(), head.seq), (Vec::new(), 9, 8));
        // A log that only claims to hold the other chain does not pass.
        let forged = String::from_utf8(log).unwrap().replace("\\\"quotes\\\" and a 🌱, 21", "others");
        assert!(!examine(forged.as_bytes(), std::slice::from_ref(&their)).findings.is_empty());
    }
    assert!(merging(&shared.concat()).unwrap().is_none());
    assert_eq!(merging(b"{}\n").unwrap_err(), 1);
}

#[test]
fn entries_that_only_say_that_they_were_rebased_are_no_merge() {
    let (lines, head) = chain(0..6, None);
    let last = checkpoint(&lines, head.as_ref().unwrap());
    // Somebody puts an entry in the middle, and chains the rest anew with the places that it had.
    let shared = examine(&lines[..4].concat(), &[]);
    let (forged, mut head) = chain(50..51, shared.head);
    let mut log = [lines[..4].concat(), forged.concat()].concat();
    for line in &lines[4..] {
        let mut fields: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(line).unwrap();
        let place = serde_json::json!([{"seq": fields["seq"], "prev": fields["prev"], "hash": fields["hash"]}]);
        fields.insert("rebased".into(), place);
        fields.remove("hash");
        let (line, next) = super::entry::seal(fields, head.as_ref());
        log.extend([&line[..], b"\n"].concat());
        head = Some(next);
    }
    assert!(examine(&log, &[]).findings.is_empty(), "its hashes fit");
    assert_eq!(examine(&log, &[last]).findings[0].kind, Kind::Rewritten);
}

#[test]
fn a_place_that_no_log_has_is_no_entry() {
    let (lines, head) = chain(0..2, None);
    for seq in [1 << 53, u64::MAX, 9_007_199_254_740_991] {
        let far = Head { seq: seq - 1, hash: head.clone().unwrap().hash };
        let (line, _) = entry(3).seal(Some(&far)).unwrap();
        let log = [lines.concat(), line, b"\n".to_vec()].concat();
        assert!(!examine(&log, &[]).findings.is_empty(), "{seq}");
    }
}

#[test]
fn a_checkpoint_is_worth_what_its_signature_is() {
    let key = SigningKey::parse(&SigningKey::generate().unwrap()).unwrap();
    let other = SigningKey::parse(&SigningKey::generate().unwrap()).unwrap().public();
    let head = Head { seq: 6, hash: "ab".into() };
    let signed = Checkpoint::new("origin", &head, "2026-11-22T10:00:00.000Z".into(), Some(&key));
    let read = Checkpoint::all_in(&format!("some words\ncheckpoint {}\n", signed.line()));
    assert_eq!(read, std::slice::from_ref(&signed));
    assert_eq!(signed.standing(Some(&key.public())), Standing::Trusted);
    assert_eq!(signed.standing(None), Standing::Signed(key.public().to_string()));
    assert_eq!(signed.standing(Some(&other)), Standing::Forged);
    let changed = Checkpoint { size: 8, ..signed.clone() };
    assert_eq!(changed.standing(Some(&key.public())), Standing::Forged);
    let unsigned = Checkpoint::new("origin", &head, String::new(), None);
    assert_eq!((unsigned.standing(None), unsigned.standing(Some(&other))), (Standing::Unsigned, Standing::Forged));
}

#[test]
fn a_log_is_read_from_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::of(folder.path());
    assert_eq!(log.head().unwrap(), Ok(None));
    let (lines, head) = chain(0..5000, None);
    log.append(&lines.concat()).unwrap();
    assert_eq!(log.head().unwrap(), Ok(head));
    let found = |version: &str| {
        let mut found = None;
        let mut each = |sealed: Sealed| {
            found = Some(sealed.seq);
            false
        };
        log.search(&[format!("\"version\":\"{version}\"")], &mut each).unwrap();
        found
    };
    assert_eq!(
        (found("1.0.0"), found("1.4999.0"), found("1.2500.0"), found("2.0.0")),
        (Some(0), Some(4999), Some(2500), None)
    );
    std::fs::write(log.path(), &lines.concat()[..lines.concat().len() - 3]).unwrap();
    assert_eq!(log.head().unwrap(), Err(Tail::Torn));
}

#[test]
fn names_of_one_person() {
    for (one, other, same) in [
        ("Ada <ada@x.org>", "ada@x.org", true),
        ("ada", "Ada <ada@x.org>", true),
        ("Ada <a@x.org>", "Ada L. <a@x.org>", true),
        ("Bob <bob@x.org>", "Ada <ada@x.org>", false),
        ("", "Ada", false),
    ] {
        assert_eq!(same_person(one, other), same, "{one} / {other}");
    }
}
