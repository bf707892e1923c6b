//! References into the registry: `registry://NAME@VERSION`.

use std::path::Path;
use std::sync::Arc;

use semver::Version;

use super::given::{Given, Sources};
use super::labels::Labels;
use super::prompt::Prompt;
use super::version;
use crate::content::content_hash;
use crate::diag::{Folder, Problem, Source, Span, did_you_mean};
use crate::yaml::{self, Node};

const SCHEME: &str = "registry://";
/// Names of the registry's own files.
const RESERVED: [&str; 2] = ["labels", "audit"];

/// Whether a word is a reference into the registry.
pub fn is_reference(word: &str) -> bool {
    word.starts_with(SCHEME)
}

/// A prompt's name and which version of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Lower-case letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// A version, a label, `latest` or `draft`.
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
        prompt_name(name)?;
        if version.is_empty() {
            return Err(format!("no version after `{name}@`"));
        }
        Ok(Self { name: name.to_owned(), version: without_v(version).to_owned() })
    }

    /// Whether it means the working draft.
    pub fn is_draft(&self) -> bool {
        self.version == "draft"
    }
}

/// Whether a word can be the name of a prompt.
///
/// # Errors
/// Why not.
pub fn prompt_name(name: &str) -> Result<(), String> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    let starts = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !name.starts_with(starts) || !name.chars().all(legal) || name.ends_with('.') || name.len() > 100 {
        return Err(format!("`{name}` is no name of a prompt"));
    }
    if RESERVED.contains(&name) {
        return Err(format!("`{name}` is reserved: the registry has a file of that name"));
    }
    Ok(())
}

/// A version as it is stored: without the `v` that some write before it.
pub fn without_v(version: &str) -> &str {
    version.strip_prefix(['v', 'V']).filter(|rest| Version::parse(rest).is_ok()).unwrap_or(version)
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
        let mut prompt = version::prompt(&self.node, &self.reference.name, given, at)?;
        let said = prompt.version.as_deref().unwrap_or_default();
        if !self.reference.is_draft() && !self.path.ends_with(&format!("/{said}.yaml")) {
            let span = self.node.get("version").map_or(&self.node.span, |n| &n.span);
            return Err(Problem::error(format!("`{}` says that it is version {said}", self.shown))
                .at(span)
                .hint("the file's name and its `version` must agree"));
        }
        self.intact()?;
        if self.reference.is_draft() && given.label.is_none() {
            // Whatever version a draft says, it is none until it is released.
            prompt.label = format!("{}@draft", self.reference.name).into();
        }
        Ok(prompt)
    }
}

