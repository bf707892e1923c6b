//! Experiments begin and end.

use std::path::Path;

use serde_json::{Value, json};

use super::{Of, plan, usage};
use crate::audit::Event;
use crate::cli::args::TextOrJson;
use crate::cli::exit::{ExitStatus, Failure};
use crate::cli::grid::{Grid, Step};
use crate::cli::project::RegistryArgs;
use crate::cli::screen::{Ink, Screen};
use crate::env::Env;
use crate::experiment::{Arm, Phase};
use crate::registry::{Experiment, Started, Who};
use crate::stats::words::percent;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct StartCommand {
    /// The experiment: the name of a file in `experiments`, or a file
    #[arg(value_name = "NAME|FILE")]
    experiment: String,
    /// Why, for the log
    #[arg(short = 'm', long, visible_alias = "message", value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    registry: RegistryArgs,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct StopCommand {
    #[command(flatten)]
    of: Of,
    /// What was decided, and why
    #[arg(short = 'm', long, visible_alias = "message", value_name = "TEXT")]
    decision: String,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ListCommand {
    /// For people, or everything as JSON
    #[arg(long, value_enum, default_value = "text")]
    format: TextOrJson,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn start(command: &StartCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let opened = command.registry.existing(env, cwd, screen)?;
    let plan = plan(&command.experiment, cwd, screen)?;
    let who = Who::here(&opened.env, cwd);
    let started = opened.registry.lock_sound()?.start_experiment(&plan, command.reason.as_deref(), &who)?;
    if !screen.quiet {
        told(&started, screen);
    }
    Ok(ExitStatus::Success)
}

fn told(started: &Started, screen: &Screen) {
    let Phase { name, phase, prompt, .. } = &started.phase;
    let word = match started.event {
        Some(Event::ExperimentStart) => format!("{} {name}, phase {phase}", screen.paint(Ink::Good, "started")),
        Some(_) => format!("{} {name}, phase {phase} goes on", screen.paint(Ink::Good, "changed")),
        None => format!("{name} runs as planned already, phase {phase}"),
    };
    screen.out(&word);
    for (at, arm) in started.phase.arms.iter().enumerate() {
        let share = percent(started.phase.share(at));
        let control = if arm.control { "  control" } else { "" };
        screen.out(&format!("  {:<16} {share:>6} %  {prompt}@{}{control}", arm.name, arm.version));
    }
    if started.moved > 0.0 {
        let share = percent(started.moved);
        screen.warning(&format!("{share} % of all users get another version than before, or none"));
    }
}

pub(super) fn stop(command: &StopCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let (opened, found) = command.of.find(env, cwd, screen)?;
    if command.decision.trim().is_empty() {
        let failure = usage("the end of an experiment has to say what was decided");
        return Err(failure.hint("add -m \"what, and why\""));
    }
    let who = Who::here(&opened.env, cwd);
    let mut session = opened.registry.lock_sound()?;
    session.stop_experiment(&found.phase.name, command.decision.trim(), &who)?;
    if !screen.quiet {
        screen.out(&format!("{} {}, phase {}", screen.paint(Ink::Odd, "stopped"), found.phase.name, found.phase.phase));
    }
    Ok(ExitStatus::Success)
}

/// What gives way where the terminal is narrow, in this order.
const STEPS: &[Step] = &[
    |grid, screen| grid.shorten("arms", 40, screen),
    |grid, _| grid.rewrite("since", |since| since.chars().take(10).collect()),
    |grid, screen| grid.shorten("arms", 20, screen),
    |grid, screen| grid.shorten("experiment", 12, screen),
];

pub(super) fn list(command: &ListCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let opened = command.registry.existing(env, cwd, screen)?;
    let (all, labels) = (opened.registry.experiments()?, opened.registry.labels()?);
    if command.format == TextOrJson::Json {
        screen.json(&json!({"schema": 1, "experiments": all.values().map(described).collect::<Vec<_>>()}));
        return Ok(ExitStatus::Success);
    }
    if all.is_empty() {
        screen.err("no experiment was started; `prompteval ab start NAME` begins the one in experiments/NAME.yaml");
    }
    let mut rows = Vec::new();
    for one in all.values() {
        let state = if one.stopped.is_some() { "stopped" } else { "runs" };
        let mark = |arm: &Arm| if labels.is_withdrawn(&one.phase.prompt, &arm.version) { " withdrawn" } else { "" };
        let arm = |arm: &Arm| format!("{} {}{}", arm.name, arm.version, mark(arm));
        let arms: Vec<String> = one.phase.arms.iter().map(arm).collect();
        let since = one.stopped.as_ref().map_or(&one.since, |stop| &stop.time);
        let phase = one.phase.phase.to_string();
        rows.push([one.phase.name.clone(), phase, state.to_owned(), since.clone(), arms.join(" · ")]);
    }
    let mut grid = Grid::default();
    for (at, name) in ["experiment", "phase", "state", "since", "arms"].into_iter().enumerate() {
        grid.words(name, rows.iter().map(|row| row[at].clone()).collect());
    }
    if !rows.is_empty() {
        grid.fitting(STEPS, screen).show(screen);
    }
    Ok(ExitStatus::Success)
}

/// An experiment as programs read it.
pub(in crate::cli) fn described(one: &Experiment) -> Value {
    json!({
        "phase": one.phase,
        "since": one.since,
        "changed": one.changed,
        "stopped": one.stopped.as_ref().map(|stop| json!({"time": stop.time, "decision": stop.decision})),
    })
}
