//! One prompt, compiled.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::content::content_hash;
use crate::diag::Span;
use crate::record::Messages;
use crate::template::{Scope, Template, TemplateError};

/// A prompt version, ready to be rendered.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// What people call it.
    pub label: Arc<str>,
    /// The `id` of the config, when one was given.
    pub id: Option<Arc<str>>,
    /// The template text.
    pub raw: Arc<str>,
    /// Its name, where it comes from a versioned file.
    pub name: Option<Arc<str>>,
    /// SemVer, where it comes from a versioned file.
    pub version: Option<Arc<str>>,
    /// Hash of what reaches the model: messages, parameters, template dialect.
    pub hash: Arc<str>,
    /// What the prompt sets over the provider's parameters.
    pub parameters: Arc<Map<String, Value>>,
    /// Whether it reads `env`.
    pub reads_environment: bool,
    /// Where the config names it.
    pub at: Span,
    body: Body,
}

#[derive(Debug, Clone)]
enum Body {
    /// Text; when the rendered text is a list of messages, it is sent as such.
    Text(Template),
    /// JSON whose string leaves are templates, so that quotes in variables are safe.
    Json(Arc<Leaf>),
    /// Messages of a versioned file.
    Chat { messages: Arc<[(String, Template)]>, input: bool },
}

/// A JSON value with templates for strings.
#[derive(Debug)]
enum Leaf {
    Text(Template),
    List(Vec<Leaf>),
    Map(Vec<(String, Leaf)>),
    Other(Value),
}

/// A prompt with its variables filled in.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// As text.
    pub text: String,
    /// As messages.
    pub messages: Messages,
}

/// What a prompt is made of, before it is compiled.
pub(super) struct Draft {
    pub(super) label: String,
    pub(super) id: Option<String>,
    pub(super) raw: String,
    pub(super) parameters: Map<String, Value>,
    pub(super) at: Span,
}

impl Prompt {
    /// A prompt that is a text (perhaps JSON).
    ///
    /// # Errors
    /// When the text is no valid template.
    pub(super) fn from_text(draft: Draft) -> Result<Self, TemplateError> {
        let body = compile(&draft.raw)?;
        let hash = content_hash(&json!({"raw": draft.raw, "parameters": draft.parameters}));
        Ok(Self::new(draft, body, hash, None))
    }

    /// A prompt of a versioned file.
    pub(super) fn from_messages(
        draft: Draft,
        messages: Vec<(String, Template)>,
        input: bool,
        content: &Value,
        (name, version): (&str, &str),
    ) -> Self {
        let body = Body::Chat { messages: messages.into(), input };
        let hash = content_hash(content);
        Self { name: Some(name.into()), ..Self::new(draft, body, hash, Some(version.into())) }
    }

    fn new(draft: Draft, body: Body, hash: String, version: Option<Arc<str>>) -> Self {
        let mut prompt = Self {
            label: draft.label.into(),
            id: draft.id.map(Into::into),
            raw: draft.raw.into(),
            name: None,
            version,
            hash: hash.into(),
            parameters: Arc::new(draft.parameters),
            reads_environment: false,
            at: draft.at,
            body,
        };
        prompt.reads_environment = prompt.variables().iter().any(|name| name == "env");
        prompt
    }

    /// The same prompt with a text before and after it.
    ///
    /// # Errors
    /// When the longer text is no valid template, or the prompt is a list of messages.
    pub fn wrapped(&self, prefix: &str, suffix: &str) -> Result<Self, TemplateError> {
        let mut copy = self.clone();
        copy.body = match &self.body {
            Body::Text(_) | Body::Json(_) => compile(&format!("{prefix}{}{suffix}", self.raw))?,
            Body::Chat { .. } => {
                let message = "a prefix or suffix cannot stand around the messages of a versioned prompt".to_owned();
                return Err(TemplateError { message, line: None });
            }
        };
        Ok(copy)
    }

