//! The prompt registry: a folder of drafts and frozen versions, labels that move, and the log of it all.
//!
//! Every change is one atomic step under a lock (`session`): its line in the audit trail is the point from
//! which on it happened. What labels point to, what was live at a moment and what a rollback goes back to
//! are all read from the trail (`replay`).

mod actor;
mod adopt;
mod bundle;
mod experiments;
mod frozen;
mod history;
mod import;
mod moves;
mod pending;
mod policy;
mod rebase;
mod release;
mod replay;
mod session;
mod trouble;
mod verify;

#[cfg(test)]
mod tests;

pub use bundle::{Bundle, BundleTrouble};
pub use experiments::{Experiment, Started, Stop};
pub use frozen::Frozen;
pub use history::{Live, Moved, history, live_at};
pub use import::Imported;
pub use moves::{Move, Rollback, Withdrawal};
pub use policy::{LabelPolicy, PROJECT_FILE, Project};
pub use rebase::Rebase;
pub use release::{NewRelease, Released};
pub use replay::replay;
pub use session::{Registry, Session, Who};
pub use trouble::{RegistryError, Trouble};
pub use verify::Fault;
