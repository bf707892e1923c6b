//! A prompt as LangChain serialises it: `{"lc": 1, "id": […, CLASS], "kwargs": {…}}`.

use serde_json::{Map, Value, json};

use super::literal::{format_of, literal, mustache};
use super::{Message, Role, settings};
use crate::prompts::sketch::{Format, Sketch};

/// What a manifest says.
pub struct Read {
    /// The prompt.
    pub sketch: Sketch,
    /// Variables of messages that come at run time.
    pub placeholders: Vec<String>,
    /// What is taken in part, and why.
    pub notes: Vec<(&'static str, &'static str)>,
}

const ROLES: [(&str, &str); 5] =
    [("System", "system"), ("Human", "user"), ("AI", "assistant"), ("human", "user"), ("ai", "assistant")];

const SCHEMA: (&str, &str) = (
    "the schema of its answers",
    "it is kept under `metadata` and does not reach the model; write `parameters.response_format` for that",
);

/// Whether a value is a serialised object.
pub fn is_manifest(value: &Value) -> bool {
    value.get("lc").is_some() && class(value).is_some()
}

fn class(value: &Value) -> Option<&str> {
    value.get("id")?.as_array()?.last()?.as_str()
}

fn argument<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.get("kwargs")?.get(key).filter(|value| !value.is_null())
}

/// Reads the prompt of a manifest.
pub fn read(manifest: &Value, role: Role) -> Result<Read, String> {
    let (prompt, model) = parts(manifest);
    let pieces = match class(prompt) {
        Some("ChatPromptTemplate" | "StructuredPrompt") => pieces(prompt)?,
        Some("PromptTemplate") => vec![template(prompt, role.name().to_owned())?],
        Some(other) => return Err(format!("a `{other}` is no prompt that can be imported")),
        None => return Err("it is no manifest of a prompt".to_owned()),
    };
    no_partials(prompt, &pieces)?;
    let (messages, template_format) = messages(&pieces)?;
    let mut sketch = Sketch { messages, template_format, ..Sketch::default() };
    if let Some(model) = model {
        set(&mut sketch, model);
    }
    let mut notes = Vec::new();
    if let Some(schema) = argument(prompt, "schema_").or_else(|| argument(prompt, "schema")) {
        sketch.metadata.insert("schema".to_owned(), schema.clone());
        notes.push(SCHEMA);
    }
    let placeholders = pieces.iter().filter_map(Piece::placeholder).map(str::to_owned).collect();
    Ok(Read { sketch, placeholders, notes })
}

/// The prompt, and the model behind it where a chain was stored.
fn parts(manifest: &Value) -> (&Value, Option<&Value>) {
    let (mut prompt, mut model) = (manifest, None);
    while let (Some("RunnableSequence" | "PromptPlayground"), Some(first)) = (class(prompt), argument(prompt, "first"))
    {
        model = argument(prompt, "last").or(model);
        prompt = first;
    }
    (prompt, model)
}

/// One message of a manifest.
enum Piece {
    Template { role: String, text: String, language: String },
    Literal { role: String, text: String },
    Placeholder(String),
}

impl Piece {
    fn placeholder(&self) -> Option<&str> {
        match self {
            Self::Placeholder(name) => Some(name),
            _ => None,
        }
    }
}

fn pieces(prompt: &Value) -> Result<Vec<Piece>, String> {
    let Some(items) = argument(prompt, "messages").and_then(Value::as_array) else {
        return Err("it has no `messages`".to_owned());
    };
    items
        .iter()
        .enumerate()
        .map(|(index, item)| piece(item).map_err(|e| format!("message {}: {e}", index + 1)))
        .collect()
}

fn piece(item: &Value) -> Result<Piece, String> {
    let class = class(item).ok_or("it is no serialised message")?;
    if class == "MessagesPlaceholder" {
        let name = argument(item, "variable_name").and_then(Value::as_str).unwrap_or_default();
        return Ok(Piece::Placeholder(name.to_owned()));
    }
    let unknown = || format!("a prompt file has no place for a `{class}`");
    if let Some(kind) = class.strip_suffix("MessagePromptTemplate") {
        let role = role(kind, item).ok_or_else(unknown)?;
        return match argument(item, "prompt") {
            Some(Value::Array(parts)) if parts.len() != 1 => {
                Err("it has several parts, and a prompt file has one text".into())
            }
            Some(Value::Array(parts)) => template(&parts[0], role),
            Some(prompt) => template(prompt, role),
            None => Err("it has no `prompt`".into()),
        };
    }
    let kind = class.strip_suffix("Chunk").unwrap_or(class).strip_suffix("Message").ok_or_else(unknown)?;
    let role = role(kind, item).ok_or_else(unknown)?;
    Ok(Piece::Literal { role, text: content(item)? })
}

