//! Prompts from elsewhere: texts, configs and dumps of other registries become drafts and versions.

use std::collections::BTreeMap;
use std::path::PathBuf;

use semver::Version;

use super::pending::NewFile;
use super::release::{clashes, entry, version};
use super::session::{Session, Who};
use super::trouble::RegistryError;
use crate::audit::Entry;
use crate::diag::Source;
use crate::env::format_time;
use crate::prompts::{Found, Release, Sketch, Skipped, content_of, freeze, versions};

/// What came of an import.
#[derive(Debug, Default)]
pub struct Imported {
    /// Versions that are in the registry now, as `NAME@VERSION`.
    pub versions: Vec<String>,
    /// Prompts that have a draft now.
    pub drafts: Vec<String>,
    /// What was left out, and why.
    pub skipped: Vec<Skipped>,
}

/// An import in the making.
#[derive(Default)]
struct Batch {
    done: Imported,
    entries: Vec<Entry>,
    files: Vec<NewFile>,
    /// The versions that there are, those of this import with them.
    known: BTreeMap<String, Vec<Version>>,
}

impl Session<'_> {
    /// Enters what was found, all in one step. What has a version is released under it, and the newest of a
    /// prompt becomes its draft where it has none; what has no version becomes a draft.
    ///
    /// # Errors
    /// When a version is none, or the disk refuses.
    pub fn import(&mut self, found: &[Found], description: Option<&str>, who: &Who) -> Result<Imported, RegistryError> {
        let mut batch = Batch::default();
        for one in found {
            match &one.version {
                Some(said) => self.enter(one, &version(said)?, description, who, &mut batch)?,
                None => self.draft(&one.name, &one.sketch, Some(&one.from), &mut batch),
            }
        }
        let mut newest: BTreeMap<&str, &Found> = BTreeMap::new();
        for one in found.iter().filter(|one| one.version.is_some()) {
            newest.insert(&one.name, one);
        }
        for (name, one) in newest {
            self.draft(name, &one.sketch, None, &mut batch);
        }
        self.write(batch)
    }

    fn write(&mut self, batch: Batch) -> Result<Imported, RegistryError> {
        if batch.entries.is_empty() {
            // Drafts are nobody's evidence: the log says nothing of them.
            for (path, bytes) in batch.files {
                let path = self.registry.folder().join(path);
                std::fs::write(&path, bytes).map_err(|e| RegistryError::io(&e, "write", &path))?;
            }
        } else {
            self.commit(&batch.entries, batch.files)?;
        }
        Ok(batch.done)
    }

    /// Releases a version.
    fn enter(
        &self,
        found: &Found,
        version: &Version,
        description: Option<&str>,
        who: &Who,
        batch: &mut Batch,
    ) -> Result<(), RegistryError> {
        let title = format!("{}@{version}", found.name);
        let source = Source::new(title.as_str(), found.sketch.text());
        let content_sha256 = content_of(&source)?;
        let known =
            batch.known.entry(found.name.clone()).or_insert_with(|| versions(self.registry.folder(), &found.name));
        if let Some(other) = known.iter().find(|other| clashes(other, version)) {
            let why = self.there(&found.name, other, version, &content_sha256);
            batch.done.skipped.push(Skipped { what: title, why });
            return Ok(());
        }
        self.registry.never_released(&found.name, &version.to_string())?;
        let below = known.iter().filter(|other| other.cmp_precedence(version).is_lt());
        let release = Release {
            content_sha256,
            parent: below.max().map(ToString::to_string),
            author: found.sketch.author.clone().unwrap_or_else(|| who.actor.name().to_owned()),
            date: format_time(who.clock.now_millis()),
            description: description.map_or_else(|| format!("imported from {}", found.from), str::to_owned),
        };
        known.push(version.clone());
        let text = freeze(&source, &version.to_string(), &release)?;
        batch.entries.push(entry(&found.name, &version.to_string(), &release, text.as_bytes(), who));
        batch.files.push((PathBuf::from(&found.name).join(format!("{version}.yaml")), text.into_bytes()));
        batch.done.versions.push(title);
        Ok(())
    }

    /// What is there already in the place of a version.
    fn there(&self, name: &str, other: &Version, version: &Version, content: &str) -> String {
        if other != version {
            return format!("it is the same version as {other} to everybody who compares them");
        }
        let same = self.registry.card(name, &other.to_string()).is_ok_and(|card| &*card.prompt.hash == content);
        let with = if same { "this content" } else { "other content" };
        format!("it is released already, with {with}")
    }

    /// Writes a draft where there is none. One that was asked for and is there already is said.
    fn draft(&self, name: &str, sketch: &Sketch, from: Option<&str>, batch: &mut Batch) {
        let file = PathBuf::from(format!("{name}.yaml"));
        if self.registry.folder().join(&file).exists() || batch.files.iter().any(|(path, _)| *path == file) {
            batch
                .done
                .skipped
                .extend(from.map(|from| Skipped { what: from.to_owned(), why: format!("{name} has a draft already") }));
            return;
        }
        batch.files.push((file, sketch.text().into_bytes()));
        batch.done.drafts.push(name.to_owned());
    }
}
