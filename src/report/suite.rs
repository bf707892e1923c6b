//! A JUnit suite: one column of the matrix, on its way to the file.

use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::sync::Arc;

use tempfile::SpooledTempFile;

use super::naming::Names;
use super::testcase::{Attempt, Case, Style, seconds};
use super::xml;
use crate::record::{Outcome, Status};

/// How much of a suite may wait in memory. Its counts stand before its cases and the columns come
/// interleaved, so every suite waits for the end: the long ones in a temporary file.
const IN_MEMORY: usize = 256 * 1024;
/// How much of it is written to that file at once.
const AT_ONCE: usize = 16 * 1024;

/// What XML says before the cases.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Counts {
    pub(super) tests: u64,
    pub(super) failures: u64,
    pub(super) errors: u64,
    pub(super) time_ms: u64,
}

impl Counts {
    fn add(&mut self, status: Status, time_ms: u64) {
        self.tests += 1;
        self.failures += u64::from(status == Status::Failed);
        self.errors += u64::from(status == Status::Errored);
        self.time_ms += time_ms;
    }

    /// Both together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            tests: self.tests + other.tests,
            failures: self.failures + other.failures,
            errors: self.errors + other.errors,
            time_ms: self.time_ms + other.time_ms,
        }
    }
}

/// A suite in the making.
pub(super) struct Suite {
    names: Names,
    properties: Vec<(&'static str, String)>,
    counts: Counts,
    /// The case whose repeats are coming in, and its id.
    open: Option<(Arc<str>, Case)>,
    spool: BufWriter<SpooledTempFile>,
}

impl Suite {
    /// A suite without cases.
    pub(super) fn new(names: Names, properties: Vec<(&'static str, String)>) -> Self {
        let spool = BufWriter::with_capacity(AT_ONCE, SpooledTempFile::new(IN_MEMORY));
        Self { names, properties, counts: Counts::default(), open: None, spool }
    }

    /// Takes an outcome in. The repeats of a case come one after the other.
    pub(super) fn take(&mut self, outcome: &Outcome, style: &Style) -> io::Result<()> {
        let id = &outcome.case.id;
        let attempt = Attempt::of(outcome, &style.words);
        if let Some((_, case)) = self.open.as_mut().filter(|(open, _)| open == id) {
            case.add(attempt);
            return Ok(());
        }
        self.close(style)?;
        let mut case = Case::of(outcome, &style.words);
        case.add(attempt);
        self.open = Some((Arc::clone(id), case));
        Ok(())
    }

    /// Puts a whole case at the end.
    pub(super) fn put(&mut self, case: &Case, style: &Style) -> io::Result<()> {
        self.counts.add(case.status(), case.latency_ms());
        case.write(&mut self.spool, &self.names.class, style)
    }

    /// No more repeats of the open case will come.
    pub(super) fn close(&mut self, style: &Style) -> io::Result<()> {
        match self.open.take() {
            Some((_, case)) => self.put(&case, style),
            None => Ok(()),
        }
    }

    /// How many cases there are.
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// `<testsuite>` with all its cases.
    pub(super) fn write(&mut self, out: &mut dyn Write, timestamp: &str) -> io::Result<()> {
        let Counts { tests, failures, errors, time_ms } = self.counts;
        let [tests, failures, errors] = [tests, failures, errors].map(|n| n.to_string());
        out.write_all(b"  ")?;
        xml::open(
            out,
            "testsuite",
            &[
                ("name", &self.names.suite),
                ("tests", &tests),
                ("failures", &failures),
                ("errors", &errors),
                ("skipped", "0"),
                ("time", &seconds(time_ms)),
                ("timestamp", timestamp),
            ],
        )?;
        out.write_all(b"\n")?;
        self.write_properties(out)?;
        self.spool.seek(SeekFrom::Start(0))?;
        io::copy(self.spool.get_mut(), out)?;
        out.write_all(b"  </testsuite>\n")
    }

    fn write_properties(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"    <properties>\n")?;
        for (name, value) in &self.properties {
            out.write_all(b"      ")?;
            xml::empty(out, "property", &[("name", name), ("value", value)])?;
            out.write_all(b"\n")?;
        }
        out.write_all(b"    </properties>\n")
    }
}
