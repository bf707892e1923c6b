//! What a run leaves behind: reports in the formats other tools read.
//!
//! A report is a fold over the event line: it is told the beginning, every outcome in plan order and
//! the end, and writes as it goes, so that memory stays flat in the number of cells. A format is a
//! row of [`FORMATS`]; a new one is a file here and a line there. Nothing of a run is decided in this
//! room: the same record always makes the same bytes.

mod chart;
pub mod comparison;
mod derived;
mod diff;
mod document;
mod item;
mod json;
mod jsonl;
mod junit;
mod naming;
mod read;
mod redact;
mod suite;
mod tally;
mod target;
mod testcase;
mod xml;

#[cfg(test)]
mod fixture;

pub use chart::{Chart, Line, Mark};
pub use comparison::{Compared, Early, GateReport, Gated};
pub use derived::Derived;
pub use diff::{Piece, words as diff_words};
pub use document::{Block, Document};
pub use read::{ReadError, ReadReport, read, read_while};
pub use target::{Target, TargetError};

use std::io::{self, Write};
use std::path::Path;

use crate::env::Redactor;
use crate::record::{Column, Outcome, RunHead, RunRecord, RunTail};

/// A format: one row of the table.
pub struct Format {
    /// Its name.
    pub name: &'static str,
    /// The file name endings that ask for it.
    pub endings: &'static [&'static str],
    /// What it is for, in a line.
    pub about: &'static str,
    /// Begins a report.
    pub open: fn(Options) -> Box<dyn Report>,
}

/// All formats.
pub static FORMATS: &[&Format] = &[&json::JSON, &jsonl::JSONL, &junit::JUNIT];

/// The format a file name asks for; of two endings that fit, the longer one speaks.
pub fn format_for(path: &Path) -> Option<&'static Format> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let rows = FORMATS.iter().flat_map(|format| format.endings.iter().map(move |ending| (*ending, *format)));
    rows.filter(|(ending, _)| name.ends_with(ending)).max_by_key(|(ending, _)| ending.len()).map(|(_, format)| format)
}

/// What every format must know.
#[derive(Debug, Clone)]
pub struct Options {
    /// What must not be written.
    pub redactor: Redactor,
    /// JUnit without what strict schemas refuse (`--junit-profile strict`).
    pub strict: bool,
}

/// A report in the making: a streaming fold over the outcomes, which arrive in plan order.
pub trait Report: Send {
    /// The plan is known.
    fn start(&mut self, out: &mut dyn Write, head: &RunHead) -> io::Result<()>;
    /// A cell is finished.
    fn cell(&mut self, out: &mut dyn Write, outcome: &Outcome) -> io::Result<()>;
    /// Nothing more will come.
    fn finish(&mut self, out: &mut dyn Write, tail: &RunTail) -> io::Result<()>;
}

/// A whole record in a format.
///
/// # Errors
/// When the record lacks its beginning or its end: half a report would look like a whole one.
pub fn render(format: &Format, record: &RunRecord, options: Options) -> io::Result<Vec<u8>> {
    let head = record.head.as_deref().ok_or_else(|| broken("the record has no beginning"))?;
    let tail = record.tail.as_deref().ok_or_else(|| broken("the record has no end"))?;
    let mut out = Vec::new();
    let mut report = (format.open)(options);
    report.start(&mut out, head)?;
    for outcome in &record.outcomes {
        report.cell(&mut out, outcome)?;
    }
    report.finish(&mut out, tail)?;
    Ok(out)
}

/// Events that no run could have sent.
fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// The column an outcome stands in.
fn column_of<'a>(columns: &'a [Column], outcome: &Outcome) -> io::Result<&'a Column> {
    columns.get(outcome.column).ok_or_else(|| broken("an outcome stands in a column that the run does not have"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{cell, head, options, record};

    #[test]
    fn the_ending_chooses_the_format() {
        let name = |path: &str| format_for(Path::new(path)).map(|format| format.name);
        assert_eq!(name("out/r.json"), Some("json"));
        assert_eq!(name("r.JSONL"), Some("jsonl"));
        assert_eq!(name("r.junit.xml"), Some("junit"));
        assert_eq!(name("r.xml"), Some("junit"));
        assert_eq!((name("r.toml"), name("json"), name("..")), (None, None, None));
    }

    #[test]
    fn no_two_formats_share_a_name_or_an_ending() {
        let mut words: Vec<_> = FORMATS.iter().flat_map(|f| f.endings.iter().chain([&f.name])).collect();
        let all = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), all);
    }

    #[test]
    fn no_format_lets_a_secret_out() {
        let mut head = head();
        head.columns[0].label = "ask with hunter2-hunter2".into();
        head.config = serde_json::json!({"env": {"hunter2-hunter2": "x-hunter2-hunter2"}}).into();
        let outcome = cell("hunter2-hunter2")
            .description("hunter2-hunter2")
            .var("token", "hunter2-hunter2")
            .prompt("say hunter2-hunter2")
            .output("hunter2-hunter2")
            .fails("got hunter2-hunter2")
            .done();
        let record = record(head, vec![outcome], 0);
        for format in FORMATS {
            let options = options();
            options.redactor.learn("hunter2-hunter2");
            let text = String::from_utf8(render(format, &record, options).unwrap()).unwrap();
            assert!(!text.contains("hunter2") && text.contains("[redacted]"), "{}: {text}", format.name);
        }
    }

    #[test]
    fn the_same_record_makes_the_same_bytes() {
        let cells = || vec![cell("a").column(1).named("tone", 0.5).fails("no").done(), cell("b").errors("gone").done()];
        for format in FORMATS {
            let once = || render(format, &record(head(), cells(), 1), options()).unwrap();
            assert_eq!(once(), once(), "{}", format.name);
        }
    }

    #[test]
    fn half_a_record_makes_no_report() {
        assert!(FORMATS.iter().all(|format| render(format, &RunRecord::default(), options()).is_err()));
    }

    #[test]
    fn an_outcome_without_a_column_is_refused() {
        let record = record(head(), vec![cell("a").column(9).done()], 0);
        assert!(FORMATS.iter().all(|format| render(format, &record, options()).is_err()));
    }
}
