//! A prompt file as it is first written: the text of a draft from its parts.

use serde_json::{Map, Value};

use super::given::Given;
use super::prompt::Prompt;
use super::version;
use crate::content::content_hash;
use crate::diag::Source;
use crate::template::{Template, TemplateError};
use crate::yaml::{self, Node};

/// What a draft is made of.
///
/// A lone system message is written as `system_prompt`, which means that the case's `input` follows as the
/// user's message. All other messages are the whole prompt.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sketch {
    /// SemVer.
    pub version: String,
    /// What it is for.
    pub description: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// Role and template of each message.
    pub messages: Vec<(String, String)>,
    /// Sampling parameters.
    pub parameters: Map<String, Value>,
    /// Tools offered to the model: a list.
    pub tools: Option<Value>,
    /// The language of the templates.
    pub template_format: Format,
    /// Anything; does not reach the model.
    pub metadata: Map<String, Value>,
}

/// The language of a prompt's templates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// `{{name}}`, filters, loops.
    #[default]
    Jinja,
    /// `{name}`, and `{{` for a brace.
    FString,
}

impl Format {
    pub(super) fn compile(self, text: &str) -> Result<Template, TemplateError> {
        match self {
            Self::Jinja => Template::prompt(text),
            Self::FString => Template::f_string(text),
        }
    }
}

impl Sketch {
    /// The text of the file. What it says is what the parts say, whatever characters are in them; that
    /// they make a prompt is not checked.
    pub fn text(&self) -> String {
        let tools = self.tools.as_ref().map(tools).unwrap_or_default();
        let parts = [
            self.head(),
            self.body(),
            section("parameters", &self.parameters),
            tools,
            section("metadata", &self.metadata),
        ];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("\n")
    }

    /// The prompt that the text is.
    ///
    /// # Errors
    /// Why it is none, or which part does not stay what it is in YAML.
    pub(super) fn prompt(&self, name: &str) -> Result<Prompt, String> {
        let source = Source::new(format!("{name}.yaml"), self.text());
        let node = yaml::parse(&source).map_err(|problem| problem.message)?;
        let prompt =
            version::prompt(&node, name, &Given::default(), &source.span()).map_err(|problem| problem.message)?;
        let stays = |key: &str, part: &Map<String, Value>| {
            let read = node.get(key).map_or_else(|| Value::Object(Map::new()), Node::to_json);
            content_hash(&read) == content_hash(&Value::Object(part.clone()))
        };
        let messages = version::texts(&node).map_err(|problem| problem.message)?.0;
        let stay = [
            ("messages", messages == self.messages),
            ("parameters", stays("parameters", &self.parameters)),
            ("metadata", stays("metadata", &self.metadata)),
        ];
        match stay.iter().find(|(_, stays)| !stays) {
            Some((what, _)) => Err(format!("its {what} cannot be written as YAML")),
            None => Ok(prompt),
        }
    }

    fn head(&self) -> String {
        let mut head = format!("version: {}\n", quoted(&self.version));
        for (key, text) in [("author", &self.author), ("description", &self.description)] {
            let Some(text) = text else { continue };
            let written = if text.contains('\n') { block(text, Place::Top) } else { word(text) };
            head += &format!("{key}: {written}\n");
        }
        if self.template_format == Format::FString {
            head += "template_format: f-string\n";
        }
        head
    }

    fn body(&self) -> String {
        let entry = |key: &str, text: &str| format!("{key}: {}\n", block(text, Place::Top));
        let roles: Vec<&str> = self.messages.iter().map(|(role, _)| role.as_str()).collect();
        let texts: Vec<&str> = self.messages.iter().map(|(_, text)| text.as_str()).collect();
        match (roles.as_slice(), texts.as_slice()) {
            (["system"], [system]) => entry("system_prompt", system),
            (["system", "user"], [system, user]) => entry("system_prompt", system) + "\n" + &entry("user_prompt", user),
            ([], _) => "messages: []\n".to_owned(),
            _ => "messages:\n".to_owned() + &self.messages.iter().map(message).collect::<String>(),
        }
    }
}

