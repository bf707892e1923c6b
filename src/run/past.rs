//! What an earlier go at the same run left.

use crate::record::Response;
use crate::store::{Kept, KeptCell, StoreError};

/// The finished cells of an earlier go, or none.
#[derive(Default)]
pub struct Past {
    kept: Option<Kept>,
    retry_errors: bool,
    whole: bool,
}

impl Past {
    /// Goes on from these cells; with `retry_errors`, those without an answer are asked again. Where the
    /// plan is the `whole` suite, cells that it does not have are gone from it.
    pub fn of(kept: Kept, retry_errors: bool, whole: bool) -> Self {
        Self { kept: Some(kept), retry_errors, whole }
    }

    /// What is known of a cell. A cell takes it once.
    pub(super) fn take(&self, cell: &str) -> Result<Option<KeptCell>, StoreError> {
        let Some(kept) = &self.kept else { return Ok(None) };
        let mut found = kept.take(cell)?;
        if let (true, Some(cell)) = (self.retry_errors, &mut found) {
            cell.result = cell.result.take().filter(Result::is_ok);
        }
        Ok(found)
    }

    /// What a grader answered before to this question.
    pub(super) fn opinion(&self, question: &str) -> Result<Option<Response>, StoreError> {
        self.kept.as_ref().map_or(Ok(None), |kept| kept.opinion(question))
    }

    /// Rows of cells that the plan does not have any more.
    pub(super) fn left(&self) -> Vec<i64> {
        self.kept.as_ref().filter(|_| self.whole).map(Kept::left).unwrap_or_default()
    }
}
