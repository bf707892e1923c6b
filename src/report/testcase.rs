//! A case of a JUnit suite: all repeats of one test in one column.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::redact::{Words, cut};
use super::{item, naming, xml};
use crate::record::{CallFailure, Mark, Outcome, Status, Verdict};

const LONGEST_MESSAGE: usize = 1024;
const LONGEST_BODY: usize = 64 * 1024;
/// Each part of a body has its share, so that a long prompt does not push the answer out.
const LONGEST_PART: usize = 15 * 1024;

/// How a report is to be written.
pub(super) struct Style {
    /// Its texts.
    pub(super) words: Words,
    /// Without what strict schemas refuse.
    pub(super) strict: bool,
}

/// What one repeat came to.
pub(super) struct Attempt {
    pub(super) status: Status,
    pub(super) latency_ms: u64,
    pub(super) message: String,
    pub(super) kind: String,
    /// Where and with what, under the message.
    pub(super) details: String,
}

impl Attempt {
    /// What is worth telling of an outcome.
    pub(super) fn of(outcome: &Outcome, words: &Words) -> Self {
        let message = item::why(outcome).map_or_else(String::new, |why| words.line(&why, LONGEST_MESSAGE).into_owned());
        let red = outcome.status != Status::Passed;
        Self {
            status: outcome.status,
            latency_ms: outcome.response.as_ref().and_then(|r| r.latency_ms).unwrap_or(0),
            kind: kind(outcome),
            details: if red { details(outcome, words) } else { String::new() },
            message,
        }
    }
}

/// The repeats of one case so far.
pub(super) struct Case {
    name: String,
    /// File and line in the config.
    at: Option<(String, String)>,
    attempts: Vec<Attempt>,
    /// How many of the repeats must pass; all, where it does not say.
    min_pass: Option<u32>,
}

impl Case {
    /// The case of an outcome, without any repeat yet.
    pub(super) fn of(outcome: &Outcome, words: &Words) -> Self {
        let at = &outcome.case.at;
        let at = Some((words.line(&at.file, LONGEST_MESSAGE).into_owned(), at.line.to_string()));
        Self { name: naming::case(&outcome.case, words), at, attempts: Vec::new(), min_pass: outcome.case.min_pass }
    }

    /// A case that stands in no config.
    pub(super) fn nowhere(name: String, attempt: Attempt) -> Self {
        Self { name, at: None, attempts: vec![attempt], min_pass: None }
    }

    /// Takes a repeat in.
    pub(super) fn add(&mut self, attempt: Attempt) {
        self.attempts.push(attempt);
    }

    /// The worst of the repeats: one that is red makes the case red, unless enough others pass.
    pub(super) fn status(&self) -> Status {
        self.main().map_or(Status::Passed, |main| self.attempts[main].status)
    }

    /// All repeats together.
    pub(super) fn latency_ms(&self) -> u64 {
        self.attempts.iter().map(|a| a.latency_ms).sum()
    }

    /// The repeat that speaks for the case when it is red: the first of the worst.
    fn main(&self) -> Option<usize> {
        let first = |status| self.attempts.iter().position(|a| a.status == status);
        first(Status::Errored).or_else(|| first(Status::Failed).filter(|_| !self.passes_often_enough()))
    }

    fn passes_often_enough(&self) -> bool {
        let passed = self.attempts.iter().filter(|attempt| attempt.status == Status::Passed).count();
        self.min_pass.is_some_and(|least| passed as u64 >= u64::from(least))
    }

    /// `<testcase>`, on lines of its own.
    pub(super) fn write(&self, out: &mut dyn Write, class: &str, style: &Style) -> io::Result<()> {
        let seconds = seconds(self.latency_ms());
        let mut attributes = vec![("name", self.name.as_str()), ("classname", class), ("time", &seconds)];
        if let (false, Some((file, line))) = (style.strict, &self.at) {
            attributes.extend([("file", file.as_str()), ("line", line.as_str())]);
        }
        out.write_all(b"    ")?;
        match self.main() {
            None if self.is_flaky() && !style.strict => {
                xml::open(out, "testcase", &attributes)?;
                self.write_reruns(out, "flakyFailure", None)?;
                out.write_all(b"\n    ")?;
                xml::close(out, "testcase")?;
            }
            None => xml::empty(out, "testcase", &attributes)?,
            Some(main) => {
                xml::open(out, "testcase", &attributes)?;
                self.write_red(out, main, style)?;
                out.write_all(b"\n    ")?;
                xml::close(out, "testcase")?;
            }
        }
        out.write_all(b"\n")
    }

    /// Whether a repeat is red although the case is not.
    fn is_flaky(&self) -> bool {
        self.attempts.iter().any(|attempt| attempt.status != Status::Passed)
    }

    fn write_red(&self, out: &mut dyn Write, main: usize, style: &Style) -> io::Result<()> {
        let name = if self.attempts[main].status == Status::Errored { "error" } else { "failure" };
        let mut body = self.body(main);
        if style.strict {
            for (other, _) in self.red_but(Some(main)) {
                body = body + "\n\n" + &self.body(other);
            }
            return self.write_element(out, name, main, &body);
        }
        self.write_element(out, name, main, &body)?;
        self.write_reruns(out, "rerunFailure", Some(main))
    }

