//! Problems as data.

use std::collections::HashMap;

use super::Span;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Nothing is requested until this is mended.
    Error,
    /// Said once; the run goes on.
    Warning,
}

/// One thing that is wrong, where, and what to do about it.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Error or warning.
    pub level: Level,
    /// Lower case, no full stop, with the offending value.
    pub message: String,
    /// Where it stands, when it stands anywhere.
    pub at: Option<Span>,
    /// What the marked place is, in two or three words; may be empty.
    pub label: String,
    /// The next step.
    pub hint: Option<String>,
}

impl Problem {
    /// An error without a place yet.
    pub fn error(message: impl Into<String>) -> Self {
        Self { level: Level::Error, message: message.into(), at: None, label: String::new(), hint: None }
    }

    /// A warning without a place yet.
    pub fn warning(message: impl Into<String>) -> Self {
        Self { level: Level::Warning, ..Self::error(message) }
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, span: &Span) -> Self {
        self.at = Some(span.clone());
        self
    }

    /// Says where, unless it is said already: a mistake inside a file keeps its own place.
    #[must_use]
    pub fn or_at(self, span: &Span) -> Self {
        if self.at.is_some() { self } else { self.at(span) }
    }

    /// Says what the marked words are.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn says_the_same(&self, other: &Self) -> bool {
        let place = |p: &Self| p.at.as_ref().map(|at| (at.location(), at.range()));
        self.message == other.message && place(self) == place(other)
    }

    /// Adds a hint where there is one.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = self.hint.or(hint);
        self
    }
}

/// A list that grows while a config is read, so that all problems are told at once.
#[derive(Debug, Default)]
pub struct Problems {
    list: Vec<Problem>,
    errors: usize,
    /// How often each warning was said.
    said: HashMap<String, usize>,
}

/// The same warning is kept this often; a dataset of a million rows may deserve it a million times.
const SAME_WARNINGS: usize = 3;

impl Problems {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        if self.list.last().is_some_and(|last| last.says_the_same(&problem)) {
            return;
        }
        match problem.level {
            Level::Error => self.errors += 1,
            Level::Warning => {
                let said = self.said.entry(problem.message.clone()).or_default();
                *said += 1;
                if *said > SAME_WARNINGS {
                    return;
                }
            }
        }
        self.list.push(problem);
    }

    /// Warnings that were said so often that not all of them were kept: the words, and how many more.
    pub fn repeated(&self) -> impl Iterator<Item = (&str, usize)> {
        let more = self.said.iter().filter(|(_, n)| **n > SAME_WARNINGS);
        more.map(|(message, n)| (message.as_str(), n - SAME_WARNINGS))
    }

    /// Whether nothing may be requested.
    pub fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    /// How many errors there are.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// All of them, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> + Clone {
        self.list.iter()
    }

    /// How many problems of any level there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether all is well.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}
