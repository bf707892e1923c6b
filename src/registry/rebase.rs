//! Two chains become one after a merge of two branches; a torn line is taken out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::replay::{apply, replay};
use super::session::{Registry, Who, unsound};
use super::trouble::RegistryError;
use crate::audit::{Change, Entry, Event, examine, merging};
use crate::prompts::Labels;

/// What came of joining two chains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebase {
    /// Entries that only our chain had.
    pub ours: usize,
    /// Entries of the other chain, which stand behind ours now.
    pub theirs: usize,
    /// Labels that both had moved, as `LABEL of PROMPT`.
    pub contested: Vec<String>,
    /// Experiments that both had changed: they are stopped, since nobody knows who got what.
    pub stopped: Vec<String>,
}

impl Registry {
    /// Puts the other chain behind ours, and says so in an entry. Of labels that both chains moved, ours or
    /// theirs stand, as was said. Nothing where there is one chain only.
    ///
    /// # Errors
    /// When a line is no entry, when both chains released one version with different contents, when labels
    /// are contested and nobody said whose stand, or when the disk refuses.
    pub fn rebase(&self, prefer_theirs: Option<bool>, who: &Who) -> Result<Option<Rebase>, RegistryError> {
        let hold = self.hold()?;
        let log = self.log();
        let bytes = log.bytes().map_err(|e| RegistryError::io(&e, "read", log.path()))?;
        let parts = merging(&bytes).map_err(|line| {
            RegistryError::integrity(format!("line {line} of `{}` is no entry of either chain", log.path().display()))
                .hint("`prompteval audit verify` says what was done to the log")
        })?;
        let Some(parts) = parts else { return Ok(None) };
        let (shared, ours, theirs) = (parts.shared(), parts.ours(), parts.theirs());
        one_content(&ours, &theirs)?;
        let (mine, other) = (moved(&ours), moved(&theirs));
        let contested: Vec<(String, String)> = mine.intersection(&other).cloned().collect();
        let named: Vec<String> = contested.iter().map(|(prompt, label)| format!("{label} of {prompt}")).collect();
        if prefer_theirs.is_none() && !contested.is_empty() {
            let message = format!("both branches moved {}", named.join(", "));
            return Err(RegistryError::usage(message).hint("say whose moves stand: --prefer ours or --prefer theirs"));
        }
        let ours_only = replay(shared.iter().chain(&ours));
        let mut labels = replay(shared.iter().chain(&ours).chain(&theirs));
        let mut last = Entry {
            reason: Some(format!("entries of another branch: {}, of this one meanwhile: {}", theirs.len(), ours.len())),
            ..who.entry(Event::Merge)
        };
        let mut changes = Vec::new();
        if prefer_theirs == Some(false) {
            changes.extend(contested.iter().map(|(prompt, label)| settled(prompt, label, &labels, &ours_only)));
        }
        let theirs_only = replay(shared.iter().chain(&theirs));
        changes.extend(withdrawn_in_one([&ours_only, &theirs_only], &labels));
        let both = in_both(&ours, &theirs);
        let stopped = both.keys().cloned().collect();
        changes.extend(both.into_values().map(|phase| Change { experiment: Some(phase), ..Change::default() }));
        let mut changes = changes.into_iter();
        last.change = changes.next().unwrap_or_default();
        last.also = changes.collect();
        apply(&mut labels, &last);
        let count = (ours.len(), theirs.len());
        let (text, _) = parts.log(&last).map_err(|e| RegistryError::integrity(e.to_string()))?;
        self.replace(&hold, &text, &labels)?;
        Ok(Some(Rebase { ours: count.0, theirs: count.1, contested: named, stopped }))
    }

    /// Writes the labels that the log tells, where the file says something else and the log holds. Says
    /// whether it did.
    ///
    /// # Errors
    /// When the log does not hold, or the disk refuses.
    pub fn restore(&self) -> Result<bool, RegistryError> {
        let hold = self.hold()?;
        let log = self.log();
        let bytes = log.bytes().map_err(|e| RegistryError::io(&e, "read", log.path()))?;
        let examined = examine(&bytes, &[]);
        if let Some(found) = examined.findings.first() {
            return Err(unsound(found, self.folder()));
        }
        if self.labels_differ(&examined)?.is_none() {
            return Ok(false);
        }
        self.replace(&hold, &bytes, &replay(examined.said()))?;
        Ok(true)
    }

