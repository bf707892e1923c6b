//! Secrets in JSON trees.

use serde_json::Value;

use super::Redactor;

impl Redactor {
    /// A tree of ours without secrets. Keys stay as they are except below those that hold the user's or
    /// the model's own words: a secret that happens to read `status` must not break what reads it back.
    pub fn clean_json(&self, value: Value) -> Value {
        self.clean_tree(value, false)
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
}
