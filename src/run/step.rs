//! What became of a cell's task.

use super::cell::Ended;
use super::draft::Draft;

/// A task of a cell has ended.
pub(super) struct Finish {
    pub(super) index: u64,
    /// The row and how many cells it has, where they are graded together.
    pub(super) row: Option<(u64, usize)>,
    pub(super) step: Step,
}

/// How far a cell came.
pub(super) enum Step {
    /// The run stopped before it was judged. Its answer, where it has one, is in the ledger.
    Stopped,
    /// It waits for the others of its row.
    Waits(Box<Draft>),
    Ended(Box<Ended>),
}

impl Finish {
    pub(super) fn stopped(index: u64) -> Self {
        Self { index, row: None, step: Step::Stopped }
    }

    pub(super) fn alone(ended: Ended) -> Self {
        Self { index: ended.entry.outcome.index, row: None, step: Step::Ended(Box::new(ended)) }
    }
}

impl Step {
    pub(super) fn of(draft: Option<Draft>) -> Self {
        match draft {
            None => Self::Stopped,
            Some(draft) if draft.waits() => Self::Waits(Box::new(draft)),
            Some(draft) => Self::Ended(Box::new(draft.close())),
        }
    }
}