fn message((role, text): &(String, String)) -> String {
    format!("  - role: {}\n    content: {}\n", word(role), block(text, Place::Message))
}

fn section(key: &str, map: &Map<String, Value>) -> String {
    if map.is_empty() {
        return String::new();
    }
    let lines: String = map.iter().map(|(key, value)| format!("  {}: {}\n", word(key), flow(value))).collect();
    format!("{key}:\n{lines}")
}

fn tools(tools: &Value) -> String {
    match tools {
        Value::Array(list) if !list.is_empty() => {
            let items: String = list.iter().map(|tool| format!("  - {}\n", flow(tool))).collect();
            format!("tools:\n{items}")
        }
        other => format!("tools: {}\n", flow(other)),
    }
}

/// A value on one line.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => word(text),
        Value::Array(items) => format!("[{}]", items.iter().map(inner).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| format!("{}: {}", quoted(key), inner(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// Between brackets a comma ends a word, so every text has quotes.
fn inner(value: &Value) -> String {
    value.as_str().map_or_else(|| flow(value), quoted)
}

/// Where a text stands: what is around it decides how it is read.
#[derive(Clone, Copy)]
enum Place {
    Top,
    Message,
}

impl Place {
    fn indent(self) -> &'static str {
        match self {
            Self::Top => "  ",
            Self::Message => "      ",
        }
    }

    /// Whether a scalar is read as this text.
    fn reads(self, scalar: &str, text: &str) -> bool {
        let document = match self {
            Self::Top => format!("k: {scalar}\n\nz: 1\n"),
            Self::Message => format!("m:\n  - r: a\n    k: {scalar}\n  - r: b\n"),
        };
        let Ok(node) = yaml::parse(&Source::new("<sketch>", document)) else { return false };
        match self {
            Self::Top => node.entries().len() == 2 && says(&node, text),
            Self::Message => node.get("m").is_some_and(|list| {
                let items = list.items();
                items.len() == 2 && items.first().is_some_and(|item| item.entries().len() == 2 && says(item, text))
            }),
        }
    }
}

fn says(node: &Node, text: &str) -> bool {
    node.get("k").and_then(Node::as_str) == Some(text)
}

/// A literal block where it reads as the text exactly; else the text in quotes.
fn block(text: &str, place: Place) -> String {
    let closed = text.strip_suffix('\n');
    let forms = [("|-", Some(text)), ("|2-", Some(text)), ("|", closed), ("|2", closed)];
    let written = |(header, body): (&str, Option<&str>)| {
        let lines = body?.split('\n').map(|line| match line {
            "" => "\n".to_owned(),
            line => format!("\n{}{line}", place.indent()),
        });
        Some(header.to_owned() + &lines.collect::<String>())
    };
    forms.into_iter().filter_map(written).find(|form| place.reads(form, text)).unwrap_or_else(|| quoted(text))
}

/// A short text without quotes, where no reader of YAML could take it for something else.
fn word(text: &str) -> String {
    let harmless = |c: char| c.is_alphanumeric() || " .,;_-()/@+'".contains(c);
    let is_plain = text.starts_with(char::is_alphabetic) && text.chars().all(harmless) && Place::Top.reads(text, text);
    if is_plain { text.to_owned() } else { quoted(text) }
}

/// A JSON string is a YAML string in double quotes, but for some characters that YAML wants escaped.
fn quoted(text: &str) -> String {
    let json = Value::from(text).to_string();
    if Place::Top.reads(&json, text) { json } else { escaped(text) }
}

fn escaped(text: &str) -> String {
    let escape = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        ' '..='~' => c.to_string(),
        c if u32::from(c) <= 0xffff => format!("\\u{:04x}", u32::from(c)),
        c => format!("\\U{:08x}", u32::from(c)),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn sketch(messages: &[(&str, &str)]) -> Sketch {
        Sketch {
            version: "1.0.0".into(),
            messages: messages.iter().map(|(role, text)| ((*role).into(), (*text).into())).collect(),
            ..Sketch::default()
        }
    }

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_system_and_a_user_message_have_keys_of_their_own() {
        let sketch = Sketch {
            description: Some("Support assistant: first version".into()),
            author: Some("Brightfern support team".into()),
            parameters: map(&json!({"temperature": 0.2, "stop": ["END", "a, b"]})),
            tools: Some(json!([{"type": "function", "function": {"name": "f"}}])),
            metadata: map(&json!({"tags": ["a"], "note": "true"})),
            ..sketch(&[("system", "You are {{role}}.\n\n  Be brief.\n"), ("user", "{{input}}")])
        };
        insta::assert_snapshot!(sketch.text(), @r#"
            version: "1.0.0"
            author: Brightfern support team
            description: "Support assistant: first version"

            system_prompt: |
              You are {{role}}.

                Be brief.

            user_prompt: |-
              {{input}}

            parameters:
              temperature: 0.2
              stop: ["END", "a, b"]

            tools:
              - {"type": "function", "function": {"name": "f"}}

            metadata:
              tags: ["a"]
              note: "true"
            "#);
        assert!(sketch.prompt("p").is_ok());
    }

    #[test]
    fn a_lone_system_message_leaves_room_for_the_input_and_a_lone_user_message_does_not() {
        assert_eq!(sketch(&[("system", "a")]).text(), "version: \"1.0.0\"\n\nsystem_prompt: |-\n  a\n");
        let user =
            Sketch { template_format: Format::FString, ..sketch(&[("user", "  a\nb\r\nc"), ("assistant", " d\n")]) };
        insta::assert_snapshot!(user.text(), @r#"
            version: "1.0.0"
            template_format: f-string

            messages:
              - role: user
                content: "  a\nb\r\nc"
              - role: assistant
                content: |2
                   d
            "#);
        assert!(sketch(&[("user", "{{input}}")]).text().contains("messages:\n  - role: user\n"));
    }

    #[test]
    fn texts_that_yaml_would_read_otherwise_are_quoted() {
        for text in [
            "",
            "\n",
            "\n\n",
            " ",
            "\t",
            "a\n\n",
            "\ta",
            "a\r",
            "\u{85}",
            "\u{2028}x",
            "\u{feff}",
            "\0",
            "\u{7f}😀",
            "---",
            "# a",
        ] {
            let sketch = sketch(&[("system", text)]);
            assert!(sketch.prompt("p").is_ok(), "{text:?}: {:?}\n{}", sketch.prompt("p").err(), sketch.text());
        }
    }

    #[test]
    fn what_yaml_cannot_hold_is_told() {
        let merged = Sketch { metadata: map(&json!({"<<": {"a": 1}})), ..sketch(&[("user", "x")]) };
        assert_eq!(merged.prompt("p").err().unwrap(), "its metadata cannot be written as YAML");
        assert!(sketch(&[]).prompt("p").is_err());
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![any::<String>(), "[ \t\n\r|>#:'\"{}%a-]{0,12}", "( {0,2}[a-z#:-]{0,3}\n{0,2}){0,5}"]
    }

    proptest! {
        #[test]
        fn any_text_is_read_as_it_was(system in text(), user in text(), role in text(), about in text(), note in text()) {
            for messages in [
                vec![("system", system.as_str())],
                vec![("system", &system), ("user", &user)],
                vec![("user", &user), (role.as_str(), &system)],
            ] {
                let sketch = Sketch {
                    description: Some(about.clone()),
                    metadata: map(&json!({"a": note.as_str(), "b": [note.as_str(), {"c": about.as_str()}]})),
                    ..sketch(&messages)
                };
                let node = yaml::parse(&Source::new("p", sketch.text())).map_err(|p| TestCaseError::fail(p.message))?;
                prop_assert_eq!(node.get("description").and_then(Node::as_str), Some(about.as_str()));
                prop_assert_eq!(node.get("metadata").map(Node::to_json), Some(Value::Object(sketch.metadata.clone())));
                if let Ok((read, input)) = version::texts(&node) {
                    prop_assert_eq!(input, messages.len() == 1);
                    prop_assert_eq!(read, sketch.messages);
                }
            }
        }
    }
}
