//! Labels move: by promotion, and back by rollback.

use std::path::PathBuf;

use super::history::{Moved, history};
use super::release::version;
use super::replay::apply;
use super::session::{Registry, Session, Who};
use super::trouble::{RegistryError, Trouble};
use crate::audit::{Change, Entry, Event, Evidence, Head};
use crate::prompts::{LABELS_FILE, Labels, label_name};

/// A label of a prompt that is to point to another version.
#[derive(Debug, Clone)]
pub struct Move {
    /// The prompt.
    pub prompt: String,
    /// The label.
    pub label: String,
    /// What it is taken to point to now: another target means that somebody else was faster.
    pub from: Option<String>,
    /// What it is to point to.
    pub to: String,
    /// Who wrote that version.
    pub author: Option<String>,
    /// Hash of what reaches the model.
    pub content_sha256: String,
    /// Whether the version was withdrawn when it was decided about.
    pub withdrawn: bool,
    /// What the move rests on.
    pub evidence: Option<Evidence>,
}

impl Move {
    /// As the log says it.
    pub fn change(&self) -> Change {
        Change {
            prompt: Some(self.prompt.clone()),
            version: Some(self.to.clone()),
            content_sha256: Some(self.content_sha256.clone()),
            label: Some(self.label.clone()),
            from: self.from.clone(),
            to: Some(self.to.clone()),
            author: self.author.clone(),
            evidence: self.evidence.clone(),
            ..Change::default()
        }
    }

    /// An entry about moves that are one step.
    pub fn entry(moves: &[Self], event: Event, who: &Who) -> Entry {
        let mut changes = moves.iter().map(Self::change);
        Entry { change: changes.next().unwrap_or_default(), also: changes.collect(), ..who.entry(event) }
    }
}

/// Versions that are to go back to what was live before.
#[derive(Debug, Clone)]
pub struct Rollback {
    /// The prompts.
    pub prompts: Vec<String>,
    /// The label.
    pub label: String,
    /// A version that was live before, instead of the one before.
    pub to: Option<String>,
    /// Why.
    pub reason: String,
}

/// A version that is to be used no more.
#[derive(Debug, Clone)]
pub struct Withdrawal {
    /// The prompt.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Why.
    pub reason: String,
}

impl Session<'_> {
    /// Moves labels, all or none: each only while it points to what it is taken to point to, and only to a
    /// version that is as it was released.
    ///
    /// # Errors
    /// When a label was moved meanwhile, a version was edited, or the disk refuses.
    pub fn promote(&mut self, moves: &[Move], entry: &Entry) -> Result<Head, RegistryError> {
        let labels = self.labels()?;
        for one in moves {
            label_name(&one.label).map_err(RegistryError::usage)?;
            let now = labels.get(&one.prompt, &one.label);
            if now != one.from.as_deref() {
                let what = |version: Option<&str>| version.map_or_else(|| "nothing".to_owned(), str::to_owned);
                let message = format!(
                    "{} of {} points to {} now, and was decided about when it pointed to {}",
                    one.label,
                    one.prompt,
                    what(now),
                    what(one.from.as_deref())
                );
                return Err(RegistryError::new(Trouble::Conflict, message).hint("decide again with the same command"));
            }
            if labels.is_withdrawn(&one.prompt, &one.to) != one.withdrawn {
                let message = format!("{}@{} was withdrawn or came back meanwhile", one.prompt, one.to);
                return Err(RegistryError::new(Trouble::Conflict, message).hint("decide again with the same command"));
            }
            let frozen = self.registry.frozen(&one.prompt, &one.to)?;
            if frozen.content() != one.content_sha256 {
                let message = format!("{}@{} has other content than was decided about", one.prompt, one.to);
                return Err(RegistryError::integrity(message));
            }
        }
        self.commit_labels(labels, entry)
    }

    /// Moves a label back, and withdraws what it pointed to. Gives what was moved.
    ///
    /// # Errors
    /// When nothing was live before, the version before was edited, or the disk refuses.
    pub fn rollback(&mut self, rollback: &Rollback, who: &Who) -> Result<(Vec<Move>, Head), RegistryError> {
        if rollback.reason.trim().is_empty() {
            return Err(RegistryError::usage("a rollback has to say why").hint("add -m \"what is wrong\""));
        }
        let labels = self.labels()?;
        let mut moves = Vec::new();
        for prompt in &rollback.prompts {
            moves.push(self.registry.back(prompt, rollback, &labels)?);
        }
        let reason = Some(rollback.reason.trim().to_owned());
        let entry = Entry { reason, ..Move::entry(&moves, Event::Rollback, who) };
        let head = self.commit_labels(labels, &entry)?;
        Ok((moves, head))
    }

    /// Withdraws a version that no label points to.
    ///
    /// # Errors
    /// When there is no such version, a label points to it, or the disk refuses.
    pub fn withdraw(&mut self, withdrawal: &Withdrawal, who: &Who) -> Result<(), RegistryError> {
        let Withdrawal { name, version: said, reason } = withdrawal;
        if reason.trim().is_empty() {
            return Err(RegistryError::usage("a withdrawal has to say why").hint("add -m \"what is wrong with it\""));
        }
        let version = version(said)?.to_string();
        let card = self.registry.card(name, &version)?;
        let labels = self.labels()?;
        if labels.is_withdrawn(name, &version) {
            return Err(RegistryError::usage(format!("{name}@{version} is withdrawn already")));
        }
        let own = labels.prompts().get(name);
        let label = own.and_then(|own| own.labels.iter().find(|(_, to)| **to == version)).map(|(label, _)| label);
        if let Some(label) = label {
            let message = format!("{label} of {name} points to {version}");
            let hint =
                format!("`prompteval rollback {name} --label {label} -m \"why\"` takes it back and withdraws it");
            return Err(RegistryError::usage(message).hint(hint));
        }
        let change = Change {
            prompt: Some(name.clone()),
            version: Some(version),
            content_sha256: Some(card.prompt.hash.to_string()),
            ..Change::default()
        };
        let entry = Entry { change, reason: Some(reason.trim().to_owned()), ..who.entry(Event::Withdraw) };
        self.commit_labels(labels, &entry).map(drop)
    }

    /// Enters what moves labels, and moves them.
    fn commit_labels(&mut self, mut labels: Labels, entry: &Entry) -> Result<Head, RegistryError> {
        apply(&mut labels, entry);
        let file = (PathBuf::from(LABELS_FILE), labels.text().into_bytes());
        self.commit(std::slice::from_ref(entry), vec![file])
    }
}

