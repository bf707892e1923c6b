//! Texts and places in them.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

/// A text that was read, with the name under which a person knows it.
#[derive(Debug)]
pub struct Source {
    name: Arc<str>,
    text: String,
    first_line: u32,
    line_starts: OnceLock<Vec<u32>>,
}

impl Source {
    /// A whole file (or another named text).
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<String>) -> Arc<Self> {
        Self::from_line(name, text, 1)
    }

    /// A piece of a file that begins at `first_line` (counted from 1), such as one row of a dataset.
    pub fn from_line(name: impl Into<Arc<str>>, text: impl Into<String>, first_line: u32) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into(), first_line, line_starts: OnceLock::new() })
    }

    /// Reads a file; `name` is the path as the user wrote it. A byte order mark is dropped.
    ///
    /// # Errors
    /// When it cannot be read or is no UTF-8; the message names the path.
    pub fn read(path: &std::path::Path, name: &str) -> Result<Arc<Self>, String> {
        let bytes = std::fs::read(path).map_err(|e| format!("cannot read `{name}`: {}", io_reason(&e)))?;
        let text = String::from_utf8(bytes)
            .map_err(|e| format!("`{name}` is not UTF-8 text (byte {})", e.utf8_error().valid_up_to()))?;
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        Ok(Self::new(name, text))
    }

    /// The path as the user wrote it, or `<inline>`-like names for texts without a file.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line number of the text's first line.
    pub fn first_line(&self) -> u32 {
        self.first_line
    }

    /// The span of the whole text.
    pub fn span(self: &Arc<Self>) -> Span {
        self.at(0..self.text.len())
    }

    /// A span of bytes; clamped to the text and to character borders.
    pub fn at(self: &Arc<Self>, range: Range<usize>) -> Span {
        let start = floor_char(&self.text, range.start);
        let end = floor_char(&self.text, range.end).max(start);
        Span {
            source: Arc::clone(self),
            start: u32::try_from(start).unwrap_or(u32::MAX),
            end: u32::try_from(end).unwrap_or(u32::MAX),
        }
    }

    fn line_starts(&self) -> &[u32] {
        self.line_starts.get_or_init(|| {
            let after_newlines = self.text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
            std::iter::once(0).chain(after_newlines.map(|(i, _)| u32::try_from(i + 1).unwrap_or(u32::MAX))).collect()
        })
    }
}

/// An I/O error without the operating system's number.
pub fn io_reason(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "no such file".into(),
        ErrorKind::PermissionDenied => "permission denied".into(),
        ErrorKind::IsADirectory => "it is a folder".into(),
        _ => error.to_string(),
    }
}

fn floor_char(text: &str, mut index: usize) -> usize {
    index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

/// A piece of a [`Source`], in bytes.
#[derive(Clone)]
pub struct Span {
    source: Arc<Source>,
    start: u32,
    end: u32,
}

impl Span {
    /// The text this span points into.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// The bytes it covers.
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The characters it covers.
    pub fn text(&self) -> &str {
        &self.source.text[self.range()]
    }

    /// The n-th line of what it covers, from 1, without the blanks around it; the whole where it has no such line.
    #[must_use]
    pub fn line(&self, n: u32) -> Self {
        let at = |line: &str| line.as_ptr() as usize - self.text().as_ptr() as usize + self.start as usize;
        let line = self.text().lines().nth((n as usize).saturating_sub(1)).map(str::trim);
        line.filter(|line| !line.is_empty())
            .map_or_else(|| self.clone(), |line| self.source.at(at(line)..at(line) + line.len()))
    }

    /// File, line and column of its first character.
    pub fn location(&self) -> Location {
        let starts = self.source.line_starts();
        let row = starts.partition_point(|&s| s <= self.start).saturating_sub(1);
        let before = &self.source.text[starts[row] as usize..self.start as usize];
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Location {
            file: Arc::clone(&self.source.name),
            line: self.source.first_line + count(row),
            column: 1 + count(before.chars().count()),
        }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.location())
    }
}

/// A place a person can go to: `file:line:column`, both counted from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Location {
    /// The path as the user wrote it.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_count_from_the_first() {
        let source = Source::from_line("rows.csv", "ab\né=x", 7);
        assert_eq!(source.at(5..7).location().to_string(), "rows.csv:8:2");
        assert_eq!(source.at(0..1).location().to_string(), "rows.csv:7:1");
    }

    #[test]
    fn lines_of_a_span_are_spans() {
        let span = Source::new("x", "value: |\n  a\n  bc \n\n  d\n").at(11..23);
        let lines: Vec<String> = [1, 2, 4].map(|n| format!("{} {:?}", span.line(n).text(), span.line(n))).into();
        assert_eq!(lines, ["a x:2:3", "bc x:3:3", "d x:5:3"]);
        assert_eq!([span.line(3).range(), span.line(9).range()], [span.range(), span.range()]);
    }

    #[test]
    fn a_span_never_splits_a_character() {
        let source = Source::new("x", "aé");
        assert_eq!(source.at(2..99).text(), "é");
    }
}
