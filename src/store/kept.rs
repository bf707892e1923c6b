//! What a stored run has already, for one that goes on with it.

use std::sync::Mutex;

use rusqlite::{Connection, OptionalExtension, params};

use super::codec::{number, original, parsed, verdicts, word};
use super::{Journal, Resumed, Store, StoreError, Summary};
use crate::env::Redactor;
use crate::record::{CallFailure, Outcome, Response, RunHead};

/// The finished cells of a stored run, found by their content ids. A cell takes its row once.
pub struct Kept {
    store: Store,
    run: i64,
    reader: Mutex<Connection>,
    /// Sorted by id.
    rows: Vec<Row>,
    taken: Mutex<Vec<bool>>,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    cell: u128,
    row: Place,
}

/// Where something of a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    // A draft beside a cell is newer: the cell was asked again.
    Draft(i64),
    Cell(i64),
}

/// What a run has taken.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spent {
    /// Requests, repeated ones counted.
    pub requests: u64,
    /// Tokens.
    pub tokens: u64,
    /// US dollars.
    pub cost_usd: f64,
}

/// What was kept of a cell.
#[derive(Debug)]
pub struct KeptCell {
    /// Its row; nothing for a draft.
    pub row: Option<i64>,
    /// The answer or its failure, when it need not be asked again.
    pub result: Option<Result<Response, CallFailure>>,
    /// How many requests it took.
    pub attempts: u32,
    /// The row of its answer.
    pub response: Option<i64>,
    /// What its grading took.
    pub grading: crate::record::Spent,
    /// What its row says; nothing for a draft.
    said: Option<Said>,
    redactor: Redactor,
}

#[derive(Debug, PartialEq)]
struct Said {
    index: i64,
    row: i64,
    column: i64,
    repeat: u32,
    status: String,
    verdicts: String,
}

impl KeptCell {
    /// Whether the stored row says what this outcome says, so that it need not be written again.
    pub fn says(&self, outcome: &Outcome) -> bool {
        let now = Said {
            index: number(outcome.index),
            row: number(outcome.row),
            column: number(outcome.column as u64),
            repeat: outcome.repeat,
            status: word(&outcome.status),
            verdicts: verdicts(outcome, &self.redactor),
        };
        self.said.as_ref() == Some(&now)
    }
}

impl Store {
    /// Goes on with a run: its journal, and what it has.
    ///
    /// # Errors
    /// When the store cannot be used, or another process is at this run.
    pub fn resume(&self, run: &Resumed, head: &RunHead) -> Result<(Journal, Kept), StoreError> {
        let journal = self.go_on(run.row, head)?;
        let reader = self.connect()?;
        let rows = load(&reader, run.row).map_err(|e| StoreError::sqlite(&e, &self.file()))?;
        let taken = Mutex::new(vec![false; rows.len()]);
        Ok((journal, Kept { store: self.clone(), run: run.row, reader: Mutex::new(reader), rows, taken }))
    }
}

fn load(reader: &Connection, run: i64) -> rusqlite::Result<Vec<Row>> {
    let mut statement = reader.prepare(
        "SELECT cell, id, 0 FROM cells WHERE run = ?1 UNION ALL SELECT cell, id, 1 FROM drafts WHERE run = ?1",
    )?;
    let rows = statement.query_map([run], |row| {
        let cell: String = row.get(0)?;
        let place = if row.get(2)? { Place::Draft(row.get(1)?) } else { Place::Cell(row.get(1)?) };
        Ok(Row { cell: key(&cell), row: place })
    })?;
    let mut rows = rows.collect::<rusqlite::Result<Vec<Row>>>()?;
    rows.sort_unstable_by_key(|row| (row.cell, row.row));
    Ok(rows)
}

fn key(cell: &str) -> u128 {
    u128::from_str_radix(cell, 16).unwrap_or(u128::MAX)
}

impl Kept {
    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.rows.iter().filter(|row| matches!(row.row, Place::Cell(_))).count()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes what was kept of a cell.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn take(&self, cell: &str) -> Result<Option<KeptCell>, StoreError> {
        let Some(place) = self.claim(key(cell)) else { return Ok(None) };
        let Ok(reader) = self.reader.lock() else { return Ok(None) };
        let kept = match place {
            Place::Cell(row) => read(&reader, row, &self.store.redactor),
            Place::Draft(row) => read_draft(&reader, row, &self.store.redactor),
        };
        kept.map_err(|e| StoreError::sqlite(&e, &self.store.file()))
    }

