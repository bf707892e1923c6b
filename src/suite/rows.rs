//! Dataset files that are read row by row.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::sync::Arc;

use super::build::{Builder, Draft};
use super::csv_rows::{Column, CsvRow, header};
use super::vars::Trust;
use crate::diag::{Problem, Problems, Source, Span};
use crate::yaml::Node;

/// A row longer than this is no row.
const LONGEST_ROW: usize = 64 << 20;

/// A file of rows.
#[derive(Debug, Clone)]
pub(super) struct RowFile {
    pub(super) path: PathBuf,
    pub(super) shown: Arc<str>,
    pub(super) format: RowFormat,
    /// Where the config names it.
    pub(super) at: Span,
}

/// How rows are written.
#[derive(Debug, Clone, Copy)]
pub(super) enum RowFormat {
    Csv { delimiter: u8 },
    JsonLines,
}

/// A walk through a file's rows.
pub(super) enum Rows {
    Csv {
        reader: Box<csv::Reader<Quotes>>,
        columns: Vec<Column>,
        shown: Arc<str>,
        number: u64,
        /// Line of the last row, and whether it spans several lines.
        last: (u32, bool),
        at: Span,
    },
    JsonLines {
        reader: BufReader<File>,
        shown: Arc<str>,
        line: u32,
        number: u64,
        at: Span,
    },
}

impl RowFile {
    pub(super) fn open(&self, problems: &mut Problems) -> Option<Rows> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(e) => {
                let reason = crate::diag::io_reason(&e);
                problems.push(Problem::error(format!("cannot read `{}`: {reason}", self.shown)).at(&self.at));
                return None;
            }
        };
        let shown = Arc::clone(&self.shown);
        match self.format {
            RowFormat::JsonLines => {
                Some(Rows::JsonLines { reader: BufReader::new(file), shown, line: 0, number: 0, at: self.at.clone() })
            }
            RowFormat::Csv { delimiter } => self.open_csv(file, delimiter, problems),
        }
    }

    fn open_csv(&self, file: File, delimiter: u8, problems: &mut Problems) -> Option<Rows> {
        let mut reader =
            csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(Quotes::new(file, delimiter));
        let names: Vec<String> = match reader.headers() {
            Ok(names) => names.iter().map(|n| n.trim_start_matches('\u{feff}').to_owned()).collect(),
            Err(e) => {
                problems.push(Problem::error(format!("`{}` is no CSV: {e}", self.shown)).at(&self.at));
                return None;
            }
        };
        if names.iter().all(|n| n.trim().is_empty()) {
            problems.push(Problem::error(format!("`{}` has no header row", self.shown)).at(&self.at));
            return None;
        }
        let before = problems.errors();
        let columns = header(&names, &self.shown, problems);
        let shown = Arc::clone(&self.shown);
        (problems.errors() == before).then(|| Rows::Csv {
            reader: Box::new(reader),
            columns,
            shown,
            number: 0,
            last: (0, false),
            at: self.at.clone(),
        })
    }
}

/// A row that was read.
pub(super) enum Row {
    Test(Box<Draft>),
    /// It has mistakes, which have been told.
    Broken,
}

impl Rows {
    /// How many rows have been read.
    pub(super) fn number(&self) -> u64 {
        match self {
            Self::Csv { number, .. } | Self::JsonLines { number, .. } => *number,
        }
    }

