//! The audit trail: who changed what, when, why and on what evidence, as a chain of hashes.
//!
//! `audit.jsonl` has one [`Entry`] a line, in canonical JSON (RFC 8785). Each carries the hash of the
//! one before it, so that nothing inside can be changed unseen; a signed [`Checkpoint`] that is kept
//! elsewhere shows a cut tail and a rewritten log too.

mod checkpoint;
mod entry;
mod examine;
mod export;
mod key;
mod link;
mod log;
mod merge;

#[cfg(test)]
mod tests;

pub use checkpoint::{Checkpoint, Standing};
pub use entry::{Actor, Change, Ci, Commit, Entry, Event, Evidence, Place, Sealed, Shown};
pub use examine::{Examined, Finding, Kind, examine};
pub use export::{CSV_COLUMNS, csv_rows, flags, ocsf};
pub use key::{KeyError, PublicKey, SigningKey};
pub use log::{FILE, Head, Log, Tail, sync_folder};
pub use merge::{Merging, merging};

/// Whether two names mean one person: `Ada <ada@example.com>`, `ada@example.com` and `Ada` do.
pub fn same_person(one: &str, other: &str) -> bool {
    let parts = |name: &str| {
        let (name, mail) = name.split_once('<').unwrap_or((name, ""));
        [name.trim().to_lowercase(), mail.trim().trim_end_matches('>').trim().to_lowercase()]
    };
    let [one, other] = [parts(one), parts(other)];
    one.iter().filter(|part| !part.is_empty()).any(|part| other.contains(part))
}
