//! A script that runs in a process of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::Serialize;

use super::language::Language;
use crate::content::{ContentId, Digest};
use crate::script::trouble::{ScriptError, Trouble};

/// After so many time-outs in a row a script is not run again: the run would only wait.
const PATIENCE: u32 = 3;

/// A script in a language that is not embedded. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Foreign(Arc<Body>);

#[derive(Debug)]
struct Body {
    language: &'static Language,
    code: Code,
    /// What messages call it.
    name: String,
    id: Digest,
    timeouts: AtomicU32,
}

/// What a worker is told of a script, once.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Code {
    Inline { text: String, parameters: &'static [&'static str] },
    File { path: PathBuf, function: Option<String>, defaults: &'static [&'static str] },
}

/// A script as a worker learns it.
#[derive(Debug, Serialize)]
pub(super) struct Lesson<'a> {
    id: Digest,
    name: &'a str,
    #[serde(flatten)]
    code: &'a Code,
}

impl Foreign {
    /// Code that stands in a config: an expression in one line, or the body of a function with these
    /// parameters. Messages call it `name`.
    pub fn inline(
        language: &'static Language,
        text: &str,
        name: impl Into<String>,
        parameters: &'static [&'static str],
    ) -> Self {
        Self::new(language, name.into(), Code::Inline { text: text.to_owned(), parameters })
    }

    /// A file that messages call `name`: its function of that name, or else the first of `defaults` that it
    /// has (for JavaScript its default export, before those).
    pub fn file(
        path: &Path,
        name: impl Into<String>,
        function: Option<&str>,
        defaults: &'static [&'static str],
    ) -> Self {
        // Workers run in the folder of the config, which need not be ours.
        let full = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let code = Code::File { path: full, function: function.map(str::to_owned), defaults };
        Self::new(Language::of(path), name.into(), code)
    }

    fn new(language: &'static Language, name: String, code: Code) -> Self {
        let what = serde_json::to_string(&code).unwrap_or_default();
        let id = ContentId::of(language.name).with(&name).with(&what).digest();
        Self(Arc::new(Body { language, code, name, id, timeouts: AtomicU32::new(0) }))
    }

    /// What it is written in.
    pub fn language(&self) -> &'static Language {
        self.0.language
    }

    /// Digest of what it says: of its code, or of its file's text and the function that is meant.
    pub fn digest(&self) -> Digest {
        let text = self.path().and_then(|path| std::fs::read_to_string(path).ok());
        text.map_or(self.0.id, |text| ContentId::of(&text).with_digest(self.0.id).digest())
    }

    pub(in crate::script) fn id(&self) -> Digest {
        self.0.id
    }

    pub(super) fn name(&self) -> &str {
        &self.0.name
    }

    /// Its file, if it is one.
    pub(super) fn path(&self) -> Option<&Path> {
        match &self.0.code {
            Code::Inline { .. } => None,
            Code::File { path, .. } => Some(path),
        }
    }

    pub(super) fn lesson(&self) -> Lesson<'_> {
        Lesson { id: self.0.id, name: &self.0.name, code: &self.0.code }
    }

    /// How people call a line: of this script, or of another file.
    pub(super) fn place(&self, file: Option<&str>, line: u32) -> String {
        match (file, &self.0.code) {
            (Some(file), _) => format!("{file}:{line}"),
            (None, Code::File { .. }) => format!("{}:{line}", self.0.name),
            (None, Code::Inline { text, .. }) if text.trim().contains('\n') => {
                format!("line {line} of {}", self.0.name)
            }
            (None, Code::Inline { .. }) => self.0.name.clone(),
        }
    }

    /// Whether it is worth another try.
    pub(super) fn is_promising(&self) -> Result<(), ScriptError> {
        if self.0.timeouts.load(Ordering::Relaxed) < PATIENCE {
            return Ok(());
        }
        let message = format!("this script took too long {PATIENCE} times in a row and is not run again");
        Err(ScriptError::new(Trouble::TimedOut, message))
    }

    /// Remembers how it went.
    pub(super) fn went<T>(&self, result: &Result<T, ScriptError>) {
        match result {
            Err(error) if error.trouble == Trouble::TimedOut => {
                self.0.timeouts.fetch_add(1, Ordering::Relaxed);
            }
            _ => self.0.timeouts.store(0, Ordering::Relaxed),
        }
    }
}
