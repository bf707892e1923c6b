//! Two chains in one file, as git leaves them: one behind the other again.

use std::collections::HashMap;

use serde_json::Value;

use super::entry::{Entry, Place, Sealed, seal};
use super::link::{Link, link};
use super::log::Head;

/// Two chains, taken apart.
#[derive(Debug)]
pub struct Merging {
    ours: Vec<Link>,
    theirs: Vec<Link>,
    /// The place of the first entry that the two do not share.
    pub fork: u64,
}

/// Takes apart what a merge left: the chain that comes first in the file is ours. Conflict marks of git are
/// passed over. Nothing when there is one chain only.
///
/// # Errors
/// The number of a line (from 1) that is no entry, or follows none.
pub fn merging(bytes: &[u8]) -> Result<Option<Merging>, u64> {
    let mut all: Vec<Link> = Vec::new();
    let mut by_hash: HashMap<String, usize> = HashMap::new();
    let mut base = false;
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let mark = |with: &[u8]| line.starts_with(with);
        base = (base || mark(b"|||||||")) && !mark(b"=======");
        if base || line.is_empty() || [b"<<<<<<<", b"=======", b">>>>>>>"].iter().any(|with| mark(*with)) {
            continue;
        }
        let wrong = u64::try_from(number + 1).unwrap_or(u64::MAX);
        let link = link(line).map_err(|_| wrong)?;
        if by_hash.contains_key(&link.head.hash) {
            continue;
        }
        let follows = by_hash.get(&link.prev).map(|at| &all[*at].head);
        if !link.follows(follows) {
            return Err(wrong);
        }
        by_hash.insert(link.head.hash.clone(), all.len());
        all.push(link);
    }
    let mut ours: Vec<Link> = Vec::new();
    let mut theirs = Vec::new();
    for link in all {
        if link.follows(ours.last().map(|link| &link.head)) { ours.push(link) } else { theirs.push(link) }
    }
    let fork = theirs.first().map(|link: &Link| link.head.seq);
    Ok(fork.map(|fork| Merging { ours, theirs, fork }))
}

impl Merging {
    /// What only our chain says.
    pub fn ours(&self) -> Vec<Entry> {
        entries(self.ours.iter().filter(|link| link.head.seq >= self.fork))
    }

    /// What only the other chain says.
    pub fn theirs(&self) -> Vec<Entry> {
        entries(self.theirs.iter())
    }

    /// What both chains begin with.
    pub fn shared(&self) -> Vec<Entry> {
        entries(self.ours.iter().filter(|link| link.head.seq < self.fork))
    }

    /// The head of the other chain.
    pub fn their_head(&self) -> Option<&Head> {
        self.theirs.last().map(|link| &link.head)
    }

    /// The whole log: our chain, the other one behind it with the places its entries had, and this entry.
    ///
    /// # Errors
    /// JSON's own, which entries cannot bring.
    pub fn log(self, last: &Entry) -> serde_json::Result<(Vec<u8>, Head)> {
        let mut text = Vec::new();
        let mut head = None;
        for link in self.ours {
            text.extend(crate::content::canonical(&Value::Object(link.fields)));
            text.push(b'\n');
            head = Some(link.head);
        }
        for mut link in self.theirs {
            let place = Place { seq: link.head.seq, prev: link.prev, hash: link.head.hash };
            let before = link.fields.entry("rebased").or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(places) = before {
                places.push(serde_json::to_value(place)?);
            }
            let (line, next) = seal(link.fields, head.as_ref());
            text.extend(line);
            text.push(b'\n');
            head = Some(next);
        }
        let (line, head) = last.seal(head.as_ref())?;
        text.extend(line);
        text.push(b'\n');
        Ok((text, head))
    }
}

fn entries<'a>(links: impl Iterator<Item = &'a Link>) -> Vec<Entry> {
    let read = |link: &Link| serde_json::from_value::<Sealed>(Value::Object(link.fields.clone())).ok();
    links.filter_map(read).map(|sealed| sealed.entry).collect()
}
