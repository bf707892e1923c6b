//! A released version, held to what the log says of it.

use std::collections::BTreeSet;

use super::session::Registry;
use super::trouble::RegistryError;
use crate::audit::{Event, Sealed};
use crate::content::sha256;
use crate::diag::Source;
use crate::prompts::{Card, Reference, Release, card, prompt_name, versions, without_v};

/// A released version whose file is what it was.
#[derive(Debug, Clone)]
pub struct Frozen {
    /// The prompt's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// All that the file says.
    pub card: Card,
    /// What its release says.
    pub release: Release,
    /// Hash of the file's bytes.
    pub file_sha256: String,
    /// Who gave the command, whoever is said to have written it.
    pub released_by: Vec<String>,
}

impl Frozen {
    /// Hash of what reaches the model.
    pub fn content(&self) -> &str {
        &self.card.prompt.hash
    }
}

impl Registry {
    /// A prompt's file, read.
    ///
    /// # Errors
    /// When there is no such version, it is no prompt file, or it was edited after its release.
    pub fn card(&self, name: &str, version: &str) -> Result<Card, RegistryError> {
        prompt_name(name).map_err(RegistryError::usage)?;
        let word = format!("{name}@{version}");
        let reference = Reference { name: name.to_owned(), version: version.to_owned() };
        card(&reference, &Source::new("<argument>", word).span(), self.sources()).map_err(|problem| {
            // The place in the arguments says nothing that the message does not.
            let inside = problem.at.as_ref().is_some_and(|at| &**at.source().name() == "<argument>");
            let mut error = RegistryError::from(problem);
            if inside {
                error.problem = None;
            }
            error
        })
    }

    /// A released version, with its file's bytes and its content as they were when it was released.
    ///
    /// # Errors
    /// When there is none, when the log knows nothing of it, and when it was edited.
    pub fn frozen(&self, name: &str, version: &str) -> Result<Frozen, RegistryError> {
        let version = without_v(version);
        if semver::Version::parse(version).is_err() {
            let message = format!("`{version}` is no version");
            return Err(RegistryError::usage(message).hint(self.known(name)));
        }
        let card = self.card(name, version)?;
        let path = self.folder().join(name).join(format!("{version}.yaml"));
        let bytes = std::fs::read(&path).map_err(|e| RegistryError::io(&e, "read", &path))?;
        let file_sha256 = sha256(&bytes);
        let entry = self.released(name, version)?.ok_or_else(|| {
            RegistryError::integrity(format!("the log knows no release of {name}@{version}"))
                .hint("`prompteval prompt import --adopt` enters files that were there before; `git log` says where this one comes from")
        })?;
        let change = entry
            .entry
            .changes()
            .find(|change| change.prompt.as_deref() == Some(name) && change.version.as_deref() == Some(version));
        let said = change.and_then(|change| change.file_sha256.as_deref()).unwrap_or_default();
        let content = change.and_then(|change| change.content_sha256.as_deref()).unwrap_or_default();
        if said != file_sha256 || content != &*card.prompt.hash {
            let message = format!("`{}` was edited after it was released", card.file);
            let hint = format!(
                "take the edit back (`git checkout -- {}`), and release another version for a change",
                card.file
            );
            return Err(RegistryError::integrity(message).hint(hint));
        }
        let release = card.release.clone().unwrap_or_else(|| Release {
            content_sha256: content.to_owned(),
            author: change.and_then(|change| change.author.clone()).unwrap_or_default(),
            date: entry.entry.time.clone(),
            description: entry.entry.reason.clone().unwrap_or_default(),
            parent: None,
        });
        let actor = &entry.entry.actor;
        let ci = actor.ci.as_ref().and_then(|ci| ci.user.as_ref());
        let released_by =
            [actor.git_author.as_ref(), actor.os_user.as_ref(), ci].into_iter().flatten().cloned().collect();
        Ok(Frozen { name: name.to_owned(), version: version.to_owned(), release, card, file_sha256, released_by })
    }

    /// The entry of a version's release.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn released(&self, name: &str, version: &str) -> Result<Option<Sealed>, RegistryError> {
        self.look_up(name, &[version])?;
        let found = self.releases.lock().ok().and_then(|known| known.get(&key(name, version)).cloned());
        Ok(found)
    }

    /// Looks for the releases of several versions at once: the log is read once. What was found is kept, since
    /// a release never changes.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn look_up(&self, name: &str, versions: &[&str]) -> Result<(), RegistryError> {
        let Ok(mut known) = self.releases.lock() else { return Ok(()) };
        let mut wanted: BTreeSet<&str> =
            versions.iter().copied().filter(|version| !known.contains_key(&key(name, version))).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let mut each = |sealed: Sealed| {
            if sealed.entry.event == Event::Release {
                for change in sealed.entry.changes().filter(|change| change.prompt.as_deref() == Some(name)) {
                    let version = change.version.as_deref().unwrap_or_default();
                    wanted.remove(version);
                    known.entry(key(name, version)).or_insert_with(|| sealed.clone());
                }
            }
            !wanted.is_empty()
        };
        let log = self.log();
        let needles = [format!("\"prompt\":\"{name}\""), "\"release\"".to_owned()];
        log.search(&needles, &mut each).map_err(|e| RegistryError::io(&e, "read", log.path()))
    }

    /// Looks up all releases: for whoever needs many, one reading of the log.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn look_up_all(&self) -> Result<(), RegistryError> {
        let entries = self.entries(&["\"event\":\"release\"".to_owned()])?;
        let Ok(mut known) = self.releases.lock() else { return Ok(()) };
        for sealed in entries.into_iter().filter(|sealed| sealed.entry.event == Event::Release) {
            for change in sealed.entry.changes() {
                let text = |value: &Option<String>| value.clone().unwrap_or_default();
                known.insert((text(&change.prompt), text(&change.version)), sealed.clone());
            }
        }
        Ok(())
    }

    /// The versions that there are, for a hint.
    pub(super) fn known(&self, name: &str) -> String {
        let versions: Vec<String> = versions(self.folder(), name).iter().map(ToString::to_string).collect();
        if versions.is_empty() {
            return format!("`prompteval prompt release {name} 1.0.0 -m \"why\"` makes the first version");
        }
        format!("released versions, oldest first: {}", versions.join(", "))
    }
}

fn key(name: &str, version: &str) -> (String, String) {
    (name.to_owned(), version.to_owned())
}
