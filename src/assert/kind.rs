//! What a kind is, and what it sees.

use std::fmt::Display;
use std::sync::Arc;

use futures::future::BoxFuture;

use super::Setup;
use super::asked::Asked;
use super::family::contest::Contest;
use super::panel::Panel;
use super::set::Set;
use crate::diag::{Folder, Problem, Problems, Source, Span};
use crate::record::{Named, Response};
use crate::template::Scope;
use crate::yaml::{Kind as Form, Node, file_reference, read_tree};

/// A kind of assertion: one row of its family's table.
#[derive(Debug)]
pub struct Kind {
    /// Its name, without `not-`.
    pub name: &'static str,
    /// When it passes, in one line.
    pub about: &'static str,
    /// What `value` must be; empty when there is none.
    pub value: &'static str,
    /// What `threshold` means; empty when it does nothing.
    pub threshold: &'static str,
    /// What its score is.
    pub score: &'static str,
    /// The threshold when the config gives none.
    pub default_threshold: Option<f64>,
    /// Whether `not-` may stand before it.
    pub negatable: bool,
    /// An answer that passes.
    pub passes: Example,
    /// An answer that fails.
    pub fails: Example,
    /// Reads its config; every mistake becomes a problem.
    pub compile: fn(&Spec<'_>, &mut Problems) -> Option<Box<dyn Check>>,
}

/// An answer and an assertion on it.
#[derive(Debug)]
pub struct Example {
    /// The model's words.
    pub output: &'static str,
    /// The assertion, as a YAML flow map.
    pub assertion: &'static str,
    /// What else came with the answer, as JSON: `latencyMs`, `cost`, `finishReason`, `logProbs`, `guardrails`,
    /// an `output` that is no text; what it was `asked` with, and what a `webhook` replies. May be empty.
    pub response: &'static str,
    /// What a grader replies, where one is asked.
    pub grader: &'static str,
}

impl Example {
    /// An example in which only the output matters.
    pub const fn new(output: &'static str, assertion: &'static str) -> Self {
        Self { output, assertion, response: "", grader: "" }
    }

    /// An example in which the rest of the answer matters.
    pub const fn with(response: &'static str, assertion: &'static str) -> Self {
        Self { output: "ok", assertion, response, grader: "" }
    }

    /// An example that a grader judges, with its reply.
    pub const fn judged(output: &'static str, assertion: &'static str, grader: &'static str) -> Self {
        Self { output, assertion, response: "", grader }
    }
}

/// A compiled assertion: one that looks implements `check`, one that has to ask others (a script, a
/// grader) implements `ask`.
pub trait Check: Send + Sync {
    /// Judges one answer at once.
    ///
    /// # Errors
    /// When it cannot be evaluated, with the reason: an error verdict, not a failure.
    fn check(&self, _subject: &Subject<'_>) -> Result<Finding, String> {
        Err("this kind has no word of its own".into())
    }

    /// Judges one answer with the help of others; `None` for those that need none.
    fn ask<'a>(&'a self, _subject: &'a Subject<'a>) -> Option<Asking<'a>> {
        None
    }

    /// Who grades, for kinds that ask a grader.
    fn panel(&self) -> Option<&Panel> {
        None
    }

    /// Whether any answer could make it fail.
    fn can_fail(&self) -> bool {
        true
    }

    /// Whether it may name scores that the config does not.
    fn names_scores(&self) -> bool {
        false
    }

    /// Itself, for kinds that need all answers of a case.
    fn as_contest(&self) -> Option<&dyn Contest> {
        None
    }

    /// Its value as verdicts show it, for a kind whose value has parts that must not be shown.
    fn shown(&self) -> Option<String> {
        None
    }

    /// The members, for the one kind that has them.
    fn as_set(&self) -> Option<&Set> {
        None
    }
}

/// A finding that takes its time.
pub type Asking<'a> = BoxFuture<'a, Result<Finding, String>>;

/// What a check found, before inversion.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Whether the plain assertion (without `not-`) holds.
    pub pass: bool,
    /// Its score, usually 1 or 0.
    pub score: f64,
    /// What was expected and what came.
    pub reason: String,
    /// The expected value, where it is known only now (templates).
    pub expected: Option<String>,
    /// What the score becomes when `not-` stands before the kind.
    pub turned: Turned,
    /// Scores by name that come with it.
    pub named: Named,
    /// What it is made of, shown under it.
    pub parts: Vec<Part>,
}

/// What `not-` does to a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Turned {
    /// 1 for a pass, 0 for a failure.
    #[default]
    Binary,
    /// It stays what it is.
    Kept,
    /// What is missing to 1.
    Rest,
    /// `not-` changes nothing at all: there is nothing to turn round.
    Void,
}

/// A part of a finding.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Whether it holds.
    pub pass: bool,
    /// Its score.
    pub score: f64,
    /// Its own words.
    pub reason: String,
    /// How deep it stands among parts, from 0.
    pub depth: u8,
}

impl Finding {
    /// A finding that is yes or no.
    pub fn new(pass: bool, reason: String) -> Self {
        Self::scored(pass, f64::from(u8::from(pass)), reason)
    }

