//! Outcomes as rows, without secrets.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use super::Entry;
use super::codec::{json, number, verdicts, word};
use crate::env::Redactor;
use crate::record::{Outcome, Output, Response, Spent};

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
        let draft = if entry.drafted { self.draft(&outcome.cell)? } else { None };
        let known = entry.response.or(draft.as_ref().map(|draft| draft.response));
        let response = outcome.response.as_ref().map(|r| self.response(entry, r, known)).transpose()?;
        draft.map_or(Ok(()), |draft| self.forget_draft(draft.row))?;
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

    /// The row of an answer: the one that is known already, where it says the same, or a new one. The known
    /// one goes on serving others.
    fn response(&self, entry: &Entry, response: &Response, known: Option<i64>) -> rusqlite::Result<i64> {
        let request = &*entry.outcome.request;
        let Some(row) = known else { return self.answer(request, response, entry.shared) };
        if self.says(row, response)? { Ok(row) } else { self.answer(request, response, false) }
    }

    fn says(&self, row: i64, response: &Response) -> rusqlite::Result<bool> {
        let (body, _) = self.json(&Response { cached: false, ..response.clone() });
        self.connection
            .prepare_cached("SELECT body = ?2 FROM responses WHERE id = ?1")?
            .query_row(params![row, body], |found| found.get(0))
    }

    /// The row of an answer: that of the cache it came out of, or a new one. Only what was asked for now may
    /// serve others from now on.
    pub(super) fn answer(&self, request: &str, response: &Response, shared: bool) -> rusqlite::Result<i64> {
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
        let request = (shared && !redacted && !response.cached).then_some(request);
        let structured = matches!(response.output, Output::Json(_));
        insert.insert(params![request, number(self.now_ms), structured, redacted, body])
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

    pub(super) fn json<T: Serialize>(&self, value: &T) -> (String, bool) {
        json(value, self.redactor)
    }
}

/// The newest row of exactly this answer.
fn same(connection: &Connection, request: &str, body: &str) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT id FROM responses WHERE request = ?1 AND body = ?2 ORDER BY id DESC LIMIT 1";
    connection.prepare_cached(sql)?.query_row([request, body], |row| row.get(0)).optional()
}