fn role(kind: &str, item: &Value) -> Option<String> {
    let known = |words: &str| ROLES.iter().find(|(name, _)| *name == words).map(|(_, role)| (*role).to_owned());
    if kind != "Chat" {
        return known(kind);
    }
    let said = argument(item, "role")?.as_str().filter(|role| !role.is_empty())?;
    Some(known(said).unwrap_or_else(|| said.to_owned()))
}

/// The text of a message that is no template.
fn content(item: &Value) -> Result<String, String> {
    let filled = |value: &Value| value.as_array().is_some_and(|list| !list.is_empty());
    if argument(item, "tool_calls").is_some_and(filled) {
        return Err("a prompt file has no place for its `tool_calls`".to_owned());
    }
    let content = argument(item, "content");
    let only =
        content.and_then(Value::as_array).filter(|parts| parts.len() == 1).and_then(|parts| parts[0].get("text"));
    let text = content.and_then(Value::as_str).or_else(|| only.and_then(Value::as_str));
    text.map(str::to_owned).ok_or_else(|| "its `content` is no text, and a prompt file has only texts".to_owned())
}

fn template(prompt: &Value, role: String) -> Result<Piece, String> {
    if class(prompt) != Some("PromptTemplate") {
        return Err(format!("a prompt file has no place for a `{}`", class(prompt).unwrap_or("part without a class")));
    }
    no_partials(prompt, &[])?;
    let text = argument(prompt, "template").and_then(Value::as_str).ok_or("it has no `template`")?;
    let language = match argument(prompt, "template_format") {
        None => "f-string",
        Some(language) => language.as_str().ok_or_else(|| format!("its template format {language} is no text"))?,
    };
    Ok(Piece::Template { role, text: text.to_owned(), language: language.to_owned() })
}

/// Variables with values of their own have no counterpart. LangChain writes one for each optional
/// placeholder; that says nothing.
fn no_partials(prompt: &Value, pieces: &[Piece]) -> Result<(), String> {
    let partials = argument(prompt, "partial_variables").and_then(Value::as_object);
    let is_placeholder =
        |name: &str| pieces.iter().filter_map(Piece::placeholder).any(|placeholder| placeholder == name);
    match partials.into_iter().flatten().find(|(name, _)| !is_placeholder(name)) {
        Some((name, _)) => Err(format!("its variable `{name}` has a value of its own (partial_variables)")),
        None => Ok(()),
    }
}

/// The messages in one language; placeholders are left out.
fn messages(pieces: &[Piece]) -> Result<(Vec<Message>, Format), String> {
    let mut languages = pieces.iter().filter_map(|piece| match piece {
        Piece::Template { language, .. } => Some(language.as_str()),
        _ => None,
    });
    let first = languages.next();
    if let Some(other) = languages.find(|language| Some(*language) != first) {
        return Err(format!("its messages are in several template formats ({}, {other})", first.unwrap_or_default()));
    }
    let format = match first {
        Some("f-string") => Format::FString,
        Some("jinja2" | "mustache") => Format::Jinja,
        Some(other) => return Err(format!("its template format `{other}` is unknown")),
        None => format_of(&pieces.iter().filter_map(|piece| piece.text()).collect::<Vec<_>>()),
    };
    let messages: Result<Vec<Message>, String> = pieces.iter().filter_map(|piece| piece.message(format)).collect();
    Ok((messages?, format))
}

impl Piece {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Template { text, .. } | Self::Literal { text, .. } => Some(text),
            Self::Placeholder(_) => None,
        }
    }

    fn message(&self, format: Format) -> Option<Result<Message, String>> {
        let (role, text) = match self {
            Self::Template { role, text, language } if language == "mustache" => (role, mustache(text)),
            Self::Template { role, text, .. } => (role, Ok(text.clone())),
            Self::Literal { role, text } => (role, literal(text, format)),
            Self::Placeholder(_) => return None,
        };
        Some(text.map(|text| (role.clone(), text)))
    }
}

/// The model's settings. What is bound to it (tools, say) stands beside it; of its own arguments only the
/// sampling is taken, because others hold addresses and keys.
fn set(sketch: &mut Sketch, model: &Value) {
    let bound = argument(model, "bound").unwrap_or(model);
    if let Some(own) = bound.get("kwargs").and_then(Value::as_object) {
        sketch.parameters.extend(settings(own).0);
    }
    if let Some(name) = argument(bound, "model_name").or_else(|| argument(bound, "model")).and_then(Value::as_str) {
        sketch.metadata.insert("model".to_owned(), json!(name));
    }
    let Some(beside) = argument(model, "kwargs").and_then(Value::as_object) else { return };
    let (parameters, mut others): (Map<_, _>, Map<_, _>) = settings(beside);
    sketch.parameters.extend(parameters);
    sketch.tools = others.remove("tools").filter(|tools| tools.as_array().is_some_and(|list| !list.is_empty()));
    if !others.is_empty() {
        sketch.metadata.insert("model_settings".to_owned(), Value::Object(others));
    }
}
