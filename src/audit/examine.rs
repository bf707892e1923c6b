//! Whether a log is what it was: edited, gap, truncated, rewritten, torn, forked.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value;

use super::checkpoint::Checkpoint;
use super::link::{Broken, Link, hash_of, link};
use super::log::Head;
use super::{Entry, Event, Sealed};

/// What was done to a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An entry was changed, moved, put in or repeated.
    Edited,
    /// Entries are missing in the middle.
    Gap,
    /// Entries are missing at the end.
    Truncated,
    /// The whole log is another one, with hashes that fit.
    Rewritten,
    /// The last line ends too early.
    Torn,
    /// Two chains stand in one file, as git leaves them after a merge.
    Forked,
    /// The labels are not what the log says.
    Labels,
}

impl Kind {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Edited => "edited",
            Self::Gap => "gap",
            Self::Truncated => "truncated",
            Self::Rewritten => "rewritten",
            Self::Torn => "torn",
            Self::Forked => "forked",
            Self::Labels => "labels",
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was done.
    pub kind: Kind,
    /// The line, from 1, where there is one.
    pub line: Option<u64>,
    /// What was found there.
    pub words: String,
}

impl Finding {
    fn at(kind: Kind, line: usize, words: impl Into<String>) -> Self {
        Self { kind, line: u64::try_from(line + 1).ok(), words: words.into() }
    }
}

/// What a log holds.
#[derive(Debug, Clone, Default)]
pub struct Examined {
    /// The entries of the chain whose own hash is right, in order.
    pub entries: Vec<Sealed>,
    /// The last of them.
    pub head: Option<Head>,
    /// The hash of the first.
    pub origin: Option<String>,
    /// All that is wrong.
    pub findings: Vec<Finding>,
}

/// Reads a whole log, and says what is wrong with it given checkpoints of it.
pub fn examine(bytes: &[u8], checkpoints: &[Checkpoint]) -> Examined {
    let mut walk = Walk::over(bytes, checkpoints);
    walk.chain();
    walk.held_to(checkpoints);
    walk.done
}

struct Walk {
    /// Each line with its number; `Err` where it is no link.
    lines: Vec<(usize, Result<Link, Broken>)>,
    /// Places of entries that are there.
    seqs: BTreeSet<u64>,
    /// The chain that a checkpoint names, from its hash backwards: its entries by their place in it.
    vouched: HashMap<u64, (usize, String)>,
    /// The last line that it names.
    last: usize,
    done: Examined,
}

impl Walk {
    fn over(bytes: &[u8], checkpoints: &[Checkpoint]) -> Self {
        let mut parts: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        let tail = parts.pop().filter(|tail| !tail.is_empty());
        let mut lines: Vec<_> = parts.into_iter().map(link).enumerate().collect();
        let mut done = Examined::default();
        if let Some(tail) = tail {
            let (number, last) = (lines.len(), link(tail));
            let words = match &last {
                Ok(_) => Some("the last line has no end"),
                Err(Broken::Short) => Some("the last line ends too early"),
                Err(Broken::Wrong(_)) => None,
            };
            done.findings.extend(words.map(|words| Finding::at(Kind::Torn, number, words)));
            if !matches!(last, Err(Broken::Short)) {
                lines.push((number, last));
            }
        }
        let seqs = lines.iter().filter_map(|(_, line)| line.as_ref().ok()).map(|link| link.head.seq).collect();
        let vouched = vouched(&lines, checkpoints);
        let last = vouched.values().map(|(line, _)| *line).max().unwrap_or(0);
        Self { lines, seqs, vouched, last, done }
    }

