//! What experiments measure: who was exposed, and what came of it.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::codec::{number, unsigned};
use super::{Store, StoreError};

/// What a connection may keep of its pages: negative, as SQLite counts KiB.
const CACHE_KIB: i64 = -(64 << 10);

/// A stretch of an experiment in the store.
pub struct Trial {
    store: Store,
    connection: Connection,
    id: i64,
}

/// Somebody met an arm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    /// The user's id.
    pub user: String,
    /// The arm.
    pub arm: String,
    /// Whether somebody said so.
    pub forced: bool,
    /// What sort of user this is.
    pub segment: Option<String>,
    /// When, milliseconds since 1970, UTC.
    pub at_ms: u64,
}

/// Something was measured of a user.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The user's id.
    pub user: String,
    /// The arm that they are in.
    pub arm: String,
    /// The metric.
    pub metric: String,
    /// Its value.
    pub value: f64,
    /// What tells it from others: the same again changes nothing.
    pub event: String,
    /// What sort of user this is.
    pub segment: Option<String>,
    /// When, milliseconds since 1970, UTC.
    pub at_ms: u64,
}

/// What is known of a user and a metric, in the order in which it happened.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Person {
    /// The arm; that of the first exposure.
    pub arm: String,
    /// The sort of user.
    pub segment: Option<String>,
    /// The values.
    pub values: Vec<f64>,
    /// When the first of them came, milliseconds since 1970, UTC.
    pub first_ms: u64,
}

impl Store {
    /// The stretch of an experiment, made where there is none.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn trial(&self, experiment: &str, phase: u32) -> Result<Trial, StoreError> {
        let connection = self.connect()?;
        let id = connection
            // Users come in any order, and each has a place of their own: pages would be written again and again.
            .pragma_update(None, "cache_size", CACHE_KIB)
            .and_then(|()| trial(&connection, experiment, phase))
            .map_err(|e| StoreError::sqlite(&e, &self.file()))?;
        Ok(Trial { store: self.clone(), connection, id })
    }
}

fn trial(connection: &Connection, experiment: &str, phase: u32) -> rusqlite::Result<i64> {
    connection.execute(
        "INSERT INTO trials (experiment, phase) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        params![experiment, phase],
    )?;
    let sql = "SELECT id FROM trials WHERE experiment = ?1 AND phase = ?2";
    connection.query_row(sql, params![experiment, phase], |row| row.get(0))
}

impl Trial {
    /// Enters exposures and records, all or none; gives how many records are new. Who was exposed to an arm
    /// is so since the first time, and an event that is known changes nothing.
    ///
    /// # Errors
    /// When one of `entries` is an error, or the store cannot be written.
    pub fn enter<E: From<StoreError>>(
        &mut self,
        exposures: &[Exposure],
        records: &mut dyn Iterator<Item = Result<Record, E>>,
    ) -> Result<u64, E> {
        let (file, id) = (self.store.file(), self.id);
        let trouble = |error: rusqlite::Error| E::from(StoreError::sqlite(&error, &file));
        let work = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(trouble)?;
        exposures.iter().try_for_each(|exposure| expose(&work, id, exposure)).map_err(trouble)?;
        let mut new = 0;
        for record in records {
            new += put(&work, id, &record?).map_err(trouble)?;
        }
        work.commit().map_err(trouble)?;
        Ok(new)
    }

