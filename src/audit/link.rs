//! One line as a link of the chain.

use memchr::memmem;
use serde_json::{Map, Value};

use super::log::Head;
use crate::content::{canonical, content_hash, sha256};

/// A line whose own hash is right.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) head: Head,
    pub(super) prev: String,
    pub(super) fields: Map<String, Value>,
}

/// No log has so many entries, and every JSON reader can hold the number.
const MOST: u64 = 1 << 53;

/// Why a line is no link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    /// It ends too early.
    Short,
    /// Anything else, in words.
    Wrong(&'static str),
}

/// The hash of an entry: of its canonical text without `hash`.
pub(super) fn hash_of(fields: &mut Map<String, Value>) -> String {
    let hash = fields.shift_remove("hash");
    // The map is moved through a value and back: a log can have lines of megabytes.
    let value = Value::Object(std::mem::take(fields));
    let found = content_hash(&value);
    if let Value::Object(map) = value {
        *fields = map;
    }
    fields.extend(hash.map(|hash| ("hash".to_owned(), hash)));
    found
}

/// Reads a line.
pub(super) fn link(line: &[u8]) -> Result<Link, Broken> {
    let mut value: Value = serde_json::from_slice(line).map_err(|error| match error.classify() {
        serde_json::error::Category::Eof => Broken::Short,
        _ => Broken::Wrong("it is no JSON"),
    })?;
    let plain = canonical(&value) == line;
    let Value::Object(fields) = &mut value else { return Err(Broken::Wrong("it is no entry")) };
    if !plain {
        return Err(Broken::Wrong("it is not in canonical form, as every entry is written"));
    }
    let text = |key: &str| fields.get(key).and_then(Value::as_str).map(str::to_owned);
    let seq = fields.get("seq").and_then(Value::as_u64).filter(|seq| *seq < MOST);
    let (Some(seq), Some(prev), Some(said)) = (seq, text("prev"), text("hash")) else {
        return Err(Broken::Wrong("it has no `seq`, `prev` or `hash`"));
    };
    if bare(line, &said).is_none_or(|bare| sha256(&bare) != said) {
        return Err(Broken::Wrong("its hash is not that of its content"));
    }
    Ok(Link { head: Head { seq, hash: said }, prev, fields: std::mem::take(fields) })
}

/// A canonical line without its hash: as it was hashed.
fn bare(line: &[u8], hash: &str) -> Option<Vec<u8>> {
    let member = format!("\"hash\":\"{hash}\"");
    let at = memmem::find(line, member.as_bytes())?;
    let end = at + member.len();
    // One comma goes with it.
    let (start, end) = if line.get(end) == Some(&b',') { (at, end + 1) } else { (at.saturating_sub(1), end) };
    Some([&line[..start], &line[end..]].concat())
}

impl Link {
    /// Whether it follows another, or is the first.
    pub(super) fn follows(&self, head: Option<&Head>) -> bool {
        Head::next(head) == (self.head.seq, self.prev.clone())
    }
}
