//! Stored runs, listed and pruned.

use rusqlite::{Connection, Row, params};

use super::codec::{parsed, unsigned};
use super::gates::gates;
use super::stored::git;
use super::{GateLine, Store, StoreError, Summary};
use crate::record::{Column, Git};

/// One stored run.
#[derive(Debug, Clone)]
pub struct RunLine {
    /// Its id.
    pub name: String,
    /// When it began, milliseconds since 1970, UTC.
    pub started_ms: u64,
    /// `complete`, `interrupted` or `budget`; nothing for one that is under way or was killed.
    pub ending: Option<String>,
    /// Its config.
    pub config_path: String,
    /// Its description.
    pub description: Option<String>,
    /// How many cells its plan has.
    pub cells: u64,
    /// How many of them passed.
    pub passed: u64,
    /// Failed.
    pub failed: u64,
    /// Have no verdict.
    pub errored: u64,
    /// Its columns.
    pub columns: Vec<Column>,
    /// The version of the tool that last wrote it.
    pub tool_version: String,
    /// The state of the repository that its config stands in.
    pub git: Option<Git>,
    /// What it took; nothing for one that did not end.
    pub summary: Option<Summary>,
    /// What gates decided about it, oldest first.
    pub gates: Vec<GateLine>,
}

/// What pruning took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The runs that are gone, newest first.
    pub gone: Vec<String>,
    /// Runs that would be gone but are under way.
    pub busy: Vec<String>,
}

const LIST: &str = "SELECT r.name, r.started_ms, r.ending, r.config_path, r.description, r.cells, \
    (SELECT COUNT(*) FROM cells c WHERE c.run = r.id AND c.place < r.cells AND c.status = 'passed'), \
    (SELECT COUNT(*) FROM cells c WHERE c.run = r.id AND c.place < r.cells AND c.status = 'failed'), \
    (SELECT COUNT(*) FROM cells c WHERE c.run = r.id AND c.place < r.cells AND c.status = 'errored'), \
    r.columns AS columns, r.tool_version AS tool_version, r.git_commit AS git_commit, r.git_dirty AS git_dirty, \
    r.summary AS summary FROM runs r ORDER BY r.id DESC LIMIT ?1";

impl Store {
    /// The newest runs, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn history(&self, most: u32) -> Result<Vec<RunLine>, StoreError> {
        let lines = self.try_connect().and_then(|connection| {
            let mut statement = connection.prepare(LIST)?;
            let lines = statement.query_map([most], |row| line(row, &connection))?;
            lines.collect()
        });
        lines.map_err(|e| StoreError::sqlite(&e, &self.file()))
    }

    /// Takes out all runs but the newest `keep`, with their cells. Answers that the cache still serves
    /// stay, and so does what gates decided.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn prune(&self, keep: u32) -> Result<Pruned, StoreError> {
        let pruned = self.try_connect().and_then(|connection| self.prune_in(&connection, keep));
        pruned.map_err(|e| StoreError::sqlite(&e, &self.file()))
    }

    fn prune_in(&self, connection: &Connection, keep: u32) -> rusqlite::Result<Pruned> {
        let mut statement = connection.prepare("SELECT id, name FROM runs ORDER BY id DESC LIMIT -1 OFFSET ?1")?;
        let old = statement.query_map([keep], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
        let old = old.collect::<rusqlite::Result<Vec<_>>>()?;
        let mut pruned = Pruned::default();
        for (run, name) in old {
            // Nobody can go on with a run while it is being taken out.
            let Ok(lock) = self.lock(&name) else {
                pruned.busy.push(name);
                continue;
            };
            remove(connection, run)?;
            lock.remove();
            pruned.gone.push(name);
        }
        self.sweep(connection)?;
        Ok(pruned)
    }

    /// Takes out answers that neither a cell nor the cache has use for. Their space is given back when no
    /// run would have to wait for that.
    pub(super) fn sweep(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.execute(
            "DELETE FROM responses WHERE request IS NULL AND run IS NULL AND id NOT IN \
             (SELECT response FROM cells WHERE response IS NOT NULL UNION ALL SELECT response FROM drafts)",
            [],
        )?;
        if !self.is_in_use() {
            // While another process reads, the space is given back another time.
            let _ = connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
        }
        Ok(())
    }
}

fn line(row: &Row<'_>, connection: &Connection) -> rusqlite::Result<RunLine> {
    let count = |at: usize| Ok::<_, rusqlite::Error>(unsigned(row.get(at)?));
    let name: String = row.get(0)?;
    Ok(RunLine {
        gates: gates(connection, &name)?,
        name,
        started_ms: count(1)?,
        ending: row.get(2)?,
        config_path: row.get(3)?,
        description: row.get(4)?,
        cells: count(5)?,
        passed: count(6)?,
        failed: count(7)?,
        errored: count(8)?,
        columns: parsed(row, "columns")?.unwrap_or_default(),
        tool_version: row.get("tool_version")?,
        git: git(row)?,
        summary: parsed(row, "summary")?,
    })
}

fn remove(connection: &Connection, run: i64) -> rusqlite::Result<()> {
    let work = connection.unchecked_transaction()?;
    for table in ["cells", "drafts", "cases", "attempts"] {
        work.execute(&format!("DELETE FROM {table} WHERE run = ?1"), params![run])?;
    }
    work.execute("UPDATE responses SET run = NULL, question = NULL WHERE run = ?1", params![run])?;
    work.execute("DELETE FROM runs WHERE id = ?1", params![run])?;
    work.commit()
}
