//! What experiments measure: who was exposed, and what came of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::codec::{number, unsigned};
use super::{Store, StoreError};

/// What a connection may keep of its pages: negative, as SQLite counts KiB.
const CACHE_KIB: i64 = -(64 << 10);

/// An experiment in the store, for those who write.
pub struct Trials {
    store: Store,
    connection: Connection,
    experiment: String,
}

/// A stretch of an experiment in the store, for those who read.
pub struct Trial {
    store: Store,
    connection: Connection,
    id: i64,
}

/// What happened to a user.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// They met an arm.
    Exposure(Exposure),
    /// Something was measured of them.
    Record(Record),
}

/// What became of something that was to be entered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Entered {
    /// It is new.
    New,
    /// It is known, since this time (milliseconds since 1970, UTC); who was exposed is so since the first time.
    Known(u64),
    /// The event is known, with this value.
    Otherwise(f64),
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
    /// An experiment, to be written to.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub fn trials(&self, experiment: &str) -> Result<Trials, StoreError> {
        let connection = self.connect()?;
        // Users come in any order, and each has a place of their own: pages would be written again and again.
        let grown = connection.pragma_update(None, "cache_size", CACHE_KIB);
        grown.map_err(|e| StoreError::sqlite(&e, &self.file()))?;
        Ok(Trials { store: self.clone(), connection, experiment: experiment.to_owned() })
    }
}

impl Trials {
    /// Begins to enter what happened; others wait until it is over.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn begin(&mut self) -> Result<Delivery<'_>, StoreError> {
        let file = self.store.file();
        let work = self.connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let work = work.map_err(|e| StoreError::sqlite(&e, &file))?;
        Ok(Delivery { work, experiment: &self.experiment, file, phases: BTreeMap::new() })
    }

    /// A stretch of the experiment, made where there is none.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn phase(self, phase: u32) -> Result<Trial, StoreError> {
        let id =
            trial(&self.connection, &self.experiment, phase).map_err(|e| StoreError::sqlite(&e, &self.store.file()))?;
        Ok(Trial { store: self.store, connection: self.connection, id })
    }
}

/// Things that happened on their way into the store: all of them are in at its end, or none.
pub struct Delivery<'a> {
    work: Transaction<'a>,
    experiment: &'a str,
    file: PathBuf,
    phases: BTreeMap<u32, i64>,
}

