//! What several families measure answers with.

pub(super) mod commas;
pub(super) mod distance;
pub(super) mod formats;
pub(super) mod guard;
pub(super) mod pattern;
pub(super) mod refusal;
pub(super) mod scan;
pub(super) mod schema;