    /// Takes a torn last line out of the log and keeps what is left of it in an entry of its own. Gives the
    /// bytes that were taken out; nothing where no line is torn.
    ///
    /// # Errors
    /// When the disk refuses, or the last line is whole and wrong.
    pub fn repair(&self, who: &Who) -> Result<Option<Vec<u8>>, RegistryError> {
        let hold = self.hold()?;
        let log = self.log();
        let trouble = |e: std::io::Error| RegistryError::io(&e, "repair", log.path());
        let tail = log.tail().map_err(trouble)?;
        if tail.is_empty() || tail.ends_with(b"\n") {
            return Ok(None);
        }
        if log.ends_whole().map_err(trouble)? {
            log.append(b"\n").map_err(trouble)?;
            return Ok(Some(Vec::new()));
        }
        // The log without the line and with what is left of it takes the old one's place in one step.
        let bytes = log.bytes().map_err(trouble)?;
        let whole = &bytes[..bytes.len() - tail.len()];
        let examined = examine(whole, &[]);
        if let Some(found) = examined.findings.first() {
            return Err(unsound(found, self.folder()));
        }
        let kept = String::from_utf8_lossy(&tail).into_owned();
        let entry = Entry { reason: Some(format!("a torn line was taken out: {kept}")), ..who.entry(Event::Repair) };
        let (line, _) = entry.seal(examined.head.as_ref()).map_err(|e| RegistryError::integrity(e.to_string()))?;
        self.replace(&hold, &[whole, &line, b"\n"].concat(), &replay(examined.said()))?;
        Ok(Some(tail))
    }
}

/// The versions that one of two branches withdrew and that joining them would bring back: nobody knows
/// whether what the other did with them was done knowing of it.
fn withdrawn_in_one(branches: [&Labels; 2], joined: &Labels) -> Vec<Change> {
    let mut all = BTreeSet::new();
    for (name, own) in branches.into_iter().flat_map(Labels::prompts) {
        let lost = own.withdrawn.iter().filter(|version| !joined.is_withdrawn(name, version));
        all.extend(lost.map(|version| (name.clone(), version.clone())));
    }
    let change = |(prompt, version)| Change { prompt: Some(prompt), version: Some(version), ..Change::default() };
    all.into_iter().map(change).collect()
}

/// The experiments that both branches started, changed or stopped, as theirs has them.
fn in_both(ours: &[Entry], theirs: &[Entry]) -> BTreeMap<String, Value> {
    let changed = |entries: &[Entry]| -> BTreeMap<String, Value> {
        let phases = entries.iter().flat_map(Entry::changes).filter_map(|change| change.experiment.clone());
        phases.filter_map(|phase| Some((phase["name"].as_str()?.to_owned(), phase))).collect()
    };
    let own = changed(ours);
    changed(theirs).into_iter().filter(|(name, _)| own.contains_key(name)).collect()
}

/// The label of a prompt goes back to what our chain says.
fn settled(prompt: &str, label: &str, now: &Labels, ours: &Labels) -> Change {
    Change {
        prompt: Some(prompt.to_owned()),
        version: ours.get(prompt, label).map(str::to_owned),
        label: Some(label.to_owned()),
        from: now.get(prompt, label).map(str::to_owned),
        to: ours.get(prompt, label).map(str::to_owned),
        ..Change::default()
    }
}

/// The labels that entries move.
fn moved(entries: &[Entry]) -> BTreeSet<(String, String)> {
    let moves = entries.iter().filter(|entry| entry.event.moves()).flat_map(Entry::changes);
    moves.filter_map(|change| Some((change.prompt.clone()?, change.label.clone()?))).collect()
}

/// No version may have been released twice with different contents.
fn one_content(ours: &[Entry], theirs: &[Entry]) -> Result<(), RegistryError> {
    let released = |entries: &[Entry]| -> Vec<Change> {
        entries.iter().filter(|entry| entry.event == Event::Release).flat_map(Entry::changes).cloned().collect()
    };
    let theirs = released(theirs);
    for change in released(ours) {
        let same = |other: &&Change| other.prompt == change.prompt && other.version == change.version;
        if let Some(other) = theirs.iter().find(same)
            && other.file_sha256 != change.file_sha256
        {
            let name = format!("{}@{}", change.prompt.unwrap_or_default(), change.version.unwrap_or_default());
            let error = RegistryError::integrity(format!("both branches released {name}, with different files"));
            return Err(error.hint("release one of the two under another version on its branch, and merge again"));
        }
    }
    Ok(())
}
