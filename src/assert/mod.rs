//! Assertions: what an answer must be, and whether it is.
//!
//! A kind is a [`Kind`], a row in the table of its family (`family/text.rs`, `family/json.rs` …). The rows
//! make the config errors, the reference and the self-test; a new kind touches its family's file only.
//! [`compile()`] turns the list under `assert` into [`Assertion`]s and finds every mistake while it does;
//! [`grade()`] judges one answer, without a network, a clock or a print.

mod asked;
mod assertion;
mod cell;
mod computed;
mod demand;
mod family;
mod grade;
mod grading;
mod kind;
mod lacking;
mod matcher;
mod panel;
mod prepared;
mod reference;
mod scoring;
mod set;
mod setup;
mod show;
mod value;

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod stand;
#[cfg(test)]
mod tests;

pub use asked::{Asked, Post};
pub use assertion::{ASSERTION, Assertion, compile};
pub use cell::compile_cell;
pub use family::contest::{Contest, Entry};
pub use family::scripted::transform;
pub use family::{find, kinds};
pub use grade::{Finds, Grade, contests, find_all, fold, grade};
pub use kind::{Asking, Check, Example, Finding, Kind, Part, Spec, Subject, Turned, rubric_prompt};
pub use lacking::is_known_elsewhere as is_lacking;
pub use panel::PUT_IN;
pub use reference::reference;
pub use scoring::Scoring;
pub use set::Set;
pub use setup::{Nobody, Pick, Setup};
