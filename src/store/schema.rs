//! The schema and how older ones become it.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{StoreError, Trouble};

/// Each step takes a store one version further; a released step never changes.
///
/// Verdicts stay in their cell's row, as JSON: they are never read without it nor changed apart from
/// it, and one row a cell is what keeps a million cells cheap.
pub(super) const STEPS: &[&str] = &[
    "
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    started_ms BIGINT NOT NULL,
    finished_ms BIGINT,
    duration_ms BIGINT,
    ending TEXT,
    description TEXT,
    config_path TEXT NOT NULL,
    config TEXT NOT NULL,
    columns TEXT NOT NULL,
    cells BIGINT NOT NULL,
    cases BIGINT NOT NULL,
    repeats BIGINT NOT NULL,
    tool_version TEXT NOT NULL,
    origin TEXT NOT NULL
);
CREATE INDEX runs_by_origin ON runs (origin);
CREATE TABLE cases (
    run BIGINT NOT NULL,
    place BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (run, place)
);
CREATE TABLE responses (
    id INTEGER PRIMARY KEY,
    request TEXT,
    created_ms BIGINT NOT NULL,
    structured BOOLEAN NOT NULL,
    redacted BOOLEAN NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX responses_by_request ON responses (request) WHERE request IS NOT NULL;
CREATE TABLE cells (
    id INTEGER PRIMARY KEY,
    run BIGINT NOT NULL,
    place BIGINT NOT NULL,
    case_place BIGINT NOT NULL,
    col BIGINT NOT NULL,
    repeat BIGINT NOT NULL,
    cell TEXT NOT NULL,
    request TEXT NOT NULL,
    prompt TEXT NOT NULL,
    status TEXT NOT NULL,
    score DOUBLE PRECISION NOT NULL,
    named TEXT,
    verdicts TEXT NOT NULL,
    response BIGINT,
    failure TEXT,
    cached BOOLEAN NOT NULL,
    attempts BIGINT NOT NULL
);
CREATE INDEX cells_by_run ON cells (run, place);
CREATE TABLE attempts (
    run BIGINT NOT NULL,
    cell TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    reason TEXT NOT NULL,
    status BIGINT,
    message TEXT NOT NULL
);
CREATE INDEX attempts_by_run ON attempts (run);
",
    "
ALTER TABLE runs ADD COLUMN git_commit TEXT;
ALTER TABLE runs ADD COLUMN git_dirty BOOLEAN;
ALTER TABLE runs ADD COLUMN summary TEXT;
CREATE TABLE gates (
    id INTEGER PRIMARY KEY,
    run TEXT NOT NULL,
    candidate TEXT NOT NULL,
    baseline TEXT NOT NULL,
    test_set TEXT NOT NULL,
    checks TEXT NOT NULL,
    provider TEXT NOT NULL,
    results TEXT NOT NULL,
    policy TEXT NOT NULL,
    decision TEXT NOT NULL,
    rule TEXT NOT NULL,
    decided_ms BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX gates_by_question ON gates (candidate, baseline, test_set, checks);
CREATE INDEX gates_by_run ON gates (run);
",
    "
ALTER TABLE cells ADD COLUMN grading TEXT;
",
    "
CREATE TABLE drafts (
    id INTEGER PRIMARY KEY,
    run BIGINT NOT NULL,
    cell TEXT NOT NULL,
    response BIGINT NOT NULL,
    cached BOOLEAN NOT NULL,
    attempts BIGINT NOT NULL
);
CREATE INDEX drafts_by_run ON drafts (run, cell);
ALTER TABLE responses ADD COLUMN run BIGINT;
ALTER TABLE responses ADD COLUMN question TEXT;
CREATE INDEX responses_by_run ON responses (run, question) WHERE run IS NOT NULL;
",
    "
CREATE TABLE trials (
    id INTEGER PRIMARY KEY,
    experiment TEXT NOT NULL,
    phase BIGINT NOT NULL,
    decided TEXT,
    decided_ms BIGINT,
    UNIQUE (experiment, phase)
);
CREATE TABLE exposures (
    trial BIGINT NOT NULL,
    person TEXT NOT NULL,
    arm TEXT NOT NULL,
    forced BOOLEAN NOT NULL,
    segment TEXT,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (trial, person, arm)
) WITHOUT ROWID;
CREATE TABLE outcomes (
    trial BIGINT NOT NULL,
    metric TEXT NOT NULL,
    person TEXT NOT NULL,
    event TEXT NOT NULL,
    arm TEXT NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    segment TEXT,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (trial, metric, person, event)
) WITHOUT ROWID;
",
];

/// Brings a store to the newest schema. Of two processes that find an old store, one migrates and the
/// other finds it done.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), MigrationError> {
    if version(connection)? == STEPS.len() {
        return Ok(());
    }
    let work = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&work)?;
    if found > STEPS.len() {
        return Err(MigrationError::Newer(found));
    }
    apply(&work, found)?;
    Ok(work.commit()?)
}

fn apply(work: &Transaction<'_>, found: usize) -> rusqlite::Result<()> {
    for step in &STEPS[found..] {
        work.execute_batch(step)?;
    }
    work.pragma_update(None, "user_version", i64::try_from(STEPS.len()).unwrap_or(i64::MAX))
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    connection.pragma_query_value(None, "user_version", |row| Ok(row.get::<_, u32>(0)? as usize))
}

/// Why a store could not be brought up to date.
#[derive(Debug)]
pub(super) enum MigrationError {
    Newer(usize),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for MigrationError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl MigrationError {
    pub(super) fn at(&self, file: &std::path::Path) -> StoreError {
        match self {
            Self::Sqlite(error) => StoreError::sqlite(error, file),
            Self::Newer(found) => StoreError::new(
                Trouble::Newer,
                format!(
                    "the store `{}` has schema {found}, and this version of prompteval knows {}",
                    file.display(),
                    STEPS.len()
                ),
                "use the newer prompteval that wrote it, or another store with --store",
            ),
        }
    }
}
