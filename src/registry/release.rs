//! Drafts become versions.

use std::path::PathBuf;

use semver::Version;

use super::pending::NewFile;
use super::session::{Registry, Session, Who};
use super::trouble::{RegistryError, Trouble};
use crate::audit::{Change, Entry, Event};
use crate::content::sha256;
use crate::prompts::{Card, Release, freeze, prompt_name, versions, without_v};

/// What a name is made of.
const NAMES: &str = "lower-case letters, digits, `.`, `_` and `-` make one, such as customer_support";

/// What is to be released.
#[derive(Debug, Clone)]
pub struct NewRelease {
    /// The prompt.
    pub name: String,
    /// Its version; a leading `v` is dropped.
    pub version: String,
    /// What changed, and why.
    pub description: String,
    /// Who wrote it, where it is not who releases it.
    pub author: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Released {
    /// The version as it is stored.
    pub version: String,
    /// The version it was made from.
    pub parent: Option<String>,
    /// Hash of what reaches the model.
    pub content_sha256: String,
    /// The file.
    pub file: PathBuf,
    /// Whether it is new; not where the same content was released under this version before.
    pub new: bool,
    /// Variables that callers did not have to give for the parent.
    pub added: Vec<String>,
    /// Variables of the parent that are not read any more.
    pub gone: Vec<String>,
}

impl Session<'_> {
    /// Freezes the draft of a prompt.
    ///
    /// # Errors
    /// When there is no draft or it is no prompt file, when nothing says what changed, when this version has
    /// other content, or when the disk refuses.
    pub fn release(&mut self, new: &NewRelease, who: &Who) -> Result<Released, RegistryError> {
        let prepared = self.prepared(new, who)?;
        if let Some((entry, files)) = prepared.change {
            self.commit(&[entry], files)?;
        }
        Ok(prepared.released)
    }

    fn prepared(&self, new: &NewRelease, who: &Who) -> Result<Prepared, RegistryError> {
        let registry = self.registry;
        let description = new.description.trim();
        if description.is_empty() {
            return Err(
                RegistryError::usage("a release has to say what changed").hint("add -m \"what changed, and why\"")
            );
        }
        let version = version(&new.version)?;
        let draft = registry.draft(&new.name)?;
        named(&draft, &new.name)?;
        let all = versions(registry.folder(), &new.name);
        let parent = parent(&all, &version);
        let mut released = Released {
            version: version.to_string(),
            parent: parent.map(ToString::to_string),
            content_sha256: draft.prompt.hash.to_string(),
            file: registry.folder().join(&new.name).join(format!("{version}.yaml")),
            new: true,
            added: Vec::new(),
            gone: Vec::new(),
        };
        if let Some(clash) = all.iter().find(|other| clashes(other, &version)) {
            registry.same(&new.name, clash, &version, &draft)?;
            released.new = false;
            return Ok(Prepared { released, change: None });
        }
        registry.never_released(&new.name, &released.version)?;
        if let Some(parent) = &released.parent {
            let before = registry.card(&new.name, parent)?.prompt.variables();
            let now = draft.prompt.variables();
            released.added = now.iter().filter(|name| !before.contains(name)).cloned().collect();
            released.gone = before.iter().filter(|name| !now.contains(name)).cloned().collect();
        }
        let release = Release {
            content_sha256: released.content_sha256.clone(),
            parent: released.parent.clone(),
            author: new.author.clone().unwrap_or_else(|| who.actor.name().to_owned()),
            date: crate::env::format_time(who.clock.now_millis()),
            description: description.to_owned(),
        };
        let text = freeze(&draft.source, &released.version, &release)?;
        let change = entry(&new.name, &released.version, &release, text.as_bytes(), who);
        let file = (PathBuf::from(&new.name).join(format!("{version}.yaml")), text.into_bytes());
        Ok(Prepared { released, change: Some((change, vec![file])) })
    }
}

/// A release that was thought through.
struct Prepared {
    released: Released,
    change: Option<(Entry, Vec<NewFile>)>,
}

