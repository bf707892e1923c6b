//! JSON of other tools, read with patience: what is missing or of another kind is just not there.

use serde_json::{Map, Value};

/// An object that is taken apart.
#[derive(Debug, Default)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn of(value: Value) -> Self {
        match value {
            Value::Object(map) => Self(map),
            _ => Self::default(),
        }
    }

    /// What stands under a key, unless it is `null`.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.0.get_mut(key).map(Value::take).filter(|value| !value.is_null())
    }

    /// Whether the key is there, `null` or not.
    pub(super) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Whether a list stands there that is not empty.
    pub(super) fn has_items(&self, key: &str) -> bool {
        self.0.get(key).and_then(Value::as_array).is_some_and(|list| !list.is_empty())
    }

    pub(super) fn fields(&mut self, key: &str) -> Self {
        self.take(key).map(Self::of).unwrap_or_default()
    }

    pub(super) fn map(&mut self, key: &str) -> Option<Map<String, Value>> {
        match self.take(key)? {
            Value::Object(map) => Some(map),
            _ => None,
        }
    }

    pub(super) fn list(&mut self, key: &str) -> Vec<Value> {
        match self.take(key) {
            Some(Value::Array(list)) => list,
            _ => Vec::new(),
        }
    }

    /// A text that is not empty.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// A text, or any other value as JSON.
    pub(super) fn shown(&mut self, key: &str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        }
    }

    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        self.take(key)?.as_bool()
    }

    pub(super) fn count(&mut self, key: &str) -> Option<u64> {
        let value = self.take(key)?;
        value.as_u64().or_else(|| value.as_f64().filter(|n| *n >= 0.0).map(whole))
    }

    pub(super) fn small(&mut self, key: &str) -> Option<u32> {
        self.count(key).and_then(|n| u32::try_from(n).ok())
    }

    pub(super) fn number(&mut self, key: &str) -> Option<f64> {
        self.take(key)?.as_f64()
    }

    /// A score: 0 where there is none, and no number where it is `null`, as JSON writes such.
    pub(super) fn score(&mut self, key: &str) -> f64 {
        self.0.get(key).map_or(0.0, score)
    }
}

/// A score as a number.
pub(super) fn score(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds and counts")]
fn whole(number: f64) -> u64 {
    number.round() as u64
}
