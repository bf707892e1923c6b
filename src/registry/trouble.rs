//! Why a registry refuses.

use std::io;
use std::path::Path;

use crate::diag::{Problem, Span, io_reason};

/// The classes of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// What was asked for makes no sense here.
    Usage,
    /// Something that must not change was changed, or was to be.
    Integrity,
    /// Somebody else was faster.
    Conflict,
    /// The disk.
    Disk,
}

/// Why something could not be done.
#[derive(Debug, Clone)]
pub struct RegistryError {
    /// The class.
    pub trouble: Trouble,
    /// What happened.
    pub message: String,
    /// The next step.
    pub hint: Option<String>,
    /// The file's problem behind it, with its place.
    pub problem: Option<Box<Problem>>,
}

impl RegistryError {
    pub(super) fn new(trouble: Trouble, message: impl Into<String>) -> Self {
        Self { trouble, message: message.into(), hint: None, problem: None }
    }

    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(Trouble::Usage, message)
    }

    pub(super) fn integrity(message: impl Into<String>) -> Self {
        Self::new(Trouble::Integrity, message)
    }

    #[must_use]
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// What was asked for stands there, where nothing says otherwise.
    pub(super) fn at(self, span: &Span) -> Self {
        if self.trouble != Trouble::Usage || self.problem.as_ref().is_some_and(|problem| problem.at.is_some()) {
            return self;
        }
        let problem = Problem::error(self.message.clone()).at(span).maybe_hint(self.hint.clone());
        Self { problem: Some(Box::new(problem)), ..self }
    }

    /// What the disk says about a file.
    pub(super) fn io(error: &io::Error, what: &str, path: &Path) -> Self {
        Self::new(Trouble::Disk, format!("cannot {what} `{}`: {}", path.display(), io_reason(error)))
    }
}

impl From<Problem> for RegistryError {
    fn from(problem: Problem) -> Self {
        let edited = problem.message.contains("edited after it was released");
        let trouble = if edited { Trouble::Integrity } else { Trouble::Usage };
        Self {
            hint: problem.hint.clone(),
            problem: Some(Box::new(problem.clone())),
            ..Self::new(trouble, problem.message)
        }
    }
}
