//! Assertions: what an answer must be, and whether it is.
//!
//! A kind is a [`Kind`], a row in the table of its family (`text.rs`, `list.rs`, `json.rs` …). The rows
//! make the config errors, the reference and the self-test; a new kind touches its family's file only.
//! [`compile()`] turns the list under `assert` into [`Assertion`]s and finds every mistake while it does;
//! [`grade()`] judges one answer, without a network, a clock or a print.

mod asked;
mod assertion;
mod cell;
mod commas;
mod computed;
mod contest;
mod demand;
mod distance;
mod equals;
mod formats;
mod grade;
mod graded;
mod grading;
mod guard;
mod guardrails;
mod html;
mod json;
mod kind;
mod lacking;
mod list;
mod measure;
mod overlap;
mod panel;
mod pattern;
mod perplexity;
mod prepared;
mod reference;
mod refusal;
mod regex;
mod reply;
mod scan;
mod schema;
mod scoring;
mod scripted;
mod set;
mod setup;
mod show;
mod sql;
mod text;
mod tools;
mod value;
mod webhook;
mod xml;

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod stand;
#[cfg(test)]
mod tests;

pub use asked::{Asked, Post};
pub use assertion::{ASSERTION, Assertion, compile};
pub use cell::compile_cell;
pub use contest::{Contest, Entry};
pub use grade::{Finds, Grade, contests, find_all, fold, grade};
pub use kind::{Asking, Check, Example, Finding, Kind, Part, Spec, Subject, Turned, rubric_prompt};
pub use lacking::is_known_elsewhere as is_lacking;
pub use panel::PUT_IN;
pub use reference::reference;
pub use scoring::Scoring;
pub use scripted::transform;
pub use set::Set;
pub use setup::{Nobody, Pick, Setup};

/// The tables of all families, in the order of the reference.
const FAMILIES: &[&[Kind]] = &[
    equals::KINDS,
    text::KINDS,
    list::KINDS,
    regex::KINDS,
    json::KINDS,
    xml::KINDS,
    html::KINDS,
    sql::KINDS,
    overlap::KINDS,
    measure::KINDS,
    perplexity::KINDS,
    reply::KINDS,
    guardrails::KINDS,
    tools::KINDS,
    scripted::KINDS,
    graded::KINDS,
    graded::VECTORS,
    graded::CONTEXT,
    contest::KINDS,
    webhook::KINDS,
    set::KINDS,
];

/// All rows of all families.
pub fn kinds() -> impl Iterator<Item = &'static Kind> {
    FAMILIES.iter().flat_map(|family| family.iter())
}

/// The row of a name without `not-`.
pub fn find(name: &str) -> Option<&'static Kind> {
    kinds().find(|kind| kind.name == name)
}