    /// A finding with a score of its own.
    pub fn scored(pass: bool, score: f64, reason: String) -> Self {
        let turned = Turned::Binary;
        Self { pass, score, reason, expected: None, turned, named: Named::new(), parts: Vec::new() }
    }

    /// The same with the expected value after rendering.
    #[must_use]
    pub fn expecting(mut self, expected: Option<String>) -> Self {
        self.expected = expected;
        self
    }
}

/// The fixed words of a kind's sentence: `expected the output to contain "x", but it is "y"`.
#[derive(Debug, Clone, Copy)]
pub struct Sentence {
    /// The output, the answer, the finish reason.
    pub subject: &'static str,
    /// Whether `not-` stands before the kind.
    pub negated: bool,
}

impl Sentence {
    /// The finding with its sentence: `wish` follows "to", `came` is a clause. What came as expected needs
    /// no quoting: the answer stands beside the verdict.
    pub fn finding(self, holds: bool, wish: impl Display, came: impl Display) -> Finding {
        let not = if self.negated { "not " } else { "" };
        let subject = self.subject;
        let reason = if holds == self.negated {
            format!("expected {subject} {not}to {wish}, but {came}")
        } else {
            format!("expected {subject} {not}to {wish}: it holds")
        };
        Finding::new(holds, reason)
    }
}

/// A `rubricPrompt` of the config; a `file://` is read: text, or messages as YAML or JSON.
///
/// # Errors
/// When the file cannot be read.
pub fn rubric_prompt(node: &Node, base: &Folder) -> Result<Node, Problem> {
    let Some(path) = node.as_str().and_then(file_reference) else { return Ok(node.clone()) };
    let file = base.file(path);
    if !file.path.is_file() {
        return Err(base.missing("file", path, &node.span));
    }
    if file.ends(&["yaml", "yml", "json"]) {
        return read_tree(&file, &node.span);
    }
    let source = file.read(&node.span)?;
    Ok(Node { span: source.span(), kind: Form::Str(source.text().to_owned()) })
}

/// What is judged.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The answer.
    pub response: &'a Response,
    /// Its output as text.
    pub text: &'a str,
    /// The variables of the case, for templates in values.
    pub scope: &'a Scope,
    /// What was asked, for kinds that look beyond the answer.
    pub asked: Option<&'a Asked<'a>>,
}

impl<'a> Subject<'a> {
    /// An answer of which only the words and the variables are known.
    pub fn plain(response: &'a Response, text: &'a str, scope: &'a Scope) -> Self {
        Self { response, text, scope, asked: None }
    }
}

/// One assertion of the config, as a kind's `compile` sees it.
#[derive(Debug)]
pub struct Spec<'a> {
    /// The assertion's map.
    pub node: &'a Node,
    /// Its `value`, a `file://` reference already followed; null when the file says null.
    pub value: Option<&'a Node>,
    /// Its `threshold`, or the kind's own.
    pub threshold: Option<f64>,
    /// Whether `not-` stands before the kind.
    pub negated: bool,
    /// The row.
    pub kind: &'static Kind,
    /// How the config is read.
    pub setup: &'a Setup<'a>,
    /// Files that `file://` values came from; what stands in them is no template.
    pub(super) files: &'a [Arc<Source>],
}

impl Spec<'_> {
    /// Where to point: at the value, or at the assertion.
    pub fn at(&self) -> &Span {
        self.value.map_or(&self.node.span, |v| &v.span)
    }

    /// Whether a text is taken as it is, because it came from a file of its own.
    pub fn literal(&self, node: &Node) -> bool {
        self.files.iter().any(|file| Arc::ptr_eq(file, node.span.source()))
    }

    /// The assertion's `rubricPrompt`, a file followed.
    pub fn rubric(&self, problems: &mut Problems) -> Option<Node> {
        let node = self.node.get("rubricPrompt").filter(|node| !node.is_null())?;
        rubric_prompt(node, self.setup.base).map_err(|problem| problems.push(problem)).ok()
    }

    /// The words of this kind about `subject`.
    pub fn about(&self, subject: &'static str) -> Sentence {
        Sentence { subject, negated: self.negated }
    }

    /// The problem that the value is not what the kind needs.
    pub fn wrong_value(&self) -> Problem {
        let needs = format!("`{}` needs {} as its `value`", self.kind.name, self.kind.value);
        let found = match self.value {
            None => "there is none",
            Some(node) if node.as_str() == Some("") => "it is empty",
            Some(node) => return Problem::error(format!("{needs}, found {}", node.kind_name())).at(self.at()),
        };
        Problem::error(format!("{needs}, but {found}")).at(self.at())
    }

    /// The threshold, or the problem that it is missing.
    pub fn needs_threshold(&self, problems: &mut Problems) -> Option<f64> {
        if self.threshold.is_none() {
            let message = format!("`{}` needs a `threshold`: {}", self.kind.name, self.kind.threshold);
            let example = format!("for example {}", self.kind.passes.assertion);
            problems.push(Problem::error(message).at(&self.node.span).hint(example));
        }
        self.threshold
    }
}
