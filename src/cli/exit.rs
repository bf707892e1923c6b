//! How a command ends.

use std::process::ExitCode;

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
}

impl Failure {
    pub(super) fn new(status: ExitStatus, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), hint: None }
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
