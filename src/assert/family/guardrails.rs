//! What the provider's guardrails say: `guardrails`.

use std::fmt::Display;

use serde_json::Value;

use crate::assert::kind::{Check, Example, Finding, Kind, Sentence, Spec, Subject};
use crate::assert::show::{ItIs, Quoted};
use crate::diag::{Problem, Problems};

/// The family's rows.
pub static KINDS: &[Kind] = &[Kind {
    name: "guardrails",
    about: "the provider's guardrails (a content filter, a refusal) flagged nothing, or it has none",
    value: "",
    threshold: "",
    score: "1 or 0",
    default_threshold: None,
    negatable: true,
    passes: Example::with("{\"guardrails\": {\"flagged\": false}}", "{type: guardrails}"),
    fails: Example::with("{\"guardrails\": {\"flagged\": true, \"reason\": \"violence\"}}", "{type: guardrails}"),
    compile: |spec, problems| {
        warn_of_purpose(spec, problems);
        Some(Box::new(Guardrails { sentence: spec.about("the answer") }))
    },
}];

struct Guardrails {
    sentence: Sentence,
}

/// In promptfoo a flagged answer would then pass, and all other assertions with it.
fn warn_of_purpose(spec: &Spec<'_>, problems: &mut Problems) {
    let purpose = spec.node.get("config").and_then(|config| config.entry("purpose"));
    if let Some(purpose) = purpose.filter(|entry| entry.value.as_str() == Some("redteam")) {
        let problem = Problem::warning("`purpose: redteam` does nothing: a flagged answer fails").at(&purpose.at);
        problems.push(problem.hint("write `not-guardrails` where the guardrails should flag"));
    }
}

impl Check for Guardrails {
    fn check(&self, subject: &Subject<'_>) -> Result<Finding, String> {
        let finding = |flagged: bool, came: &dyn Display| {
            Ok(self.sentence.finding(!flagged, "pass the provider's guardrails", came))
        };
        let response = subject.response;
        let Some(said) = &response.guardrails else {
            let came = if response.is_refusal { "the provider refused" } else { "nothing was flagged" };
            return finding(response.is_refusal, &format_args!("{came}: {}", ItIs(subject.text)));
        };
        match said.get("flagged").unwrap_or(&Value::Null) {
            Value::Bool(true) => finding(true, &flagged(said)),
            Value::Bool(false) | Value::Null => {
                finding(false, &format_args!("nothing was flagged: {}", ItIs(subject.text)))
            }
            other => {
                Err(format!("the guardrails' `flagged` must be true or false, found {}", Quoted(&other.to_string())))
            }
        }
    }
}

/// What was flagged, and why.
fn flagged(said: &Value) -> String {
    let marked = |key: &str| said.get(key) == Some(&Value::Bool(true));
    let what = match () {
        () if marked("flaggedInput") => "they flagged the prompt",
        () if marked("flaggedOutput") => "they flagged the output",
        () => "they flagged it",
    };
    match said.get("reason").and_then(Value::as_str).filter(|why| !why.trim().is_empty()) {
        Some(why) => format!("{what}: {}", Quoted(why)),
        None => what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn says_what_was_flagged_and_why() {
        for (said, expected) in [
            (json!({"flagged": true}), "they flagged it"),
            (json!({"flagged": true, "flaggedInput": true, "reason": " "}), "they flagged the prompt"),
            (json!({"flaggedOutput": true, "reason": "hate"}), "they flagged the output: \"hate\""),
        ] {
            assert_eq!(flagged(&said), expected);
        }
    }
}
