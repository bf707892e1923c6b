//! `prompteval audit`.

mod export;
mod verify;

use std::path::Path;

use super::args::TextOrJson;
use super::exit::{ExitStatus, Failure};
use super::labels::short_name;
use super::project::RegistryArgs;
use super::screen::{Ink, Screen, count};
use super::signing;
use crate::audit::{Change, Event, Sealed, flags};
use crate::env::Env;
use crate::registry::Who;

#[derive(Debug, clap::Subcommand)]
pub(super) enum AuditCommand {
    /// Show what was done, newest first
    Log(LogCommand),
    /// Is the log what it was, and are the labels what it says?
    Verify(verify::VerifyCommand),
    /// Write the log for an auditor, a spreadsheet or a SIEM
    Export(export::ExportCommand),
    /// After a merge of two branches: put the other chain behind ours
    Rebase(RebaseCommand),
    /// After a crash or an edit: take a torn last line out and keep it, write the labels that the log tells
    Repair(RegistryArgs),
    /// Print the public key that checkpoints and bundles are signed with here
    Key,
}

#[derive(Debug, clap::Args)]
pub(super) struct LogCommand {
    /// How many entries
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// For people, or everything as JSON
    #[arg(long, value_enum, default_value = "text")]
    format: TextOrJson,
    #[command(flatten)]
    registry: RegistryArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct RebaseCommand {
    /// Whose moves stand where both branches moved a label
    #[arg(long, value_enum)]
    prefer: Option<Side>,
    #[command(flatten)]
    registry: RegistryArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Side {
    /// Those of the chain that stands first in the file: the branch that was merged into
    Ours,
    /// Those of the other
    Theirs,
}

pub(super) fn audit(command: &AuditCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    match command {
        AuditCommand::Log(command) => log(command, env, cwd, screen),
        AuditCommand::Verify(command) => verify::verify(command, env, cwd, screen),
        AuditCommand::Export(command) => export::export(command, env, cwd, screen),
        AuditCommand::Rebase(command) => rebase(command, env, cwd, screen),
        AuditCommand::Repair(registry) => repair(registry, env, cwd, screen),
        AuditCommand::Key => {
            let env = env.with_dotenv(&cwd.join(".env")).unwrap_or_else(|_| env.clone());
            screen.out(&signing::key(&env, screen)?.public().to_string());
            Ok(ExitStatus::Success)
        }
    }
}

fn log(command: &LogCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let opened = command.registry.existing(env, cwd, screen)?;
    let entries = opened.registry.entries(&[])?;
    if entries.is_empty() {
        screen.err("nothing was done yet");
    }
    show_entries(&shown(entries, command.limit), command.format, screen);
    Ok(ExitStatus::Success)
}

/// The newest entries, the newest first.
pub(super) fn shown(entries: Vec<Sealed>, limit: usize) -> Vec<Sealed> {
    entries.into_iter().rev().take(limit).collect()
}

/// A paragraph for each entry, or all as JSON.
pub(super) fn show_entries(entries: &[Sealed], format: TextOrJson, screen: &Screen) {
    if format == TextOrJson::Json {
        screen.json(&entries.iter().map(|sealed| serde_json::to_value(sealed).unwrap_or_default()).collect());
        return;
    }
    for sealed in entries {
        paragraph(sealed, screen);
    }
}

fn paragraph(sealed: &Sealed, screen: &Screen) {
    let entry = &sealed.entry;
    let when = entry.time.get(..16).unwrap_or(&entry.time).replace('T', " ");
    let ink = match entry.event {
        Event::Promote | Event::Release => Ink::Good,
        Event::Denied | Event::Override => Ink::Bad,
        _ => Ink::Odd,
    };
    let by = screen.line(short_name(entry.actor.name()), 40);
    let ci = entry.actor.ci.as_ref().map(|ci| format!(" in {}", screen.line(&ci.system, 20))).unwrap_or_default();
    for (n, change) in entry.changes().enumerate() {
        let word = if n == 0 { screen.paint(ink, entry.event.word()) } else { "and".into() };
        let marks: Vec<&str> = flags(sealed, change).into_iter().filter(|flag| !said(entry.event, flag)).collect();
        let marks = if marks.is_empty() { String::new() } else { format!("  [{}]", marks.join(", ")) };
        let head = if n == 0 { format!("{:>4}  {when}", sealed.seq) } else { " ".repeat(22) };
        let what = screen.line(&what(change), 100);
        let who = if n == 0 { format!("  by {by}{ci}") } else { String::new() };
        let words = if what.is_empty() { word } else { format!("{word} {what}") };
        let (who, marks) = (screen.paint(Ink::Dim, &who), screen.paint(Ink::Odd, &marks));
        screen.out(&format!("{head}  {words}{who}{marks}"));
    }
    if !entry.approvers.is_empty() {
        screen.out(&format!("{:24}approved by {}", "", screen.line(&entry.approvers.join(", "), 80)));
    }
    for words in entry.reason.iter().chain(&entry.missing) {
        screen.wrapped(&" ".repeat(24), &" ".repeat(24), &screen.line(words, 400));
    }
}

/// Whether the event's own word says it.
fn said(event: Event, flag: &str) -> bool {
    matches!(
        (event, flag),
        (Event::Override, "overridden") | (Event::Rollback, "rolled_back") | (Event::Denied, "denied")
    )
}

/// `customer_support production 2.0.0 → 2.1.0`, or `customer_support@2.1.0`.
fn what(change: &Change) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    match (&change.label, &change.prompt) {
        (Some(label), _) => {
            let from = change.from.as_deref().unwrap_or("nothing");
            let to = change.to.as_deref().unwrap_or("nothing");
            format!("{} {label} {from} → {to}", text(&change.prompt))
        }
        (None, _) if change.experiment.is_some() => change.phase().unwrap_or_default(),
        (None, Some(prompt)) => format!("{prompt}@{}", text(&change.version)),
        (None, None) => String::new(),
    }
}

fn rebase(command: &RebaseCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let opened = command.registry.existing(env, cwd, screen)?;
    let who = Who::here(&opened.env, cwd);
    let theirs = command.prefer.map(|side| side == Side::Theirs);
    let Some(done) = opened.registry.rebase(theirs, &who)? else {
        screen.out("the log is one chain: there is nothing to rebase");
        return Ok(ExitStatus::Success);
    };
    let entries = |n: usize| if n == 1 { "1 entry".to_owned() } else { format!("{n} entries") };
    screen.out(&format!("{} of the other branch behind {} of this one", entries(done.theirs), entries(done.ours)));
    for label in &done.contested {
        let whose = if command.prefer == Some(Side::Theirs) { "theirs" } else { "ours" };
        screen.out(&format!("  both moved {label}: {whose} stands"));
    }
    for name in &done.stopped {
        screen.out(&format!(
            "  both changed the experiment {name}: it is stopped; `prompteval ab start {name}` begins a new phase"
        ));
    }
    screen.out("labels.yaml is what the log says; commit both files");
    Ok(ExitStatus::Success)
}

fn repair(registry: &RegistryArgs, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let opened = registry.existing(env, cwd, screen)?;
    let who = Who::here(&opened.env, cwd);
    let torn = opened.registry.repair(&who)?;
    let restored = opened.registry.restore()?;
    if restored {
        screen.out("labels.yaml is what the log tells again");
    }
    match torn {
        None if restored => {}
        None => {
            screen.out("the log ends with a whole line, and the labels are what it tells: there is nothing to repair");
        }
        Some(bytes) if bytes.is_empty() => {
            screen.out("the last entry was whole and lacked its line's end: it has it now");
        }
        Some(bytes) => {
            screen.out(&format!("took {} torn off the log; an entry keeps them", count(bytes.len() as u64, "byte")));
        }
    }
    Ok(ExitStatus::Success)
}
