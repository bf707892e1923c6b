//! The prompts of a config, as a run loads them.

use std::path::Path;

use serde_json::Value;

use super::name::Names;
use super::{Content, Found, Imports, Material, Message, chat, langsmith};
use crate::diag::{Folder, Problems};
use crate::prompts::given::Sources;
use crate::prompts::prompt::Prompt;
use crate::prompts::sketch::{Format, Sketch};
use crate::prompts::source;
use crate::yaml::{self, Kind, Node};

/// The name of a prompt that is nothing but a text.
const NAMELESS: &str = "prompt";
/// Endings of files after which their prompts are called.
const FILES: [&str; 7] = ["txt", "md", "j2", "json", "jsonl", "yaml", "yml"];

pub(super) fn is(material: &Material<'_>) -> bool {
    matches!(&material.content, Content::Yaml(node) if node.get("prompts").is_some())
}

/// Whether JSON is a config: dumps may name a prompt so.
pub(super) fn is_json(value: &Value) -> bool {
    value.get("prompts").is_some_and(|prompts| !prompts.is_null() && !langsmith::is_entry(prompts))
}

pub(super) fn read(material: &Material<'_>, imports: &mut Imports) {
    let Content::Yaml(config) = &material.content else { return };
    let folder = |path: &Path| path.parent().unwrap_or(Path::new("")).to_path_buf();
    let base = Folder::new(folder(material.path), folder(Path::new(material.shown)));
    let sources = Sources { registry: base.path().join("prompts"), base };
    let mut names = Names::default();
    for entry in config.get("prompts").map(entries).unwrap_or_default() {
        let mut problems = Problems::new();
        let prompts = source::load(&entry, &sources, true, &mut problems);
        for problem in problems.iter() {
            let place = problem.at.as_ref().unwrap_or(&entry.span).location();
            imports.skip(place.to_string(), problem.message.clone());
        }
        for prompt in prompts {
            take(material, &entry, &prompt, &mut names, imports);
        }
    }
}

/// Each entry by itself, so that it is known which prompt came from which: `{path: label}` is one a key.
fn entries(prompts: &Node) -> Vec<Node> {
    match &prompts.kind {
        Kind::Map(entries) => {
            let one = |entry: &yaml::Entry| Node { span: entry.at.clone(), kind: Kind::Map(vec![entry.clone()]) };
            entries.iter().map(one).collect()
        }
        Kind::Seq(items) => {
            let one = |item: &Node| Node { span: item.span.clone(), kind: Kind::Seq(vec![item.clone()]) };
            items.iter().map(one).collect()
        }
        _ => vec![prompts.clone()],
    }
}

fn take(material: &Material<'_>, entry: &Node, prompt: &Prompt, names: &mut Names, imports: &mut Imports) {
    let words = words(entry, prompt);
    let place = prompt.at.location();
    let from = if words == NAMELESS { place.to_string() } else { format!("{place}: {words}") };
    let sketch = match &prompt.version {
        Some(version) => as_it_was(prompt, version),
        None => chat::of_text(&prompt.raw, material.role).map(|messages| sketch(prompt, messages)),
    };
    let sketch = match sketch {
        Ok(sketch) => sketch,
        Err(why) => return imports.skip(from, why),
    };
    // Versions of one prompt share its name; texts never do.
    let taken = imports.found.len() + imports.skipped.len();
    let thing = prompt.name.as_ref().map_or_else(|| format!("text {taken}"), |name| format!("file {name}"));
    let name = names.of(&thing, &words);
    let version = prompt.version.as_deref().map(str::to_owned);
    imports.offer(Found::new(name, version, &from, sketch));
}

/// What a prompt is called: its own name, its label, its id, or the file that it is in.
fn words(entry: &Node, prompt: &Prompt) -> String {
    if let Some(name) = &prompt.name {
        return name.to_string();
    }
    let item = entry.items().first().unwrap_or(entry);
    let said = |key: &str| item.get(key).and_then(Node::as_str);
    let is_list = entry.is_seq();
    let label = if is_list { said("label") } else { item.entries().first().and_then(|old| old.value.as_str()) };
    if let Some(label) = label {
        return label.to_owned();
    }
    if let (Some(id), true) = (said("id"), said("raw").is_some()) {
        return id.to_owned();
    }
    by_label(prompt).unwrap_or_else(|| NAMELESS.to_owned())
}

/// What a prompt is called by its label: the stem of its file where that begins with one (`a.txt: Hello`),
/// or the label of a row.
fn by_label(prompt: &Prompt) -> Option<String> {
    if prompt.label == prompt.raw {
        return None;
    }
    let file = Path::new(prompt.label.split_once(": ").map_or(&*prompt.label, |(file, _)| file));
    if file.extension().is_some_and(|ending| FILES.iter().any(|known| ending == *known)) {
        return file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    }
    (!prompt.label.ends_with(&*prompt.raw)).then(|| prompt.label.to_string())
}

fn sketch(prompt: &Prompt, messages: Vec<Message>) -> Sketch {
    let mut parameters = (*prompt.parameters).clone();
    let tools = parameters.remove("tools");
    Sketch { messages, parameters, tools, ..Sketch::default() }
}

/// The sketch of a versioned file: its hash says in which language it is, and whether the input follows.
fn as_it_was(prompt: &Prompt, version: &str) -> Result<Sketch, String> {
    let messages = match serde_json::from_str(&prompt.raw) {
        Ok(Value::Array(items)) => chat::of_list(&items)?,
        _ => return Err("its messages cannot be read".to_owned()),
    };
    let formats = [Format::Jinja, Format::FString];
    let mut sketches = formats.map(|template_format| {
        let plain = sketch(prompt, messages.clone());
        Sketch { version: version.to_owned(), template_format, ..plain }
    });
    let name = prompt.name.as_deref().unwrap_or(NAMELESS);
    let same = |sketch: &&mut Sketch| sketch.prompt(name).is_ok_and(|written| written.hash == prompt.hash);
    let found = sketches.iter_mut().find(same).map(std::mem::take);
    let why = "a draft would not be the same prompt (a system message alone in `messages`): copy its file";
    found.ok_or_else(|| why.to_owned())
}
