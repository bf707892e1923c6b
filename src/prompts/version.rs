//! Versioned prompt files: the working draft and the frozen versions share one layout.

use serde_json::{Map, Value, json};

use super::given::Given;
use super::prompt::Prompt;
use crate::diag::{Problem, Problems, Span, did_you_mean};
use crate::template::{Template, TemplateError};
use crate::yaml::{Key, Node, Shape, Table, check};

static MESSAGE: Table = Table {
    name: "a message",
    open: false,
    keys: &[
        Key::new("role", Shape::Text, "system, user, assistant, …"),
        Key::new("content", Shape::Text, "the text, a template"),
    ],
};

static VARIATION: Table = Table {
    name: "a variation",
    open: false,
    keys: &[
        Key::new("id", Shape::Scalar, "its name"),
        Key::new("description", Shape::Text, "what is different"),
        Key::new("performance", Shape::MapOf(&Shape::Scalar), "figures that were declared, not measured"),
    ],
};

static RELEASE: Table = Table {
    name: "a release",
    open: false,
    keys: &[
        Key::new("content_sha256", Shape::Text, "hash of what reaches the model"),
        Key::new("parent", Shape::Text, "the version it was made from"),
        Key::new("author", Shape::Text, "who released it"),
        Key::new("date", Shape::Text, "when, UTC"),
        Key::new("description", Shape::Text, "what changed, and why"),
    ],
};

/// The keys of a versioned prompt file.
pub static VERSION_FILE: Table = Table {
    name: "a prompt file",
    open: false,
    keys: &[
        Key::new("name", Shape::Text, "the prompt's name; default: the file's stem"),
        Key::new("version", Shape::Text, "SemVer, in quotes"),
        Key::new("description", Shape::Text, "what it is for, or what changed"),
        Key::new("created", Shape::Scalar, "date"),
        Key::new("last_modified", Shape::Scalar, "date"),
        Key::new("author", Shape::Text, "who wrote it"),
        Key::new("system_prompt", Shape::Text, "the system message, a template"),
        Key::new("user_prompt", Shape::Text, "the user message; default: the case's `input`"),
        Key::new("messages", Shape::List(&Shape::Object(&MESSAGE)), "all messages, instead of the two above"),
        Key::new("template_format", Shape::Text, "`jinja` (default) or `f-string`"),
        Key::new("parameters", Shape::MapOf(&Shape::Any), "sampling parameters set over the provider's"),
        Key::new("tools", Shape::List(&Shape::Any), "tools offered to the model"),
        Key::new("metadata", Shape::MapOf(&Shape::Any), "anything; does not reach the model"),
        Key::new("performance", Shape::MapOf(&Shape::Scalar), "figures that were declared, not measured"),
        Key::new("release", Shape::Object(&RELEASE), "written by `prompt release`; never by hand"),
        Key::new("variations", Shape::List(&Shape::Object(&VARIATION)), "variants that were tried"),
    ],
};

/// Whether a YAML file is a versioned prompt rather than a prompt in YAML form.
pub(super) fn is_version_file(node: &Node) -> bool {
    let has = |key: &str| node.entry(key).is_some();
    node.is_map() && (has("system_prompt") || (has("messages") && has("version")))
}

/// Compiles the prompt of a versioned file. Of several mistakes the first is returned.
pub(super) fn prompt(node: &Node, stem: &str, given: &Given, at: &Span) -> Result<Prompt, Problem> {
    let mut problems = Problems::new();
    check(node, &Shape::Object(&VERSION_FILE), "the prompt file", false, &mut problems);
    if let Some(problem) = problems.iter().next() {
        let quotes = node.entry("version").is_some_and(|e| e.value.as_f64().is_some());
        let hint = quotes
            .then(|| format!("write the version in quotes: \"{}\"", node.get("version").map_or("", |n| n.span.text())));
        return Err(problem.clone().maybe_hint(hint));
    }
    let version = version_of(node)?;
    let (messages, input) = messages(node, dialect(node)?)?;
    let name = node.get("name").and_then(Node::as_str).unwrap_or(stem);
    let raw = raw(messages.iter().map(|(role, text, _)| (role, text)));
    let mut parameters = parameters(node);
    parameters.extend(given.parameters.clone());
    let content = content(node, &raw, input, &parameters);
    let label = format!("{name}@{version}");
    let shown = serde_json::to_string_pretty(&raw).unwrap_or_default();
    let mut draft = given.draft(label, shown, at);
    draft.parameters = parameters;
    let compiled = messages.into_iter().map(|(role, _, template)| (role, template)).collect();
    Ok(Prompt::from_messages(draft, compiled, input, &content, (name, &version)))
}

