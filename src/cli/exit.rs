//! How a command ends.

use std::process::ExitCode;

use crate::diag::Problem;
use crate::registry::{RegistryError, Trouble};

/// Exit statuses; see the table in the README.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// Everything selected ran and passed.
    Success,
    /// The tool could not do its work.
    Failed,
    /// Usage or configuration error; nothing was requested.
    Usage,
    /// Nothing to judge.
    Nothing,
    /// A cell failed its assertions.
    CellsFailed,
    /// A cell has no verdict.
    CellsErrored,
    /// The gate is closed.
    GateClosed,
    /// Something that must never change was changed, or was to be: a released version, a label, the log.
    Altered,
    /// Interrupted.
    Interrupted,
}

impl ExitStatus {
    /// The number the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Nothing => 3,
            Self::CellsFailed => 100,
            Self::CellsErrored => 101,
            Self::GateClosed => 102,
            Self::Altered => 103,
            Self::Interrupted => 130,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        status.code().into()
    }
}

/// Why a command could not be done, for a person.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: ExitStatus,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// The same with its place in a file, where it has one.
    pub(super) place: Option<Box<Problem>>,
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        let status = match error.trouble {
            Trouble::Usage => ExitStatus::Usage,
            Trouble::Integrity => ExitStatus::Altered,
            Trouble::Conflict | Trouble::Disk => ExitStatus::Failed,
        };
        // A problem with a place is shown with it.
        let place = error.problem.filter(|problem| problem.at.is_some());
        Self { place, ..Self::new(status, error.message).maybe_hint(error.hint) }
    }
}

impl Failure {
    pub(super) fn new(status: ExitStatus, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), hint: None, place: None }
    }

    /// With the next step, where there is one.
    pub(super) fn maybe_hint(self, hint: Option<impl Into<String>>) -> Self {
        Self { hint: hint.map(Into::into).or(self.hint), ..self }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
