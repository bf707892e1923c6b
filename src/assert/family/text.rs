//! Kinds that look for one text: `contains`, `icontains`, `starts-with`.

use crate::assert::kind::{Check, Example, Finding, Kind, Sentence, Spec, Subject};
use crate::assert::prepared::Prepared;
use crate::assert::show::{ItIs, Quoted};
use crate::assert::value::Text;
use crate::diag::Problems;

/// The family's rows.
pub static KINDS: &[Kind] = &[
    Kind {
        name: "contains",
        about: "the output contains the text, in the same case",
        value: "text or a number",
        threshold: "",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::new("You will get a refund.", "{type: contains, value: refund}"),
        fails: Example::new("You will get nothing.", "{type: contains, value: refund}"),
        compile: |spec, problems| compile(spec, Look::Inside, problems),
    },
    Kind {
        name: "icontains",
        about: "the output contains the text, in any case",
        value: "text or a number",
        threshold: "",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::new("REFUND granted", "{type: icontains, value: Refund}"),
        fails: Example::new("You will get nothing.", "{type: icontains, value: Refund}"),
        compile: |spec, problems| compile(spec, Look::InsideAnyCase, problems),
    },
    Kind {
        name: "starts-with",
        about: "the output begins with the text, in the same case and without trimming",
        value: "text",
        threshold: "",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::new("Dear Ann, hello", "{type: starts-with, value: Dear}"),
        fails: Example::new("Hello, dear Ann", "{type: starts-with, value: Dear}"),
        compile: |spec, problems| compile(spec, Look::AtStart, problems),
    },
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Inside,
    InsideAnyCase,
    AtStart,
}

/// A text to look for, lower-cased once when case does not matter.
#[derive(Debug)]
pub struct Needle {
    /// As the config has it.
    pub shown: String,
    folded: Option<String>,
}

impl Needle {
    /// A text to look for in the same case.
    pub fn exact(text: &str) -> Self {
        Self { shown: text.to_owned(), folded: None }
    }

    /// A text to look for in any case.
    pub fn any_case(text: &str) -> Self {
        Self { shown: text.to_owned(), folded: Some(text.to_lowercase()) }
    }

    /// Whether a text contains it; the text must be lower-cased where the needle is.
    pub fn is_in(&self, hay: &str) -> bool {
        hay.contains(self.folded.as_deref().unwrap_or(&self.shown))
    }
}

struct Looking {
    look: Look,
    needle: Prepared<Needle>,
    sentence: Sentence,
}

fn compile(spec: &Spec<'_>, look: Look, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let text = Text::of_value_not_empty(spec, look != Look::AtStart, problems)?;
    let make = if look == Look::InsideAnyCase { any_case } else { exact };
    let needle = Prepared::new(text, make, spec, problems)?;
    Some(Box::new(Looking { look, needle, sentence: spec.about("the output") }))
}

fn exact(text: &str) -> Result<Needle, String> {
    not_empty(text).map(Needle::exact)
}

fn any_case(text: &str) -> Result<Needle, String> {
    not_empty(text).map(Needle::any_case)
}

/// Refuses a value that came out empty: every output contains nothing.
pub fn not_empty(text: &str) -> Result<&str, String> {
    if text.is_empty() { Err("the value is empty after its template was rendered".into()) } else { Ok(text) }
}

impl Check for Looking {
    fn check(&self, subject: &Subject<'_>) -> Result<Finding, String> {
        let needle = self.needle.get(subject.scope)?;
        let (needle, expected) = needle.parts();
        let (holds, verb, note) = match self.look {
            Look::Inside => (needle.is_in(subject.text), "contain", ""),
            Look::InsideAnyCase => (needle.is_in(&subject.text.to_lowercase()), "contain", " in any case"),
            Look::AtStart => (subject.text.starts_with(&needle.shown), "start with", ""),
        };
        let wish = format_args!("{verb} {}{note}", Quoted(&needle.shown));
        Ok(self.sentence.finding(holds, wish, ItIs(subject.text)).expecting(expected))
    }
}
