//! Prompts of Langfuse: `{name, version, type, prompt, config, labels, tags, commitMessage}`.

use serde_json::{Map, Value};

use super::name::Names;
use super::{Found, Imports, Material, Message, chat, langsmith, settings};
use crate::prompts::sketch::Sketch;

pub(super) fn is(material: &Material<'_>) -> bool {
    material.json().is_some_and(|value| entries(value).iter().any(is_entry))
}

pub(super) fn read(material: &Material<'_>, imports: &mut Imports) {
    let mut dump = Dump { material, imports, names: Names::default(), labels: Vec::new() };
    for (index, item) in material.json().map(entries).unwrap_or_default().iter().enumerate() {
        dump.entry(index, item);
    }
    let labels = std::mem::take(&mut dump.labels);
    if !labels.is_empty() {
        let why = "labels are not moved, because they come without evidence: run the versions and promote them";
        imports.skip(format!("labels: {}", labels.join(", ")), why);
    }
}

/// What stands in a list, in a list under `data`, or alone.
fn entries(value: &Value) -> &[Value] {
    let list = value.as_array().or_else(|| value.get("data").and_then(Value::as_array));
    list.map_or(std::slice::from_ref(value), Vec::as_slice)
}

/// Lists of Langfuse name `versions` and have no text.
fn is_entry(item: &Value) -> bool {
    let has = |key: &str| item.get(key).is_some();
    let text = item.get("prompt").is_some_and(|prompt| prompt.is_string() || prompt.is_array());
    has("name") && (text || has("versions")) && !langsmith::is_entry(item)
}

struct Dump<'a> {
    material: &'a Material<'a>,
    imports: &'a mut Imports,
    names: Names,
    labels: Vec<String>,
}

impl Dump<'_> {
    fn entry(&mut self, index: usize, item: &Value) {
        let place = format!("{}, entry {}", self.material.shown, index + 1);
        let Some(words) = item.get("name").and_then(Value::as_str) else {
            return self.imports.skip(place, "it has no `name`");
        };
        let number = item.get("version").map(ToString::to_string);
        let from =
            format!("{place}: {words}{}", number.as_deref().map(|n| format!(" version {n}")).unwrap_or_default());
        let version = match version(item) {
            Ok(version) => version,
            Err(why) => return self.imports.skip(from, why),
        };
        let (sketch, placeholders) = match self.sketch(item) {
            Ok(read) => read,
            Err(why) => return self.imports.skip(from, why),
        };
        let name = self.names.of(words, words);
        self.remember_labels(item, &name, version.as_deref());
        if !self.imports.offer(Found::new(name, version, &from, sketch)) {
            return;
        }
        for placeholder in placeholders {
            self.imports.skip(format!("{from}, placeholder `{placeholder}`"), langsmith::PLACEHOLDER);
        }
    }

    fn sketch(&self, item: &Value) -> Result<(Sketch, Vec<String>), String> {
        let (messages, placeholders) = self.messages(item)?;
        let (parameters, others) = item.get("config").and_then(Value::as_object).map(settings).unwrap_or_default();
        let description = item.get("commitMessage").and_then(Value::as_str).filter(|words| !words.trim().is_empty());
        let metadata = metadata(item, others);
        let description = description.map(str::to_owned);
        Ok((Sketch { description, messages, parameters, metadata, ..Sketch::default() }, placeholders))
    }

    /// The messages, and the names of those that come at run time.
    fn messages(&self, item: &Value) -> Result<(Vec<Message>, Vec<String>), String> {
        let (messages, placeholders) = match item.get("prompt") {
            Some(Value::String(text)) => (vec![(self.material.role.name().to_owned(), text.clone())], Vec::new()),
            Some(Value::Array(items)) => {
                let (placeholders, items): (Vec<Value>, Vec<Value>) = items.iter().cloned().partition(is_placeholder);
                (chat::of_list(&items)?, placeholders.iter().map(placeholder).collect())
            }
            None if item.get("versions").is_some() => {
                return Err("a list of Langfuse names versions and has no texts; export each version by itself".into());
            }
            _ => return Err("its `prompt` is neither text nor a list of messages".into()),
        };
        if messages.iter().any(|(_, text)| text.contains("@@@langfusePrompt:")) {
            return Err("it refers to another prompt (@@@langfusePrompt); export it with `resolve=true`".into());
        }
        Ok((messages, placeholders))
    }

    /// `latest` is no decision of a person: Langfuse moves it.
    fn remember_labels(&mut self, item: &Value, name: &str, version: Option<&str>) {
        let labels = item.get("labels").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let told = labels
            .filter(|label| *label != "latest")
            .map(|label| format!("{label} = {name} {}", version.unwrap_or("")));
        self.labels.extend(told.map(|told| told.trim_end().to_owned()));
    }
}

fn is_placeholder(item: &Value) -> bool {
    item.get("type").and_then(Value::as_str) == Some("placeholder")
}

fn placeholder(item: &Value) -> String {
    item.get("name").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Langfuse counts versions: 3 becomes 3.0.0.
fn version(item: &Value) -> Result<Option<String>, String> {
    match item.get("version") {
        None | Some(Value::Null) => Ok(None),
        Some(number) => match number.as_u64() {
            Some(number) => Ok(Some(format!("{number}.0.0"))),
            None => Err(format!("its version {number} is no whole number")),
        },
    }
}

fn metadata(item: &Value, config: Map<String, Value>) -> Map<String, Value> {
    let filled = |key: &str| item.get(key).filter(|value| value.as_array().is_some_and(|list| !list.is_empty()));
    let lists = ["labels", "tags"].into_iter().filter_map(|key| Some((key.to_owned(), filled(key)?.clone())));
    let mut metadata: Map<String, Value> = lists.collect();
    if !config.is_empty() {
        metadata.insert("config".to_owned(), Value::Object(config));
    }
    metadata
}
