//! What outlives a run: the ledger, the cache, cassettes.
//!
//! The ledger is SQLite in WAL mode (`.prompteval/prompteval.db`): runs, their cells with verdicts,
//! cases, responses, attempts that failed, and what gates decided. All SQL is in this room. Statements keep to what SQLite
//! and PostgreSQL share (plain types, partial indexes, `ON CONFLICT`), since the same ledger is to live
//! on a server later.
//!
//! One thread writes for a run ([`Journal`]): it takes what has piled up, commits it in one
//! transaction and only then says so. Reading goes over connections of its own.

mod cache;
mod cassette;
mod choice;
mod codec;
mod desk;
mod gates;
mod history;
mod journal;
mod kept;
mod lock;
mod open;
mod rows;
mod schema;
mod stored;
mod summary;
mod trials;
mod trouble;

pub use cache::{Cache, CacheStats};
pub use cassette::Cassette;
pub use choice::Resumed;
pub use desk::{Desk, Paid};
pub use gates::GateLine;
pub use history::{Pruned, RunLine};
pub use journal::{Entry, Journal};
pub use kept::{Kept, KeptCell, Spent};
pub use open::Store;
pub use stored::StoredRun;
pub use summary::Summary;
pub use trials::{Delivery, Entered, Exposure, Happening, Person, Record, Trial, Trials, reaches};
pub use trouble::{StoreError, Trouble};

use crate::record::{Request, Response};

#[cfg(test)]
mod tests;

/// Good answers from earlier, by the content id of the request.
pub trait Memory: Send + Sync {
    /// The answer to a request that was asked before.
    ///
    /// # Errors
    /// When what holds the answers cannot be read.
    fn recall(&self, id: &str) -> Result<Option<Response>, StoreError>;

    /// Takes an answer in.
    fn remember(&self, id: &str, provider: &str, request: &Request, response: &Response);

    /// Hears that an answer is safe in the ledger.
    fn durable(&self, id: &str);

    /// Whether it answers out of the ledger, so that what goes into the ledger is remembered.
    fn is_ledger(&self) -> bool {
        false
    }
}
