//! Answers in a file of JSON lines, to be kept beside the suite.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::codec::{json, response};
use super::{Memory, StoreError, Trouble};
use crate::env::{Redactor, Whose};
use crate::record::{Messages, Output, Request, Response};

/// A cassette: what is on it is replayed, what is not is recorded. Lines stand in the order of their
/// ids, so that recording twice changes nothing but what changed.
pub struct Cassette {
    path: PathBuf,
    redactor: Redactor,
    tape: Mutex<Tape>,
}

#[derive(Default)]
struct Tape {
    lines: BTreeMap<String, Line>,
    used: BTreeSet<String>,
    changed: bool,
}

/// A line: the question for people, the answer for replaying.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Line {
    id: String,
    provider: String,
    prompt: Value,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    structured: bool,
    response: Value,
}

impl Cassette {
    /// Opens a cassette; a file that is not there yet is an empty one.
    ///
    /// # Errors
    /// When it cannot be read, or a line is none of a cassette; the message names file and line.
    pub fn open(path: &Path, redactor: Redactor) -> Result<Self, StoreError> {
        let folder = folder_of(path);
        if !folder.is_dir() {
            let message = format!("the cassette's folder `{}` is not there", folder.display());
            return Err(StoreError::new(Trouble::Unknown, message, "create it first"));
        }
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(unusable(&e, "read", path)),
        };
        let mut tape = Tape::default();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let line: Line = serde_json::from_str(line).map_err(|e| {
                let message = format!("{}:{}: no line of a cassette: {e}", path.display(), number + 1);
                StoreError::new(Trouble::Damaged, message, "record it again into a new file")
            })?;
            tape.lines.insert(line.id.clone(), line);
        }
        Ok(Self { path: path.to_owned(), redactor, tape: Mutex::new(tape) })
    }

    /// Writes what was recorded, in one step. Without anything new the file is not touched.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self) -> Result<usize, StoreError> {
        let Ok(tape) = self.tape.lock() else { return Ok(0) };
        if tape.changed {
            write(&self.path, &tape).map_err(|e| unusable(&e, "write", &self.path))?;
        }
        Ok(tape.lines.len() - tape.used.len())
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn unusable(error: &std::io::Error, what: &str, path: &Path) -> StoreError {
    let message = format!("cannot {what} the cassette `{}`: {}", path.display(), crate::diag::io_reason(error));
    StoreError::new(Trouble::Other, message, "")
}

fn write(path: &Path, tape: &Tape) -> std::io::Result<()> {
    // A link stays a link, and a file keeps its rights.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut file = tempfile::Builder::new().prefix(".cassette").tempfile_in(folder_of(path))?;
    if let Ok(there) = fs::metadata(path) {
        file.as_file().set_permissions(there.permissions())?;
    }
    {
        let mut out = std::io::BufWriter::new(&mut file);
        for line in tape.lines.values() {
            serde_json::to_writer(&mut out, line)?;
            out.write_all(b"\n")?;
        }
        out.flush()?;
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

impl Memory for Cassette {
    fn recall(&self, id: &str) -> Result<Option<Response>, StoreError> {
        let Ok(mut tape) = self.tape.lock() else { return Ok(None) };
        let Some(line) = tape.lines.get(id) else { return Ok(None) };
        let response = response(&line.response.to_string(), line.structured);
        tape.used.insert(id.to_owned());
        Ok(response)
    }

    fn remember(&self, id: &str, provider: &str, request: &Request, response: &Response) {
        let clean = |value: &Value| self.redactor.clean_json(value.clone(), Whose::Ours);
        let prompt = match &request.messages {
            Messages::User => Value::from(&*request.text),
            Messages::Chat(messages) => Value::from(&messages[..]),
        };
        let line = Line {
            id: id.to_owned(),
            provider: provider.to_owned(),
            prompt: clean(&prompt),
            structured: matches!(response.output, Output::Json(_)),
            response: serde_json::from_str(&json(response, &self.redactor).0).unwrap_or(Value::Null),
        };
        if let Ok(mut tape) = self.tape.lock() {
            tape.used.insert(id.to_owned());
            tape.lines.insert(id.to_owned(), line);
            tape.changed = true;
        }
    }

    fn durable(&self, _: &str) {}
}
