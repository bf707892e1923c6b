//! A script of the config, wherever it runs.

use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use super::aside;
use super::code::Code;
use super::engine::{Arg, Pace, Returned};
use super::home::Home;
use super::trouble::{ScriptError, Trouble};
use super::worker::{Foreign, Language};
use crate::content::Digest;

/// So many scripts that take their time run at once, beside everything else.
static PATIENT: Semaphore = Semaphore::const_new(4);

/// How long a script in another process may take for one answer.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// A script that is ready to run.
#[derive(Debug, Clone)]
pub enum Script {
    /// In the embedded engine.
    Inline(Code),
    /// In a process of its language.
    Foreign(Foreign, Home),
}

impl Script {
    /// A script as a config has it under a key that takes scripts.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(text: &str, parameters: &'static [&'static str]) -> Result<Self, ScriptError> {
        Code::new(text, parameters).map(Self::Inline)
    }

    /// Whether it comes to nothing whatever it is given.
    pub fn returns_nothing(&self) -> bool {
        matches!(self, Self::Inline(code) if code.returns_nothing())
    }

    /// Whether it is a function that nothing calls.
    pub fn is_uncalled(&self) -> bool {
        matches!(self, Self::Inline(code) if code.is_uncalled())
    }

    /// Runs it.
    ///
    /// # Errors
    /// When it comes to no result.
    pub async fn run(&self, args: &[Arg<'_>]) -> Result<Returned, ScriptError> {
        match self {
            Self::Inline(code) => run_code(code, args).await,
            Self::Foreign(script, home) => home.call(script, args).await.map(returned),
        }
    }

    /// Runs it on a map, while the config is read; it returns a map.
    ///
    /// # Errors
    /// When it comes to no result, or to one that is no map.
    pub fn map(&self, vars: &Map<String, Value>) -> Result<Map<String, Value>, ScriptError> {
        let vars = serde_json::to_string(vars).unwrap_or_default();
        let context = format!("{{\"vars\":{vars}}}");
        let args = [Arg::Json(&vars), Arg::Json(&context)];
        let returned = match self {
            Self::Inline(code) => code.run(&args, Pace::Patient)?,
            Self::Foreign(script, home) => returned(home.call_early(script, &args)?),
        };
        match returned.into_value() {
            Some(Value::Object(map)) => Ok(map),
            _ => Err(ScriptError::new(Trouble::NoResult, "it must return a map of variables")),
        }
    }

    /// Digest of what it says, a file's text included (not what the file imports).
    pub fn digest(&self) -> Digest {
        match self {
            Self::Inline(code) => code.id(),
            Self::Foreign(script, _) => script.digest(),
        }
    }

    /// Its language, where that is not embedded.
    pub fn language(&self) -> Option<&'static Language> {
        match self {
            Self::Inline(_) => None,
            Self::Foreign(script, _) => Some(script.language()),
        }
    }

    /// Whether it may read the parameter of this name.
    pub fn may_read(&self, name: &str) -> bool {
        match self {
            Self::Inline(code) => code.may_read(name),
            Self::Foreign(..) => true,
        }
    }
}

/// Other languages have one word for nothing and for null.
fn returned(value: Value) -> Returned {
    if value.is_null() { Returned::Nothing } else { Returned::Value(value) }
}

/// Most scripts are done before anybody could wait for them. Those that may take longer must not hold up
/// the answers that arrive meanwhile: they run aside. A script has no effects, so that one which needed
/// longer than it seemed is simply run again there.
async fn run_code(code: &Code, args: &[Arg<'_>]) -> Result<Returned, ScriptError> {
    if code.is_light() && args.iter().all(Arg::is_small) {
        match code.run(args, Pace::Brief) {
            Err(error) if error.trouble == Trouble::TimedOut => {}
            result => return result,
        }
    }
    if tokio::runtime::Handle::try_current().is_err() {
        return code.run(args, Pace::Patient);
    }
    let _place = PATIENT.acquire().await;
    aside::run(code, args).await
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMETERS: &[&str] = &["output", "context"];

    #[tokio::test(start_paused = true)]
    async fn a_step_that_never_ends_is_left_behind() {
        // The engine does not look at the clock while it copies a list of billions.
        let script = Script::read("[1, 2, 3].concat(new Array(4e9)).length", PARAMETERS).unwrap();
        let args = [Arg::Text("abc"), Arg::Nothing];
        let error = script.run(&args).await.unwrap_err();
        assert_eq!((error.trouble, error.message.contains("cannot be stopped")), (Trouble::TimedOut, true));
        let error = script.run(&args).await.unwrap_err();
        assert!(error.message.contains("is not run again"), "{error}");
    }

    #[tokio::test]
    async fn loops_run_aside_and_come_back() {
        let text = "for (const c of output) if (c === 'b') return true;\nreturn false";
        let script = Script::read(text, PARAMETERS).unwrap();
        for (output, expected) in [("abc", true), ("xyz", false)] {
            let found = script.run(&[Arg::Text(output), Arg::Nothing]).await;
            assert_eq!(found, Ok(Returned::Value(expected.into())));
        }
    }
}
