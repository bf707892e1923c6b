//! What can be wrong with a store.

use std::fmt;
use std::path::Path;

use rusqlite::ErrorCode;

/// The classes of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The file is no store, or broken.
    Damaged,
    /// Another process holds it.
    Locked,
    /// It cannot be written.
    ReadOnly,
    /// No space is left.
    Full,
    /// A newer version of this tool wrote it.
    Newer,
    /// There is no such run.
    Unknown,
    /// Anything else.
    Other,
}

/// Why a store cannot be used.
#[derive(Debug, Clone)]
pub struct StoreError {
    /// The class.
    pub trouble: Trouble,
    /// What happened, with the file's name.
    pub message: String,
    /// The next step.
    pub hint: Option<String>,
}

impl StoreError {
    pub(super) fn new(trouble: Trouble, message: impl Into<String>, hint: &str) -> Self {
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        Self { trouble, message: message.into(), hint }
    }

    /// What SQLite says about a file.
    pub(super) fn sqlite(error: &rusqlite::Error, file: &Path) -> Self {
        let file = file.display();
        let why = match error {
            rusqlite::Error::SqliteFailure(_, Some(text)) => text.clone(),
            other => other.to_string(),
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::new(Trouble::Damaged, format!("the store `{file}` is damaged: {why}"), "")
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::new(
                Trouble::Locked,
                format!("the store `{file}` is locked by another process"),
                "end the program that holds it, or name another folder with --store",
            ),
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => Self::new(
                Trouble::ReadOnly,
                format!("the store `{file}` cannot be written: {why}"),
                "make its folder writable, or name another with --store",
            ),
            // A write beyond a file-size limit is reported as plain trouble with the disk.
            Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure) => Self::full(&file, &why),
            _ => Self::new(Trouble::Other, format!("the store `{file}` cannot be used: {why}"), ""),
        }
    }

    fn full(file: &impl fmt::Display, why: &str) -> Self {
        Self::new(
            Trouble::Full,
            format!("the store `{file}` cannot grow: {why}"),
            "what was finished is safe: make room on the disk, then `prompteval run --resume`",
        )
    }

    pub(super) fn io(error: &std::io::Error, what: &str, path: &Path) -> Self {
        use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem, StorageFull};
        let trouble = match error.kind() {
            PermissionDenied | ReadOnlyFilesystem => Trouble::ReadOnly,
            StorageFull => Trouble::Full,
            _ => Trouble::Other,
        };
        let message = format!("cannot {what} `{}`: {}", path.display(), crate::diag::io_reason(error));
        Self::new(trouble, message, "name another folder with --store")
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
