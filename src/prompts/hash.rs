//! Content hashes: SHA-256 over canonical JSON (keys sorted, numbers as JavaScript prints them, as
//! RFC 8785 asks).

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::template::js_number;

/// The canonical text of a value.
fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

/// The hash of a value's canonical text, in hexadecimal.
pub fn content_hash(value: &Value) -> String {
    hex(&Sha256::digest(canonical(value).as_bytes()))
}

/// A content id in the making: a hash over parts, each with its length before it, so that no two lists
/// of parts can run together into the same bytes.
#[derive(Debug, Clone)]
pub struct ContentId(Sha256);

impl ContentId {
    /// The id of something that begins with this part.
    pub fn of(first: &str) -> Self {
        Self(Sha256::new()).with(first)
    }

    /// Adds a text.
    #[must_use]
    pub fn with(mut self, part: &str) -> Self {
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part.as_bytes());
        self
    }

    /// Adds JSON as it is written: for lists whose order and keys come from one place.
    #[must_use]
    pub fn with_json(self, parts: &[Value]) -> Self {
        self.with(&Value::from(parts).to_string())
    }

    /// Adds a number.
    #[must_use]
    pub fn with_number(mut self, number: u64) -> Self {
        self.0.update(number.to_le_bytes());
        self
    }

    /// The first `N` bytes in hexadecimal.
    pub fn hex<const N: usize>(self) -> Arc<str> {
        hex(&self.0.finalize()[..N]).into()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Number(n) => out.push_str(&js_number(n)),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (i, key) in keys.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write(&map[key], out);
            }
            out.push('}');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn order_of_keys_and_form_of_numbers_do_not_matter() {
        assert_eq!(canonical(&json!({"b": 1.0, "a": [true, null, "x\n"]})), r#"{"a":[true,null,"x\n"],"b":1}"#);
        assert_eq!(content_hash(&json!({"a": 1, "b": 2})), content_hash(&json!({"b": 2, "a": 1})));
    }
}