impl Delivery<'_> {
    /// Enters something in a phase.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn add(&mut self, phase: u32, happening: &Happening) -> Result<Entered, StoreError> {
        self.put(phase, happening).map_err(|e| StoreError::sqlite(&e, &self.file))
    }

    fn put(&mut self, phase: u32, happening: &Happening) -> rusqlite::Result<Entered> {
        let id = match self.phases.get(&phase) {
            Some(id) => *id,
            None => *self.phases.entry(phase).or_insert(trial(&self.work, self.experiment, phase)?),
        };
        match happening {
            Happening::Exposure(one) => expose(&self.work, id, one),
            Happening::Record(one) => record(&self.work, id, one),
        }
    }

    /// Ends it.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing is.
    pub fn commit(self) -> Result<(), StoreError> {
        self.work.commit().map_err(|e| StoreError::sqlite(&e, &self.file))
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
    /// exposed, to one arm, and only what came after that; where they were not, only what came by `end`
    /// (milliseconds since 1970, UTC). Gives how many were left out for it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn people(&self, metric: &str, end: u64, each: &mut dyn FnMut(&Person)) -> Result<u64, StoreError> {
        self.each_person(metric, end, each).map_err(|e| StoreError::sqlite(&e, &self.store.file()))
    }

    fn each_person(&self, metric: &str, end: u64, each: &mut dyn FnMut(&Person)) -> rusqlite::Result<u64> {
        let exposed: bool = self.connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM exposures WHERE trial = ?1 AND NOT forced)",
            [self.id],
            |row| row.get(0),
        )?;
        let end = (!exposed).then_some(end);
        let mut statement = self.connection.prepare(
            "SELECT person, arm, value, segment, at_ms FROM outcomes WHERE trial = ?1 AND metric = ?2 ORDER BY person",
        )?;
        let mut rows = statement.query(params![self.id, metric])?;
        let (mut user, mut person, mut times) = (String::new(), Person::default(), Vec::new());
        let mut left_out = 0;
        while let Some(row) = rows.next()? {
            let name = row.get_ref(0)?.as_str()?;
            if name != user || times.is_empty() {
                left_out += u64::from(!self.told(&user, &mut person, &mut times, end, each)?);
                name.clone_into(&mut user);
                row.get_ref(1)?.as_str()?.clone_into(&mut person.arm);
            }
            times.push((unsigned(row.get(4)?), row.get(2)?));
            if person.segment.is_none() {
                person.segment = row.get(3)?;
            }
        }
        left_out += u64::from(!self.told(&user, &mut person, &mut times, end, each)?);
        Ok(left_out)
    }

    /// Tells of a user, unless they are to be left out, and forgets.
    fn told(
        &self,
        user: &str,
        person: &mut Person,
        times: &mut Vec<(u64, f64)>,
        end: Option<u64>,
        each: &mut dyn FnMut(&Person),
    ) -> rusqlite::Result<bool> {
        if times.is_empty() {
            return Ok(true);
        }
        let span = match end {
            Some(end) => Some((0, end)),
            None => self.since(user, person)?.map(|since| (since, u64::MAX)),
        };
        if let Some((since, end)) = span {
            times.sort_by_key(|(at, _)| *at);
            times.retain(|(at, _)| reaches(*at, since) && *at <= end);
            person.first_ms = times.first().map(|(at, _)| *at).unwrap_or_default();
            person.values.extend(times.iter().map(|(_, value)| *value));
        }
        let counts = !person.values.is_empty();
        if counts {
            each(person);
        }
        times.clear();
        person.values.clear();
        person.segment = None;
        Ok(counts)
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

/// Whether something happened from a time on, or in its second where it was told in whole seconds.
pub fn reaches(at_ms: u64, since_ms: u64) -> bool {
    at_ms >= since_ms || (at_ms.is_multiple_of(1000) && at_ms + 999 >= since_ms)
}

fn expose(work: &Transaction<'_>, trial: i64, exposure: &Exposure) -> rusqlite::Result<Entered> {
    let mut insert = work.prepare_cached(
        "INSERT INTO exposures (trial, person, arm, forced, segment, at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (trial, person, arm) DO UPDATE SET at_ms = excluded.at_ms WHERE excluded.at_ms < exposures.at_ms",
    )?;
    let Exposure { user, arm, forced, segment, at_ms } = exposure;
    let changed = insert.execute(params![trial, user, arm, forced, segment, number(*at_ms)])?;
    Ok(if changed > 0 { Entered::New } else { Entered::Known(*at_ms) })
}

fn record(work: &Transaction<'_>, trial: i64, record: &Record) -> rusqlite::Result<Entered> {
    let mut insert = work.prepare_cached(
        "INSERT INTO outcomes (trial, metric, person, event, arm, value, segment, at_ms) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
    )?;
    let Record { user, arm, metric, value, event, segment, at_ms } = record;
    if insert.execute(params![trial, metric, user, event, arm, value, segment, number(*at_ms)])? > 0 {
        return Ok(Entered::New);
    }
    let mut find = work.prepare_cached(
        "SELECT value, at_ms FROM outcomes WHERE trial = ?1 AND metric = ?2 AND person = ?3 AND event = ?4",
    )?;
    let (known, at_ms): (f64, i64) =
        find.query_row(params![trial, metric, user, event], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let same = known.to_bits() == value.to_bits();
    Ok(if same { Entered::Known(unsigned(at_ms)) } else { Entered::Otherwise(known) })
}