/// What reaches the model, as it is hashed: messages, parameters with the tools, and the dialect of the
/// templates.
pub(super) fn reaching(node: &Node) -> Result<Value, Problem> {
    let (texts, input) = texts(node)?;
    let raw = raw(texts.iter().map(|(role, text)| (role, text)));
    Ok(content(node, &raw, input, &parameters(node)))
}

fn content(node: &Node, raw: &[Value], input: bool, parameters: &Map<String, Value>) -> Value {
    let format = node.get("template_format").and_then(Node::as_str).unwrap_or("jinja");
    json!({"messages": raw, "input": input, "parameters": parameters, "template_format": format})
}

fn raw<'a>(messages: impl Iterator<Item = (&'a String, &'a String)>) -> Vec<Value> {
    messages.map(|(role, text)| json!({"role": role, "content": text})).collect()
}

fn parameters(node: &Node) -> Map<String, Value> {
    let mut parameters = match node.get("parameters").map(Node::to_json) {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    };
    if let Some(tools) = node.get("tools") {
        parameters.insert("tools".into(), tools.to_json());
    }
    parameters
}

/// Role and template of each message, and whether the case's `input` follows as the user's message.
pub(super) fn texts(node: &Node) -> Result<(Vec<(String, String)>, bool), Problem> {
    let (messages, input) = messages(node, dialect(node)?)?;
    Ok((messages.into_iter().map(|(role, text, _)| (role, text)).collect(), input))
}

fn version_of(node: &Node) -> Result<String, Problem> {
    let Some(version) = node.get("version") else {
        return Err(Problem::error("this prompt file has no `version`")
            .at(&node.span)
            .hint("add one, such as version: \"1.0.0\""));
    };
    let text = version.as_str().unwrap_or_default();
    semver::Version::parse(text).map_err(|e| {
        Problem::error(format!("`{text}` is not a version: {e}"))
            .at(&version.span)
            .hint("versions have three parts, such as \"2.1.0\"")
    })?;
    Ok(text.to_owned())
}

type Compile = fn(&str) -> Result<Template, TemplateError>;

fn dialect(node: &Node) -> Result<Compile, Problem> {
    let Some(format) = node.get("template_format") else {
        return Ok(Template::prompt);
    };
    match format.as_str().unwrap_or_default() {
        "jinja" => Ok(Template::prompt),
        "f-string" => Ok(Template::f_string),
        other => Err(Problem::error(format!("unknown template format `{other}`"))
            .at(&format.span)
            .hint(did_you_mean(other, ["jinja", "f-string"]).unwrap_or_else(|| "use jinja or f-string".into()))),
    }
}

/// Role, template text, template.
type Message = (String, String, Template);

/// The messages, and whether the case's `input` follows as the user's message.
fn messages(node: &Node, compile: Compile) -> Result<(Vec<Message>, bool), Problem> {
    let template = |role: &str, content: &Node| {
        let text = content.as_str().unwrap_or_default();
        match compile(text) {
            Ok(template) => Ok((role.to_owned(), text.to_owned(), template)),
            Err(e) => Err(Problem::error(format!("the {role} message is no valid template: {e}")).at(&content.span)),
        }
    };
    if let Some(list) = node.get("messages") {
        if node.get("system_prompt").or(node.get("user_prompt")).is_some() {
            return Err(
                Problem::error("a prompt file has either `messages` or `system_prompt`, not both").at(&list.span)
            );
        }
        let mut all = Vec::new();
        for item in list.items() {
            let (Some(role), Some(content)) = (item.get("role"), item.get("content")) else {
                return Err(Problem::error("a message needs `role` and `content`").at(&item.span));
            };
            all.push(template(role.as_str().unwrap_or_default(), content)?);
        }
        if all.is_empty() {
            return Err(Problem::error("`messages` is empty").at(&list.span));
        }
        return Ok((all, false));
    }
    let mut all = Vec::new();
    for (key, role) in [("system_prompt", "system"), ("user_prompt", "user")] {
        if let Some(content) = node.get(key) {
            all.push(template(role, content)?);
        }
    }
    if all.is_empty() {
        return Err(Problem::error("this prompt file has no text")
            .at(&node.span)
            .hint("add `system_prompt` or `messages`"));
    }
    Ok((all, node.get("user_prompt").is_none()))
}
