//! Content hashes: SHA-256 over canonical JSON (keys sorted, numbers as JavaScript prints them, as
//! RFC 8785 asks).

use std::sync::Arc;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{Digest, js_number};

/// The hash of a value's canonical text, in hexadecimal.
pub fn content_hash(value: &Value) -> String {
    sha256(&canonical(value))
}

/// A value's canonical text (RFC 8785): no blanks, keys sorted by their UTF-16 code units.
pub fn canonical(value: &Value) -> Vec<u8> {
    let mut text = Vec::new();
    write(value, &mut text);
    text
}

/// The SHA-256 of bytes, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The same, cut to a digest.
pub fn digest_of(value: &Value) -> Digest {
    first_half(&Sha256::digest(canonical(value)))
}

fn first_half(hash: &[u8]) -> Digest {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Digest::new(bytes)
}

/// The hash of what tells a case from others: the list of its description and its inputs.
pub fn case_hash(description: Option<&str>, vars: &Map<String, Value>) -> String {
    let mut text = vec![b'['];
    match description {
        Some(words) => write_text(words, &mut text),
        None => text.extend_from_slice(b"null"),
    }
    text.push(b',');
    write_map(vars, &mut text);
    text.push(b']');
    hex(&Sha256::digest(text))
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

    /// Adds a digest.
    #[must_use]
    pub fn with_digest(mut self, digest: Digest) -> Self {
        self.0.update(digest.bytes());
        self
    }

    /// The first half.
    pub fn digest(self) -> Digest {
        first_half(&self.0.finalize())
    }

    /// The first `N` bytes in hexadecimal.
    pub fn hex<const N: usize>(self) -> Arc<str> {
        hex(&self.0.finalize()[..N]).into()
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let pairs = bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    pairs.map(char::from).collect()
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Number(n) => out.extend_from_slice(js_number(n).as_bytes()),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => write_list(items, out),
        Value::Object(map) => write_map(map, out),
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(word) => out.extend_from_slice(if *word { b"true" } else { b"false" }),
    }
}

fn write_list(items: &[Value], out: &mut Vec<u8>) {
    out.push(b'[');
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

fn write_map(map: &Map<String, Value>, out: &mut Vec<u8>) {
    let mut entries: Vec<(&String, &Value)> = map.iter().collect();
    entries.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    out.push(b'{');
    for (i, (key, value)) in entries.into_iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write_text(key, out);
        out.push(b':');
        write(value, out);
    }
    out.push(b'}');
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    // Writing a text into memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn order_of_keys_and_form_of_numbers_do_not_matter() {
        let mut text = Vec::new();
        write(&json!({"b": 1.0, "a": [true, null, "x\n"]}), &mut text);
        assert_eq!(String::from_utf8(text).unwrap(), r#"{"a":[true,null,"x\n"],"b":1}"#);
        let vars = json!({"b": 1.0, "a": "x"});
        let map = vars.as_object().unwrap();
        assert_eq!(case_hash(Some("d"), map), content_hash(&json!(["d", vars])));
        assert_eq!(case_hash(None, map), content_hash(&json!([null, vars])));
        assert_eq!(content_hash(&json!({"a": 1, "b": 2})), content_hash(&json!({"b": 2, "a": 1})));
    }
}
