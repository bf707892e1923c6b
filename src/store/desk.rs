//! Where cells under way leave what is paid for before they have ended.
//!
//! An answer that waits for its graders is a draft: a cell that goes on later takes it from there. What
//! graders answered is kept for the run that asked, whether or not it may serve others.

use std::sync::{Arc, mpsc};

use rusqlite::{OptionalExtension, params};

use super::codec::number;
use super::journal::Message;
use super::rows::Scribe;
use crate::record::{Output, Response};

/// The way of a cell to the ledger.
#[derive(Clone)]
pub struct Desk {
    messages: mpsc::Sender<Message>,
}

/// Something that was paid for.
#[derive(Debug)]
pub enum Paid {
    /// The answer of a cell that is still to be judged.
    Draft {
        /// The cell's content id.
        cell: Arc<str>,
        /// Content id of what was asked.
        request: Arc<str>,
        /// The answer.
        response: Response,
        /// How many requests it took.
        attempts: u32,
        /// Whether it may serve others.
        shared: bool,
    },
    /// What a grader answered.
    Opinion {
        /// Content id of the question.
        question: Arc<str>,
        /// The reply.
        response: Response,
        /// Whether it may serve others.
        shared: bool,
    },
    /// What a grader answered to this question cannot be used.
    Useless(Arc<str>),
}

impl Desk {
    pub(super) fn new(messages: mpsc::Sender<Message>) -> Self {
        Self { messages }
    }

    /// Leaves something.
    pub fn leave(&self, paid: Paid) {
        // A writer that is gone has said why, and the run hears it from there.
        let _ = self.messages.send(Message::Paid(Box::new(paid)));
    }
}

/// A draft that a cell takes over.
pub(super) struct Draft {
    pub(super) row: i64,
    pub(super) response: i64,
}

impl Scribe<'_> {
    pub(super) fn paid(&self, paid: &Paid) -> rusqlite::Result<()> {
        match paid {
            Paid::Draft { cell, request, response, attempts, shared } => {
                let row = self.answer(request, response, *shared)?;
                let mut insert = self.connection.prepare_cached(
                    "INSERT INTO drafts (run, cell, response, cached, attempts) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?;
                insert.execute(params![self.run, &**cell, row, response.cached, attempts])?;
            }
            Paid::Opinion { question, response, shared } => self.opinion(question, response, *shared)?,
            Paid::Useless(question) => {
                let sql =
                    "UPDATE responses SET request = NULL, run = NULL, question = NULL WHERE run = ?1 AND question = ?2";
                self.connection.prepare_cached(sql)?.execute(params![self.run, &**question])?;
            }
        }
        Ok(())
    }

    fn opinion(&self, question: &str, response: &Response, shared: bool) -> rusqlite::Result<()> {
        let (body, redacted) = self.json(response);
        let structured = matches!(response.output, Output::Json(_));
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO responses (request, created_ms, structured, redacted, body, run, question) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        let request = (shared && !redacted).then_some(question);
        insert.execute(params![request, number(self.now_ms), structured, redacted, body, self.run, question])?;
        Ok(())
    }

    /// The oldest draft of a cell.
    pub(super) fn draft(&self, cell: &str) -> rusqlite::Result<Option<Draft>> {
        let sql = "SELECT id, response FROM drafts WHERE run = ?1 AND cell = ?2 ORDER BY id LIMIT 1";
        let mut find = self.connection.prepare_cached(sql)?;
        let draft = |row: &rusqlite::Row<'_>| Ok(Draft { row: row.get(0)?, response: row.get(1)? });
        find.query_row(params![self.run, cell], draft).optional()
    }

    /// The draft has become a cell.
    pub(super) fn forget_draft(&self, row: i64) -> rusqlite::Result<()> {
        self.connection.prepare_cached("DELETE FROM drafts WHERE id = ?1")?.execute([row])?;
        Ok(())
    }
}
