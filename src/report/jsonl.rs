//! One result per line, for tools that stream.

use std::io::{self, Write};

use super::item::Lines;
use super::{Format, Report, column_of};
use crate::record::{Column, Outcome, RunHead, RunTail};

pub(super) static JSONL: Format = Format {
    name: "jsonl",
    endings: &[".jsonl"],
    about: "one JSON result per line, in plan order",
    open: |options| Box::new(Jsonl { lines: Lines::new(options.redactor), columns: Vec::new() }),
};

struct Jsonl {
    lines: Lines,
    columns: Vec<Column>,
}

impl Report for Jsonl {
    fn start(&mut self, _: &mut dyn Write, head: &RunHead) -> io::Result<()> {
        self.columns.clone_from(&head.columns);
        Ok(())
    }

    fn cell(&mut self, out: &mut dyn Write, outcome: &Outcome) -> io::Result<()> {
        out.write_all(self.lines.of(outcome, column_of(&self.columns, outcome)?)?)?;
        out.write_all(b"\n")
    }

    fn finish(&mut self, _: &mut dyn Write, _: &RunTail) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{cell, head, options, record};

    #[test]
    fn every_line_is_a_result() {
        let record = record(head(), vec![cell("a").output("x\ny").done(), cell("b").column(1).fails("no").done()], 0);
        let text = String::from_utf8(crate::report::render(&JSONL, &record, options()).unwrap()).unwrap();
        let lines: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[0]["success"], &lines[1]["promptIdx"]), (&true.into(), &1.into()));
    }
}
