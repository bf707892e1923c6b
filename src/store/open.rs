//! Opening a store.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use super::{StoreError, Trouble, schema};
use crate::env::{Clock, Redactor, format_time};

const FILE: &str = "prompteval.db";
/// How long to wait for another process's transaction.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a run waits that long to write what it has paid for.
const TRIES: u32 = 30;
/// How often a store that another process is making is looked at again.
const MAKING: u32 = 100;

/// A store that is there and up to date. Each use opens a connection of its own.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
    pub(super) redactor: Redactor,
    pub(super) clock: Clock,
    patience: Duration,
    /// How often a commit waits that long.
    pub(super) tries: u32,
}

impl Store {
    /// Opens the store in a folder, and makes it where there is none.
    ///
    /// # Errors
    /// When it cannot be written, is damaged, or is of a newer version. A damaged file is kept aside
    /// under another name: nothing is ever written over it.
    pub fn open(folder: &Path, redactor: Redactor, clock: Clock) -> Result<Self, StoreError> {
        Self::open_within(folder, redactor, clock, PATIENCE)
    }

    /// Opens the store in a folder when there is one.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn existing(folder: &Path, redactor: Redactor, clock: Clock) -> Result<Option<Self>, StoreError> {
        if folder.join(FILE).exists() { Self::open(folder, redactor, clock).map(Some) } else { Ok(None) }
    }

    pub(super) fn open_within(
        folder: &Path,
        redactor: Redactor,
        clock: Clock,
        patience: Duration,
    ) -> Result<Self, StoreError> {
        let store = Self { folder: folder.to_owned(), redactor, clock, patience, tries: TRIES };
        store.prepare_folder()?;
        store.make_ready().map_err(|error| store.or_aside(error))?;
        Ok(store)
    }

    /// Of several processes that find no store, one makes it; SQLite lets the others wait for everything
    /// but that.
    fn make_ready(&self) -> Result<(), StoreError> {
        let mut left = MAKING;
        loop {
            let made = self.connect().and_then(|mut c| schema::migrate(&mut c).map_err(|e| e.at(&self.file())));
            match made {
                Err(error) if error.trouble == Trouble::Locked && left > 1 && self.patience >= PATIENCE => left -= 1,
                result => return result,
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The folder is no part of the project's history.
    fn prepare_folder(&self) -> Result<(), StoreError> {
        if self.folder.is_dir() {
            return Ok(());
        }
        if self.folder.exists() {
            let message = format!("`{}` is a file, and the store is a folder", self.folder.display());
            return Err(StoreError::new(Trouble::Other, message, "move it away, or name another folder with --store"));
        }
        fs::create_dir_all(&self.folder)
            .and_then(|()| fs::write(self.folder.join(".gitignore"), "*\n"))
            .map_err(|e| StoreError::io(&e, "make the store's folder", &self.folder))
    }

    /// Where the data is.
    pub fn file(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn connect(&self) -> Result<Connection, StoreError> {
        self.try_connect().map_err(|e| StoreError::sqlite(&e, &self.file()))
    }

    pub(super) fn try_connect(&self) -> rusqlite::Result<Connection> {
        let connection = Connection::open(self.file())?;
        connection.busy_timeout(self.patience)?;
        // Fewer, larger writes; a store that is there keeps its own.
        connection.pragma_update(None, "page_size", 16_384)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        // A commit is on the disk before it counts, also when the power fails.
        connection.pragma_update(None, "synchronous", "full")?;
        Ok(connection)
    }

    /// Puts a damaged store aside and says where; other errors stay as they are.
    pub fn or_aside(&self, mut error: StoreError) -> StoreError {
        if error.trouble != Trouble::Damaged {
            return error;
        }
        match self.set_aside() {
            Ok(aside) => {
                error.message += &format!("; it was kept aside as `{}`", aside.display());
                error.hint =
                    Some("run again to begin a new store; `sqlite3 FILE .recover` may save what is in it".into());
            }
            Err(why) => {
                error.message += &format!("; it could not be moved aside: {why}");
                error.hint = Some("move it away yourself, or run with --no-store".into());
            }
        }
        error
    }

    fn set_aside(&self) -> std::io::Result<PathBuf> {
        let time = format_time(self.clock.now_millis()).replace([':', '.'], "");
        let aside = |ending: &str| self.folder.join(format!("{FILE}.damaged-{time}{ending}"));
        fs::rename(self.file(), aside(""))?;
        // The log may hold commits that the file does not.
        for ending in ["-wal", "-shm"] {
            let _ = fs::rename(self.folder.join(format!("{FILE}{ending}")), aside(ending));
        }
        Ok(aside(""))
    }
}
