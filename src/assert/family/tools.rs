//! Kinds about the calls of tools: `is-valid-openai-tools-call`, `tool-call-f1` and their kin.

mod call;
mod declared;
mod f1;
mod names;
mod schemas;

use self::call::Form;
use self::declared::Declared;
use crate::assert::kind::{Check, Example, Finding, Kind, Sentence, Spec, Subject, Turned};
use crate::assert::show::{ItIs, Quoted};
use crate::record::Output;

/// The family's rows.
pub static KINDS: &[Kind] = &[
    Kind {
        name: "is-valid-openai-tools-call",
        about: "every tool call of the answer is to one of the `tools` asked with, and its arguments fit that tool's \
                JSON Schema; a text with an MCP tool's result passes too",
        value: "",
        threshold: "",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::with(
            r#"{"output": [{"function": {"name": "search", "arguments": "{\"q\": \"rust\"}"}}], "asked": {"tools": [{"type": "function", "function": {"name": "search", "parameters": {"required": ["q"]}}}]}}"#,
            "{type: is-valid-openai-tools-call}",
        ),
        fails: Example::with(
            r#"{"output": [{"function": {"name": "search", "arguments": "{}"}}], "asked": {"tools": [{"type": "function", "function": {"name": "search", "parameters": {"required": ["q"]}}}]}}"#,
            "{type: is-valid-openai-tools-call}",
        ),
        compile: |spec, _| Some(valid(spec, Form::Tools)),
    },
    Kind {
        name: "is-valid-openai-function-call",
        about: "the answer is a `function_call` (OpenAI's form before tools) to one of the `functions` asked with, and \
                its arguments fit that function's JSON Schema",
        value: "",
        threshold: "",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::with(
            r#"{"output": {"name": "search", "arguments": "{\"q\": \"rust\"}"}, "asked": {"functions": [{"name": "search", "parameters": {"required": ["q"]}}]}}"#,
            "{type: is-valid-openai-function-call}",
        ),
        fails: Example::with(
            r#"{"output": {"name": "fly", "arguments": "{}"}, "asked": {"functions": [{"name": "search"}]}}"#,
            "{type: is-valid-openai-function-call}",
        ),
        compile: |spec, _| Some(valid(spec, Form::Function)),
    },
    Kind {
        name: "is-valid-function-call",
        about: "the same as is-valid-openai-function-call",
        value: "",
        threshold: "",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::with(
            r#"{"output": {"name": "ping", "arguments": "{}"}, "asked": {"functions": [{"name": "ping"}]}}"#,
            "{type: is-valid-function-call}",
        ),
        fails: Example::with(
            r#"{"output": {"name": "ping", "arguments": "soon"}, "asked": {"functions": [{"name": "ping"}]}}"#,
            "{type: is-valid-function-call}",
        ),
        compile: |spec, _| Some(valid(spec, Form::Function)),
    },
    Kind {
        name: "tool-call-f1",
        about: "the called tools are the expected ones: the F1 score of the two sets of names is at least `threshold`",
        value: "a list of names, or one text with commas",
        threshold: "the least F1 score that is enough",
        score: "the F1 score, with `not-` as well",
        default_threshold: Some(1.0),
        negatable: true,
        passes: Example::new(
            r#"{"tool_calls": [{"function": {"name": "search"}}, {"function": {"name": "book"}}]}"#,
            "{type: tool-call-f1, value: [book, search]}",
        ),
        fails: Example::new(
            r#"{"tool_calls": [{"function": {"name": "search"}}]}"#,
            "{type: tool-call-f1, value: \"book, search\", threshold: 0.7}",
        ),
        compile: f1::compile,
    },
];

/// How servers of the Model Context Protocol report by way of OpenAI's Responses API.
const MCP_RESULT: &str = "MCP Tool Result";
const MCP_ERROR: &str = "MCP Tool Error";

struct Valid {
    form: Form,
    sentence: Sentence,
}

fn valid(spec: &Spec<'_>, form: Form) -> Box<dyn Check> {
    Box::new(Valid { form, sentence: spec.about("the output") })
}

impl Check for Valid {
    fn check(&self, subject: &Subject<'_>) -> Result<Finding, String> {
        if let Some(finding) = self.reported(&subject.response.output) {
            return Ok(finding);
        }
        let calls = match self.form.calls(&subject.response.output) {
            Ok(calls) => calls,
            Err(why) => return Ok(self.finding(false, format_args!("{why}: {}", ItIs(subject.text)))),
        };
        let Some(declared) = Declared::of(subject, self.form) else { return Ok(self.nothing_asked()) };
        for call in calls {
            if let Some(fault) = call.fault(&declared)? {
                return Ok(self.finding(false, fault));
            }
        }
        Ok(self.finding(true, ItIs(subject.text)))
    }
}

impl Valid {
    fn finding(&self, holds: bool, came: impl std::fmt::Display) -> Finding {
        self.sentence.finding(holds, format_args!("be {}", self.form.wish()), came)
    }

    /// The finding on a text in which an MCP server's tool reports.
    fn reported(&self, output: &Output) -> Option<Finding> {
        let Output::Text(text) = output else { return None };
        if self.form != Form::Tools {
            return None;
        }
        if let Some(at) = text.find(MCP_ERROR) {
            return Some(self.finding(false, format_args!("the tool failed: {}", Quoted(&text[at..]))));
        }
        text.contains(MCP_RESULT).then(|| self.finding(true, ItIs(text)))
    }

    /// Whatever is called, nothing says whether it may be. `not-` must not make a pass of that.
    fn nothing_asked(&self) -> Finding {
        let parameter = self.form.parameter();
        let reason =
            format!("the provider was asked without `{parameter}`, so there is nothing to check calls against");
        Finding { turned: Turned::Void, ..Finding::new(false, reason) }
    }
}

#[cfg(test)]
mod tests;