    /// The repeats that are red, but for the one that speaks for the case.
    fn red_but(&self, main: Option<usize>) -> impl Iterator<Item = (usize, &Attempt)> {
        let red = move |(at, attempt): &(usize, &Attempt)| Some(*at) != main && attempt.status != Status::Passed;
        self.attempts.iter().enumerate().filter(red)
    }

    fn write_reruns(&self, out: &mut dyn Write, element: &str, main: Option<usize>) -> io::Result<()> {
        for (other, attempt) in self.red_but(main) {
            out.write_all(b"\n      ")?;
            xml::open(out, element, &[("message", &attempt.message), ("type", &attempt.kind)])?;
            xml::open(out, "stackTrace", &[])?;
            xml::text(out, &cut(&self.body(other), LONGEST_BODY))?;
            xml::close(out, "stackTrace")?;
            xml::close(out, element)?;
        }
        Ok(())
    }

    fn write_element(&self, out: &mut dyn Write, name: &str, attempt: usize, body: &str) -> io::Result<()> {
        let attempt = &self.attempts[attempt];
        out.write_all(b"\n      ")?;
        xml::open(out, name, &[("message", &attempt.message), ("type", &attempt.kind)])?;
        xml::text(out, &cut(body, LONGEST_BODY))?;
        xml::close(out, name)
    }

    /// The message first: some servers show nothing but the body.
    fn body(&self, attempt: usize) -> String {
        let Attempt { message, details, .. } = &self.attempts[attempt];
        let all = self.attempts.len();
        let red = self.attempts.iter().filter(|a| a.status != Status::Passed).count();
        let repeat = if all > 1 {
            format!("repeat {} of {all}; {red} of {all} did not pass\n", attempt + 1)
        } else {
            String::new()
        };
        format!("{message}\n{repeat}{details}")
    }
}

/// Milliseconds as JUnit counts time.
pub(super) fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

/// The kind of assertion that failed, or of trouble there was.
fn kind(outcome: &Outcome) -> String {
    let failed = outcome.verdicts.iter().find(|v| v.mark == Mark::Fail);
    match (outcome.status, &outcome.failure) {
        (Status::Passed, _) => String::new(),
        (Status::Failed, _) => failed.map_or_else(|| "threshold".to_owned(), |v| v.kind.to_string()),
        (Status::Errored, Some(failure)) => class(failure),
        (Status::Errored, None) => "assertion-error".to_owned(),
    }
}

/// The class of a failed call in its own spelling.
fn class(failure: &CallFailure) -> String {
    let name = serde_json::to_value(failure.reason).ok();
    name.as_ref().and_then(|name| name.as_str()).unwrap_or("error").to_owned()
}

fn details(outcome: &Outcome, words: &Words) -> String {
    let red = || outcome.verdicts.iter().filter(|v| v.mark != Mark::Pass);
    // The message speaks of the first without a verdict, where there is one.
    let spoken = red().find(|v| v.mark == Mark::Error).or_else(|| red().next());
    let at = spoken.map_or(&outcome.case.at, |v| &v.at);
    let mut details = format!("at {}\n", words.line(&at.to_string(), LONGEST_MESSAGE));
    let mut part = |title: &str, text: &str| {
        if !text.is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(details, "\n{title}:\n{}\n", words.block(text, LONGEST_PART));
        }
    };
    part("assertions", &red().map(verdict_line).collect::<Vec<_>>().join("\n"));
    part("error", &outcome.failure.as_ref().map_or_else(String::new, trouble));
    part("prompt", &outcome.prompt);
    part("vars", &vars(outcome));
    part("output", &outcome.response.as_ref().map_or_else(Cow::default, |r| r.output.text()));
    details.trim_end().to_owned()
}

fn verdict_line(verdict: &Verdict) -> String {
    let word = if verdict.mark == Mark::Error { "no verdict" } else { "failed" };
    let value = verdict.unsaid().map_or_else(String::new, |value| format!("\nvalue: {value}").replace('\n', "\n  "));
    format!("{word}: {} ({}): {}{value}", verdict.kind, verdict.at, verdict.reason)
}

fn trouble(failure: &CallFailure) -> String {
    let status = failure.status.map_or_else(String::new, |status| format!(" (HTTP {status})"));
    let hint = failure.hint.as_ref().map_or_else(String::new, |hint| format!("\nhint: {hint}"));
    format!("{}{status}: {}{hint}", class(failure), failure.message)
}

fn vars(outcome: &Outcome) -> String {
    let line = |(name, value): (&String, &serde_json::Value)| match value.as_str() {
        Some(text) => format!("{name}: {text}"),
        None => format!("{name}: {value}"),
    };
    outcome.case.vars.iter().map(line).collect::<Vec<_>>().join("\n")
}
