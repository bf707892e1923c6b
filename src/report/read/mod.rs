//! Reports, read back: ours and promptfoo's.
//!
//! Results are handed on one by one while the file is read, so that memory stays flat in their number
//! (but for a few bytes a case, which it takes to count them).

mod document;
mod fields;
mod head;
mod lines;
mod result;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use serde_json::error::Category;
use serde_json::{Map, Value};

use self::head::Around;
use self::result::Maker;
use super::format_for;
use crate::diag::io_reason;
use crate::record::{Ending, Outcome, RunHead};

const HINT: &str = "a report is the .json or .jsonl file that a run writes, or promptfoo's JSON";
const NEWER: &str = "a report of promptfoo must be of results version 3: write it again with a newer version";
const CUT: &str = "what wrote it was stopped, or has not finished yet";

/// A report that was read to its end.
#[derive(Debug)]
pub struct ReadReport {
    /// What ran. Where the report does not say it, it is made from the results.
    pub head: RunHead,
    /// How the run ended, where the report says it.
    pub ending: Option<Ending>,
    /// How many results there are.
    pub finished: u64,
    /// Cells without a result.
    pub unrun: u64,
}

/// Why a report could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    /// What is wrong, and where.
    pub message: String,
    /// What to do about it.
    pub hint: Option<&'static str>,
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

/// Reads a report; `each` is given its results in the order of the file.
///
/// # Errors
/// When it cannot be read, is broken or cut short, is no report, or has no results. Results that stood
/// before the broken place have been handed on by then.
pub fn read(path: &Path, each: &mut dyn FnMut(Arc<Outcome>)) -> Result<ReadReport, ReadError> {
    read_while(path, &mut |outcome| {
        each(outcome);
        true
    })
}

/// The same, until `each` has enough: what follows is not read, and the report is told as far as it was.
///
/// # Errors
/// As [`read`].
pub fn read_while(path: &Path, each: &mut dyn FnMut(Arc<Outcome>) -> bool) -> Result<ReadReport, ReadError> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    read_from(path, BufReader::with_capacity(1 << 16, file), each)
}

/// The same from an open text; the path is what it is called.
fn read_from(
    path: &Path,
    mut text: impl BufRead,
    each: &mut dyn FnMut(Arc<Outcome>) -> bool,
) -> Result<ReadReport, ReadError> {
    let start = text.fill_buf().map_err(|error| unreadable(path, &error))?;
    let mark = if start.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
    text.consume(mark);
    let mut reading =
        Reading { each, enough: false, maker: Maker::new(path), around: Around::default(), problem: None };
    if format_for(path).is_some_and(|format| format.name == "jsonl") {
        lines::read(path, text, &mut reading)?;
    } else {
        let whole = document::read(path, text, &mut reading);
        whole.or_else(|error| if reading.enough { Ok(()) } else { Err(error) })?;
    }
    reading.end(path)
}

/// What is known so far.
struct Reading<'a> {
    each: &'a mut dyn FnMut(Arc<Outcome>) -> bool,
    /// Whether nothing more is wanted.
    enough: bool,
    maker: Maker,
    around: Around,
    /// What is wrong with a result.
    problem: Option<String>,
}

impl Reading<'_> {
    /// Takes in a result. What is wrong with it is kept, and said with the place.
    fn result(&mut self, item: Map<String, Value>) -> bool {
        match self.maker.outcome(item) {
            Ok(outcome) => self.enough = !(self.each)(Arc::new(outcome)),
            Err(problem) => self.problem = Some(problem),
        }
        self.problem.is_none() && !self.enough
    }

    fn end(self, path: &Path) -> Result<ReadReport, ReadError> {
        let finished = self.maker.count;
        if finished == 0 {
            return Err(ReadError::new(format!("`{}` has no results", path.display())));
        }
        Ok(self.around.report(path, self.maker.summary()))
    }

    /// The sentence for what the JSON reader found, on this line.
    fn broken(&mut self, path: &Path, error: &serde_json::Error, line: usize) -> ReadError {
        if let Some(kind) = error.io_error_kind() {
            return unreadable(path, &io::Error::from(kind));
        }
        let path = path.display();
        let place = format!("line {line}, column {}", error.column());
        match (self.problem.take(), error.classify()) {
            (Some(problem), _) => {
                ReadError::new(format!("`{path}` has a result without {problem} ({place})")).hint(NEWER)
            }
            (None, Category::Eof) if (line, error.column()) == (1, 0) => ReadError::new(format!("`{path}` is empty")),
            (None, Category::Eof) => ReadError::new(format!("`{path}` is cut short at {place}")).hint(CUT),
            (None, Category::Data) => {
                ReadError::new(format!("`{path}` is no report of an evaluation: {} at {place}", what(error))).hint(HINT)
            }
            (None, _) => ReadError::new(format!("`{path}` is broken JSON at {place}: {}", what(error))).hint(HINT),
        }
    }
}

/// The reader's word without its place.
fn what(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).map_or(text.clone(), str::to_owned)
}

fn unreadable(path: &Path, error: &io::Error) -> ReadError {
    ReadError::new(format!("cannot read `{}`: {}", path.display(), io_reason(error)))
}

impl ReadError {
    fn new(message: String) -> Self {
        Self { message, hint: None }
    }

    fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }
}
