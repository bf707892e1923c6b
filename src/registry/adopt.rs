//! Versions that were there before the log.

use std::collections::BTreeSet;

use super::release::entry;
use super::session::{Session, Who};
use super::trouble::RegistryError;
use crate::audit::Event;
use crate::prompts::{Release, names, versions};

/// What is said of a version whose own file does not say what it is for.
const BEFORE: &str = "it was there before the log";

impl Session<'_> {
    /// Enters the versions that the log does not know, each as its file is now. Gives them as `NAME@VERSION`.
    ///
    /// # Errors
    /// When one of them is no prompt file, or the log cannot be written; nothing is entered then.
    pub fn adopt(&mut self, who: &Who) -> Result<Vec<String>, RegistryError> {
        let registry = self.registry;
        let known = self.known()?;
        let (mut titles, mut entries) = (Vec::new(), Vec::new());
        for name in names(registry.folder()) {
            for version in versions(registry.folder(), &name).iter().map(ToString::to_string) {
                if known.contains(&(name.clone(), version.clone())) {
                    continue;
                }
                let card = registry.card(&name, &version)?;
                let path = registry.folder().join(&name).join(format!("{version}.yaml"));
                let bytes = std::fs::read(&path).map_err(|e| RegistryError::io(&e, "read", &path))?;
                let author = card.author.unwrap_or_else(|| who.actor.name().to_owned());
                let description = card.description.unwrap_or_else(|| BEFORE.to_owned());
                let of_file =
                    Release { content_sha256: card.prompt.hash.to_string(), author, description, ..Release::default() };
                let release = card.release.unwrap_or(of_file);
                entries.push(entry(&name, &version, &release, &bytes, who));
                titles.push(format!("{name}@{version}"));
            }
        }
        if !entries.is_empty() {
            self.commit(&entries, Vec::new())?;
        }
        Ok(titles)
    }

    /// The versions whose release is in the log.
    fn known(&self) -> Result<BTreeSet<(String, String)>, RegistryError> {
        let mut all = BTreeSet::new();
        for sealed in self.registry.entries(&["\"event\":\"release\"".to_owned()])? {
            if sealed.entry.event == Event::Release {
                let changes = sealed.entry.changes();
                all.extend(changes.filter_map(|change| Some((change.prompt.clone()?, change.version.clone()?))));
            }
        }
        Ok(all)
    }
}
