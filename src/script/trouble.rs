//! What can go wrong with a script.

use std::fmt;

use serde::Deserialize;

/// In which way a script came to no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
    /// Where, for people: a file with its line.
    pub place: Option<String>,
    /// The line of a script that stands in the config, where it has several.
    pub line: Option<u32>,
    /// What it printed last, up to some thousand bytes.
    pub stderr: Option<String>,
}

impl ScriptError {
    /// An error of this kind.
    pub fn new(trouble: Trouble, message: impl Into<String>) -> Self {
        Self { trouble, message: message.into(), place: None, line: None, stderr: None }
    }

    /// The same, at a place.
    #[must_use]
    pub fn at(self, place: impl Into<String>) -> Self {
        Self { place: Some(place.into()), ..self }
    }

    /// The same, with what the script printed.
    #[must_use]
    pub fn saying(self, stderr: Option<String>) -> Self {
        Self { stderr, ..self }
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(line) = self.line {
            write!(f, " (line {line} of the script)")?;
        }
        if let Some(place) = &self.place {
            write!(f, " ({place})")?;
        }
        match &self.stderr {
            Some(text) => write!(f, "; it printed: {text}"),
            None => Ok(()),
        }
    }
}