    /// Whether a reference (of a provider's or a test's `prompts`) means this prompt: its label or id,
    /// `prefix*`, or the part before a `:`.
    pub fn answers_to(&self, reference: &str) -> bool {
        let names = [Some(&*self.label), self.id.as_deref(), Some(&*self.hash)];
        names.into_iter().flatten().any(|name| match reference.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => name == reference || name.strip_prefix(reference).is_some_and(|rest| rest.starts_with(':')),
        })
    }

    /// Whether rendering can fail for some variables.
    pub fn can_fail(&self) -> bool {
        fn leaf(l: &Leaf) -> bool {
            match l {
                Leaf::Text(t) => t.can_fail(),
                Leaf::List(items) => items.iter().any(leaf),
                Leaf::Map(entries) => entries.iter().any(|(_, l)| leaf(l)),
                Leaf::Other(_) => false,
            }
        }
        match &self.body {
            Body::Text(t) => t.can_fail() || self.raw.trim_start().starts_with(['[', '-']),
            Body::Json(l) => leaf(l),
            Body::Chat { messages, .. } => messages.iter().any(|(_, t)| t.can_fail()),
        }
    }

    /// Whether it reads a variable.
    pub fn reads(&self, name: &str) -> bool {
        self.variables().iter().any(|known| known == name)
    }

    /// The names of the variables it reads.
    pub fn variables(&self) -> Vec<String> {
        fn leaf(l: &Leaf, names: &mut Vec<String>) {
            match l {
                Leaf::Text(t) => names.extend(t.names()),
                Leaf::List(items) => items.iter().for_each(|l| leaf(l, names)),
                Leaf::Map(entries) => entries.iter().for_each(|(_, l)| leaf(l, names)),
                Leaf::Other(_) => {}
            }
        }
        let mut names = Vec::new();
        match &self.body {
            Body::Text(t) => names.extend(t.names()),
            Body::Json(l) => leaf(l, &mut names),
            Body::Chat { messages, .. } => messages.iter().for_each(|(_, t)| names.extend(t.names())),
        }
        names.sort();
        names.dedup();
        names
    }

    /// Fills in the variables.
    ///
    /// # Errors
    /// When a filter or an operator does not fit its values.
    pub fn render(&self, scope: &Scope) -> Result<Rendered, TemplateError> {
        match &self.body {
            Body::Text(template) => {
                let text = template.render(scope)?;
                let messages = messages_in(&text)?;
                Ok(Rendered { text, messages })
            }
            Body::Json(leaf) => {
                let value = fill(leaf, scope)?;
                Ok(Rendered { text: pretty(&value), messages: as_chat(&value) })
            }
            Body::Chat { messages, input } => {
                let mut list = Vec::with_capacity(messages.len() + 1);
                for (role, template) in messages.iter() {
                    list.push(json!({"role": role, "content": template.render(scope)?}));
                }
                if let (true, Some(text)) = (*input, scope.vars().get("input")) {
                    let text = text.as_str().map_or_else(|| text.to_string(), str::to_owned);
                    list.push(json!({"role": "user", "content": text}));
                }
                let value = Value::Array(list);
                Ok(Rendered { text: pretty(&value), messages: as_chat(&value) })
            }
        }
    }
}

fn compile(raw: &str) -> Result<Body, TemplateError> {
    if raw.trim_start().starts_with(['[', '{'])
        && let Ok(value) = serde_json::from_str::<Value>(raw)
        && (value.is_array() || value.is_object())
    {
        return Ok(Body::Json(Arc::new(leaves(value)?)));
    }
    Ok(Body::Text(Template::prompt(raw)?))
}

fn leaves(value: Value) -> Result<Leaf, TemplateError> {
    Ok(match value {
        Value::String(text) => Leaf::Text(Template::prompt(&text)?),
        Value::Array(items) => Leaf::List(items.into_iter().map(leaves).collect::<Result<_, _>>()?),
        Value::Object(map) => {
            let entries = map.into_iter().map(|(key, v)| Ok((key, leaves(v)?)));
            Leaf::Map(entries.collect::<Result<_, TemplateError>>()?)
        }
        other => Leaf::Other(other),
    })
}

fn fill(leaf: &Leaf, scope: &Scope) -> Result<Value, TemplateError> {
    Ok(match leaf {
        Leaf::Text(template) => Value::String(template.render(scope)?),
        Leaf::List(items) => Value::Array(items.iter().map(|l| fill(l, scope)).collect::<Result<_, _>>()?),
        Leaf::Map(entries) => {
            let entries = entries.iter().map(|(key, l)| Ok((key.clone(), fill(l, scope)?)));
            Value::Object(entries.collect::<Result<_, TemplateError>>()?)
        }
        Leaf::Other(value) => value.clone(),
    })
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

/// A list of messages, if that is what the value is; else the text is one user message.
fn as_chat(value: &Value) -> Messages {
    match value {
        Value::Array(items) if !items.is_empty() && items.iter().all(|m| m.get("role").is_some()) => {
            Messages::Chat(items.clone())
        }
        _ => Messages::User,
    }
}

/// The messages a rendered text means: a JSON or YAML list of them, or one of the user's.
fn messages_in(text: &str) -> Result<Messages, TemplateError> {
    let start = text.trim_start();
    let broken = |what: &str, why: String| TemplateError {
        message: format!("the rendered prompt begins like {what} and is none: {why}"),
        line: None,
    };
    if start.starts_with('[') && start[1..].trim_start().starts_with('{') {
        let value: Value = serde_json::from_str(text).map_err(|e| broken("a JSON list of messages", e.to_string()))?;
        return Ok(as_chat(&value));
    }
    if start.starts_with("- role:") {
        let source = crate::diag::Source::new("<prompt>", text);
        let node = crate::yaml::parse(&source).map_err(|p| broken("a YAML list of messages", p.message))?;
        return Ok(as_chat(&node.to_json()));
    }
    Ok(Messages::User)
}
