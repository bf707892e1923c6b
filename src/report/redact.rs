//! The one place of this room where secrets are taken out.
//!
//! It works on the values, before anything is escaped, shortened or made a name of: a secret that
//! was cut in two or had its dots replaced would no longer be recognised. And it leaves the shape of
//! our own JSON alone: a secret that happens to read `success` must not rename a key.

use std::borrow::Cow;

use serde_json::Value;

use crate::env::Redactor;

/// Whose words a piece of JSON holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// Our keys and numbers; only strings can hold a secret.
    Ours,
    /// Our numbers under the user's keys.
    Names,
    /// All of it the user's or the model's: keys and numbers too.
    Theirs,
}

/// A JSON tree without secrets.
pub(super) fn json(redactor: &Redactor, value: Value, whose: Whose) -> Value {
    match value {
        Value::String(text) => redactor.clean(&text).into(),
        Value::Array(list) => list.into_iter().map(|v| json(redactor, v, whose)).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| entry(redactor, key, value, whose)).collect(),
        Value::Number(number) if whose == Whose::Theirs => {
            let text = number.to_string();
            if redactor.clean(&text) == text { Value::Number(number) } else { redactor.clean(&text).into() }
        }
        other => other,
    }
}

fn entry(redactor: &Redactor, key: String, value: Value, whose: Whose) -> (String, Value) {
    let inner = if whose == Whose::Ours { below(&key) } else { whose };
    let key = if whose == Whose::Ours { key } else { redactor.clean(&key).into_owned() };
    (key, json(redactor, value, inner))
}

/// Whose words stand below a key of ours.
fn below(key: &str) -> Whose {
    match key {
        "vars" | "metadata" | "output" => Whose::Theirs,
        "namedScores" | "namedScoresCount" | "namedScoreWeights" => Whose::Names,
        _ => Whose::Ours,
    }
}

/// Texts for people, without secrets and in a shape that fits.
#[derive(Debug, Clone)]
pub(super) struct Words {
    redactor: Redactor,
}

impl Words {
    /// Words without what this redactor knows.
    pub(super) fn new(redactor: Redactor) -> Self {
        Self { redactor }
    }

    /// A text on one line of at most `most` characters.
    pub(super) fn line<'a>(&self, text: &'a str, most: usize) -> Cow<'a, str> {
        let clean = self.redactor.clean(text);
        // As most texts are: no more bytes than characters are allowed, and nothing to trim.
        if clean.len() <= most && !clean.contains(['\n', '\r']) && clean.trim().len() == clean.len() {
            return clean;
        }
        let parts = clean.split(['\n', '\r']).map(str::trim).filter(|part| !part.is_empty());
        let line = parts.collect::<Vec<_>>().join(" ");
        Cow::Owned(match line.char_indices().nth(most) {
            None => line,
            Some(_) => line.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        })
    }

    /// A text of at most `most` bytes, and a word about what is missing.
    pub(super) fn block<'a>(&self, text: &'a str, most: usize) -> Cow<'a, str> {
        match self.redactor.clean(text) {
            Cow::Borrowed(text) => cut(text, most),
            Cow::Owned(text) => Cow::Owned(cut(&text, most).into_owned()),
        }
    }
}

/// The first `most` bytes, whole characters only, and a word about the rest.
pub(super) fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let end = (0..=most).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    Cow::Owned(format!("{}…[truncated {} bytes]", &text[..end], text.len() - end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json as tree;

    fn knows(secret: &str) -> Redactor {
        let redactor = Redactor::default();
        redactor.learn(secret);
        redactor
    }

    #[test]
    fn our_own_shape_survives_any_secret() {
        let item = tree!({"success": true, "latencyMs": 1_234_567, "error": "success"});
        let clean = json(&knows("success"), item.clone(), Whose::Ours);
        assert_eq!(clean, tree!({"success": true, "latencyMs": 1_234_567, "error": "[redacted]"}));
        assert_eq!(json(&knows("123456"), item.clone(), Whose::Ours), item);
    }

    #[test]
    fn keys_and_numbers_of_others_are_cleaned_too() {
        let item = tree!({"vars": {"pin": 123_456, "123456": 1}, "namedScores": {"m123456": 1_234_567}});
        let clean = json(&knows("123456"), item, Whose::Ours);
        assert_eq!(clean["vars"], tree!({"pin": "[redacted]", "[redacted]": 1}));
        assert_eq!(clean["namedScores"], tree!({"m[redacted]": 1_234_567}));
    }

    #[test]
    fn cutting_comes_after_cleaning() {
        let words = Words::new(knows("secret-word"));
        assert_eq!(words.block("a secret-word", 8), "a [redac…[truncated 4 bytes]");
        assert_eq!(words.line("a\r\n  secret-word\tb", 99), "a [redacted]\tb");
        assert_eq!(words.line("éééé", 3), "éé…");
        assert_eq!(cut("ééé", 3), "é…[truncated 4 bytes]");
    }
}
