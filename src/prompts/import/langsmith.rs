//! Dumps of LangSmith: a manifest, a map of them by name, or a list of commits.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::manifest::{self, is_manifest};
use super::name::Names;
use super::{Found, Imports, Material};

/// Why a message that comes at run time is left out.
pub(super) const PLACEHOLDER: &str =
    "a prompt file has no place for messages that come at run time; the prompt is taken without them";

/// Where a list is, when it is not the whole dump.
const LISTS: [&str; 3] = ["commits", "repos", "data"];
const NAMES: [&str; 4] = ["repo_handle", "repo", "full_name", "name"];

pub(super) fn is(material: &Material<'_>) -> bool {
    let Some(value) = material.json() else { return false };
    is_entry(value) || list(value).is_some_and(|items| items.iter().any(is_entry)) || is_map(value)
}

/// Whether a value is a manifest, or a commit with one.
pub(super) fn is_entry(item: &Value) -> bool {
    is_manifest(item) || manifest_of(item).is_some()
}

fn is_map(value: &Value) -> bool {
    value.as_object().is_some_and(|map| map.values().any(is_entry))
}

fn list(value: &Value) -> Option<&Vec<Value>> {
    value.as_array().or_else(|| LISTS.iter().find_map(|key| value.get(key)?.as_array()))
}

fn manifest_of(item: &Value) -> Option<&Value> {
    let found = item.get("manifest").or_else(|| item.get("object"))?;
    is_manifest(found).then_some(found)
}

pub(super) fn read(material: &Material<'_>, imports: &mut Imports) {
    let Some(value) = material.json() else { return };
    let mut dump = Dump { material, imports, names: Names::default() };
    if is_manifest(value) {
        dump.bare(material.shown, &material.stem(), value);
    } else if is_entry(value) {
        dump.commits(std::slice::from_ref(value));
    } else if let Some(items) = list(value) {
        dump.commits(items);
    } else {
        for (name, manifest) in value.as_object().into_iter().flatten() {
            let manifest = manifest_of(manifest).unwrap_or(manifest);
            dump.bare(&format!("{}: {name}", material.shown), handle(name), manifest);
        }
    }
}

/// "owner/name" without the owner, and a reference without its commit.
fn handle(words: &str) -> &str {
    let name = words.rsplit('/').next().unwrap_or(words);
    name.split_once(':').map_or(name, |(name, _)| name)
}

struct Dump<'a> {
    material: &'a Material<'a>,
    imports: &'a mut Imports,
    names: Names,
}

impl Dump<'_> {
    /// A manifest about which no commit is known.
    fn bare(&mut self, from: &str, words: &str, manifest: &Value) {
        let name = self.names.of(from, words);
        self.take(name, None, from, manifest, &Value::Null);
    }

    /// Commits become versions in the order in which they were made, each prompt by itself.
    fn commits(&mut self, items: &[Value]) {
        let mut prompts: BTreeMap<String, Vec<(String, &Value)>> = BTreeMap::new();
        let stem = self.material.stem();
        for (index, item) in items.iter().enumerate() {
            let place = format!("{}, entry {}", self.material.shown, index + 1);
            if is_manifest(item) {
                self.bare(&place, &stem, item);
            } else if manifest_of(item).is_none() {
                self.imports.skip(place, "it has no manifest");
            } else {
                let words = NAMES.iter().find_map(|key| item.get(key)?.as_str()).unwrap_or(&stem);
                prompts.entry(words.to_owned()).or_default().push((place, item));
            }
        }
        for (words, mut commits) in prompts {
            in_order(&mut commits);
            let name = self.names.of(&words, handle(&words));
            for (number, (place, commit)) in commits.into_iter().enumerate() {
                let version = format!("{}.0.0", number + 1);
                let hash = commit.get("commit_hash").and_then(Value::as_str);
                let from =
                    format!("{place}: {words}{}", hash.map(|hash| format!(" commit {hash}")).unwrap_or_default());
                self.take(name.clone(), Some(version), &from, manifest_of(commit).unwrap_or(&Value::Null), commit);
            }
        }
    }

    fn take(&mut self, name: String, version: Option<String>, from: &str, manifest: &Value, commit: &Value) {
        let read = match manifest::read(manifest, self.material.role) {
            Ok(read) => read,
            Err(why) => return self.imports.skip(from, why),
        };
        let mut sketch = read.sketch;
        let text = |key: &str| commit.get(key).and_then(Value::as_str).filter(|words| !words.trim().is_empty());
        sketch.description = text("description").map(str::to_owned);
        for key in ["commit_hash", "created_at"] {
            sketch.metadata.extend(text(key).map(|words| (key.to_owned(), json!(words))));
        }
        if !self.imports.offer(Found::new(name, version, from, sketch)) {
            return;
        }
        for placeholder in &read.placeholders {
            self.imports.skip(format!("{from}, placeholder `{placeholder}`"), PLACEHOLDER);
        }
        for (what, why) in &read.notes {
            self.imports.skip(format!("{from}, {what}"), *why);
        }
    }
}

/// Oldest first. Where one of them has no time, the dump's own order is all there is.
fn in_order(commits: &mut [(String, &Value)]) {
    let time = |commit: &Value| commit.get("created_at")?.as_str()?.parse::<jiff::Timestamp>().ok();
    if commits.iter().all(|(_, commit)| time(commit).is_some()) {
        commits.sort_by_key(|(_, commit)| time(commit));
    }
}
