//! Reading what a service sent, and saying what is wrong with it.

use serde_json::Value;

use super::super::http;
use crate::env::Redactor;
use crate::record::{CallFailure, Reason, Response};

/// Who sent an answer.
#[derive(Clone, Copy)]
pub(in crate::provider) struct Sender<'a> {
    /// The address for people.
    pub shown: &'a str,
    /// What may be wrong where an answer is not what was asked for.
    pub hint: &'a str,
    /// For what is quoted of a body.
    pub redactor: &'a Redactor,
}

impl Sender<'_> {
    /// What `find` finds in a body of JSON.
    ///
    /// # Errors
    /// The body is none, is an error, or lacks what is looked for; `find` says so in words that go on
    /// from "the answer of …".
    pub(in crate::provider) fn read(
        self,
        body: &[u8],
        find: impl FnOnce(&Value) -> Result<Response, String>,
    ) -> Result<Response, CallFailure> {
        let text = String::from_utf8_lossy(body);
        let json = self.tree(&text)?;
        find(&json).map_err(|what| self.lacking(&json, &text, &what).hint(self.hint))
    }

    /// A body of JSON as a tree.
    pub(in crate::provider) fn tree(self, text: &str) -> Result<Value, CallFailure> {
        serde_json::from_str(plain(text)).map_err(|_| self.bad(text, "is no JSON").hint(self.hint))
    }

    /// A body that lacks something; perhaps since it tells of an error.
    pub(in crate::provider) fn lacking(self, json: &Value, text: &str, what: &str) -> CallFailure {
        let is_error = json.get("error").is_some_and(|e| !e.is_null());
        self.bad(text, if is_error { "is an error with status 200" } else { what })
    }

    /// An answer that cannot be used, with its beginning.
    pub(in crate::provider) fn bad(self, body: &str, what: &str) -> CallFailure {
        let quoted = http::excerpt(&self.redactor.clean(body));
        CallFailure::new(Reason::BadAnswer, format!("the answer of {} {what}: {quoted}", self.shown))
    }
}

/// A text without the mark of its byte order.
pub(in crate::provider) fn plain(text: &str) -> &str {
    text.trim_start_matches('\u{feff}')
}
