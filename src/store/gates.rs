//! What gates decided: evidence that outlives the runs it rests on.

use std::borrow::Cow;

use rusqlite::{Connection, Row, params};
use serde_json::Value;

use super::codec::{json, number, unsigned};
use super::{Store, StoreError};

/// One decision of a gate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GateLine {
    /// The id of the run it rests on.
    pub run: String,
    /// The content hash of the prompt that wants through.
    pub candidate: String,
    /// The content hash of the prompt it is held against.
    pub baseline: String,
    /// Digest of the cases.
    pub test_set: String,
    /// Digest of what they demand.
    pub checks: String,
    /// The provider that both were asked at.
    pub provider: String,
    /// Digest of what the cells came to, on both sides.
    pub results: String,
    /// Digest of the policy.
    pub policy: String,
    /// The word: open or not.
    pub decision: String,
    /// The rule that decided.
    pub rule: String,
    /// When, milliseconds since 1970, UTC.
    pub decided_ms: u64,
    /// All that it rests on, as JSON.
    pub body: String,
}

const OF_RUN: &str = "SELECT run, candidate, baseline, test_set, checks, provider, results, policy, decision, rule, \
    decided_ms, body FROM gates WHERE run = ?1 ORDER BY id";

impl Store {
    /// Keeps a decision.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn note_gate(&self, gate: &GateLine) -> Result<(), StoreError> {
        let noted = self.try_connect().and_then(|connection| {
            connection.execute(
                "INSERT INTO gates (run, candidate, baseline, test_set, checks, provider, results, policy, decision, \
                 rule, decided_ms, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                params![
                    gate.run,
                    gate.candidate,
                    gate.baseline,
                    gate.test_set,
                    gate.checks,
                    gate.provider,
                    gate.results,
                    gate.policy,
                    gate.decision,
                    self.redactor.clean(&gate.rule),
                    number(gate.decided_ms),
                    self.clean_body(&gate.body),
                ],
            )
        });
        noted.map(drop).map_err(|e| StoreError::sqlite(&e, &self.file()))
    }

    /// What was decided about a run, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn gates_of(&self, run: &str) -> Result<Vec<GateLine>, StoreError> {
        let gates = self.try_connect().and_then(|connection| gates(&connection, run));
        gates.map_err(|e| StoreError::sqlite(&e, &self.file()))
    }

    /// How often this candidate was held against this baseline with these cases and demands, this run
    /// counted once: deciding about a run again is no other try.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn tries(&self, gate: &GateLine) -> Result<u32, StoreError> {
        let others = self.try_connect().and_then(|connection| {
            connection.query_row(
                "SELECT COUNT(DISTINCT results) FROM gates WHERE candidate = ?1 AND baseline = ?2 AND test_set = ?3 \
                 AND checks = ?4 AND run <> ?5 AND results <> ?6 AND provider = ?7",
                params![
                    gate.candidate,
                    gate.baseline,
                    gate.test_set,
                    gate.checks,
                    gate.run,
                    gate.results,
                    gate.provider
                ],
                |row| row.get::<_, u32>(0),
            )
        });
        others.map(|others| others.saturating_add(1)).map_err(|e| StoreError::sqlite(&e, &self.file()))
    }

    fn clean_body<'a>(&self, body: &'a str) -> Cow<'a, str> {
        match serde_json::from_str::<Value>(body) {
            Ok(value) if !self.redactor.is_clean(body.as_bytes()) => Cow::Owned(json(&value, &self.redactor).0),
            Ok(_) => Cow::Borrowed(body),
            Err(_) => self.redactor.clean(body),
        }
    }
}

/// What was decided about a run, oldest first.
pub(super) fn gates(connection: &Connection, run: &str) -> rusqlite::Result<Vec<GateLine>> {
    let mut statement = connection.prepare_cached(OF_RUN)?;
    let lines = statement.query_map([run], line)?;
    lines.collect()
}

fn line(row: &Row<'_>) -> rusqlite::Result<GateLine> {
    Ok(GateLine {
        run: row.get(0)?,
        candidate: row.get(1)?,
        baseline: row.get(2)?,
        test_set: row.get(3)?,
        checks: row.get(4)?,
        provider: row.get(5)?,
        results: row.get(6)?,
        policy: row.get(7)?,
        decision: row.get(8)?,
        rule: row.get(9)?,
        decided_ms: unsigned(row.get(10)?),
        body: row.get(11)?,
    })
}