    /// Follows the chain from line to line.
    fn chain(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        let mut seen: HashMap<String, usize> = HashMap::new();
        // What the next entry has to follow; nothing behind a line that is none.
        let mut before: Option<Option<Head>> = Some(None);
        for (number, line) in lines {
            let link = match line {
                Ok(link) => link,
                Err(broken) => {
                    let why = match broken {
                        Broken::Short => "it ends too early",
                        Broken::Wrong(why) => why,
                    };
                    self.note(Kind::Edited, number, why);
                    before = None;
                    continue;
                }
            };
            if self.was_put_in(&link, number) {
                let words = format!("it was put in: no checkpoint knows this entry {}", link.head.seq);
                self.note(Kind::Edited, number, words);
                continue;
            }
            let expected = before.as_ref().map_or(link.head.seq, |head| Head::next(head.as_ref()).0);
            if before.as_ref().is_none_or(|head| link.follows(head.as_ref())) {
                before = Some(Some(link.head.clone()));
                self.take(link, number, &mut seen);
                continue;
            }
            if let Some(first) = seen.get(&link.head.hash) {
                let words = format!("it repeats line {}, or was moved here", first + 1);
                self.note(Kind::Edited, number, words);
                continue;
            }
            if self.out_of_place(&link, expected, number, &seen) == Kind::Forked {
                // The other chain is left aside.
                seen.insert(link.head.hash, number);
                continue;
            }
            before = Some(Some(link.head.clone()));
            self.take(link, number, &mut seen);
        }
    }

    /// Whether an entry stands among those of a checkpoint and is none of them. What git puts together has
    /// the other chain behind them.
    fn was_put_in(&self, link: &Link, number: usize) -> bool {
        number < self.last && self.vouched.get(&link.head.seq).is_some_and(|(_, hash)| *hash != link.head.hash)
    }

    /// What an entry is that does not follow the one before it.
    fn out_of_place(&mut self, link: &Link, expected: u64, number: usize, seen: &HashMap<String, usize>) -> Kind {
        let seq = link.head.seq;
        if seq > expected && self.seqs.range(expected..).next() == Some(&seq) {
            let words = match seq - expected {
                1 => format!("entry {expected} is missing before it"),
                n => format!("{n} entries from {expected} on are missing before it"),
            };
            self.note(Kind::Gap, number, words);
            return Kind::Gap;
        }
        if seq > expected && !self.done.findings.iter().any(|finding| finding.kind == Kind::Edited) {
            self.note(
                Kind::Edited,
                number,
                format!("entry {seq} stands where entry {expected} belongs: lines were moved"),
            );
            return Kind::Edited;
        }
        // One line that is out of place puts others out of place.
        if self.done.findings.iter().any(|finding| finding.kind == Kind::Edited) {
            return Kind::Edited;
        }
        // An entry that follows an earlier one begins, or goes on with, another chain.
        let follows = seen.get(&link.prev).is_some();
        if follows {
            if !self.done.findings.iter().any(|finding| finding.kind == Kind::Forked) {
                self.note(Kind::Forked, number, format!("a second chain begins here with entry {seq}"));
            }
            return Kind::Forked;
        }
        let words = match seq < expected {
            true if seq == 0 => "another log begins here".to_owned(),
            true => format!("entry {seq} stands where entry {expected} belongs: lines were moved or put in"),
            false => "it does not follow the line before it: one of the two is not what it was".to_owned(),
        };
        self.note(Kind::Edited, number, words);
        Kind::Edited
    }

    fn take(&mut self, link: Link, number: usize, seen: &mut HashMap<String, usize>) {
        seen.insert(link.head.hash.clone(), number);
        self.done.origin.get_or_insert_with(|| link.head.hash.clone());
        self.done.head = Some(link.head);
        match serde_json::from_value::<Sealed>(Value::Object(link.fields)) {
            Ok(entry) => self.done.entries.push(entry),
            Err(_) => self.note(Kind::Edited, number, "it lacks what every entry has"),
        }
    }

    fn note(&mut self, kind: Kind, line: usize, words: impl Into<String>) {
        self.done.findings.push(Finding::at(kind, line, words));
    }

    /// Whether a checkpoint is of this log.
    fn is_of(&self, checkpoint: &Checkpoint) -> bool {
        self.done.origin.as_ref() == Some(&checkpoint.origin)
    }

