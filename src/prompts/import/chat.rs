//! Texts that are lists of messages, and lists of messages that are values.

use serde_json::Value;

use super::{Message, Role};
use crate::diag::Source;
use crate::yaml;

/// The messages that a text means when it is sent: those of a list, or one.
pub fn of_text(text: &str, role: Role) -> Result<Vec<Message>, String> {
    let one = || Ok(vec![(role.name().to_owned(), text.to_owned())]);
    let start = text.trim_start();
    let first = start.strip_prefix('[').map(str::trim_start).unwrap_or_default();
    let list = if first.starts_with('{') {
        match serde_json::from_str(start) {
            Ok(value) => value,
            // `[{{name}}]` is a text that begins with a variable.
            Err(_) if first.starts_with("{{") || first.starts_with("{%") => return one(),
            Err(e) => return Err(format!("it begins like a JSON list of messages and is none: {e}")),
        }
    } else if start.starts_with("- role:") {
        let source = Source::new("<prompt>", text);
        let node = yaml::parse(&source)
            .map_err(|problem| format!("it begins like a YAML list of messages and is none: {}", problem.message))?;
        node.to_json()
    } else {
        return one();
    };
    match list {
        Value::Array(items) if items.iter().all(|item| item.get("role").is_some()) => of_list(&items),
        _ => one(),
    }
}

/// Role and text of each message.
pub fn of_list(items: &[Value]) -> Result<Vec<Message>, String> {
    items
        .iter()
        .enumerate()
        .map(|(index, item)| message(item).map_err(|e| format!("message {}: {e}", index + 1)))
        .collect()
}

fn message(item: &Value) -> Result<Message, String> {
    let Some(fields) = item.as_object() else { return Err("it is no map with `role` and `content`".into()) };
    let text = |key: &str| fields.get(key).and_then(Value::as_str);
    let Some(role) = text("role").filter(|role| !role.is_empty()) else { return Err("it has no `role`".into()) };
    let Some(content) = text("content") else {
        return Err("its `content` is no text, and a prompt file has only texts".into());
    };
    let kinds = ["message", "chatmessage"];
    let known = |key: &str, value: &Value| match key {
        "role" | "content" => true,
        "type" => value.as_str().is_some_and(|kind| kinds.contains(&kind)),
        _ => value.is_null(),
    };
    match fields.iter().find(|(key, value)| !known(key, value)) {
        Some((key, _)) => Err(format!("a prompt file has no place for its `{key}`")),
        None => Ok((role.to_owned(), content.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match of_text(text, Role::User) {
            Ok(messages) => messages.iter().map(|(role, text)| format!("{role}={text};")).collect(),
            Err(e) => format!("ERR {e}"),
        }
    }

    #[test]
    fn a_text_is_the_messages_that_it_would_be_sent_as() {
        for (text, expected) in [
            ("Hello {{name}}", "user=Hello {{name}};"),
            ("[{{name}}] says", "user=[{{name}}] says;"),
            ("[{% if a %}", "user=[{% if a %};"),
            (r#" [{"role": "system", "content": "a"}, {"role": "user", "content": "{{b}}"}]"#, "system=a;user={{b}};"),
            ("- role: system\n  content: a\n- role: user\n  content: '{{b}}'\n", "system=a;user={{b}};"),
            (r#"[{"a": 1}]"#, r#"user=[{"a": 1}];"#),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
        for (text, expected) in [
            (r#"[{"role": "user", "content": {{x}}}]"#, "is none"),
            ("- role: user\n  content: {{x}}", "is none"),
            (r#"[{"role": "user", "content": [{"type": "image"}]}]"#, "message 1: its `content`"),
            (r#"[{"role": "user", "content": "x", "tool_calls": []}]"#, "no place for its `tool_calls`"),
            (r#"[{"role": 1, "content": "x"}]"#, "no `role`"),
        ] {
            assert!(shown(text).contains(expected), "{text}: {}", shown(text));
        }
    }
}