    /// The next row as a test; `None` at the end.
    pub(super) fn next(&mut self, builder: &Builder, problems: &mut Problems) -> Option<Row> {
        match self {
            Self::Csv { reader, columns, shown, number, last, at } => loop {
                let mut record = csv::StringRecord::new();
                let line = match reader.read_record(&mut record) {
                    Ok(false) => {
                        refuse_open_quote(reader.get_ref().open(), *last, at, shown, problems);
                        return None;
                    }
                    Ok(true) => record.position().map_or(0, csv::Position::line),
                    Err(e) => {
                        problems.push(Problem::error(format!("`{shown}` is no CSV: {e}")).at(at));
                        return None;
                    }
                };
                if record.iter().all(|cell| cell.trim().is_empty()) {
                    continue;
                }
                *number += 1;
                let line = u32::try_from(line).unwrap_or(u32::MAX);
                *last = (line, record.iter().any(|cell| cell.contains('\n')));
                if record.len() != columns.len() {
                    let message = format!("this row has {} cells, but the header has {}", record.len(), columns.len());
                    let text = record.iter().collect::<Vec<_>>().join(",");
                    let row = Source::from_line(Arc::clone(shown), text, line).span();
                    problems.push(Problem::error(message).at(&row).hint("a cell with a comma needs quotes around it"));
                    return Some(Row::Broken);
                }
                let cells = record.iter().map(str::to_owned).collect();
                let row = CsvRow { columns, cells, file: shown, line, number: *number };
                return Some(Row::Test(Box::new(row.draft(builder, problems))));
            },
            Self::JsonLines { reader, shown, line, number, at } => loop {
                let mut bytes = Vec::new();
                let read = Read::take(&mut *reader, LONGEST_ROW as u64).read_until(b'\n', &mut bytes);
                *line += 1;
                let text = match read.map(|n| (n, String::from_utf8(bytes))) {
                    Ok((0, _)) => return None,
                    Ok((_, Ok(text))) => text,
                    Ok((_, Err(_))) => {
                        problems.push(Problem::error(format!("line {line} of `{shown}` is not UTF-8 text")).at(at));
                        return None;
                    }
                    Err(e) => {
                        problems.push(Problem::error(format!("cannot read `{shown}`: {e}")).at(at));
                        return None;
                    }
                };
                if text.trim().is_empty() {
                    continue;
                }
                *number += 1;
                let source = Source::from_line(Arc::clone(shown), text.trim_end(), *line);
                let draft = json_row(&source, *number, builder, problems);
                return Some(draft.map_or(Row::Broken, |d| Row::Test(Box::new(d))));
            },
        }
    }
}

/// Watches the bytes on their way to the CSV reader, to know whether the file ends inside quotes.
pub(super) struct Quotes {
    file: File,
    delimiter: u8,
    state: QuoteState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum QuoteState {
    /// At the start of a cell, where a quote opens one.
    Start,
    /// In a cell without quotes: a quote in it is a character.
    Bare,
    /// Between quotes.
    Open,
    /// After a quote inside quotes: the end, or half of a doubled one.
    Maybe,
}

impl QuoteState {
    fn next(self, byte: u8, delimiter: u8) -> Self {
        match (self, byte) {
            (Self::Open, b'"') => Self::Maybe,
            (Self::Open, _) | (Self::Start | Self::Maybe, b'"') => Self::Open,
            (_, b'\n' | b'\r') => Self::Start,
            (_, byte) if byte == delimiter => Self::Start,
            _ => Self::Bare,
        }
    }
}

impl Quotes {
    fn new(file: File, delimiter: u8) -> Self {
        Self { file, delimiter, state: QuoteState::Start }
    }

    fn open(&self) -> bool {
        self.state == QuoteState::Open
    }
}

impl Read for Quotes {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.state = buffer[..n].iter().fold(self.state, |state, byte| state.next(*byte, self.delimiter));
        Ok(n)
    }
}

/// A quote that is never closed swallows all rows behind it.
fn refuse_open_quote(open: bool, last: (u32, bool), at: &Span, shown: &str, problems: &mut Problems) {
    if open && last.1 {
        let problem = Problem::error(format!("a quote in `{shown}` is opened at line {} and never closed", last.0));
        problems.push(problem.at(at));
    }
}

fn json_row(source: &Arc<Source>, number: u64, builder: &Builder, problems: &mut Problems) -> Option<Draft> {
    match Node::parse_json(source) {
        Ok(node) => builder.draft(&node, Some(format!("Row #{number}")), Trust::Row, problems),
        Err(e) => {
            let column = e.column().saturating_sub(1);
            problems.push(Problem::error(format!("this line is no JSON: {e}")).at(&source.at(column..column + 1)));
            None
        }
    }
}
