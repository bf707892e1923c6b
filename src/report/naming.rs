//! Names by which a CI server recognises a test tomorrow.
//!
//! A history hangs on `(classname, name)`. So they hold what a test is and never how it went: no
//! score, no number of the run. Jenkins splits a classname at its dots, and some servers make paths
//! or links of it, so a part has letters, digits, `-` and `_` only.

use std::collections::HashSet;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::redact::Words;
use super::xml;
use crate::record::{CaseRef, Column};

const LONGEST_LABEL: usize = 60;
const LONGEST_ID: usize = 160;
const LONGEST_NAME: usize = 256;

/// What a column is called.
#[derive(Debug, PartialEq)]
pub(super) struct Names {
    /// The suite, for people.
    pub(super) suite: String,
    /// The class, for machines.
    pub(super) class: String,
}

/// Names for all columns, no two alike.
pub(super) fn columns(columns: &[Column], words: &Words) -> Vec<Names> {
    let (mut suites, mut classes) = (HashSet::new(), HashSet::new());
    let mut names = Vec::new();
    for column in columns {
        let base = column_names(column, words);
        let mut candidate = Names { suite: base.suite.clone(), class: base.class.clone() };
        let mut number = 1;
        while suites.contains(&candidate.suite) || classes.contains(&candidate.class) {
            number += 1;
            candidate = Names { suite: format!("{} ~{number}", base.suite), class: format!("{}~{number}", base.class) };
        }
        suites.insert(candidate.suite.clone());
        classes.insert(candidate.class.clone());
        names.push(candidate);
    }
    names
}

fn column_names(column: &Column, words: &Words) -> Names {
    let parts = [Some(&column.label), column.version.as_ref(), Some(&column.provider)];
    let shown: Vec<String> =
        parts.into_iter().flatten().map(|part| words.line(part, LONGEST_LABEL).into_owned()).collect();
    let class = shown.iter().map(|part| class_part(part)).collect::<Vec<_>>().join(".");
    let (provider, prompt) =
        shown.split_last().map_or(("", String::new()), |(last, rest)| (last.as_str(), rest.join(" ")));
    Names { suite: format!("{prompt} @ {provider}"), class }
}

fn class_part(text: &str) -> String {
    let kept = |c: char| if c.is_alphanumeric() || c == '-' { c } else { '_' };
    let spaced: String = text.chars().map(kept).collect();
    let part = spaced.split('_').filter(|piece| !piece.is_empty()).collect::<Vec<_>>().join("_");
    if part.is_empty() { "unnamed".to_owned() } else { part }
}

/// `[id] description`
pub(super) fn case(case: &CaseRef, words: &Words) -> String {
    let id = id(&case.id, words);
    match &case.description {
        None => format!("[{id}]"),
        Some(description) => words.line(&format!("[{id}] {description}"), LONGEST_NAME).into_owned(),
    }
}

/// An id that cannot be shown as it is, or could be taken for a shorter one and its description,
/// gets a piece of its hash: two cases must not become one.
fn id(id: &str, words: &Words) -> String {
    let mut shown: String = words.line(id, LONGEST_ID).chars().map(xml::legal).collect();
    if shown != id || id.contains(']') {
        shown.push('~');
        for byte in Sha256::digest(id.as_bytes()).iter().take(4) {
            // Writing to a string cannot fail.
            let _ = write!(shown, "{byte:02x}");
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Redactor;
    use crate::report::fixture::{cell, column};

    fn words() -> Words {
        Words::new(Redactor::default())
    }

    #[test]
    fn a_class_has_no_dots_inside_its_parts() {
        let mut one = column("support/reply.txt", "openai:gpt-4.1");
        one.version = Some("2.1.0".into());
        let names = columns(&[one], &words());
        assert_eq!(names[0].class, "support_reply_txt.2_1_0.openai_gpt-4_1");
        assert_eq!(names[0].suite, "support/reply.txt 2.1.0 @ openai:gpt-4.1");
    }

    #[test]
    fn a_prompt_as_its_own_label_is_shortened() {
        let names = columns(&[column(&"Answer\n{{q}} ".repeat(30), "…")], &words());
        assert!(names[0].class.starts_with("Answer_q_Answer_q_") && names[0].class.ends_with(".unnamed"), "{names:?}");
        assert!(names[0].suite.chars().count() < 70);
    }

    #[test]
    fn columns_that_look_alike_are_told_apart() {
        let names = columns(&[column("a.b", "m"), column("a/b", "m"), column("a.b", "m")], &words());
        let classes: Vec<_> = names.iter().map(|n| n.class.as_str()).collect();
        assert_eq!(classes, ["a_b.m", "a_b.m~2", "a_b.m~3"]);
        assert_eq!(names[2].suite, "a.b @ m ~3");
    }

    #[test]
    fn cases_that_would_look_alike_are_told_apart() {
        let name = |id: &str| case(&cell(id).done().case, &words());
        assert_eq!(name("plain"), "[plain]");
        assert_ne!(name("a\0"), name("a\u{1}"));
        assert_ne!(
            case(&cell("a").description("b] c").done().case, &words()),
            case(&cell("a] b").description("c").done().case, &words())
        );
        let (x, y) = (name(&format!("{}x", "i".repeat(300))), name(&format!("{}y", "i".repeat(300))));
        assert!(x != y && x.chars().count() < 200, "{x}");
    }

    #[test]
    fn a_long_description_is_cut() {
        let outcome = cell("id").description(&"é".repeat(400)).done();
        let name = case(&outcome.case, &words());
        assert!(name.starts_with("[id] é") && name.chars().count() == 256);
    }
}