impl File {
    /// Whether a frozen version still has the content that was released.
    fn intact(&self) -> Result<(), Problem> {
        let Some(release) = self.node.get("release") else { return Ok(()) };
        if self.reference.is_draft() {
            let problem = Problem::error(format!("`{}` is a draft with a `release` of its own", self.shown));
            return Err(problem
                .at(&release.span)
                .hint("take the key out: `prompt release` writes it into what it freezes"));
        }
        let Some(said) = release.get("content_sha256") else { return Ok(()) };
        if super::version::reaching(&self.node).map(|content| content_hash(&content))?.as_str()
            == said.as_str().unwrap_or_default()
        {
            return Ok(());
        }
        let problem = Problem::error(format!("`{}` was edited after it was released", self.shown)).at(&said.span);
        let back = format!("`git checkout -- {}`", self.shown);
        Err(problem.hint(format!("take the edit back ({back}), and release another version for a change")))
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
    let versions = versions(registry, name);
    if versions.is_empty() {
        let names = names(registry);
        if names.iter().any(|known| known == name) {
            let problem = Problem::error(format!("prompt `{name}` has a draft and no released version")).at(at);
            return Err(problem.hint(format!("registry://{name}@draft means the draft; `prompteval prompt release {name} 1.0.0 -m \"why\"` freezes it")));
        }
        let hint = did_you_mean(name, names.iter().map(String::as_str)).unwrap_or_else(|| {
            format!("the registry is {}; set `registry:` in the config to use another folder", registry.display())
        });
        return Err(Problem::error(format!("no released versions of prompt `{name}`")).at(at).hint(hint));
    }
    if Version::parse(wanted).is_ok() {
        let found = versions.iter().map(ToString::to_string).find(|version| version == wanted);
        return found.ok_or_else(|| unknown(name, wanted, &versions).at(at));
    }
    let labels = Labels::read(registry)?;
    if wanted != "latest" {
        let version = labels.get(name, wanted).map(str::to_owned);
        return version.ok_or_else(|| no_label(name, wanted, &labels, &versions).at(at));
    }
    let usable: Vec<&Version> = versions.iter().filter(|v| !labels.is_withdrawn(name, &v.to_string())).collect();
    let newest = usable.iter().rfind(|v| v.pre.is_empty()).or(usable.last());
    newest
        .map(ToString::to_string)
        .ok_or_else(|| Problem::error(format!("all versions of `{name}` were withdrawn")).at(at))
}

fn unknown(name: &str, wanted: &str, versions: &[Version]) -> Problem {
    Problem::error(format!("prompt `{name}` has no version `{wanted}`")).hint(known(versions))
}

fn known(versions: &[Version]) -> String {
    const MOST: usize = 12;
    let from = versions.len().saturating_sub(MOST);
    let list: Vec<_> = versions[from..].iter().map(ToString::to_string).collect();
    let more = if from > 0 { format!("{from} older ones, ") } else { String::new() };
    format!("released versions, oldest first: {more}{}", list.join(", "))
}

fn no_label(name: &str, wanted: &str, labels: &Labels, versions: &[Version]) -> Problem {
    let own = labels.prompts().get(name).map(|labelled| &labelled.labels);
    let names: Vec<&str> = own.into_iter().flatten().map(|(label, _)| label.as_str()).collect();
    let hint = match (did_you_mean(wanted, names.iter().copied()), names.is_empty()) {
        (Some(hint), _) => hint,
        (None, true) => format!("it has no labels yet; {}", known(versions)),
        (None, false) => format!("its labels are {}; {}", names.join(", "), known(versions)),
    };
    Problem::error(format!("prompt `{name}` has no version and no label `{wanted}`")).hint(hint)
}

/// The released versions of a prompt in SemVer order: 10.0.0 is newer than 2.0.0.
pub fn versions(registry: &Path, name: &str) -> Vec<Version> {
    let mut found: Vec<Version> = std::fs::read_dir(registry.join(name))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Version::parse(entry.file_name().to_str()?.strip_suffix(".yaml")?).ok())
        .collect();
    found.sort();
    found
}

/// The prompts that there are, released or not, sorted.
pub fn names(registry: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(registry).into_iter().flatten().flatten();
    let name = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let name = if is_folder { name } else { name.strip_suffix(".yaml")?.to_owned() };
        prompt_name(&name).is_ok().then_some(name)
    };
    let mut all: Vec<String> = entries.filter_map(name).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_have_a_name_and_a_version() {
        let read = |word: &str| Reference::parse(word).map(|r| (r.name, r.version));
        assert_eq!(read("registry://a@2.0.0"), Ok(("a".into(), "2.0.0".into())));
        assert_eq!(read("a@v2.0.0"), Ok(("a".into(), "2.0.0".into())));
        assert_eq!(read("registry://a"), Ok(("a".into(), "latest".into())));
        for bad in [
            "registry://",
            "registry://../x@1.0.0",
            "registry://A@1",
            "registry://a@",
            "registry://a/b@1",
            "registry://labels@1",
            "..@1",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn versions_are_ordered_as_versions() {
        let dir = tempfile::Builder::new().prefix("p").tempdir().unwrap();
        let name = dir.path().file_name().unwrap().to_string_lossy().into_owned();
        for name in ["10.0.0", "2.0.0", "9.9.9", "10.0.1-rc.1", "notes"] {
            std::fs::write(dir.path().join(format!("{name}.yaml")), "").unwrap();
        }
        let shown: Vec<_> = versions(dir.path().parent().unwrap(), &name).iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["2.0.0", "9.9.9", "10.0.0", "10.0.1-rc.1"]);
    }
}