/// The entry of a release.
pub(super) fn entry(name: &str, version: &str, release: &Release, bytes: &[u8], who: &Who) -> Entry {
    let change = Change {
        prompt: Some(name.to_owned()),
        version: Some(version.to_owned()),
        parent: release.parent.clone(),
        content_sha256: Some(release.content_sha256.clone()),
        file_sha256: Some(sha256(bytes)),
        author: Some(release.author.clone()),
        ..Change::default()
    };
    Entry { change, reason: Some(release.description.clone()), ..who.entry(Event::Release) }
}

/// Reads a version; a leading `v` is dropped.
pub(super) fn version(text: &str) -> Result<Version, RegistryError> {
    Version::parse(without_v(text)).map_err(|why| {
        RegistryError::usage(format!("`{text}` is no version: {why}"))
            .hint("versions have three parts (https://semver.org), such as 2.1.0 or 2.1.0-rc.1")
    })
}

/// Versions that cannot stand side by side: of equal precedence, or with names that some file systems take
/// for one.
pub(super) fn clashes(one: &Version, other: &Version) -> bool {
    one.cmp_precedence(other).is_eq() || one.to_string().eq_ignore_ascii_case(&other.to_string())
}

/// The version that a new one was made from: the highest below it.
fn parent<'a>(all: &'a [Version], version: &Version) -> Option<&'a Version> {
    all.iter().rfind(|other| other.cmp_precedence(version).is_lt())
}

/// A draft that says its name has to say the one it is released under.
fn named(draft: &Card, name: &str) -> Result<(), RegistryError> {
    match draft.prompt.name.as_deref() {
        Some(said) if said != name => {
            let message = format!("`{}` says that it is `{said}`, not `{name}`", draft.file);
            Err(RegistryError::usage(message).hint("take `name` out of it, or give it the file's name"))
        }
        _ => Ok(()),
    }
}

impl Registry {
    /// Whether a version that is there already has the draft's content.
    fn same(&self, name: &str, there: &Version, version: &Version, draft: &Card) -> Result<(), RegistryError> {
        if there != version {
            let message =
                format!("{version} and {there} of `{name}` are the same version to everybody who compares them");
            return Err(RegistryError::new(Trouble::Integrity, message).hint("choose the next version"));
        }
        let frozen = self.card(name, &there.to_string())?;
        if frozen.prompt.hash == draft.prompt.hash {
            return Ok(());
        }
        let message = format!("{name}@{version} is released, with other content than the draft");
        let hint = format!(
            "versions never change: release the draft as another one; `prompteval prompt diff {name} {version} draft` shows what differs"
        );
        Err(RegistryError::integrity(message).hint(hint))
    }

    /// The working draft of a prompt.
    ///
    /// # Errors
    /// When there is none, or it is no prompt file.
    pub fn draft(&self, name: &str) -> Result<Card, RegistryError> {
        prompt_name(name).map_err(|why| RegistryError::usage(why).hint(NAMES))?;
        self.card(name, "draft").map_err(|error| self.no_draft(error, name))
    }

    /// A version whose file is gone is not free to be given to another content.
    pub(super) fn never_released(&self, name: &str, version: &str) -> Result<(), RegistryError> {
        if self.released(name, version)?.is_none() {
            return Ok(());
        }
        let message = format!("{name}@{version} was released, and its file is gone");
        Err(RegistryError::integrity(message)
            .hint("bring the file back (`git checkout`), or release the draft as another version"))
    }

    /// What a draft that is not there needs.
    fn no_draft(&self, error: RegistryError, name: &str) -> RegistryError {
        if self.folder().join(format!("{name}.yaml")).exists() {
            return error;
        }
        let message = format!("there is no draft `{}`", self.folder().join(format!("{name}.yaml")).display());
        let hint = crate::diag::did_you_mean(name, crate::prompts::names(self.folder()).iter().map(String::as_str));
        let error = RegistryError { problem: None, ..RegistryError::usage(message) };
        error.hint(hint.unwrap_or_else(|| format!("`prompteval prompt new {name}` makes one")))
    }
}
