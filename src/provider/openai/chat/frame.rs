//! The body around the messages, written once.

use serde_json::{Map, Value, json};

use super::body::Recipe;
use crate::record::{Messages, Request};

/// All of a body but its messages, for requests that set no parameters of their own.
pub(super) struct Frame {
    before: String,
    after: String,
    structured: bool,
}

/// A body as text, and whether it asks for an answer by JSON Schema.
pub(super) struct Body {
    pub(super) text: String,
    pub(super) structured: bool,
}

impl Body {
    pub(super) fn of(recipe: &Recipe, frame: Option<&Frame>, request: &Request) -> Self {
        match frame {
            Some(frame) if request.parameters.is_empty() => {
                Self { text: frame.around(request), structured: frame.structured }
            }
            _ => {
                let body = recipe.body(request.chat(), &request.parameters);
                Self { text: body.to_string(), structured: is_structured(&body) }
            }
        }
    }
}

impl Frame {
    /// Nothing where the messages are not what stands between (`passthrough` may replace them).
    pub(super) fn of(recipe: &Recipe) -> Option<Self> {
        const HERE: &str = "\u{1}messages\u{1}";
        let body = recipe.body(vec![HERE.into()], &Map::new());
        let (text, mark) = (body.to_string(), json!([HERE]).to_string());
        let (before, after) = text.split_once(&mark).filter(|(_, after)| !after.contains(&mark))?;
        Some(Self { before: before.to_owned(), after: after.to_owned(), structured: is_structured(&body) })
    }

    fn around(&self, request: &Request) -> String {
        let mut text = Vec::with_capacity(self.before.len() + self.after.len() + request.text.len() + 64);
        text.extend_from_slice(self.before.as_bytes());
        // Writing into memory cannot fail.
        let _ = match &request.messages {
            Messages::User => {
                text.extend_from_slice(br#"[{"role":"user","content":"#);
                let written = serde_json::to_writer(&mut text, &*request.text);
                text.extend_from_slice(b"}]");
                written
            }
            Messages::Chat(messages) => serde_json::to_writer(&mut text, messages),
        };
        text.extend_from_slice(self.after.as_bytes());
        String::from_utf8(text).unwrap_or_default()
    }
}

fn is_structured(body: &Value) -> bool {
    body.pointer("/response_format/type").is_some_and(|t| t == "json_schema")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::super::super::{Timeouts, bench};
    use super::*;
    use crate::diag::{Problems, Source};
    use crate::provider::Setup;

    fn recipe(config: &str) -> Recipe {
        let source = Source::new("c.yaml", config);
        let config = crate::yaml::parse(&source).unwrap();
        let setup = Setup {
            id: "gpt-4o",
            rest: "gpt-4o",
            at: &source.span(),
            config: &config,
            price: None,
            timeouts: Timeouts::default(),
            env: &bench::env(&[]),
            base: std::path::Path::new("."),
            offline: false,
        };
        Recipe::new(&setup, "gpt-4o", &mut Problems::new())
    }

    #[test]
    fn frames_and_recipes_write_the_same() {
        let chat = Messages::Chat(vec![json!({"role": "system", "content": "be \"kind\""}), json!({"role": "user"})]);
        for config in ["", "{tools: [{a: 1}], response_format: {type: json_schema}}", "{passthrough: {k: [\"M\"]}}"] {
            let recipe = recipe(config);
            let frame = Frame::of(&recipe);
            assert!(frame.is_some());
            for messages in [Messages::User, chat.clone()] {
                let text = "line \"one\"\n\u{1}messages\u{1} é".into();
                let request = Request { text, messages, vars: Arc::default(), parameters: Arc::default() };
                let (fast, slow) = (Body::of(&recipe, frame.as_ref(), &request), Body::of(&recipe, None, &request));
                assert_eq!((fast.text, fast.structured), (slow.text, slow.structured));
            }
        }
        assert!(Frame::of(&recipe("{passthrough: {messages: []}}")).is_none());
    }
}
