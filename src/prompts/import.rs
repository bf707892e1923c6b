//! Prompts that live elsewhere, as sketches of drafts: texts in a folder, a config, dumps of other tools.
//!
//! Each kind of source is a row of [`KINDS`]. Nothing is written here, and nothing is lost in silence: what
//! is not taken is told with a reason.

mod chat;
mod config;
mod langfuse;
mod langsmith;
mod literal;
mod manifest;
mod name;
mod texts;

use std::fs::DirEntry;
use std::path::Path;

use semver::Version;
use serde_json::{Map, Value};

use super::sketch::Sketch;
use crate::diag::{Problem, Source, io_reason};
use crate::yaml::{self, Node};

/// What a plain text becomes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Role {
    /// The user's message, and the whole prompt.
    #[default]
    User,
    /// The system message; the case's `input` follows as the user's.
    System,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::System => "system",
        }
    }
}

/// What a source holds.
#[derive(Debug, Default)]
pub struct Imports {
    /// Sorted by name, and by version; one without a version is the last of its name.
    pub found: Vec<Found>,
    /// What is not moved, or not as a whole.
    pub skipped: Vec<Skipped>,
}

/// A prompt that was found. Its sketch makes a prompt file that compiles.
#[derive(Debug, Clone)]
pub struct Found {
    /// A name that the registry takes.
    pub name: String,
    /// SemVer, where the source knows versions. No two of a name are the same.
    pub version: Option<String>,
    /// Where it came from.
    pub from: String,
    /// The draft; where there is no version, it says 1.0.0.
    pub sketch: Sketch,
}

/// Something that is not moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// What it is.
    pub what: String,
    /// Why.
    pub why: String,
}

/// Role and template.
type Message = (String, String);

/// A source, read as far as that goes without knowing its kind.
struct Material<'a> {
    path: &'a Path,
    shown: &'a str,
    role: Role,
    content: Content,
}

enum Content {
    /// The names of what is in it.
    Folder(Vec<String>),
    Json(Value),
    /// YAML, or JSON that is a config.
    Yaml(Node),
    Other,
}

