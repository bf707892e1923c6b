//! Kinds that read the output as XML: `is-xml`, `contains-xml`.

mod document;
mod fragment;
mod markup;
mod required;
mod tree;

#[cfg(test)]
mod tests;

use required::Required;

use crate::assert::kind::{Check, Example, Finding, Kind, Sentence, Spec, Subject};
use crate::assert::show::{self, ItIs};
use crate::diag::Problems;

const VALUE: &str = "the paths of required elements: one text with commas, a list, or a map with `requiredElements`";

/// The family's rows.
pub static KINDS: &[Kind] = &[
    Kind {
        name: "is-xml",
        about: "the whole output is one well-formed XML document, and has the required elements",
        value: VALUE,
        threshold: "",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::new("<order><id>7</id></order>", "{type: is-xml, value: order.id}"),
        fails: Example::new("Here it is: <order/>", "{type: is-xml}"),
        compile: |spec, problems| compile(spec, true, problems),
    },
    Kind {
        name: "contains-xml",
        about: "somewhere in the output stands a well-formed XML element, with the required elements",
        value: VALUE,
        threshold: "",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::new("Here it is: <order><id>7</id></order>.", "{type: contains-xml, value: [order.id]}"),
        fails: Example::new("Here it is: <order>7", "{type: contains-xml}"),
        compile: |spec, problems| compile(spec, false, problems),
    },
];

struct Xml {
    whole: bool,
    required: Required,
    sentence: Sentence,
}

fn compile(spec: &Spec<'_>, whole: bool, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let required = Required::read(spec, problems)?;
    Some(Box::new(Xml { whole, required, sentence: spec.about("the output") }))
}

impl Check for Xml {
    fn check(&self, subject: &Subject<'_>) -> Result<Finding, String> {
        let (paths, late) = self.required.get(subject.scope)?;
        let came = if self.whole { lacks(subject.text, &paths) } else { lacks_inside(subject.text, &paths) };
        let verb = if self.whole { "be" } else { "contain" };
        let wish = if paths.is_empty() {
            format!("{verb} XML")
        } else {
            format!("{verb} XML with {}", show::line(&paths.join(", ")))
        };
        let finding = match came {
            Some(came) => self.sentence.finding(false, wish, format_args!("{came}: {}", ItIs(subject.text))),
            None => self.sentence.finding(true, wish, ItIs(subject.text)),
        };
        Ok(finding.expecting(late))
    }
}

/// What a text lacks to be a document with these paths.
fn lacks(text: &str, paths: &[String]) -> Option<String> {
    match document::read(text) {
        Ok(tree) => paths
            .iter()
            .find(|path| !tree.leads(document::ROOT, path))
            .map(|path| format!("it has no {}", show::line(path))),
        Err(fault) => {
            let (line, column) = position(text, fault.at);
            Some(format!("line {line}, column {column} has {}", fault.what))
        }
    }
}

/// What a text lacks to contain elements with these paths.
fn lacks_inside(text: &str, paths: &[String]) -> Option<String> {
    let found = fragment::find(text);
    if found.groups.iter().any(|group| paths.iter().all(|path| found.tree.leads(*group, path))) {
        return None;
    }
    Some(
        if found.groups.is_empty() { "it has no well-formed element" } else { "none of its elements has them all" }
            .into(),
    )
}

/// Line and column of a place, from 1.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}
