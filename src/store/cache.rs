//! Answers that were good before.

use std::collections::HashMap;
use std::sync::Mutex;

use rusqlite::{Connection, OptionalExtension, params};

use super::codec::{number, original, unsigned};
use super::{Memory, Store, StoreError};
use crate::record::{Request, Response};

/// The cache: the ledger's own responses, found by the request they answered.
pub struct Cache {
    store: Store,
    reader: Mutex<Connection>,
    /// Milliseconds after which an answer is too old; `None` for never.
    ttl_ms: Option<u64>,
    /// Answers of this run that are not on the disk yet.
    fresh: Mutex<HashMap<String, Response>>,
}

/// How much a cache holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Requests with an answer.
    pub answers: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// When the oldest came, milliseconds since 1970, UTC.
    pub oldest_ms: Option<u64>,
    /// When the newest came.
    pub newest_ms: Option<u64>,
}

impl Store {
    /// The cache, with the age (in milliseconds) beyond which answers are asked for again.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn cache(&self, ttl_ms: Option<u64>) -> Result<Cache, StoreError> {
        let reader = Mutex::new(self.connect()?);
        Ok(Cache { store: self.clone(), reader, ttl_ms, fresh: Mutex::default() })
    }

    /// What the cache holds.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn cache_stats(&self) -> Result<CacheStats, StoreError> {
        let stats = self.try_connect().and_then(|connection| {
            connection.query_row(
                "SELECT COUNT(DISTINCT request), COALESCE(SUM(LENGTH(body)), 0), MIN(created_ms), MAX(created_ms) \
                 FROM responses WHERE request IS NOT NULL",
                [],
                |row| {
                    let time = |at| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(at)?.map(unsigned));
                    Ok(CacheStats {
                        answers: unsigned(row.get(0)?),
                        bytes: unsigned(row.get(1)?),
                        oldest_ms: time(2)?,
                        newest_ms: time(3)?,
                    })
                },
            )
        });
        stats.map_err(|e| StoreError::sqlite(&e, &self.file()))
    }

    /// Forgets all answers. Those that belong to a run stay with it as its evidence, but serve no other.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn clear_cache(&self) -> Result<CacheStats, StoreError> {
        let before = self.cache_stats()?;
        let cleared = self.try_connect().and_then(|connection| {
            connection.execute("UPDATE responses SET request = NULL WHERE request IS NOT NULL", [])?;
            self.sweep(&connection)
        });
        cleared.map_err(|e| StoreError::sqlite(&e, &self.file()))?;
        Ok(before)
    }
}

impl Memory for Cache {
    fn recall(&self, id: &str) -> Result<Option<Response>, StoreError> {
        if let Some(response) = self.fresh.lock().ok().and_then(|fresh| fresh.get(id).cloned()) {
            return Ok(Some(response));
        }
        let Ok(reader) = self.reader.lock() else { return Ok(None) };
        let since = self.ttl_ms.map_or(0, |ttl| self.store.clock.now_millis().saturating_sub(ttl));
        find(&reader, id, since).map_err(|e| StoreError::sqlite(&e, &self.store.file()))
    }

    fn remember(&self, id: &str, _: &str, _: &Request, response: &Response) {
        if let Ok(mut fresh) = self.fresh.lock() {
            fresh.insert(id.to_owned(), response.clone());
        }
    }

    fn is_ledger(&self) -> bool {
        true
    }

    fn durable(&self, id: &str) {
        if let Ok(mut fresh) = self.fresh.lock() {
            fresh.remove(id);
        }
    }
}

fn find(reader: &Connection, id: &str, since: u64) -> rusqlite::Result<Option<Response>> {
    let mut statement = reader.prepare_cached(
        "SELECT body, structured FROM responses WHERE request = ?1 AND created_ms >= ?2 ORDER BY id DESC LIMIT 1",
    )?;
    let found = statement.query_row(params![id, number(since)], |row| {
        let body: String = row.get(0)?;
        Ok(original(&body, row.get(1)?))
    });
    Ok(found.optional()?.flatten())
}
