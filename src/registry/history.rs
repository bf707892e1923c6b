//! What labels pointed to, and when.

use std::collections::BTreeMap;

use super::session::Registry;
use super::trouble::RegistryError;
use crate::audit::{Actor, Change, Event, Evidence, Sealed};

/// One move of a label.
#[derive(Debug, Clone)]
pub struct Moved {
    /// The place of its entry in the log.
    pub seq: u64,
    /// When, UTC.
    pub time: String,
    /// How.
    pub event: Event,
    /// The prompt.
    pub prompt: String,
    /// The label.
    pub label: String,
    /// What it pointed to before.
    pub from: Option<String>,
    /// What it pointed to then.
    pub to: Option<String>,
    /// Hash of what reached the model from then on.
    pub content_sha256: Option<String>,
    /// Who did it.
    pub actor: Actor,
    /// Who agreed.
    pub approvers: Vec<String>,
    /// Why.
    pub reason: Option<String>,
    /// On what evidence.
    pub evidence: Option<Evidence>,
    /// Whether it was made on another branch.
    pub rebased: bool,
    /// Whether a merge decided against it: it was never so here.
    pub lost: bool,
}

/// What a label points to, and the move that made it so.
#[derive(Debug, Clone)]
pub struct Live {
    /// The version.
    pub version: String,
    /// The last move.
    pub since: Moved,
}

/// The moves in entries, oldest first. Those of another branch that a merge decided against never were here.
pub(super) fn moves(entries: &[Sealed]) -> Vec<Moved> {
    let mut all: Vec<Moved> = Vec::new();
    for sealed in entries.iter().filter(|sealed| sealed.entry.event.moves()) {
        for moved in sealed.entry.changes().filter_map(|change| moved(sealed, change)) {
            if moved.event == Event::Merge {
                let same = |other: &Moved| (&other.prompt, &other.label) == (&moved.prompt, &moved.label);
                all.iter_mut().filter(|other| other.rebased && same(other)).for_each(|other| other.lost = true);
            }
            all.push(moved);
        }
    }
    all
}

fn moved(sealed: &Sealed, change: &Change) -> Option<Moved> {
    let entry = &sealed.entry;
    Some(Moved {
        seq: sealed.seq,
        time: entry.time.clone(),
        event: entry.event,
        prompt: change.prompt.clone()?,
        label: change.label.clone()?,
        from: change.from.clone(),
        to: change.to.clone(),
        content_sha256: change.content_sha256.clone(),
        actor: entry.actor.clone(),
        approvers: entry.approvers.clone(),
        reason: entry.reason.clone(),
        evidence: change.evidence.clone(),
        rebased: !sealed.rebased.is_empty(),
        lost: false,
    })
}

/// The moves of a prompt's label, oldest first; without a prompt or a label, of all.
///
/// # Errors
/// When the log cannot be read.
pub fn history(registry: &Registry, prompt: Option<&str>, label: Option<&str>) -> Result<Vec<Moved>, RegistryError> {
    let needle = |key: &str, value: Option<&str>| value.map(|value| format!("\"{key}\":\"{value}\""));
    let needles: Vec<String> = [needle("prompt", prompt), needle("label", label)].into_iter().flatten().collect();
    let entries = registry.entries(&needles)?;
    let meant = |moved: &Moved| {
        prompt.is_none_or(|prompt| moved.prompt == prompt) && label.is_none_or(|label| moved.label == label)
    };
    Ok(moves(&entries).into_iter().filter(meant).collect())
}

/// What every label pointed to at a moment (milliseconds since 1970, UTC), by prompt and label.
///
/// # Errors
/// When the log cannot be read.
pub fn live_at(registry: &Registry, millis: Option<u64>) -> Result<BTreeMap<(String, String), Live>, RegistryError> {
    let entries = registry.entries(&["\"label\":\"".to_owned()])?;
    let until = millis.map(crate::env::format_time);
    let early = |moved: &Moved| !moved.lost && until.as_ref().is_none_or(|until| moved.time <= *until);
    let mut live = BTreeMap::new();
    for moved in moves(&entries).into_iter().filter(early) {
        let key = (moved.prompt.clone(), moved.label.clone());
        match moved.to.clone() {
            Some(version) => live.insert(key, Live { version, since: moved }),
            None => live.remove(&key),
        };
    }
    Ok(live)
}

impl Registry {
    /// The entries whose lines hold all of these, in the order of the log. A line that cannot be read is
    /// passed over: `audit verify` is there to say so.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn entries(&self, needles: &[String]) -> Result<Vec<Sealed>, RegistryError> {
        let log = self.log();
        let bytes = log.bytes().map_err(|e| RegistryError::io(&e, "read", log.path()))?;
        let finders: Vec<_> = needles.iter().map(|needle| memchr::memmem::Finder::new(needle.as_bytes())).collect();
        let mut entries = Vec::new();
        for line in bytes.split(|byte| *byte == b'\n') {
            if !line.is_empty() && finders.iter().all(|finder| finder.find(line).is_some()) {
                entries.extend(serde_json::from_slice::<Sealed>(line).ok());
            }
        }
        Ok(entries)
    }
}
