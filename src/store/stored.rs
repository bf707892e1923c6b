//! Stored runs, read back.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::choice::Which;
use super::codec::{named, number, parsed, response, unreadable, unsigned, unword};
use super::{Store, StoreError, Summary};
use crate::record::{CaseRef, Ending, Git, Outcome, Response, RunHead, RunTail};

/// A stored run without its cells.
#[derive(Debug, Clone)]
pub struct StoredRun {
    /// Its beginning.
    pub head: RunHead,
    /// Its end; nothing for one that is under way or was killed.
    pub tail: Option<RunTail>,
    /// How many cells of its plan have an outcome.
    pub finished: u64,
    /// What it took; nothing for one that did not end.
    pub summary: Option<Summary>,
    /// The full path of its config.
    pub origin: String,
    row: i64,
}

/// Rows of an earlier, larger plan stay where only a part of it was gone on with; they are no part of
/// what the run is now.
const RUNS: &str = "SELECT r.id AS id, r.name AS name, r.started_ms AS started_ms, r.description AS description, \
    r.columns AS columns, r.cells AS cells, r.cases AS cases, r.repeats AS repeats, r.config AS config, \
    r.config_path AS config_path, r.tool_version AS tool_version, r.git_commit AS git_commit, \
    r.git_dirty AS git_dirty, r.origin AS origin, r.ending AS ending, r.finished_ms AS finished_ms, \
    r.duration_ms AS duration_ms, r.summary AS summary, \
    (SELECT COUNT(DISTINCT c.place) FROM cells c WHERE c.run = r.id AND c.place < r.cells) AS finished FROM runs r";

/// Of two rows of one place the newer comes first, and is the one that counts.
const CELLS: &str = "SELECT c.place AS place, c.case_place AS case_place, c.col AS col, c.repeat AS repeat, \
    c.cell AS cell, c.request AS request, c.prompt AS prompt, c.status AS status, c.score AS score, \
    c.named AS named, c.verdicts AS verdicts, c.failure AS failure, c.cached AS cached, c.attempts AS attempts, \
    c.grading AS grading, r.body AS body, r.structured AS structured FROM cells c LEFT JOIN responses r ON r.id = c.response \
    WHERE c.run = ?1 AND c.place < ?2 ORDER BY c.place, c.id DESC";

impl StoredRun {
    /// Whether it came to its end, or to a decision.
    pub fn is_over(&self) -> bool {
        self.tail.as_ref().is_some_and(|tail| matches!(tail.ending, Ending::Complete | Ending::Decided))
    }
}

impl Store {
    /// A stored run: by its id or the beginning of it; without one, or as `latest`, the newest.
    ///
    /// # Errors
    /// When there is none, several begin so, or the store cannot be read.
    pub fn run(&self, id: Option<&str>) -> Result<StoredRun, StoreError> {
        let which = id.filter(|id| *id != "latest").map_or(Which::Newest, Which::Named);
        let picked = self.pick(which)?;
        let run = self.first("WHERE r.id = ?1", &picked.row, &|_| true)?;
        run.ok_or_else(|| super::choice::gone(&picked.name))
    }

    /// The newest run that came to its end, or to a decision, with a prompt of this content.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn newest_of(&self, prompt_hash: &str) -> Result<Option<StoredRun>, StoreError> {
        let holds = |run: &StoredRun| run.head.columns.iter().any(|column| &*column.prompt_hash == prompt_hash);
        let ended = "WHERE r.ending = 'complete' AND r.columns LIKE ?1 ORDER BY r.id DESC";
        self.first(ended, &format!("%{prompt_hash}%"), &holds)
    }

    /// The newest runs of those that are wanted, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn runs(&self, most: usize, wanted: &mut dyn FnMut(&StoredRun) -> bool) -> Result<Vec<StoredRun>, StoreError> {
        let found = self.try_connect().and_then(|connection| {
            let mut statement = connection.prepare(&format!("{RUNS} ORDER BY r.id DESC"))?;
            let runs = statement.query_map([], stored)?;
            runs.filter(|run| run.as_ref().map_or(true, &mut *wanted)).take(most).collect()
        });
        found.map_err(|e| StoreError::sqlite(&e, &self.file()))
    }

    /// The newest run of a config (its full path).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn newest_at(&self, origin: &str) -> Result<Option<StoredRun>, StoreError> {
        self.first("WHERE r.origin = ?1 ORDER BY r.id DESC LIMIT 1", &origin, &|_| true)
    }

    /// The outcomes of a run in plan order, one by one. Failed requests that a cell recovered from are
    /// not among what comes back.
    ///
    /// # Errors
    /// When the store cannot be read, and what `each` says.
    pub fn replay(
        &self,
        run: &StoredRun,
        each: &mut dyn FnMut(Arc<Outcome>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let trouble = |e: rusqlite::Error| StoreError::sqlite(&e, &self.file());
        let connection = self.connect()?;
        // One view of the store, whatever is written meanwhile.
        let view = connection.unchecked_transaction().map_err(trouble)?;
        let mut statement = view.prepare(CELLS).map_err(trouble)?;
        let mut rows = statement.query(params![run.row, number(run.head.cells)]).map_err(trouble)?;
        let mut walk = Walk { view: &view, run: run.row, place: None, case: None };
        while let Some(row) = rows.next().map_err(trouble)? {
            if let Some(outcome) = walk.outcome(row).map_err(trouble)? {
                each(Arc::new(outcome))?;
            }
        }
        Ok(())
    }

    fn first(
        &self,
        filter: &str,
        value: &dyn rusqlite::ToSql,
        fits: &dyn Fn(&StoredRun) -> bool,
    ) -> Result<Option<StoredRun>, StoreError> {
        let found = self.try_connect().and_then(|connection| {
            let mut statement = connection.prepare(&format!("{RUNS} {filter}"))?;
            let mut runs = statement.query_map([value], stored)?;
            runs.find(|run| run.as_ref().map_or(true, fits)).transpose()
        });
        found.map_err(|e| StoreError::sqlite(&e, &self.file()))
    }
}

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredRun> {
    let head = head(row)?;
    let finished = unsigned(row.get("finished")?);
    Ok(StoredRun {
        tail: tail(row, finished, head.cells.saturating_sub(finished))?,
        finished,
        summary: parsed(row, "summary")?,
        origin: row.get("origin")?,
        row: row.get("id")?,
        head,
    })
}