impl Registry {
    /// The step back of one prompt.
    fn back(&self, prompt: &str, rollback: &Rollback, labels: &Labels) -> Result<Move, RegistryError> {
        let label = &rollback.label;
        let Some(from) = labels.get(prompt, label) else {
            return Err(RegistryError::usage(format!("{prompt} has no label {label}"))
                .hint("`prompteval label list` shows what there is"));
        };
        let moves = history(self, Some(prompt), Some(label))?;
        if moves.last().and_then(|moved| moved.to.as_deref()) != Some(from) {
            let message = format!("{LABELS_FILE} says that {label} of {prompt} points to {from}, and the log does not");
            return Err(RegistryError::integrity(message)
                .hint("`prompteval audit repair` writes the labels that the log tells; then roll back"));
        }
        // Whoever names a version may go anywhere it was; else what a rollback went back behind stays behind.
        let moves: Vec<Moved> = moves.into_iter().filter(|moved| !moved.lost).collect();
        let been = match rollback.to {
            Some(_) => moves.into_iter().filter_map(|moved| moved.to).collect(),
            None => stack(moves),
        };
        let usable = |version: &&String| *version != from && !labels.is_withdrawn(prompt, version);
        let to = match &rollback.to {
            Some(said) => {
                let wanted = version(said)?.to_string();
                been.iter().rev().filter(usable).find(|version| **version == wanted).ok_or_else(|| {
                    let why = match () {
                        () if wanted == from => "is live",
                        () if labels.is_withdrawn(prompt, &wanted) => "is withdrawn",
                        () => "was never live",
                    };
                    let message = format!("{label} of {prompt} cannot go back to {wanted}: it {why}");
                    RegistryError::usage(message)
                        .hint(format!("`prompteval label history {label} {prompt}` shows where it was"))
                })?
            }
            None => been.iter().rev().find(usable).ok_or_else(|| {
                let message = format!("{label} of {prompt} pointed to nothing before {from} that it could go back to");
                RegistryError::usage(message)
                    .hint(format!("`prompteval label history {label} {prompt}` shows where it was"))
            })?,
        };
        let frozen = self.frozen(prompt, to)?;
        Ok(Move {
            prompt: prompt.to_owned(),
            label: label.clone(),
            from: Some(from.to_owned()),
            to: to.clone(),
            author: Some(frozen.release.author.clone()),
            content_sha256: frozen.content().to_owned(),
            withdrawn: false,
            evidence: None,
        })
    }
}

/// The versions that were live one after the other, without those that a rollback went back behind.
fn stack(moves: Vec<Moved>) -> Vec<String> {
    let mut been: Vec<String> = Vec::new();
    for moved in moves {
        let Some(to) = moved.to else { continue };
        match been.iter().rposition(|version| *version == to).filter(|_| moved.event == Event::Rollback) {
            Some(at) => been.truncate(at + 1),
            None => been.push(to),
        }
    }
    been
}
