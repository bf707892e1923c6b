//! What a script's result says of an answer.

use serde_json::{Map, Value};

use super::kind::{Finding, Part, Turned};
use super::show;
use crate::record::Named;
use crate::script::Returned;

/// Parts of parts are followed so far.
const DEEPEST: u8 = 8;

/// In which kind of language a script is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tongue {
    /// JavaScript: a text is no verdict.
    JavaScript,
    /// Others: texts count as what they say.
    Other,
}

/// A verdict from `true`, a number, or a map with `pass`, `score` and `reason`.
///
/// # Errors
/// When the result is none of these: a script that was meant to say something else must not pass.
pub fn finding(returned: Returned, threshold: Option<f64>, tongue: Tongue) -> Result<Finding, String> {
    match returned {
        Returned::Value(Value::String(text)) if tongue == Tongue::Other => {
            let value = serde_json::from_str(text.trim()).unwrap_or_else(|_| said(&text));
            match value {
                Value::String(_) => Err(no_verdict(&value)),
                value => finding(Returned::Value(value), threshold, tongue),
            }
        }
        Returned::Value(Value::Null) if tongue == Tongue::Other => finding(Returned::Nothing, threshold, tongue),
        Returned::Nothing => {
            let reason = "the script returned nothing; several lines need a `return`";
            Ok(Finding { turned: Turned::Void, ..Finding::new(false, reason.into()) })
        }
        Returned::Number(number) => of_number(number, threshold),
        Returned::Value(Value::Bool(pass)) => Ok(Finding::new(pass, format!("the script returned {pass}"))),
        Returned::Value(Value::Number(number)) => of_number(number.as_f64().unwrap_or(f64::NAN), threshold),
        Returned::Value(Value::Object(map)) => of_map(map, threshold),
        Returned::Value(other) => Err(no_verdict(&other)),
    }
}

/// Python's and Ruby's scripts may print or return words.
fn said(text: &str) -> Value {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => Value::String(text.to_owned()),
    }
}

fn no_verdict(value: &Value) -> String {
    format!(
        "the script must return true or false, a number, or a map with `pass` and `score`, and it returned {}",
        show::expected(&value.to_string())
    )
}

fn of_number(number: f64, threshold: Option<f64>) -> Result<Finding, String> {
    if !number.is_finite() {
        return Err(format!("the script returned {number}, which is no score"));
    }
    let (pass, wish) = match threshold {
        Some(least) => (number >= least, format!("at least {least}")),
        None => (number > 0.0, "more than 0".to_owned()),
    };
    let reason = format!("expected the script to return {wish}, and it returned {number}");
    Ok(Finding { turned: Turned::Kept, ..Finding::scored(pass, number, reason) })
}

/// As promptfoo's grading result; `pass_` is how Python writes it.
fn of_map(mut map: Map<String, Value>, threshold: Option<f64>) -> Result<Finding, String> {
    let pass = ["pass", "pass_"].iter().find_map(|key| map.get(*key)?.as_bool());
    let score = map.get("score").and_then(Value::as_f64);
    let (pass, score) = match (pass, score) {
        (Some(pass), Some(score)) => (pass, score),
        // NaN becomes null on its way here.
        (Some(pass), None) if !map.contains_key("score") => (pass, f64::from(u8::from(pass))),
        _ => return Err("the script's map needs `pass` (true or false) and `score` (a number)".into()),
    };
    let said = map.get("reason").and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let short = threshold.filter(|least| score < *least);
    let mut reason = said.map_or_else(|| format!("the script says pass: {pass}, score: {score}"), show::reason);
    if let (Some(least), true) = (short, pass) {
        reason = format!("{reason} (its score {score} is below the threshold {least})");
    }
    let named = ["namedScores", "named_scores"].iter().find_map(|key| map.remove(*key));
    let parts = ["componentResults", "component_results"].iter().find_map(|key| map.remove(*key));
    let mut flat = Vec::new();
    flatten(parts.as_ref(), 0, &mut flat)?;
    Ok(Finding {
        turned: Turned::Kept,
        named: named.map(scores).transpose()?.unwrap_or_default(),
        parts: flat,
        ..Finding::scored(pass && short.is_none(), score, reason)
    })
}

fn scores(named: Value) -> Result<Named, String> {
    let Value::Object(map) = named else { return Err("the script's `namedScores` is no map".into()) };
    let score = |(name, score): (String, Value)| match score.as_f64() {
        Some(score) => Ok((name, score)),
        None => Err(format!("the script's named score `{name}` is no number")),
    };
    map.into_iter().map(score).collect()
}

/// Parts in the order in which they stand, each before its own.
fn flatten(list: Option<&Value>, depth: u8, into: &mut Vec<Part>) -> Result<(), String> {
    for value in list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default() {
        into.push(part(value, depth)?);
        let own = ["componentResults", "component_results"].iter().find_map(|key| value.get(*key));
        // Deeper ones are nobody's by hand.
        if depth < DEEPEST {
            flatten(own, depth + 1, into)?;
        }
    }
    Ok(())
}

fn part(value: &Value, depth: u8) -> Result<Part, String> {
    let pass = value.get("pass").or_else(|| value.get("pass_")).and_then(Value::as_bool);
    let pass = pass.ok_or("each of the script's `componentResults` needs `pass`")?;
    let score = value.get("score").and_then(Value::as_f64).unwrap_or(f64::from(u8::from(pass)));
    let reason = value.get("reason").and_then(Value::as_str).map(show::reason).unwrap_or_default();
    Ok(Part { pass, score, reason, depth })
}
