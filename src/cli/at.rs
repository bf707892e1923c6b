//! `prompteval at`.

use std::path::Path;

use serde_json::json;

use super::ab::described;
use super::args::TextOrJson;
use super::exit::{ExitStatus, Failure};
use super::grid::{Grid, Step};
use super::labels::{by, known_label, moved_json};
use super::project::RegistryArgs;
use super::screen::Screen;
use crate::env::{Env, format_time, parse_time};
use crate::experiment::Arm;
use crate::registry::{Experiment, Live, live_at};

/// What gives way where the terminal is narrow, in this order.
const STEPS: &[Step] = &[
    |grid, screen| grid.shorten("by", 24, screen),
    |grid, _| grid.without("content"),
    |grid, screen| grid.shorten("by", 12, screen),
    |grid, screen| grid.shorten("prompt", 24, screen),
];

#[derive(Debug, clap::Args)]
pub(super) struct AtCommand {
    /// The moment, such as 2026-11-01T10:00Z or 2026-11-01 (its beginning, UTC)
    #[arg(value_name = "TIME")]
    time: String,
    /// Only this prompt
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Only this label
    #[arg(long)]
    label: Option<String>,
    /// For people, or everything as JSON
    #[arg(long, value_enum, default_value = "text")]
    format: TextOrJson,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn at(command: &AtCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let millis = moment(&command.time)?;
    if millis > env.clock.now_millis() {
        let message = format!("{} is yet to come", format_time(millis));
        return Err(Failure::new(ExitStatus::Usage, message).hint("`prompteval label list` shows what is live now"));
    }
    let opened = command.registry.with_prompt(command.name.as_deref(), env, cwd, screen)?;
    if let Some(label) = &command.label {
        known_label(&opened, label)?;
    }
    let mut live: Vec<Live> = live_at(&opened.registry, Some(millis))?.into_values().collect();
    live.retain(|live| {
        let since = &live.since;
        command.name.as_ref().is_none_or(|name| since.prompt == *name)
            && command.label.as_ref().is_none_or(|label| since.label == *label)
    });
    let mut running = opened.registry.experiments_at(millis)?;
    running.retain(|_, one| command.name.as_ref().is_none_or(|name| one.phase.prompt == *name));
    // An experiment passes labels by.
    let running: Vec<Experiment> = running.into_values().filter(|_| command.label.is_none()).collect();
    if command.format == TextOrJson::Json {
        let all: Vec<_> = live.iter().map(|live| moved_json(&live.since)).collect();
        let experiments: Vec<_> = running.iter().map(described).collect();
        screen.json(&json!({"at": format_time(millis), "live": all, "experiments": experiments}));
        return Ok(ExitStatus::Success);
    }
    match &live[..] {
        [] => screen.out(&format!("nothing was live at {}", format_time(millis))),
        _ => grid(&live, screen).fitting(STEPS, screen).show(screen),
    }
    for one in &running {
        screen.wrapped("", "  ", &dealt(one));
    }
    Ok(ExitStatus::Success)
}

/// What an experiment dealt out: `experiment tone, phase 1: plain support@2.0.0 50 %, warm support@2.1.0 50 %`.
fn dealt(one: &Experiment) -> String {
    let phase = &one.phase;
    let arm = |(at, arm): (usize, &Arm)| {
        let share = crate::stats::words::percent(phase.share(at));
        format!("{} {}@{} {share} %", arm.name, phase.prompt, arm.version)
    };
    let arms: Vec<String> = phase.arms.iter().enumerate().map(arm).collect();
    format!("experiment {}, phase {}: {}", phase.name, phase.phase, arms.join(", "))
}

fn grid(live: &[Live], screen: &Screen) -> Grid {
    let cells = |cell: &dyn Fn(&Live) -> String| live.iter().map(cell).collect::<Vec<_>>();
    let mut grid = Grid::default();
    grid.words("prompt", cells(&|live| live.since.prompt.clone()));
    grid.words("label", cells(&|live| live.since.label.clone()));
    grid.words("version", cells(&|live| live.version.clone()));
    grid.words("since (UTC)", cells(&|live| live.since.time.get(..16).unwrap_or_default().replace('T', " ")));
    grid.words("by", cells(&|live| by(&live.since, screen)));
    let content =
        |live: &Live| live.since.content_sha256.as_deref().and_then(|hash| hash.get(..12)).unwrap_or("–").to_owned();
    grid.words("content", cells(&content));
    grid
}

/// Reads a moment: milliseconds since 1970, UTC.
pub(super) fn moment(text: &str) -> Result<u64, Failure> {
    parse_time(text).ok_or_else(|| {
        Failure::new(ExitStatus::Usage, format!("`{text}` is no time"))
            .hint("write it as 2026-11-01T10:00Z, 2026-11-01T10:00+01:00 or 2026-11-01")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        let read = |text: &str| moment(text).map(format_time).map_err(|failure| failure.message);
        for (text, expected) in [
            ("2026-11-01T10:00Z", "2026-11-01T10:00:00.000Z"),
            ("2026-11-01T10:00+01:00", "2026-11-01T09:00:00.000Z"),
            ("2026-11-01", "2026-11-01T00:00:00.000Z"),
            ("2026-11-01 10:00", "2026-11-01T10:00:00.000Z"),
            ("2026-11-01T10:00:01.5Z", "2026-11-01T10:00:01.500Z"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
        for bad in ["yesterday", "2026-13-01", "", "1969-01-01T00:00Z"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
