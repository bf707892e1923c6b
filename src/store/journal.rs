//! The writer of a run: one thread, group commits.

use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, TransactionBehavior, params};
use tokio::sync::mpsc as tokio_mpsc;

use super::choice::gone;
use super::codec::{json, number, word};
use super::lock::Lock;
use super::rows::Scribe;
use super::{Desk, Paid, Store, StoreError, Summary, Trouble};
use crate::record::{Outcome, RunHead, RunTail};

/// How many cells one transaction takes at most.
const MOST: usize = 1024;
/// How long a transaction waits for company: a commit costs the disk more than a cell does.
const MOMENT: Duration = Duration::from_millis(2);

/// A finished cell on its way to the disk.
#[derive(Debug)]
pub struct Entry {
    /// The cell.
    pub outcome: Arc<Outcome>,
    /// The row of an earlier go at it, which it replaces.
    pub replaces: Option<i64>,
    /// The row of its answer, where it was taken from an earlier go.
    pub response: Option<i64>,
    /// Whether its answer may serve other cells.
    pub shared: bool,
    /// Whether its answer was left as a draft before.
    pub drafted: bool,
}

pub(super) enum Message {
    Cell(Entry),
    Paid(Box<Paid>),
    End { tail: Arc<RunTail>, stale: Vec<i64> },
}

impl Message {
    fn ends(&self) -> bool {
        matches!(self, Self::End { .. })
    }

    fn outcome(self) -> Option<Arc<Outcome>> {
        match self {
            Self::Cell(entry) => Some(entry.outcome),
            Self::Paid(_) | Self::End { .. } => None,
        }
    }
}

type Ack = Result<Vec<Arc<Outcome>>, StoreError>;

/// The ledger of a running run. Cells that were put in come back when they are durable.
pub struct Journal {
    messages: mpsc::Sender<Message>,
    acks: tokio_mpsc::UnboundedReceiver<Ack>,
    thread: Option<JoinHandle<()>>,
    _lock: Lock,
}

impl Store {
    /// Enters a new run. Its `origin` is the config's full path: what the next run of it goes on with.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn begin(&self, head: &RunHead, origin: &str) -> Result<Journal, StoreError> {
        let lock = self.lock(&head.id)?;
        let connection = self.connect()?;
        let run = self.enter(&connection, head, origin).map_err(|e| StoreError::sqlite(&e, &self.file()))?;
        self.write(connection, run, lock, Some(Summary::default()))
    }

    /// Goes on with a run that is in the store.
    pub(super) fn go_on(&self, run: i64, head: &RunHead) -> Result<Journal, StoreError> {
        let lock = self.lock(&head.id)?;
        let connection = self.connect()?;
        let found = self.renew(&connection, run, head).map_err(|e| StoreError::sqlite(&e, &self.file()))?;
        if found == 0 {
            return Err(gone(&head.id));
        }
        self.write(connection, run, lock, None)
    }

    fn enter(&self, connection: &Connection, head: &RunHead, origin: &str) -> rusqlite::Result<i64> {
        connection.execute(
            "INSERT INTO runs (name, started_ms, description, config_path, config, columns, cells, cases, repeats, \
             tool_version, origin, git_commit, git_dirty) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            params![
                &*head.id,
                number(head.started_ms),
                head.description.as_deref().map(|d| self.redactor.clean(d)),
                &*head.config_path,
                self.redactor.clean_config(&head.config).to_string(),
                json(&head.columns, &self.redactor).0,
                number(head.cells),
                number(head.cases),
                head.repeat,
                head.tool_version,
                origin,
                head.git.as_ref().map(|git| &*git.commit),
                head.git.as_ref().map(|git| git.dirty),
            ],
        )?;
        Ok(connection.last_insert_rowid())
    }

    fn renew(&self, connection: &Connection, run: i64, head: &RunHead) -> rusqlite::Result<usize> {
        connection.execute(
            "UPDATE runs SET ending = NULL, finished_ms = NULL, duration_ms = NULL, summary = NULL, config = ?2, \
             columns = ?3, cells = ?4, cases = ?5, repeats = ?6, tool_version = ?7, git_commit = ?8, git_dirty = ?9 \
             WHERE id = ?1",
            params![
                run,
                self.redactor.clean_config(&head.config).to_string(),
                json(&head.columns, &self.redactor).0,
                number(head.cells),
                number(head.cases),
                head.repeat,
                head.tool_version,
                head.git.as_ref().map(|git| &*git.commit),
                head.git.as_ref().map(|git| git.dirty),
            ],
        )
    }

    fn write(
        &self,
        connection: Connection,
        run: i64,
        lock: Lock,
        summary: Option<Summary>,
    ) -> Result<Journal, StoreError> {
        let (messages, inbox) = mpsc::channel();
        let (outbox, acks) = tokio_mpsc::unbounded_channel();
        let writer = Writer { store: self.clone(), connection, run, summary };
        let spawned = thread::Builder::new().name("store".into()).spawn(move || writer.work(&inbox, &outbox));
        let thread = spawned.map_err(|e| StoreError::io(&e, "start the writer of", &self.file()))?;
        Ok(Journal { messages, acks, thread: Some(thread), _lock: lock })
    }
}