    /// What checkpoints show that the chain alone cannot.
    fn held_to(&mut self, checkpoints: &[Checkpoint]) {
        let size = self.done.head.as_ref().map_or(0, |head| head.seq + 1);
        let sound = self.done.findings.iter().all(|finding| finding.kind == Kind::Torn);
        for checkpoint in checkpoints.iter().filter(|_| sound) {
            let at = checkpoint.size.saturating_sub(1);
            let known = self.done.entries.iter().find(|sealed| sealed.seq == at);
            if checkpoint.size == 0
                || known.is_some_and(|sealed| sealed.hash == checkpoint.head && self.is_of(checkpoint))
                || was_merged(&self.done.entries, &checkpoint.head)
            {
                continue;
            }
            let of = format!("the checkpoint of {} counts {} entries", checkpoint.time, checkpoint.size);
            let finding = if size < checkpoint.size {
                Finding { kind: Kind::Truncated, line: None, words: format!("{of}, the log has {size}") }
            } else {
                let words = format!("{of} up to {}, and this log is another one there", short(&checkpoint.head));
                Finding { kind: Kind::Rewritten, line: None, words }
            };
            self.done.findings.push(finding);
            self.done.findings.sort_by_key(|finding| finding.kind);
            return;
        }
    }
}

/// Whether the chain that ended with this hash is in the log, re-chained behind another one: the place that
/// each entry says it had must give that hash again, and lead back to the log.
fn was_merged(entries: &[Sealed], hash: &str) -> bool {
    if !together(entries, hash) {
        return false;
    }
    let now: HashSet<&str> = entries.iter().map(|sealed| sealed.hash.as_str()).collect();
    let before: HashMap<&str, &Sealed> = entries
        .iter()
        .flat_map(|sealed| sealed.rebased.iter().map(move |place| (place.hash.as_str(), sealed)))
        .collect();
    let mut hash = hash;
    let mut steps = 0;
    while let Some(sealed) = before.get(hash).filter(|_| steps <= entries.len()) {
        let Some(prev) = former(sealed, hash) else { return false };
        if now.contains(prev) || prev == Head::next(None).1 {
            return true;
        }
        hash = prev;
        steps += 1;
    }
    false
}

/// Whether a former entry is one of a run of re-chained ones that a merge closes: nothing else puts entries
/// behind others.
fn together(entries: &[Sealed], hash: &str) -> bool {
    let Some(at) = entries.iter().position(|sealed| sealed.rebased.iter().any(|place| place.hash == hash)) else {
        return false;
    };
    let closed = entries[at..].iter().find(|sealed| sealed.rebased.is_empty());
    closed.is_some_and(|sealed| sealed.entry.event == Event::Merge)
}

/// What stood before an entry when it had this hash, if it truly had.
fn former<'a>(sealed: &'a Sealed, hash: &str) -> Option<&'a str> {
    let at = sealed.rebased.iter().position(|place| place.hash == hash)?;
    let place = &sealed.rebased[at];
    let then =
        Sealed { seq: place.seq, prev: place.prev.clone(), rebased: sealed.rebased[..at].to_vec(), ..sealed.clone() };
    let Ok(Value::Object(mut fields)) = serde_json::to_value(then) else { return None };
    (hash_of(&mut fields) == hash).then_some(place.prev.as_str())
}

/// The first digits of a hash.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// The chain that ends where the latest checkpoint says, each entry by its place in it.
fn vouched(lines: &[(usize, Result<Link, Broken>)], checkpoints: &[Checkpoint]) -> HashMap<u64, (usize, String)> {
    let Some(latest) = checkpoints.iter().max_by_key(|checkpoint| checkpoint.size) else { return HashMap::new() };
    let good = || lines.iter().filter_map(|(line, link)| link.as_ref().ok().map(|link| (*line, link)));
    let by_hash: HashMap<&str, (usize, &Link)> =
        good().map(|(line, link)| (link.head.hash.as_str(), (line, link))).collect();
    let mut chain = HashMap::new();
    let mut next = by_hash.get(latest.head.as_str());
    while let Some((line, link)) = next {
        chain.insert(link.head.seq, (*line, link.head.hash.clone()));
        next = by_hash.get(link.prev.as_str()).filter(|(_, before)| before.head.seq < link.head.seq);
    }
    chain
}

/// What entries say, without their places.
impl Examined {
    /// The entries.
    pub fn said(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().map(|sealed| &sealed.entry)
    }
}
