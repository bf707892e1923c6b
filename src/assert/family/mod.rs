//! The kinds, by family: each has a table, and what it needs to judge by it.

pub(super) mod contest;
mod equals;
pub(super) mod graded;
mod guardrails;
mod html;
mod json;
mod list;
mod measure;
mod overlap;
mod perplexity;
mod regex;
mod reply;
pub(super) mod scripted;
mod sql;
mod text;
mod tools;
mod webhook;
mod xml;

use super::kind::Kind;
use super::set;

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
