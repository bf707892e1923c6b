//! Opening a store.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use rusqlite::{Connection, OpenFlags};

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
    /// Its address as a file that nobody writes, where its folder does not let SQLite keep its log there.
    still: Option<String>,
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

    /// Opens the store in a folder when there is one; where the folder cannot be written, for reading.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn existing(folder: &Path, redactor: Redactor, clock: Clock) -> Result<Option<Self>, StoreError> {
        if !folder.join(FILE).exists() {
            return Ok(None);
        }
        let opened = Self::open(folder, redactor.clone(), clock).or_else(|error| match error.trouble {
            Trouble::ReadOnly => Self::still(folder, redactor, clock).ok_or(error),
            _ => Err(error),
        });
        opened.map(Some)
    }

    /// A store that nobody can be writing, for reading. One whose log is not empty was left in the middle
    /// of something, and cannot be read without writing.
    pub(super) fn still(folder: &Path, redactor: Redactor, clock: Clock) -> Option<Self> {
        let file = folder.join(FILE);
        let log = folder.join(format!("{FILE}-wal"));
        if fs::metadata(log).is_ok_and(|log| log.len() > 0) {
            return None;
        }
        let path = file.to_str()?.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        let still = Some(format!("file:{path}?immutable=1"));
        let store = Self { folder: folder.to_owned(), redactor, clock, patience: PATIENCE, tries: TRIES, still };
        store.make_ready().is_ok().then_some(store)
    }

    pub(super) fn open_within(
        folder: &Path,
        redactor: Redactor,
        clock: Clock,
        patience: Duration,
    ) -> Result<Self, StoreError> {
        let store = Self { folder: folder.to_owned(), redactor, clock, patience, tries: TRIES, still: None };
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
        // Another process may make it meanwhile.
        let made = fs::create_dir_all(&self.folder);
        if made.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::AlreadyExists) {
            let message = format!("`{}` is a file, and the store is a folder", self.folder.display());
            return Err(StoreError::new(Trouble::Other, message, "move it away, or name another folder with --store"));
        }
        made.and_then(|()| fs::write(self.folder.join(".gitignore"), "*\n"))
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
        if let Some(still) = &self.still {
            return Connection::open_with_flags(still, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI);
        }
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
                error.hint = Some("move it away yourself, or name another folder with --store".into());
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
