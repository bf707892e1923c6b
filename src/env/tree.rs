//! Secrets in JSON trees.

use serde_json::{Map, Value};

use super::{Redactor, sounds_secret};

impl Redactor {
    /// A tree of ours without secrets. Keys stay as they are except below those that hold the user's or
    /// the model's own words: a secret that happens to read `status` must not break what reads it back.
    pub fn clean_json(&self, value: Value) -> Value {
        self.clean_tree(value, false)
    }

    /// A config without secrets: neither those that were loaded, nor those written into it in plain
    /// under a key that says so.
    pub fn clean_config(&self, config: &Value) -> Value {
        self.clean_tree(without_plain_secrets(config), true)
    }

    fn clean_tree(&self, value: Value, theirs: bool) -> Value {
        match value {
            Value::String(text) => self.clean(&text).into(),
            Value::Array(list) => list.into_iter().map(|v| self.clean_tree(v, theirs)).collect(),
            Value::Object(map) => {
                let entry = |(key, value): (String, Value)| {
                    let below = theirs || matches!(key.as_str(), "vars" | "metadata" | "output");
                    let key = if theirs { self.clean(&key).into_owned() } else { key };
                    (key, self.clean_tree(value, below))
                };
                map.into_iter().map(entry).collect()
            }
            Value::Number(number) if theirs && self.clean(&number.to_string()) != number.to_string() => {
                self.clean(&number.to_string()).into()
            }
            other => other,
        }
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

    #[test]
    fn keys_of_ours_stay_and_theirs_do_not() {
        let redactor = Redactor::default();
        redactor.learn("secret");
        redactor.learn("12345678");
        let tree = json!({"secret": "my secret", "n": 12_345_678, "vars": {"secret": [12_345_678, 1]}});
        assert_eq!(
            redactor.clean_json(tree),
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
}