fn head(row: &Row<'_>) -> rusqlite::Result<RunHead> {
    let text = |name: &str| row.get::<_, Arc<str>>(name);
    let count = |name: &str| row.get(name).map(unsigned);
    Ok(RunHead {
        id: text("name")?,
        started_ms: count("started_ms")?,
        description: row.get("description")?,
        columns: parsed(row, "columns")?.unwrap_or_default(),
        cells: count("cells")?,
        cases: count("cases")?,
        repeat: row.get("repeats")?,
        config: Arc::new(parsed(row, "config")?.unwrap_or_default()),
        config_path: text("config_path")?,
        tool_version: text("tool_version")?,
        git: git(row)?,
    })
}

/// The state of the repository, where it was known.
pub(super) fn git(row: &Row<'_>) -> rusqlite::Result<Option<Git>> {
    let commit: Option<Arc<str>> = row.get("git_commit")?;
    let dirty: Option<bool> = row.get("git_dirty")?;
    Ok(commit.map(|commit| Git { commit, dirty: dirty == Some(true) }))
}

fn tail(row: &Row<'_>, finished: u64, unrun: u64) -> rusqlite::Result<Option<RunTail>> {
    let Some(ending) = unword(row, "ending")? else { return Ok(None) };
    let count = |name: &str| row.get::<_, Option<i64>>(name).map(|n| n.map_or(0, unsigned));
    Ok(Some(RunTail {
        ending,
        finished_ms: count("finished_ms")?,
        duration_ms: count("duration_ms")?,
        finished,
        unrun,
    }))
}

/// A walk over the cells of a run.
struct Walk<'a> {
    view: &'a Connection,
    run: i64,
    /// The place of the last cell.
    place: Option<i64>,
    /// The last case and its place: the cells of a case stand together.
    case: Option<(i64, Arc<CaseRef>)>,
}

impl Walk<'_> {
    /// The cell of a row; nothing when a newer row has its place.
    fn outcome(&mut self, row: &Row<'_>) -> rusqlite::Result<Option<Outcome>> {
        let place = row.get("place")?;
        if self.place.replace(place) == Some(place) {
            return Ok(None);
        }
        let case_place: i64 = row.get("case_place")?;
        let case = self.case(case_place)?;
        Ok(Some(Outcome {
            index: unsigned(place),
            cell: row.get("cell")?,
            request: row.get("request")?,
            row: unsigned(case_place),
            column: row.get::<_, u32>("col")? as usize,
            repeat: row.get("repeat")?,
            case,
            prompt: row.get("prompt")?,
            status: unword(row, "status")?.ok_or_else(|| unreadable(row, "status", "it is nothing"))?,
            score: row.get("score")?,
            named: named(row, "named")?,
            verdicts: parsed(row, "verdicts")?.unwrap_or_default(),
            response: answer(row)?,
            failure: parsed(row, "failure")?,
            attempts: row.get("attempts")?,
            setbacks: Vec::new(),
            grading: parsed(row, "grading")?.unwrap_or_default(),
            asides: Vec::new(),
        }))
    }

    fn case(&mut self, place: i64) -> rusqlite::Result<Arc<CaseRef>> {
        if let Some((at, case)) = &self.case
            && *at == place
        {
            return Ok(Arc::clone(case));
        }
        let mut statement = self.view.prepare_cached("SELECT body FROM cases WHERE run = ?1 AND place = ?2")?;
        let found = statement.query_row(params![self.run, place], |row| parsed::<CaseRef>(row, "body")).optional()?;
        let case = Arc::new(found.flatten().ok_or(rusqlite::Error::QueryReturnedNoRows)?);
        self.case = Some((place, Arc::clone(&case)));
        Ok(case)
    }
}

fn answer(row: &Row<'_>) -> rusqlite::Result<Option<Response>> {
    let Some(body) = row.get::<_, Option<String>>("body")? else { return Ok(None) };
    let cached = row.get("cached")?;
    let found = response(&body, row.get("structured")?);
    let found = found.ok_or_else(|| unreadable(row, "body", "it is no response"))?;
    Ok(Some(Response { cached, ..found }))
}
