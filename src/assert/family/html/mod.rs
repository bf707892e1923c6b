//! Kinds that look for HTML: `is-html`, `contains-html`.

mod attributes;
mod elements;
mod page;
mod reader;
mod signs;

#[cfg(test)]
mod tests;

use crate::assert::kind::{Check, Example, Finding, Kind, Sentence, Subject};
use crate::assert::matcher::commas::is_space;
use crate::assert::show::ItIs;

/// The family's rows.
pub static KINDS: &[Kind] = &[
    Kind {
        name: "is-html",
        about: "the whole output is HTML as browsers read it: a known or custom element, and no text outside of tags",
        value: "",
        threshold: "",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::new("<ul><li>one<li>two</ul>", "{type: is-html}"),
        fails: Example::new("Here it is: <b>one</b>", "{type: is-html}"),
        compile: |spec, _| Some(Box::new(Whole { sentence: spec.about("the output") })),
    },
    Kind {
        name: "contains-html",
        about: "the output has signs of HTML worth two points, of which a well-known tag or an opening and a closing \
                one are enough",
        value: "",
        threshold: "",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::new("Press <b>Save</b> now", "{type: contains-html}"),
        fails: Example::new("if a < b and c > d", "{type: contains-html}"),
        compile: |spec, _| Some(Box::new(Signs { sentence: spec.about("the output") })),
    },
];

struct Whole {
    sentence: Sentence,
}

impl Check for Whole {
    fn check(&self, subject: &Subject<'_>) -> Result<Finding, String> {
        Ok(match lacks(subject.text)? {
            Some(came) => self.sentence.finding(false, "be HTML", format_args!("{came}: {}", ItIs(subject.text))),
            None => self.sentence.finding(true, "be HTML", ItIs(subject.text)),
        })
    }
}

/// What a text lacks to be HTML.
///
/// # Errors
/// When it is made so that reading it would take too long.
fn lacks(text: &str) -> Result<Option<&'static str>, String> {
    let text = text.trim_matches(is_space);
    if text.is_empty() {
        return Ok(Some("there is nothing in it"));
    }
    if text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("<?xml")) {
        return Ok(Some("it is XML"));
    }
    let page = reader::read(text)?;
    Ok(if page.has_bare_text {
        Some("it has text outside of tags")
    } else if !page.has_element {
        Some("it has no HTML element")
    } else {
        None
    })
}

struct Signs {
    sentence: Sentence,
}

impl Check for Signs {
    fn check(&self, subject: &Subject<'_>) -> Result<Finding, String> {
        let points = signs::points(subject.text);
        let came = match points {
            0 => format!("there is no sign of it: {}", ItIs(subject.text)),
            1 => format!("there is only a weak sign of it: {}", ItIs(subject.text)),
            _ => "it does".to_owned(),
        };
        Ok(self.sentence.finding(points >= signs::ENOUGH, "contain HTML", came))
    }
}
