//! References into the registry: `registry://NAME@VERSION`.

use std::path::Path;
use std::sync::Arc;

use semver::Version;

use super::given::{Given, Sources};
use super::prompt::Prompt;
use super::version;
use crate::diag::{Folder, Problem, Source, Span, did_you_mean};
use crate::yaml::{self, Node};

const SCHEME: &str = "registry://";

/// Whether a word is a reference into the registry.
pub fn is_reference(word: &str) -> bool {
    word.starts_with(SCHEME)
}

/// A prompt's name and which version of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Lower-case letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// A version, `latest` or `draft`.
    pub version: String,
}

impl Reference {
    /// Reads `registry://NAME@VERSION`; without a version, `latest`.
    ///
    /// # Errors
    /// When the name is none.
    pub fn parse(word: &str) -> Result<Self, String> {
        let rest = word.strip_prefix(SCHEME).unwrap_or(word);
        let (name, version) = rest.split_once('@').unwrap_or((rest, "latest"));
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(legal) {
            return Err(format!("`{name}` is no name of a prompt"));
        }
        if version.is_empty() {
            return Err(format!("no version after `{name}@`"));
        }
        Ok(Self { name: name.to_owned(), version: version.to_owned() })
    }

    /// Whether it means the working draft.
    pub fn is_draft(&self) -> bool {
        self.version == "draft"
    }
}

/// A prompt file of the registry.
pub(super) struct File {
    pub(super) node: Node,
    /// Its path as the user can open it.
    pub(super) shown: String,
    /// Its path below the registry.
    path: String,
    reference: Reference,
}

/// Loads the prompt that a reference means.
pub(super) fn load(word: &str, given: &Given, at: &Span, sources: &Sources) -> Result<Prompt, Problem> {
    let reference = Reference::parse(word).map_err(|e| {
        Problem::error(e).at(at).hint("write registry://NAME@VERSION, such as registry://customer_support@2.0.0")
    })?;
    find(&reference, at, sources)?.prompt(given, at)
}

/// Reads the file that a reference means.
pub(super) fn find(reference: &Reference, at: &Span, sources: &Sources) -> Result<File, Problem> {
    let name = &reference.name;
    let file = match reference.version.as_str() {
        _ if reference.is_draft() => format!("{name}.yaml"),
        wanted => format!("{name}/{}.yaml", resolve(name, wanted, at, &sources.registry)?),
    };
    let shown = shown(&sources.registry.join(&file), &sources.base);
    let source = Source::read(&sources.registry.join(&file), &shown).map_err(|e| Problem::error(e).at(at))?;
    let node = yaml::parse(&source)?;
    if !version::is_version_file(&node) {
        return Err(Problem::error(format!("`{shown}` is no prompt file"))
            .at(&source.at(0..0))
            .hint("it needs `version` and `system_prompt` or `messages`"));
    }
    Ok(File { node, shown, path: file, reference: reference.clone() })
}

impl File {
    /// The prompt in it.
    pub(super) fn prompt(&self, given: &Given, at: &Span) -> Result<Prompt, Problem> {
        let prompt = version::prompt(&self.node, &self.reference.name, given, at)?;
        let said = prompt.version.as_deref().unwrap_or_default();
        if !self.reference.is_draft() && !self.path.ends_with(&format!("/{said}.yaml")) {
            let span = self.node.get("version").map_or(&self.node.span, |n| &n.span);
            return Err(Problem::error(format!("`{}` says that it is version {said}", self.shown))
                .at(span)
                .hint("the file's name and its `version` must agree"));
        }
        Ok(prompt)
    }
}

/// The content hash of a prompt of the registry.
///
/// # Errors
/// When there is none, or it is none.
pub fn hash_of(reference: &Reference, sources: &Sources) -> Result<Arc<str>, Problem> {
    let word = format!("{SCHEME}{}@{}", reference.name, reference.version);
    let at = Source::new("<argument>", word.as_str()).span();
    load(&word, &Given::default(), &at, sources)
        .map(|prompt| prompt.hash)
        .map_err(|problem| Problem { at: None, ..problem })
}

/// The path as the user can open it.
fn shown(path: &Path, base: &Folder) -> String {
    match path.strip_prefix(base.path()) {
        Ok(below) => base.file(&below.to_string_lossy()).shown,
        Err(_) => path.to_string_lossy().into_owned(),
    }
}

/// The exact version that a word means.
fn resolve(name: &str, wanted: &str, at: &Span, registry: &Path) -> Result<String, Problem> {
    let versions = versions(&registry.join(name));
    if versions.is_empty() {
        let names = names(registry);
        let hint = did_you_mean(name, names.iter().map(String::as_str)).unwrap_or_else(|| {
            format!("the registry is {}; set `registry:` in the config to use another folder", registry.display())
        });
        return Err(Problem::error(format!("no released versions of prompt `{name}`")).at(at).hint(hint));
    }
    let found = match wanted {
        "latest" => versions.iter().rfind(|v| v.pre.is_empty()).or(versions.last()),
        exact => versions.iter().find(|v| v.to_string() == exact),
    };
    found.map(ToString::to_string).ok_or_else(|| {
        let list: Vec<_> = versions.iter().map(ToString::to_string).collect();
        let known = format!("released versions, oldest first: {}", list.join(", "));
        let hint = if Version::parse(wanted).is_ok() {
            known
        } else {
            format!("labels are not available in this version; {known}")
        };
        Problem::error(format!("prompt `{name}` has no version `{wanted}`")).at(at).hint(hint)
    })
}

/// The released versions of a prompt in SemVer order: 10.0.0 is newer than 2.0.0.
fn versions(folder: &Path) -> Vec<Version> {
    let mut found: Vec<Version> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            Version::parse(name.strip_suffix(".yaml")?).ok()
        })
        .collect();
    found.sort();
    found
}

/// The prompts that there are, released or not.
fn names(registry: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(registry).into_iter().flatten().flatten();
    let name = |entry: std::fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() { Some(name) } else { name.strip_suffix(".yaml").map(str::to_owned) }
    };
    entries.filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_have_a_name_and_a_version() {
        let read = |word: &str| Reference::parse(word).map(|r| (r.name, r.version));
        assert_eq!(read("registry://a@2.0.0"), Ok(("a".into(), "2.0.0".into())));
        assert_eq!(read("registry://a"), Ok(("a".into(), "latest".into())));
        for bad in ["registry://", "registry://../x@1.0.0", "registry://A@1", "registry://a@", "registry://a/b@1"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn versions_are_ordered_as_versions() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["10.0.0", "2.0.0", "9.9.9", "10.0.1-rc.1", "notes"] {
            std::fs::write(dir.path().join(format!("{name}.yaml")), "").unwrap();
        }
        let shown: Vec<_> = versions(dir.path()).iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["2.0.0", "9.9.9", "10.0.0", "10.0.1-rc.1"]);
    }
}
