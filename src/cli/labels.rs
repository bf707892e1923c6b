//! `prompteval label`.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::args::TextOrJson;
use super::exit::{ExitStatus, Failure};
use super::grid::{Grid, Step};
use super::project::{Opened, RegistryArgs};
use super::screen::{Ink, Screen};
use crate::audit::{Event, Evidence};
use crate::diag::did_you_mean;
use crate::env::Env;
use crate::prompts::{label_name, prompt_name};
use crate::registry::{Live, Moved, history, live_at};

/// What gives way where the terminal is narrow, in this order.
const STEPS: &[Step] = &[
    |grid, screen| grid.shorten("why", 40, screen),
    |grid, screen| grid.shorten("by", 20, screen),
    |grid, screen| grid.shorten("why", 20, screen),
    |grid, screen| grid.shorten("prompt", 24, screen),
    |grid, screen| grid.shorten("by", 12, screen),
];

#[derive(Debug, clap::Subcommand)]
pub(super) enum LabelCommand {
    /// List what every label points to, since when and by whom
    List(ListCommand),
    /// Show all that is known of where a label points to now
    Show(ShowCommand),
    /// Show every move of a label, newest first
    History(HistoryCommand),
}

#[derive(Debug, clap::Args)]
pub(super) struct ListCommand {
    /// Only this label
    label: Option<String>,
    /// For people, or everything as JSON
    #[arg(long, value_enum, default_value = "text")]
    format: TextOrJson,
    #[command(flatten)]
    registry: RegistryArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct ShowCommand {
    /// The label
    label: String,
    /// The prompt; default: all that have it
    name: Option<String>,
    /// For people, or everything as JSON
    #[arg(long, value_enum, default_value = "text")]
    format: TextOrJson,
    #[command(flatten)]
    registry: RegistryArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct HistoryCommand {
    /// The label
    label: String,
    /// The prompt; default: all that have had it
    name: Option<String>,
    /// For people, or everything as JSON
    #[arg(long, value_enum, default_value = "text")]
    format: TextOrJson,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn label(command: &LabelCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    match command {
        LabelCommand::List(command) => {
            let opened = command.registry.existing(env, cwd, screen)?;
            let live = now(&opened, command.label.as_deref(), None)?;
            if let (true, Some(label)) = (live.is_empty(), &command.label) {
                return Err(nobody(label));
            }
            list(&live, command.format, screen);
            Ok(ExitStatus::Success)
        }
        LabelCommand::Show(command) => {
            let opened = command.registry.with_prompt(command.name.as_deref(), env, cwd, screen)?;
            let live = now(&opened, Some(&command.label), command.name.as_deref())?;
            show(&live, &command.label, command.format, screen)
        }
        LabelCommand::History(command) => moves(command, env, cwd, screen),
    }
}

/// What labels point to now, by the file of labels; the log says since when.
fn now(opened: &Opened, label: Option<&str>, name: Option<&str>) -> Result<Vec<Live>, Failure> {
    for (word, check) in [(label, label_name as fn(&str) -> _), (name, prompt_name as fn(&str) -> _)] {
        word.map_or(Ok(()), check).map_err(|why| Failure::new(ExitStatus::Usage, why))?;
    }
    let labels = opened.registry.labels()?;
    let mut told = live_at(&opened.registry, None)?;
    let mut all = Vec::new();
    for (prompt, own) in labels.prompts().iter().filter(|(prompt, _)| name.is_none_or(|name| name == *prompt)) {
        for (own, version) in own.labels.iter().filter(|(own, _)| label.is_none_or(|label| label == *own)) {
            let key = (prompt.clone(), own.clone());
            match told.remove(&key).filter(|live| live.version == *version) {
                Some(live) => all.push(live),
                None => return Err(differs(&key, version)),
            }
        }
    }
    Ok(all)
}

fn differs((prompt, label): &(String, String), version: &str) -> Failure {
    let message = format!("labels.yaml says that {label} of {prompt} points to {version}, and the log does not");
    Failure::new(ExitStatus::Altered, message).hint("`prompteval audit verify` says what the log gives")
}

fn list(live: &[Live], format: TextOrJson, screen: &Screen) {
    if format == TextOrJson::Json {
        screen.json(&live.iter().map(|live| moved_json(&live.since)).collect());
    } else if live.is_empty() {
        screen.err("no label points to anything yet; `prompteval promote NAME VERSION --to production` sets one");
    } else {
        let cells = |cell: &dyn Fn(&Live) -> String| live.iter().map(cell).collect::<Vec<_>>();
        let mut grid = Grid::default();
        grid.words("prompt", cells(&|live| live.since.prompt.clone()));
        grid.words("label", cells(&|live| live.since.label.clone()));
        grid.words("version", cells(&|live| live.version.clone()));
        grid.words("since (UTC)", cells(&|live| short(&live.since.time)));
        grid.words("by", cells(&|live| by(&live.since, screen)));
        grid.fitting(STEPS, screen).show(screen);
    }
}

fn show(live: &[Live], label: &str, format: TextOrJson, screen: &Screen) -> Result<ExitStatus, Failure> {
    if live.is_empty() {
        return Err(nobody(label));
    }
    if format == TextOrJson::Json {
        screen.json(&live.iter().map(|live| moved_json(&live.since)).collect());
        return Ok(ExitStatus::Success);
    }
    for live in live {
        let moved = &live.since;
        let fact = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                screen.wrapped(&format!("  {name:<12}"), "              ", &screen.line(value, 400));
            }
        };
        screen.out(&screen.paint(Ink::Strong, &format!("{} {label} → {}", moved.prompt, live.version)));
        fact("since", Some(&moved.time));
        fact("before", moved.from.as_deref());
        fact("by", Some(moved.actor.name()));
        fact("approved by", Some(moved.approvers.join(", ")).filter(|all| !all.is_empty()).as_deref());
        fact("how", Some(&how(moved)));
        fact("why", moved.reason.as_deref());
        fact("content", moved.content_sha256.as_deref());
        if let Some(evidence) = moved.evidence.as_ref().filter(|evidence| evidence.is_judged()) {
            fact("evidence", Some(&format!("run {}, {}", evidence.run, evidence.decision)));
        }
        if let Some(shown) = moved.evidence.as_ref().and_then(|evidence| evidence.experiment.as_ref()) {
            fact(
                "experiment",
                Some(&format!("{} phase {}: {} is {}", shown.name, shown.phase, shown.arm, shown.verdict)),
            );
        }
    }
    Ok(ExitStatus::Success)
}

fn nobody(label: &str) -> Failure {
    let failure = Failure::new(ExitStatus::Usage, format!("no prompt has the label {label}"));
    failure.hint("`prompteval label list` shows what there is")
}

/// Whether a label was ever moved: a typing mistake must not read as "nothing was live".
pub(super) fn known_label(opened: &Opened, label: &str) -> Result<(), Failure> {
    label_name(label).map_err(|why| Failure::new(ExitStatus::Usage, why))?;
    let moves = history(&opened.registry, None, None)?;
    let known: BTreeSet<&str> = moves.iter().map(|moved| moved.label.as_str()).collect();
    if known.contains(label) {
        return Ok(());
    }
    let failure = Failure::new(ExitStatus::Usage, format!("no label {label} was ever moved"));
    let hint = did_you_mean(label, known.iter().copied());
    Err(failure.hint(hint.unwrap_or_else(|| "`prompteval label list` shows what there is".into())))
}

fn how(moved: &Moved) -> String {
    match moved.event {
        Event::Promote if moved.evidence.as_ref().is_some_and(Evidence::is_judged) => {
            "promoted: the gate was open".into()
        }
        Event::Promote => "promoted: this label asks for no evidence".into(),
        Event::Override => "promoted although something was missing".into(),
        Event::Rollback => "rolled back".into(),
        event => event.word().to_owned(),
    }
}

fn moves(command: &HistoryCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let opened = command.registry.with_prompt(command.name.as_deref(), env, cwd, screen)?;
    known_label(&opened, &command.label)?;
    let mut all = history(&opened.registry, command.name.as_deref(), Some(&command.label))?;
    all.reverse();
    if command.format == TextOrJson::Json {
        screen.json(&all.iter().map(moved_json).collect());
    } else if all.is_empty() {
        screen.err(&format!("{} was never moved", command.label));
    } else {
        let cells = |cell: &dyn Fn(&Moved) -> String| all.iter().map(cell).collect::<Vec<_>>();
        let mut grid = Grid::default();
        grid.words("when (UTC)", cells(&|moved| short(&moved.time)));
        grid.words("prompt", cells(&|moved| moved.prompt.clone()));
        grid.words("from", cells(&|moved| moved.from.clone().unwrap_or_else(|| "–".into())));
        grid.words("to", cells(&|moved| moved.to.clone().unwrap_or_else(|| "–".into())));
        grid.words("by", cells(&|moved| by(moved, screen)));
        grid.words("why", cells(&|moved| screen.line(moved.reason.as_deref().unwrap_or_default(), 80)));
        grid.fitting(STEPS, screen).show(screen);
    }
    Ok(ExitStatus::Success)
}

fn short(time: &str) -> String {
    time.get(..16).unwrap_or(time).replace('T', " ")
}

/// Who moved a label, and whether it was no ordinary promotion.
pub(super) fn by(moved: &Moved, screen: &Screen) -> String {
    let name = screen.line(short_name(moved.actor.name()), 40);
    if moved.lost {
        return format!("{name} {}", screen.paint(Ink::Odd, "(lost)"));
    }
    match moved.event {
        Event::Override => format!("{name} {}", screen.paint(Ink::Bad, "(override)")),
        Event::Rollback => format!("{name} {}", screen.paint(Ink::Odd, "(rollback)")),
        _ => name,
    }
}

/// A name without the address behind it.
pub(super) fn short_name(name: &str) -> &str {
    name.split('<').next().map(str::trim).filter(|name| !name.is_empty()).unwrap_or(name)
}

/// A move as JSON.
pub(super) fn moved_json(moved: &Moved) -> Value {
    json!({
        "seq": moved.seq, "time": moved.time, "event": moved.event.word(), "prompt": moved.prompt, "label": moved.label,
        "from": moved.from, "to": moved.to, "content_sha256": moved.content_sha256, "actor": moved.actor,
        "lost": moved.lost, "approvers": moved.approvers, "reason": moved.reason, "evidence": moved.evidence,
    })
}