/// One kind of source.
struct Kind {
    about: &'static str,
    is: fn(&Material<'_>) -> bool,
    read: fn(&Material<'_>, &mut Imports),
}

static KINDS: &[Kind] = &[
    Kind { about: "a folder of texts (.txt, .md, .j2)", is: texts::is, read: texts::read },
    Kind { about: "LangSmith manifests as JSON", is: langsmith::is, read: langsmith::read },
    Kind { about: "prompts of Langfuse as JSON", is: langfuse::is, read: langfuse::read },
    Kind { about: "a config with `prompts:`", is: config::is, read: config::read },
];

/// The prompts of a source; `shown` is its path as the user wrote it. Nothing is written to disk.
///
/// # Errors
/// When it cannot be read, or is no source of prompts. A prompt that cannot be taken is no error.
pub fn import(path: &Path, shown: &str, role: Role) -> Result<Imports, Problem> {
    let material = Material { path, shown, role, content: Content::read(path, shown)? };
    let Some(kind) = KINDS.iter().find(|kind| (kind.is)(&material)) else {
        return Err(unknown(&material));
    };
    let mut imports = Imports::default();
    (kind.read)(&material, &mut imports);
    imports.found.sort_by_cached_key(|found| {
        let version = found.version.as_deref().and_then(|version| Version::parse(version).ok());
        (found.name.clone(), version.is_none(), version)
    });
    Ok(imports)
}

impl Content {
    fn read(path: &Path, shown: &str) -> Result<Self, Problem> {
        if path.is_dir() {
            return folder(path, shown).map(Self::Folder);
        }
        let source = Source::read(path, shown).map_err(Problem::error)?;
        let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
        if ending == "yaml" || ending == "yml" {
            return yaml::parse(&source).map(Self::Yaml);
        }
        if ending != "json" && (!ending.is_empty() || !source.text().trim_start().starts_with(['{', '['])) {
            return Ok(Self::Other);
        }
        match serde_json::from_str(source.text()) {
            Ok(value) if config::is_json(&value) => yaml::parse(&source).map(Self::Yaml),
            Ok(value) => Ok(Self::Json(value)),
            Err(e) => Err(Problem::error(format!("`{shown}` is not valid JSON: {e}"))
                .hint("export it again: a dump is one JSON value")),
        }
    }
}

fn folder(path: &Path, shown: &str) -> Result<Vec<String>, Problem> {
    let broken = |e: &std::io::Error| Problem::error(format!("cannot read `{shown}`: {}", io_reason(e)));
    let entries: Vec<DirEntry> = std::fs::read_dir(path).and_then(Iterator::collect).map_err(|e| broken(&e))?;
    let mut names: Vec<String> = entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    Ok(names)
}

impl Material<'_> {
    fn json(&self) -> Option<&Value> {
        match &self.content {
            Content::Json(value) => Some(value),
            _ => None,
        }
    }

    /// The file's name without its ending.
    fn stem(&self) -> String {
        self.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

fn unknown(material: &Material<'_>) -> Problem {
    let what = match &material.content {
        Content::Yaml(node) if super::version::is_version_file(node) => {
            return Problem::error(format!("`{}` is a prompt file already", material.shown))
                .hint("put it into the registry's folder as NAME.yaml");
        }
        Content::Yaml(node) => format!("{} without `prompts`", node.kind_name()),
        Content::Json(Value::Array(items)) if items.is_empty() => "an empty list".to_owned(),
        Content::Json(_) => "JSON that is no dump of prompts".to_owned(),
        Content::Folder(_) | Content::Other => "a file of another kind".to_owned(),
    };
    let known: Vec<&str> = KINDS.iter().map(|kind| kind.about).collect();
    Problem::error(format!("`{}` cannot be imported: it is {what}", material.shown))
        .hint(format!("what can be: {}", known.join(", ")))
}

impl Imports {
    fn skip(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.skipped.push(Skipped { what: what.into(), why: why.into() });
    }

    /// Takes a prompt, if it is one and the only one of its name and version; says whether it did.
    fn offer(&mut self, found: Found) -> bool {
        let same = |other: &&Found| other.name == found.name && other.version == found.version;
        if let Some(first) = self.found.iter().find(same) {
            let version =
                found.version.as_deref().map_or_else(|| "without a version".to_owned(), |v| format!("version {v}"));
            let why = format!("`{}` {version} is there already, from {}", found.name, first.from);
            self.skip(found.from, why);
            return false;
        }
        if let Some(why) = refused(&found) {
            self.skip(found.from, why);
            return false;
        }
        self.found.push(found);
        true
    }

    fn offer_or_skip(&mut self, from: &str, found: Result<Found, String>) {
        match found {
            Ok(found) => {
                self.offer(found);
            }
            Err(why) => self.skip(from, why),
        }
    }
}

impl Found {
    fn new(name: String, version: Option<String>, from: &str, mut sketch: Sketch) -> Self {
        sketch.version = version.clone().unwrap_or_else(|| "1.0.0".to_owned());
        Self { name, version, from: from.to_owned(), sketch }
    }
}

/// Why a prompt cannot be taken.
fn refused(found: &Found) -> Option<String> {
    let sketch = &found.sketch;
    if sketch.messages.iter().all(|(_, text)| text.trim().is_empty()) {
        return Some("it has no text".to_owned());
    }
    for (role, text) in &sketch.messages {
        match sketch.template_format.compile(text) {
            Err(e) => return Some(format!("the {role} message is no valid template: {e}")),
            Ok(template) if template.fixed().is_some() && has_variable(text) => {
                let why =
                    "a brace is left open, so that the text counts as no template and its variables stay unfilled";
                return Some(format!("the {role} message: {why}"));
            }
            Ok(_) => {}
        }
    }
    sketch.prompt(&found.name).err()
}

/// Whether a text holds `{{name}}`, whatever else it holds.
fn has_variable(text: &str) -> bool {
    let mut parts = text.split("{{");
    parts.next();
    parts.any(|part| part.split_once("}}").is_some_and(|(name, _)| is_name(name.trim())))
}

/// Whether a word can be the name of a variable.
fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Keys of a model's settings that are parameters of a prompt.
const SAMPLING: [&str; 10] = [
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "frequency_penalty",
    "presence_penalty",
    "stop",
    "seed",
    "response_format",
    "reasoning_effort",
];

/// Settings that are parameters, and all others.
fn settings(map: &Map<String, Value>) -> (Map<String, Value>, Map<String, Value>) {
    let set = map.iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.clone(), value.clone()));
    set.partition(|(key, _)| SAMPLING.contains(&key.as_str()))
}

#[cfg(test)]
mod tests;
