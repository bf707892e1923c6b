//! A table in CSV: its records, each with the line on which it begins.

use std::io::{self, BufRead};

use csv_core::ReadRecordResult;

/// A line is no longer than that, in bytes.
pub(super) const LONGEST: u64 = 1 << 20;

/// Reads records. Which lines belong together is found before they are taken apart, so that a quote that is
/// never closed costs no more than [`LONGEST`], and lines are counted as editors count them.
pub(super) struct Table<R> {
    source: R,
    delimiter: u8,
    core: csv_core::Reader,
    /// The last line that was read.
    line: u64,
    /// The record as it stands in the file.
    raw: Vec<u8>,
    cells: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
}

/// What stands in the way of the next record.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The rest of the file cannot be read.
    Io(io::Error),
    /// The rest of the file stands in a quote.
    Unclosed,
    /// This line is too long.
    Long,
}

impl<R: BufRead> Table<R> {
    pub(super) fn new(source: R, delimiter: u8) -> Self {
        let core = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        Self { source, delimiter, core, line: 0, raw: Vec::new(), cells: Vec::new(), ends: vec![0; 32], count: 0 }
    }

    /// Goes to the next record that says something; gives its line and what came of it. Nothing at the end.
    pub(super) fn advance(&mut self) -> Option<(u64, Result<(), Trouble>)> {
        loop {
            let line = self.line + 1;
            match self.take() {
                Ok(false) => return None,
                Ok(true) if self.raw.trim_ascii().is_empty() => {}
                Ok(true) => {
                    self.split();
                    return Some((line, Ok(())));
                }
                Err(trouble) => return Some((line, Err(trouble))),
            }
        }
    }

    /// Takes the lines of a record; says whether there are any.
    fn take(&mut self) -> Result<bool, Trouble> {
        self.raw.clear();
        let mut quoted = false;
        loop {
            let start = self.raw.len();
            let most = LONGEST.saturating_sub(start as u64);
            let read = io::Read::take(&mut self.source, most).read_until(b'\n', &mut self.raw).map_err(Trouble::Io)?;
            self.line += u64::from(read > 0);
            quoted = ends_quoted(&self.raw[start..], self.delimiter, quoted);
            match (quoted, self.raw.ends_with(b"\n")) {
                (true, true) if read > 0 => {}
                (true, _) => return Err(Trouble::Unclosed),
                (false, ended) if ended || (self.raw.len() as u64) < LONGEST => return Ok(!self.raw.is_empty()),
                _ => {
                    self.source.skip_until(b'\n').map_err(Trouble::Io)?;
                    return Err(Trouble::Long);
                }
            }
        }
    }

    /// Takes the record apart. The reader is never told that the file ends: it would take the next record for
    /// the beginning of another one.
    fn split(&mut self) {
        let bare = self.raw.strip_suffix(b"\n").unwrap_or(&self.raw);
        self.raw.truncate(bare.strip_suffix(b"\r").unwrap_or(bare).len());
        self.raw.push(b'\n');
        self.cells.resize(self.raw.len() + 1, 0);
        let (mut read, mut written) = (0, 0);
        self.count = 0;
        loop {
            let (input, output) = (&self.raw[read..], &mut self.cells[written..]);
            let (result, taken, put, ended) = self.core.read_record(input, output, &mut self.ends[self.count..]);
            (read, written, self.count) = (read + taken, written + put, self.count + ended);
            match result {
                ReadRecordResult::OutputFull => self.cells.resize(self.cells.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                _ => return,
            }
        }
    }

    /// How many cells the record has.
    pub(super) fn width(&self) -> usize {
        self.count
    }

    /// Whether the record is text.
    pub(super) fn is_text(&self) -> bool {
        std::str::from_utf8(&self.raw).is_ok()
    }

    /// A cell of the record; nothing where it is no text.
    pub(super) fn cell(&self, at: usize) -> Option<&str> {
        let end = *self.ends.get(at).filter(|_| at < self.count)?;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        std::str::from_utf8(self.cells.get(start..end)?).ok()
    }
}

/// Whether a line leaves a quote open, which may have been opened before it.
fn ends_quoted(line: &[u8], delimiter: u8, mut quoted: bool) -> bool {
    if memchr::memchr(b'"', line).is_none() {
        return quoted;
    }
    let mut first = !quoted;
    let mut bytes = line.iter().peekable();
    while let Some(&byte) = bytes.next() {
        match byte {
            // Within quotes two of them are one.
            b'"' if quoted => quoted = bytes.next_if(|next| **next == b'"').is_some(),
            b'"' if first => quoted = true,
            _ => {}
        }
        first = !quoted && byte == delimiter;
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> Vec<(u64, Result<Vec<String>, String>)> {
        let mut table = Table::new(text.as_bytes(), b',');
        let mut all = Vec::new();
        while let Some((line, found)) = table.advance() {
            let cells = (0..table.width()).filter_map(|at| table.cell(at)).map(str::to_owned).collect();
            let found = found.map(|()| cells).map_err(|trouble| format!("{trouble:?}"));
            let over = found.is_err();
            all.push((line, found));
            if over {
                break;
            }
        }
        all
    }

    #[test]
    fn records_begin_where_editors_say() {
        let told = |text: &str| -> Vec<(u64, String)> {
            let told = |found: Result<Vec<String>, String>| found.map_or_else(|why| why, |cells| cells.join("|"));
            records(text).into_iter().map(|(line, found)| (line, told(found))).collect()
        };
        let all = |list: &[(u64, &str)]| -> Vec<(u64, String)> {
            list.iter().map(|(line, text)| (*line, (*text).to_owned())).collect()
        };
        for (text, expected) in [
            ("", &[][..]),
            ("a,b\n1,2", &[(1, "a|b"), (2, "1|2")]),
            ("a,b\r\n\r\n\n1,2\r\n", &[(1, "a|b"), (4, "1|2")]),
            ("\"a\nb\",2\nc,3\n", &[(1, "a\nb|2"), (3, "c|3")]),
            ("5\" pipe,2\n\"say \"\"hi\"\"\",3\n", &[(1, "5\" pipe|2"), (2, "say \"hi\"|3")]),
            ("a,b\n\"c,1\nd,2\n", &[(1, "a|b"), (2, "Unclosed")]),
            ("a,b\n\"c", &[(1, "a|b"), (2, "Unclosed")]),
        ] {
            assert_eq!(told(text), all(expected), "{text:?}");
        }
    }

    #[test]
    fn a_record_may_have_many_cells_and_few_bytes_may_be_too_many() {
        let wide = vec!["x"; 1000].join(",");
        assert_eq!(records(&wide)[0].1.as_ref().unwrap().len(), 1000);
        let long = format!("a\n{}\n\"b", "x".repeat(2 << 20));
        let mut table = Table::new(long.as_bytes(), b',');
        assert!(matches!(table.advance(), Some((1, Ok(())))));
        assert!(matches!(table.advance(), Some((2, Err(Trouble::Long)))));
        assert!(matches!(table.advance(), Some((3, Err(Trouble::Unclosed)))));
    }
}
