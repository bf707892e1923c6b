//! Formulas over metrics, in the common part of mathjs and JavaScript.

use std::collections::BTreeMap;

use super::code::Code;
use super::engine::{Arg, Pace, Returned};
use super::trouble::{ScriptError, Trouble};

/// A formula such as `2 * precision * recall / (precision + recall)`. Powers are written `^`; functions are
/// those of JavaScript's `Math`.
#[derive(Debug, Clone)]
pub struct Formula {
    code: Code,
}

impl Formula {
    /// Reads a formula.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn new(text: &str) -> Result<Self, ScriptError> {
        let text = text.trim();
        if text.is_empty() || text.contains([';', '{', '}', '\n', '`']) {
            return Err(ScriptError::new(Trouble::Syntax, "it must be one expression"));
        }
        let body = format!("with (Math) {{ with (metrics) {{\nreturn ({});\n}} }}", text.replace('^', "**"));
        Ok(Self { code: Code::new(&body, &["metrics"]).map_err(on_one_line)? })
    }

    /// Its value, given the metrics by name.
    ///
    /// # Errors
    /// When it names an unknown metric, or does not come to a number.
    pub fn value(&self, metrics: &BTreeMap<String, f64>) -> Result<f64, ScriptError> {
        let metrics = serde_json::to_string(metrics).unwrap_or_default();
        match self.code.run(&[Arg::Json(&metrics)], Pace::Patient).map_err(on_one_line)? {
            Returned::Number(number) if number.is_finite() => Ok(number),
            Returned::Number(number) => Err(ScriptError::new(Trouble::NoResult, format!("it comes to {number}"))),
            _ => Err(ScriptError::new(Trouble::NoResult, "it does not come to a number")),
        }
    }
}

/// What is put around a formula has lines that the formula has not.
fn on_one_line(error: ScriptError) -> ScriptError {
    ScriptError { line: None, ..error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_reckoned() {
        let metrics =
            BTreeMap::from([("precision".to_owned(), 0.5), ("recall".to_owned(), 1.0), ("n".to_owned(), 3.0)]);
        let value = |text: &str| Formula::new(text).and_then(|formula| formula.value(&metrics));
        assert_eq!(value("2 * precision * recall / (precision + recall)"), Ok(2.0 / 3.0));
        assert_eq!(value("sqrt(n ^ 2) + max(1, recall) - abs(-PI) + PI"), Ok(4.0));
        assert_eq!(value("n > 2 ? 1 : 0"), Ok(1.0));
        assert!(value("unknown + 1").unwrap_err().message.contains("unknown is not defined"));
        assert!(value("n / 0").unwrap_err().message.contains("inf"));
        for text in ["", "n +", "n; while (1) {}", "'text'", "-n ^ 2"] {
            assert!(value(text).is_err(), "{text}");
        }
    }
}