    /// What was decided once and for all, as it was written.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn decided(&self) -> Result<Option<String>, StoreError> {
        let sql = "SELECT decided FROM trials WHERE id = ?1";
        let found = self.connection.query_row(sql, [self.id], |row| row.get(0));
        found.map_err(|e| StoreError::sqlite(&e, &self.store.file()))
    }

    /// Writes down what is decided.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn decide(&self, words: &str) -> Result<(), StoreError> {
        let done = self.connection.execute(
            "UPDATE trials SET decided = ?2, decided_ms = ?3 WHERE id = ?1",
            params![self.id, words, number(self.store.clock.now_millis())],
        );
        done.map(drop).map_err(|e| StoreError::sqlite(&e, &self.store.file()))
    }

    /// How many users were exposed to each arm, forced ones left out, and how many of them to several.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn exposed(&self) -> Result<(Vec<(String, u64)>, u64), StoreError> {
        let found = self.count_exposed();
        found.map_err(|e| StoreError::sqlite(&e, &self.store.file()))
    }

    fn count_exposed(&self) -> rusqlite::Result<(Vec<(String, u64)>, u64)> {
        // Whoever met two arms belongs to none.
        let mut statement = self.connection.prepare(
            "SELECT arm, COUNT(*) FROM (SELECT MIN(arm) AS arm FROM exposures WHERE trial = ?1 \
             GROUP BY person HAVING COUNT(*) = 1 AND NOT MAX(forced)) GROUP BY arm ORDER BY arm",
        )?;
        let rows = statement.query_map([self.id], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))?;
        let counts = rows.collect::<rusqlite::Result<_>>()?;
        let several = self.connection.query_row(
            "SELECT COUNT(*) FROM (SELECT 1 FROM exposures WHERE trial = ?1 GROUP BY person \
             HAVING COUNT(*) > 1 AND NOT MAX(forced))",
            [self.id],
            |row| row.get(0),
        )?;
        Ok((counts, unsigned(several)))
    }

    /// When a metric was first and last measured, milliseconds since 1970, UTC.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn span(&self, metric: &str) -> Result<Option<(u64, u64)>, StoreError> {
        let sql = "SELECT MIN(at_ms), MAX(at_ms) FROM outcomes WHERE trial = ?1 AND metric = ?2";
        let found = self.connection.query_row(sql, params![self.id, metric], |row| {
            let (first, last): (Option<i64>, Option<i64>) = (row.get(0)?, row.get(1)?);
            Ok(first.zip(last).map(|(first, last)| (unsigned(first), unsigned(last))))
        });
        found.map_err(|e| StoreError::sqlite(&e, &self.store.file()))
    }

    /// Everybody of whom a metric is known, one after the other. Where exposures were logged, only those who were
    /// exposed, to one arm, and only what came after that.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn people(&self, metric: &str, each: &mut dyn FnMut(&Person)) -> Result<(), StoreError> {
        self.each_person(metric, each).map_err(|e| StoreError::sqlite(&e, &self.store.file()))
    }

    fn each_person(&self, metric: &str, each: &mut dyn FnMut(&Person)) -> rusqlite::Result<()> {
        let exposed: bool = self.connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM exposures WHERE trial = ?1 AND NOT forced)",
            [self.id],
            |row| row.get(0),
        )?;
        let mut statement = self.connection.prepare(
            "SELECT person, arm, value, segment, at_ms FROM outcomes WHERE trial = ?1 AND metric = ?2 ORDER BY person",
        )?;
        let mut rows = statement.query(params![self.id, metric])?;
        let (mut user, mut person, mut times) = (String::new(), Person::default(), Vec::new());
        while let Some(row) = rows.next()? {
            let name = row.get_ref(0)?.as_str()?;
            if name != user || times.is_empty() {
                self.told(&user, &mut person, &mut times, exposed, each)?;
                name.clone_into(&mut user);
                row.get_ref(1)?.as_str()?.clone_into(&mut person.arm);
            }
            times.push((unsigned(row.get(4)?), row.get(2)?));
            if person.segment.is_none() {
                person.segment = row.get(3)?;
            }
        }
        self.told(&user, &mut person, &mut times, exposed, each)
    }

    /// Tells of a user, and forgets.
    fn told(
        &self,
        user: &str,
        person: &mut Person,
        times: &mut Vec<(u64, f64)>,
        exposed: bool,
        each: &mut dyn FnMut(&Person),
    ) -> rusqlite::Result<()> {
        if times.is_empty() {
            return Ok(());
        }
        let since = if exposed { self.since(user, person)? } else { Some(0) };
        if let Some(since) = since {
            times.sort_by_key(|(at, _)| *at);
            person.first_ms = times.iter().map(|(at, _)| *at).find(|at| *at >= since).unwrap_or_default();
            person.values.extend(times.iter().filter(|(at, _)| *at >= since).map(|(_, value)| *value));
            if !person.values.is_empty() {
                each(person);
            }
        }
        times.clear();
        person.values.clear();
        person.segment = None;
        Ok(())
    }

    /// When a user was exposed, if it was to one arm and nobody forced it.
    fn since(&self, user: &str, person: &mut Person) -> rusqlite::Result<Option<u64>> {
        let mut find = self.connection.prepare_cached(
            "SELECT MIN(at_ms), COUNT(*), MAX(forced), MAX(segment), MIN(arm) FROM exposures \
             WHERE trial = ?1 AND person = ?2",
        )?;
        find.query_row(params![self.id, user], |row| {
            let (count, forced): (u32, Option<bool>) = (row.get(1)?, row.get(2)?);
            if count != 1 || forced == Some(true) {
                return Ok(None);
            }
            person.segment = row.get::<_, Option<String>>(3)?.or(person.segment.take());
            person.arm = row.get(4)?;
            Ok(Some(unsigned(row.get(0)?)))
        })
        .optional()
        .map(Option::flatten)
    }
}

fn expose(work: &Transaction<'_>, trial: i64, exposure: &Exposure) -> rusqlite::Result<()> {
    let mut insert = work.prepare_cached(
        "INSERT INTO exposures (trial, person, arm, forced, segment, at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (trial, person, arm) DO UPDATE SET at_ms = excluded.at_ms WHERE excluded.at_ms < exposures.at_ms",
    )?;
    let Exposure { user, arm, forced, segment, at_ms } = exposure;
    insert.execute(params![trial, user, arm, forced, segment, number(*at_ms)])?;
    Ok(())
}

fn put(work: &Transaction<'_>, trial: i64, record: &Record) -> rusqlite::Result<u64> {
    let mut insert = work.prepare_cached(
        "INSERT INTO outcomes (trial, metric, person, event, arm, value, segment, at_ms) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
    )?;
    let Record { user, arm, metric, value, event, segment, at_ms } = record;
    Ok(insert.execute(params![trial, metric, user, event, arm, value, segment, number(*at_ms)])? as u64)
}
