//! Our words as SQL's, and back.

use serde::Serialize;
use serde_json::Value;

use crate::env::{Redactor, Whose};
use crate::record::{Outcome, Output, Response};

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

/// What SQL has with a sign.
pub(super) fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
