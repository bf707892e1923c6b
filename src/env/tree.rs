//! Secrets in JSON trees.

use serde_json::{Map, Value};

use super::{Redactor, sounds_secret};

/// Whose words a piece of JSON holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Our keys and numbers; only strings can hold a secret.
    Ours,
    /// Our numbers under the user's keys.
    Names,
    /// All of it the user's or the model's: keys and numbers too.
    Theirs,
}

impl Redactor {
    /// A tree without secrets. Keys of ours stay as they are: a secret that happens to read `status` must
    /// not break what reads it back.
    pub fn clean_json(&self, value: Value, whose: Whose) -> Value {
        match value {
            Value::String(text) => self.clean(&text).into(),
            Value::Array(list) => list.into_iter().map(|v| self.clean_json(v, whose)).collect(),
            Value::Object(map) => map.into_iter().map(|(key, value)| self.clean_entry(key, value, whose)).collect(),
            Value::Number(number) if whose == Whose::Theirs => {
                let text = number.to_string();
                if self.clean(&text) == text { Value::Number(number) } else { self.clean(&text).into() }
            }
            other => other,
        }
    }

    /// A config without secrets: neither those that were loaded, nor those written into it in plain
    /// under a key that says so.
    pub fn clean_config(&self, config: &Value) -> Value {
        self.clean_json(without_plain_secrets(config), Whose::Theirs)
    }

    fn clean_entry(&self, key: String, value: Value, whose: Whose) -> (String, Value) {
        let inner = if whose == Whose::Ours { below(&key) } else { whose };
        let key = if whose == Whose::Ours { key } else { self.clean(&key).into_owned() };
        (key, self.clean_json(value, inner))
    }
}

/// Whose words stand below a key of ours.
fn below(key: &str) -> Whose {
    match key {
        "vars" | "metadata" | "output" => Whose::Theirs,
        "namedScores" | "namedScoresCount" | "namedScoreWeights" => Whose::Names,
        _ => Whose::Ours,
    }
}

fn without_plain_secrets(value: &Value) -> Value {
    match value {
        Value::Array(list) => list.iter().map(without_plain_secrets).collect(),
        Value::Object(map) => Value::Object(map.iter().map(hide_by_key).collect::<Map<_, _>>()),
        other => other.clone(),
    }
}

fn hide_by_key((key, value): (&String, &Value)) -> (String, Value) {
    let shown = match value {
        // A template names a secret without holding it, and tells a reader where it comes from.
        Value::String(text) if sounds_secret(key) && !text.contains("{{") => "[redacted]".into(),
        Value::Number(_) if sounds_secret(key) => "[redacted]".into(),
        other => without_plain_secrets(other),
    };
    (key.clone(), shown)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn knows(secret: &str) -> Redactor {
        let redactor = Redactor::default();
        redactor.learn(secret);
        redactor
    }

    #[test]
    fn keys_of_ours_stay_and_theirs_do_not() {
        let redactor = Redactor::default();
        redactor.learn("secret");
        redactor.learn("12345678");
        let tree = json!({"secret": "my secret", "n": 12_345_678, "vars": {"secret": [12_345_678, 1]}});
        assert_eq!(
            redactor.clean_json(tree, Whose::Ours),
            json!({"secret": "my [redacted]", "n": 12_345_678, "vars": {"[redacted]": ["[redacted]", 1]}})
        );
    }

    #[test]
    fn a_config_hides_what_is_written_in_plain() {
        let shown = Redactor::default().clean_config(
            &json!({"providers": [{"apiKey": "sk-1", "max_tokens": 5, "DB_PASS": 12, "headers": {"X-Api-Key": "{{env.KEY}}", "Authorization": "Bearer x"}}]}),
        );
        let provider = &shown["providers"][0];
        assert_eq!((&provider["apiKey"], &provider["max_tokens"]), (&json!("[redacted]"), &json!(5)));
        assert_eq!(provider["DB_PASS"], "[redacted]");
        assert_eq!(provider["headers"], json!({"X-Api-Key": "{{env.KEY}}", "Authorization": "[redacted]"}));
    }

    #[test]
    fn our_own_shape_survives_any_secret() {
        let item = json!({"success": true, "latencyMs": 1_234_567, "error": "success"});
        let clean = knows("success").clean_json(item.clone(), Whose::Ours);
        assert_eq!(clean, json!({"success": true, "latencyMs": 1_234_567, "error": "[redacted]"}));
        assert_eq!(knows("123456").clean_json(item.clone(), Whose::Ours), item);
    }

    #[test]
    fn keys_and_numbers_of_others_are_cleaned_too() {
        let item = json!({"vars": {"pin": 123_456, "123456": 1}, "namedScores": {"m123456": 1_234_567}});
        let clean = knows("123456").clean_json(item, Whose::Ours);
        assert_eq!(clean["vars"], json!({"pin": "[redacted]", "[redacted]": 1}));
        assert_eq!(clean["namedScores"], json!({"m[redacted]": 1_234_567}));
    }
}
