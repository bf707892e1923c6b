//! Our words as SQL's, and back.

use rusqlite::Row;
use rusqlite::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::env::{Redactor, Whose};
use crate::record::{Named, Outcome, Output, Response};

/// The verdicts of a cell as they are kept.
pub(super) fn verdicts(outcome: &Outcome, redactor: &Redactor) -> String {
    json(&outcome.verdicts, redactor).0
}

/// JSON without secrets, and whether there was one.
pub(super) fn json<T: Serialize>(value: &T, redactor: &Redactor) -> (String, bool) {
    let text = serde_json::to_string(value).unwrap_or_default();
    if redactor.is_clean(text.as_bytes()) {
        return (text, false);
    }
    let value = serde_json::from_str(&text).unwrap_or(Value::Null);
    let cleaned = redactor.clean_json(value, Whose::Ours).to_string();
    let redacted = cleaned != text;
    (cleaned, redacted)
}

/// The word that serde has for a plain variant.
pub(super) fn word<T: Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// SQL's integers have a sign.
pub(super) fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A response out of its row.
pub(super) fn response(body: &str, structured: bool) -> Option<Response> {
    let mut response: Response = serde_json::from_str(body).ok()?;
    if let (true, Output::Text(text)) = (structured, &mut response.output) {
        response.output = Output::Json(std::mem::take(text).into());
    }
    Some(response)
}

/// A response as it came, out of its row: what a transform made of it is made anew.
pub(super) fn original(body: &str, structured: bool) -> Option<Response> {
    let mut response = response(body, structured)?;
    if let Some(raw) = response.raw.take() {
        response.output = raw;
    }
    Some(response)
}

/// What SQL has with a sign.
pub(super) fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// JSON out of its column, which may be empty.
pub(super) fn parsed<T: DeserializeOwned>(row: &Row<'_>, name: &str) -> rusqlite::Result<Option<T>> {
    let Some(text) = row.get_ref(name)?.as_str_or_null()? else { return Ok(None) };
    serde_json::from_str(text).map(Some).map_err(|e| unreadable(row, name, e))
}

/// A plain variant out of its column, which may be empty.
pub(super) fn unword<T: DeserializeOwned>(row: &Row<'_>, name: &str) -> rusqlite::Result<Option<T>> {
    let Some(word) = row.get::<_, Option<String>>(name)? else { return Ok(None) };
    serde_json::from_value(Value::from(word)).map(Some).map_err(|e| unreadable(row, name, e))
}

/// Scores by name. JSON has no word for one that is no number.
pub(super) fn named(row: &Row<'_>, name: &str) -> rusqlite::Result<Named> {
    let scores: Vec<(String, Option<f64>)> = parsed(row, name)?.unwrap_or_default();
    Ok(scores.into_iter().map(|(name, score)| (name, score.unwrap_or(f64::NAN))).collect())
}

/// A column that holds something else than it should.
pub(super) fn unreadable(
    row: &Row<'_>,
    name: &str,
    why: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> rusqlite::Error {
    let at = row.as_ref().column_index(name).unwrap_or_default();
    rusqlite::Error::FromSqlConversionFailure(at, Type::Text, format!("`{name}`: {}", why.into()).into())
}