impl Journal {
    /// Puts a cell in; it comes back from [`Journal::durable`].
    pub fn put(&self, entry: Entry) {
        // A writer that is gone has said why, and whoever waits for the cell hears it.
        let _ = self.messages.send(Message::Cell(entry));
    }

    /// Where cells under way leave what is paid for.
    pub fn desk(&self) -> Desk {
        Desk::new(self.messages.clone())
    }

    /// The next cells that are on the disk.
    ///
    /// # Errors
    /// When the store could not be written; nothing comes after that.
    pub async fn durable(&mut self) -> Result<Vec<Arc<Outcome>>, StoreError> {
        let gone = || StoreError::new(Trouble::Other, "the writer of the store is gone", "");
        self.acks.recv().await.unwrap_or_else(|| Err(gone()))
    }

    /// Closes the run. Rows that are `stale` (cells that the plan no longer has) are taken out.
    ///
    /// # Errors
    /// When the store could not be written.
    pub async fn end(mut self, tail: Arc<RunTail>, stale: Vec<i64>) -> Result<(), StoreError> {
        let _ = self.messages.send(Message::End { tail, stale });
        let result = self.durable().await;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        result.map(|_| ())
    }
}

struct Writer {
    store: Store,
    connection: Connection,
    run: i64,
    /// What the run has taken; nothing for one that goes on, whose rows are asked at its end.
    summary: Option<Summary>,
}

impl Writer {
    /// What piles up during one commit goes into the next.
    fn work(mut self, inbox: &mpsc::Receiver<Message>, outbox: &tokio_mpsc::UnboundedSender<Ack>) {
        while let Ok(first) = inbox.recv() {
            let batch = self.gather(first, inbox);
            let ends = batch.iter().any(Message::ends);
            let written = self.commit_patiently(&batch).map_err(|e| StoreError::sqlite(&e, &self.store.file()));
            let stop = ends || written.is_err();
            let durable = written.map(|()| batch.into_iter().filter_map(Message::outcome).collect());
            if outbox.send(durable).is_err() || stop {
                return;
            }
        }
    }

    /// Another process may hold the store for a while (pruning a large one takes a minute). What is to be
    /// written has been paid for, so it is tried for longer than anything else.
    fn commit_patiently(&mut self, batch: &[Message]) -> rusqlite::Result<()> {
        let mut left = self.store.tries;
        loop {
            match self.commit(batch) {
                Err(error) if left > 1 && is_busy(&error) => left -= 1,
                result => return result,
            }
        }
    }

    /// A message and those that come within a moment.
    fn gather(&self, first: Message, inbox: &mpsc::Receiver<Message>) -> Vec<Message> {
        let until = self.store.clock.instant() + MOMENT;
        let mut batch = vec![first];
        while batch.len() < MOST && !batch.last().is_some_and(Message::ends) {
            let left = until.saturating_duration_since(self.store.clock.instant());
            match inbox.recv_timeout(left) {
                Ok(message) => batch.push(message),
                Err(_) => break,
            }
        }
        batch
    }

    fn commit(&mut self, batch: &[Message]) -> rusqlite::Result<()> {
        let work = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let redactor = &self.store.redactor;
        let now_ms = self.store.clock.now_millis();
        let scribe = Scribe { connection: &work, redactor, run: self.run, now_ms };
        let mut summary = self.summary;
        for message in batch {
            match message {
                Message::Cell(entry) => {
                    entry.replaces.map_or(Ok(()), |row| forget(&work, row))?;
                    scribe.cell(entry)?;
                    if let Some(summary) = &mut summary {
                        summary.add(&entry.outcome);
                    }
                }
                Message::Paid(paid) => scribe.paid(paid)?,
                Message::End { tail, stale } => {
                    stale.iter().try_for_each(|row| forget(&work, *row))?;
                    let taken = summary.map_or_else(|| Summary::of(&work, self.run), Ok)?;
                    close(&work, self.run, tail, taken)?;
                }
            }
        }
        work.commit()?;
        self.summary = summary;
        Ok(())
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn forget(connection: &Connection, row: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM cells WHERE id = ?1")?.execute([row])?;
    Ok(())
}

fn close(connection: &Connection, run: i64, tail: &RunTail, taken: Summary) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE runs SET ending = ?2, finished_ms = ?3, duration_ms = ?4, summary = ?5 WHERE id = ?1",
        params![run, word(&tail.ending), number(tail.finished_ms), number(tail.duration_ms), taken.text()],
    )?;
    // Cases of rows that no cell has any more.
    connection.execute(
        "DELETE FROM cases WHERE run = ?1 AND place > (SELECT COALESCE(MAX(case_place), -1) FROM cells WHERE run = ?1)",
        params![run],
    )?;
    Ok(())
}
