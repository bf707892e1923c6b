//! `prompteval prompt diff`.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::cli::args::TextOrJson;
use crate::cli::exit::{ExitStatus, Failure};
use crate::cli::project::{Opened, RegistryArgs};
use crate::cli::screen::{Ink, Screen, legible};
use crate::env::Env;
use crate::prompts::{Card, versions};
use crate::report::{Piece, diff_words};

/// Words around a change that are shown.
const NEAR: usize = 60;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct DiffCommand {
    /// The prompt
    name: String,
    /// The older side: a version, a label, `latest`; default: the newest version
    #[arg(value_name = "OLD")]
    old: Option<String>,
    /// The newer side: the same, or `draft`, which is the default
    #[arg(value_name = "NEW")]
    new: Option<String>,
    /// For people, or everything as JSON
    #[arg(long, value_enum, default_value = "text")]
    format: TextOrJson,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn diff(command: &DiffCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let opened = command.registry.existing(env, cwd, screen)?;
    let (old, new) = both(command, &opened)?;
    if command.format == TextOrJson::Json {
        screen.json(&json(&old, &new));
        return Ok(ExitStatus::Success);
    }
    let name = |card: &Card| format!("{} ({})", card.prompt.label, card.file);
    screen.out(&screen.paint(Ink::Strong, &format!("{} → {}", name(&old), name(&new))));
    if old.prompt.hash == new.prompt.hash {
        screen.out("the same content: messages, parameters, tools and template dialect");
        return Ok(ExitStatus::Success);
    }
    messages(&old, &new, screen);
    variables(&old, &new, screen);
    parameters(&old, &new, screen);
    Ok(ExitStatus::Success)
}

/// The two sides: by default the newest version and the draft.
fn both(command: &DiffCommand, opened: &Opened) -> Result<(Card, Card), Failure> {
    let newest = || versions(opened.registry.folder(), &command.name).last().map(ToString::to_string);
    let old = command.old.clone().or_else(newest).unwrap_or_else(|| "latest".into());
    let new = command.new.as_deref().unwrap_or("draft");
    let read = |version: &str| opened.registry.card(&command.name, version);
    Ok((read(&old)?, read(new)?))
}

/// Message by message, what differs word by word.
fn messages(old: &Card, new: &Card, screen: &Screen) {
    for n in 0..old.messages.len().max(new.messages.len()) {
        let (before, after) = (old.messages.get(n), new.messages.get(n));
        let role = after.or(before).map(|(role, _)| role.as_str()).unwrap_or_default();
        let text = |message: Option<&(String, String)>| message.map(|(_, text)| text.clone()).unwrap_or_default();
        let (from, to) = (text(before), text(after));
        let other_role = before.zip(after).filter(|(one, other)| one.0 != other.0);
        if from == to && other_role.is_none() {
            continue;
        }
        let said = match (before, after, other_role) {
            (None, ..) => format!("{role} message, new"),
            (_, None, _) => format!("{role} message, gone"),
            (.., Some((one, other))) => format!("{} message, {} before", other.0, one.0),
            _ => format!("{role} message"),
        };
        screen.out(&format!("\n{}", screen.paint(Ink::Strong, &said)));
        changed(&from, &to, screen);
    }
    if old.input != new.input {
        let words = if new.input {
            "the case's `input` follows as the user's message now"
        } else {
            "the case's `input` does not follow any more"
        };
        screen.out(&format!("\n{words}"));
    }
}

/// A text with its changes: what is gone in red and `[-…-]`, what is new in green and `{+…+}`.
fn changed(from: &str, to: &str, screen: &Screen) {
    let mut out = String::new();
    for piece in diff_words(from, to) {
        match piece {
            Piece::Same(words) => out += &elided(&legible(&words)),
            Piece::Removed(words) => out += &marked(&legible(&words), ("[-", "-]"), Ink::Bad, screen),
            Piece::Added(words) => out += &marked(&legible(&words), ("{+", "+}"), Ink::Good, screen),
        }
    }
    for line in out.lines() {
        screen.out(&format!("  {line}"));
    }
}

fn marked(words: &str, (open, close): (&str, &str), ink: Ink, screen: &Screen) -> String {
    let mark =
        |part: &str| if part.is_empty() { String::new() } else { screen.paint(ink, &format!("{open}{part}{close}")) };
    // Colour ends with its line.
    words.split('\n').map(mark).collect::<Vec<_>>().join("\n")
}

/// Same words without those far from a change.
fn elided(words: &str) -> String {
    let length = words.chars().count();
    if length <= 2 * NEAR + 3 {
        return words.to_owned();
    }
    let head: String = words.chars().take(NEAR).collect();
    let tail: String = words.chars().skip(length - NEAR).collect();
    format!("{head} … {tail}")
}

/// Variables that came and went.
fn variables(old: &Card, new: &Card, screen: &Screen) {
    let [before, after] = [old, new].map(|card| card.prompt.variables().into_iter().collect::<BTreeSet<_>>());
    let list = |names: Vec<&String>| names.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let (added, gone) = (list(after.difference(&before).collect()), list(before.difference(&after).collect()));
    if added.is_empty() && gone.is_empty() {
        return;
    }
    screen.out(&format!("\n{}", screen.paint(Ink::Strong, "variables")));
    if !added.is_empty() {
        screen.out(&format!("  {} {added}: callers must give them", screen.paint(Ink::Good, "+")));
    }
    if !gone.is_empty() {
        screen.out(&format!("  {} {gone}: not read any more", screen.paint(Ink::Bad, "-")));
    }
}

/// Parameters, tools and the templates' dialect.
fn parameters(old: &Card, new: &Card, screen: &Screen) {
    let (before, after) = (settings(old), settings(new));
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differing: Vec<&&String> = keys.iter().filter(|key| before.get(**key) != after.get(**key)).collect();
    if differing.is_empty() {
        return;
    }
    screen.out(&format!("\n{}", screen.paint(Ink::Strong, "parameters")));
    let word = |value: Option<&Value>| {
        value.map_or_else(|| "not set".to_owned(), |value| screen.line(&value.to_string(), 200))
    };
    for key in differing {
        let (from, to) = (word(before.get(*key)), word(after.get(*key)));
        let (from, to) = (screen.paint(Ink::Bad, &from), screen.paint(Ink::Good, &to));
        screen.out(&format!("  {}: {from} → {to}", screen.line(key, 60)));
    }
}

fn settings(card: &Card) -> Map<String, Value> {
    let mut all = (*card.prompt.parameters).clone();
    all.insert("template_format".into(), card.content["template_format"].clone());
    all
}

fn json(old: &Card, new: &Card) -> Value {
    let side = |card: &Card| json!({"prompt": &*card.prompt.label, "file": card.file, "content_sha256": &*card.prompt.hash, "content": card.content, "variables": card.prompt.variables()});
    let piece = |piece: &Piece| match piece {
        Piece::Same(words) => json!({"same": words}),
        Piece::Removed(words) => json!({"removed": words}),
        Piece::Added(words) => json!({"added": words}),
    };
    let message = |n: usize| {
        let text = |card: &Card| card.messages.get(n).map(|(_, text)| text.clone()).unwrap_or_default();
        let role = |card: &Card| card.messages.get(n).map(|(role, _)| role.clone());
        json!({"old_role": role(old), "new_role": role(new), "words": diff_words(&text(old), &text(new)).iter().map(piece).collect::<Vec<_>>()})
    };
    let count = old.messages.len().max(new.messages.len());
    json!({"old": side(old), "new": side(new), "same": old.prompt.hash == new.prompt.hash, "messages": (0..count).map(message).collect::<Vec<_>>()})
}
