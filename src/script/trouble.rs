//! What can go wrong with a script.

use std::fmt;

/// In which way a script came to no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It cannot be read.
    Syntax,
    /// It threw, or what it returned throws when it is looked at.
    Thrown,
    /// It took longer than it may.
    TimedOut,
    /// It took more memory than it may, or went too deep.
    TooLarge,
    /// It returned a promise that nothing will resolve.
    Pending,
    /// It returned what no verdict can be made of.
    NoResult,
    /// Its process ended.
    Died,
    /// What runs it is not installed.
    Missing,
}

/// Why a script came to no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptError {
    /// In which way.
    pub trouble: Trouble,
    /// What happened, for people.
    pub message: String,
}

impl ScriptError {
    /// An error of this kind.
    pub fn new(trouble: Trouble, message: impl Into<String>) -> Self {
        Self { trouble, message: message.into() }
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
