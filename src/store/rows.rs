//! Outcomes as rows, without secrets.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use super::Entry;
use super::codec::{json, number, verdicts, word};
use crate::env::Redactor;
use crate::record::{Aside, Outcome, Output, Response, Spent};

/// Writes rows of one run.
pub(super) struct Scribe<'a> {
    pub(super) connection: &'a Connection,
    pub(super) redactor: &'a Redactor,
    pub(super) run: i64,
    pub(super) now_ms: u64,
}

impl Scribe<'_> {
    /// Writes a cell with all that belongs to it.
    pub(super) fn cell(&self, entry: &Entry) -> rusqlite::Result<()> {
        let outcome = &*entry.outcome;
        self.case(outcome)?;
        let response = outcome.response.as_ref().map(|r| self.response(entry, r)).transpose()?;
        let named = (!outcome.named.is_empty()).then(|| self.json(&outcome.named).0);
        let grading = (outcome.grading != Spent::default()).then(|| self.json(&outcome.grading).0);
        let failure = outcome.failure.as_ref().map(|f| self.json(f).0);
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO cells (run, place, case_place, col, repeat, cell, request, prompt, status, score, named, \
             verdicts, response, failure, cached, attempts, grading) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        )?;
        insert.execute(params![
            self.run,
            number(outcome.index),
            number(outcome.row),
            number(outcome.column as u64),
            outcome.repeat,
            &*outcome.cell,
            &*outcome.request,
            self.redactor.clean(&outcome.prompt),
            word(&outcome.status),
            outcome.score,
            named,
            verdicts(outcome, self.redactor),
            response,
            failure,
            outcome.response.as_ref().is_some_and(|r| r.cached),
            outcome.attempts,
            grading,
        ])?;
        outcome.asides.iter().filter(|aside| aside.shared).try_for_each(|aside| self.aside(aside))?;
        self.setbacks(outcome)
    }

    fn case(&self, outcome: &Outcome) -> rusqlite::Result<()> {
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO cases (run, place, body) VALUES (?1, ?2, ?3) \
             ON CONFLICT (run, place) DO UPDATE SET body = excluded.body WHERE body <> excluded.body",
        )?;
        insert.execute(params![self.run, number(outcome.row), self.json(&*outcome.case).0])?;
        Ok(())
    }

    /// The row of an answer: that of the earlier go it was kept from, that of the cache it came out of, or
    /// a new one. Only what was asked for now may serve others from now on.
    fn response(&self, entry: &Entry, response: &Response) -> rusqlite::Result<i64> {
        if let Some(row) = entry.response {
            return Ok(row);
        }
        let request = &*entry.outcome.request;
        let original = Response { cached: false, ..response.clone() };
        let (body, redacted) = self.json(&original);
        if response.cached
            && let Some(row) = same(self.connection, request, &body)?
        {
            return Ok(row);
        }
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO responses (request, created_ms, structured, redacted, body) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        let request = (entry.shared && !redacted && !response.cached).then_some(request);
        let structured = matches!(response.output, Output::Json(_));
        insert.insert(params![request, number(self.now_ms), structured, redacted, body])
    }

    /// A grader's answer serves whoever asks the same; the cell keeps only what was made of it.
    fn aside(&self, aside: &Aside) -> rusqlite::Result<()> {
        let Some(response) = &aside.response else { return Ok(()) };
        let (body, redacted) = self.json(response);
        let structured = matches!(response.output, Output::Json(_));
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO responses (request, created_ms, structured, redacted, body) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        let request = (!redacted).then_some(&*aside.request);
        insert.execute(params![request, number(self.now_ms), structured, redacted, body])?;
        Ok(())
    }

    fn setbacks(&self, outcome: &Outcome) -> rusqlite::Result<()> {
        for setback in &outcome.setbacks {
            let mut insert = self.connection.prepare_cached(
                "INSERT INTO attempts (run, cell, attempt, at_ms, reason, status, message) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?;
            insert.execute(params![
                self.run,
                &*outcome.cell,
                setback.attempt,
                number(setback.at_ms),
                word(&setback.reason),
                setback.status,
                self.redactor.clean(&setback.message),
            ])?;
        }
        Ok(())
    }

    fn json<T: Serialize>(&self, value: &T) -> (String, bool) {
        json(value, self.redactor)
    }
}

/// The newest row of exactly this answer.
fn same(connection: &Connection, request: &str, body: &str) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT id FROM responses WHERE request = ?1 AND body = ?2 ORDER BY id DESC LIMIT 1";
    connection.prepare_cached(sql)?.query_row([request, body], |row| row.get(0)).optional()
}