    /// What a grader answered to this question when the run was last at work.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn opinion(&self, question: &str) -> Result<Option<Response>, StoreError> {
        let Ok(reader) = self.reader.lock() else { return Ok(None) };
        opinion(&reader, self.run, question).map_err(|e| StoreError::sqlite(&e, &self.store.file()))
    }

    fn claim(&self, cell: u128) -> Option<Place> {
        let mut taken = self.taken.lock().ok()?;
        let first = self.rows.partition_point(|row| row.cell < cell);
        let mut same = (first..self.rows.len()).take_while(|i| self.rows[*i].cell == cell);
        let free = same.find(|i| !taken[*i])?;
        taken[free] = true;
        Some(self.rows[free].row)
    }

    /// What the run has taken so far: requests, tokens, US dollars. Answers out of a cache took nothing.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn spent(&self) -> Result<Spent, StoreError> {
        let Ok(reader) = self.reader.lock() else { return Ok(Spent::default()) };
        spent(&reader, self.run).map_err(|e| StoreError::sqlite(&e, &self.store.file()))
    }

    /// Rows that no cell of the plan took.
    pub fn left(&self) -> Vec<i64> {
        let Ok(taken) = self.taken.lock() else { return Vec::new() };
        let free = self.rows.iter().zip(taken.iter()).filter(|(_, taken)| !**taken);
        free.filter_map(|(row, _)| if let Place::Cell(row) = row.row { Some(row) } else { None }).collect()
    }
}

fn spent(reader: &Connection, run: i64) -> rusqlite::Result<Spent> {
    let Summary { requests, tokens, cost_usd } = Summary::of(reader, run)?;
    Ok(Spent { requests, tokens, cost_usd: cost_usd.unwrap_or(0.0) })
}

fn read(reader: &Connection, row: i64, redactor: &Redactor) -> rusqlite::Result<Option<KeptCell>> {
    let mut statement = reader.prepare_cached(
        "SELECT c.place, c.case_place, c.col, c.repeat, c.status, c.verdicts, c.failure, c.attempts, \
         r.body, r.structured, r.redacted, c.cached, c.response, c.grading FROM cells c LEFT JOIN responses r ON r.id = c.response WHERE c.id = ?1",
    )?;
    let cell = statement.query_row(params![row], |found| {
        let said = Said {
            index: found.get(0)?,
            row: found.get(1)?,
            column: found.get(2)?,
            repeat: found.get(3)?,
            status: found.get(4)?,
            verdicts: found.get(5)?,
        };
        let attempts: u32 = found.get(7)?;
        let failure: Option<String> = found.get(6)?;
        let body: Option<String> = found.get(8)?;
        let cached: Option<bool> = found.get(11)?;
        let response_row: Option<i64> = found.get(12)?;
        let answer = match body {
            Some(body) if !found.get::<_, bool>(10)? => {
                original(&body, found.get(9)?).map(|r| Ok(Response { cached: cached == Some(true), ..r }))
            }
            // An answer that held a secret was not kept as it came: it must be asked for again.
            Some(_) => None,
            None => failure.and_then(|text| serde_json::from_str(&text).ok()).filter(|_| attempts > 0).map(Err),
        };
        let grading = parsed(found, "grading")?.unwrap_or_default();
        Ok(KeptCell {
            row: Some(row),
            grading,
            result: answer,
            attempts,
            response: response_row,
            said: Some(said),
            redactor: redactor.clone(),
        })
    });
    cell.optional()
}

/// An answer that was not judged any more.
fn read_draft(reader: &Connection, row: i64, redactor: &Redactor) -> rusqlite::Result<Option<KeptCell>> {
    let mut statement = reader.prepare_cached(
        "SELECT d.attempts, d.response, d.cached, r.body, r.structured, r.redacted \
         FROM drafts d JOIN responses r ON r.id = d.response WHERE d.id = ?1",
    )?;
    let draft = statement.query_row(params![row], |found| {
        let cached = found.get(2)?;
        let body: String = found.get(3)?;
        let answer = original(&body, found.get(4)?).filter(|_| !found.get(5).unwrap_or(true));
        Ok(KeptCell {
            row: None,
            result: answer.map(|answer| Ok(Response { cached, ..answer })),
            attempts: found.get(0)?,
            response: found.get(1)?,
            grading: crate::record::Spent::default(),
            said: None,
            redactor: redactor.clone(),
        })
    });
    draft.optional()
}

fn opinion(reader: &Connection, run: i64, question: &str) -> rusqlite::Result<Option<Response>> {
    let mut statement = reader.prepare_cached(
        "SELECT body, structured FROM responses WHERE run = ?1 AND question = ?2 AND NOT redacted ORDER BY id DESC LIMIT 1",
    )?;
    let found = statement.query_row(params![run, question], |row| {
        let body: String = row.get(0)?;
        Ok(original(&body, row.get(1)?))
    });
    Ok(found.optional()?.flatten())
}
