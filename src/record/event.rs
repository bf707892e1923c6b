//! What happens during a run, said once, by the conductor.

use std::sync::Arc;

use super::{Outcome, RunHead, RunTail, Status};

/// Something that happened. Owned, so that it can be stored, sent and replayed.
#[derive(Debug, Clone)]
pub enum Event {
    /// The plan is known.
    RunStarted(Arc<RunHead>),
    /// A request is repeated after a failure that may pass.
    CellRetried {
        /// Column of the cell.
        column: usize,
        /// Which attempt failed, from 1.
        attempt: u32,
        /// Why.
        message: String,
        /// How long until the next one, in milliseconds.
        wait_ms: u64,
    },
    /// A provider will not be asked again in this run.
    ProviderClosed {
        /// Its label.
        provider: Arc<str>,
        /// Why.
        message: String,
    },
    /// The budget lets nothing more out: what has no outcome yet will have none.
    BudgetExhausted {
        /// Which limit, and how it stands.
        message: String,
    },
    /// A cell has ended, said at once, in whatever order answers come.
    CellEnded {
        /// How.
        status: Status,
    },
    /// A cell's outcome. These come in plan order.
    CellFinished(Arc<Outcome>),
    /// Nothing more will come.
    RunFinished(Arc<RunTail>),
}
