//! Kinds about the answer as a whole: `finish-reason`, `is-refusal`.

use std::borrow::Cow;

use crate::assert::kind::{Check, Example, Finding, Kind, Sentence, Spec, Subject};
use crate::assert::matcher::refusal;
use crate::assert::show::{self, ItIs, Quoted};
use crate::assert::value::Text;
use crate::diag::Problems;
use crate::record::Output;

/// The family's rows.
pub static KINDS: &[Kind] = &[
    Kind {
        name: "finish-reason",
        about: "the model stopped for this reason, in any case; an answer without a reason fails",
        value: "text such as stop, length, content_filter or tool_calls",
        threshold: "",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::with("{\"finishReason\": \"end_turn\"}", "{type: finish-reason, value: stop}"),
        fails: Example::with("{\"finishReason\": \"max_tokens\"}", "{type: finish-reason, value: stop}"),
        compile: compile_reason,
    },
    Kind {
        name: "is-refusal",
        about: "the provider marked a refusal, or the output is empty or reads like one (English)",
        value: "",
        threshold: "",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::new("I'm sorry, but I can't help with that.", "{type: is-refusal}"),
        fails: Example::new("Sure! Here is the answer.", "{type: is-refusal}"),
        compile: |spec, _| Some(Box::new(Refusal { sentence: spec.about("the output") })),
    },
];

struct Reason {
    text: Text,
    sentence: Sentence,
}

fn compile_reason(spec: &Spec<'_>, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let text = Text::of_value(spec, false, problems)?;
    Some(Box::new(Reason { text, sentence: spec.about("the finish reason") }))
}

/// The common word for a provider's own.
fn normal(reason: &str) -> Cow<'_, str> {
    let reason = reason.trim();
    let lower = if reason.bytes().any(|b| !b.is_ascii_lowercase() && b != b'_') {
        Cow::Owned(reason.to_lowercase())
    } else {
        Cow::Borrowed(reason)
    };
    match lower.as_ref() {
        "end_turn" | "stop_sequence" => Cow::Borrowed("stop"),
        "max_tokens" => Cow::Borrowed("length"),
        "tool_use" | "function_call" => Cow::Borrowed("tool_calls"),
        _ => lower,
    }
}

impl Check for Reason {
    fn check(&self, subject: &Subject<'_>) -> Result<Finding, String> {
        let wanted = self.text.render(subject.scope)?;
        let expected = self.text.fixed().is_none().then(|| show::value(&wanted));
        let wish = format_args!("be {}", Quoted(&wanted));
        let came = subject.response.finish_reason.as_deref().map(normal).filter(|reason| !reason.is_empty());
        let finding = match came {
            None => self.sentence.finding(false, wish, "the answer has none"),
            Some(came) => self.sentence.finding(came == wanted.to_lowercase(), wish, ItIs(&came)),
        };
        Ok(finding.expecting(expected))
    }
}

struct Refusal {
    sentence: Sentence,
}

impl Check for Refusal {
    fn check(&self, subject: &Subject<'_>) -> Result<Finding, String> {
        let by_words = match &subject.response.output {
            Output::Text(text) => text.trim().is_empty() || refusal::reads_like_one(text),
            // A tool call answers; it does not decline.
            Output::Json(_) => false,
        };
        let marked = subject.response.is_refusal;
        let mark = if marked { "the provider marked it as one: " } else { "" };
        let came = format_args!("{mark}{}", ItIs(subject.text));
        Ok(self.sentence.finding(marked || by_words, "be a refusal", came))
    }
}
