//! Which stored run is meant.

use super::codec::unsigned;
use super::{Store, StoreError, Trouble};

/// A stored run that can go on.
#[derive(Debug, Clone)]
pub struct Resumed {
    pub(super) row: i64,
    /// Its id.
    pub name: String,
    /// When it began, milliseconds since 1970, UTC.
    pub started_ms: u64,
}

/// How a run is named.
#[derive(Debug, Clone, Copy)]
pub(super) enum Which<'a> {
    /// By its id, or the beginning of it.
    Named(&'a str),
    /// The newest of a config (its full path).
    NewestOf(&'a str),
    /// The newest of all.
    Newest,
}

impl Which<'_> {
    fn sql(self) -> &'static str {
        match self {
            Self::Named(_) => {
                "SELECT id, name, started_ms FROM runs WHERE substr(name, 1, length(?1)) = ?1 \
                 ORDER BY name <> ?1, id DESC"
            }
            Self::NewestOf(_) => "SELECT id, name, started_ms FROM runs WHERE origin = ?1 ORDER BY id DESC LIMIT 1",
            Self::Newest => "SELECT id, name, started_ms FROM runs WHERE ?1 = '' ORDER BY id DESC LIMIT 1",
        }
    }

    fn word(&self) -> &str {
        match self {
            Self::Named(word) | Self::NewestOf(word) => word,
            Self::Newest => "",
        }
    }
}

impl Store {
    /// Finds a run to go on with: by its id or the beginning of it, else the newest of a config (its full path).
    ///
    /// # Errors
    /// When there is none, or several begin so.
    pub fn find(&self, id: Option<&str>, origin: &str) -> Result<Resumed, StoreError> {
        self.pick(id.map_or(Which::NewestOf(origin), Which::Named))
    }

    pub(super) fn pick(&self, which: Which<'_>) -> Result<Resumed, StoreError> {
        let found = self.candidates(which).map_err(|e| StoreError::sqlite(&e, &self.file()))?;
        let file = self.file();
        let file = file.display();
        let unknown = |message: String, hint: &str| Err(StoreError::new(Trouble::Unknown, message, hint));
        match (&found[..], which) {
            ([one], _) => Ok(one.clone()),
            ([], Which::Named(id)) => {
                unknown(format!("there is no run `{id}` in {file}"), "`prompteval history` lists what there is")
            }
            ([], Which::NewestOf(origin)) => unknown(
                format!("there is no run of {origin} to go on with in {file}"),
                "leave --resume out to begin one",
            ),
            ([], Which::Newest) => unknown(format!("there is no run in {file}"), "`prompteval run` makes one"),
            (several, _) => unknown(
                format!("{} runs begin with `{}`", several.len(), which.word()),
                "write more of the id; `prompteval history` lists them",
            ),
        }
    }

    fn candidates(&self, which: Which<'_>) -> rusqlite::Result<Vec<Resumed>> {
        let connection = self.try_connect()?;
        let mut statement = connection.prepare(which.sql())?;
        let rows = statement.query_map([which.word()], |row| {
            Ok(Resumed { row: row.get(0)?, name: row.get(1)?, started_ms: unsigned(row.get(2)?) })
        })?;
        let mut found = rows.collect::<rusqlite::Result<Vec<Resumed>>>()?;
        // A whole id is no beginning of another.
        if matches!((found.first(), which), (Some(first), Which::Named(id)) if first.name == id) {
            found.truncate(1);
        }
        Ok(found)
    }
}

/// A run that was pruned since it was found.
pub(super) fn gone(name: &str) -> StoreError {
    let message = format!("the run {name} was taken out of the store meanwhile");
    StoreError::new(Trouble::Unknown, message, "begin a new one")
}
