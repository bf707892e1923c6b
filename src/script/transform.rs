//! Scripts that make another output of an answer.

use serde_json::Value;

use super::engine::{Arg, Returned};
use super::runner::Script;
use super::trouble::{ScriptError, Trouble};
use crate::content::Digest;
use crate::record::Output;

/// A transform: sees `output` and `context`, and returns what is judged instead.
#[derive(Debug, Clone)]
pub struct Transform {
    script: Script,
    /// What the config calls it.
    name: &'static str,
}

impl Transform {
    /// A script under the config's key `name`.
    pub fn new(script: Script, name: &'static str) -> Self {
        Self { script, name }
    }

    /// Digest of what it says, a file's text included.
    pub fn digest(&self) -> Digest {
        self.script.digest()
    }

    /// Makes the other output.
    ///
    /// # Errors
    /// When the script comes to no result, or to `null` or nothing: what is to be judged is not there.
    pub async fn apply(&self, output: &Output, context: &str) -> Result<Output, String> {
        let failed = |error: &ScriptError| format!("the `{}` failed: {error}", self.name);
        let returned = self.run(output, context).await.map_err(|error| failed(&error))?;
        let what = match returned {
            Returned::Number(number) if !number.is_finite() => number.to_string(),
            _ => "nothing".to_owned(),
        };
        match returned.into_value() {
            Some(Value::String(text)) => Ok(Output::Text(text)),
            Some(value) => Ok(Output::Json(value)),
            None => {
                let message = format!("it returned {what}, so that nothing can be judged");
                Err(failed(&ScriptError::new(Trouble::NoResult, message)))
            }
        }
    }

    async fn run(&self, output: &Output, context: &str) -> Result<Returned, ScriptError> {
        let text = output.text();
        let output = match output {
            Output::Text(text) => Arg::Text(text),
            Output::Json(_) => Arg::Json(&text),
        };
        self.script.run(&[output, Arg::Json(context)]).await
    }
}

impl Returned {
    /// The result as JSON; `None` for `undefined`, `null` and what is no number.
    pub fn into_value(self) -> Option<Value> {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        match self {
            Self::Nothing | Self::Value(Value::Null) => None,
            #[expect(clippy::cast_possible_truncation, reason = "whole and within what both hold exactly")]
            Self::Number(n) if n.fract() == 0.0 && n.abs() < EXACT => Some((n as i64).into()),
            Self::Number(n) => serde_json::Number::from_f64(n).map(Value::Number),
            Self::Value(value) => Some(value),
        }
    }
}
