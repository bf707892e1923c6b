//! `regex`: JavaScript patterns.

use super::text::not_empty;
use crate::assert::kind::{Check, Example, Finding, Kind, Sentence, Spec, Subject};
use crate::assert::matcher::pattern::Pattern;
use crate::assert::prepared::Prepared;
use crate::assert::show::{ItIs, Quoted};
use crate::assert::value::Text;
use crate::diag::{Problem, Problems};

/// The family's rows.
pub static KINDS: &[Kind] = &[Kind {
    name: "regex",
    about: "the pattern (JavaScript's syntax, leading (?i) (?s) (?m) allowed) matches somewhere in the output",
    value: "a pattern",
    threshold: "",
    score: "1 or 0",
    default_threshold: None,
    negatable: true,
    passes: Example::new("order #12345 shipped", r"{type: regex, value: '#\d{5}'}"),
    fails: Example::new("order shipped", r"{type: regex, value: '#\d{5}'}"),
    compile,
}];

struct Matches {
    pattern: Prepared<Pattern>,
    sentence: Sentence,
}

fn compile(spec: &Spec<'_>, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let text = Text::of_value_not_empty(spec, false, problems)?;
    let written = spec.value.and_then(|v| v.as_str()).unwrap_or_default();
    let flags = written.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')).map(|(_, flags)| flags);
    if let Some(flags) = flags.filter(|f| f.chars().all(|c| "dgimsuvy".contains(c))) {
        let problem = Problem::warning("the slashes around this pattern are part of it");
        let hint = if flags.contains('i') {
            "write the pattern alone, with (?i) before it"
        } else {
            "write the pattern alone"
        };
        problems.push(problem.at(spec.value.map_or(&spec.node.span, |v| &v.span)).hint(hint));
    }
    let pattern = Prepared::new(text, |text| not_empty(text).and_then(Pattern::new), spec, problems)?;
    Some(Box::new(Matches { pattern, sentence: spec.about("the output") }))
}

impl Check for Matches {
    fn check(&self, subject: &Subject<'_>) -> Result<Finding, String> {
        let pattern = self.pattern.get(subject.scope)?;
        let (pattern, expected) = pattern.parts();
        let holds = pattern.is_match(subject.text)?;
        let wish = format_args!("match the pattern {}", Quoted(pattern.text()));
        Ok(self.sentence.finding(holds, wish, ItIs(subject.text)).expecting(expected))
    }
}
