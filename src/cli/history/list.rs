//! The list of runs.

use serde_json::Value;

use super::facts::{UNKNOWN, decision, git, json, pass_rate, unrun, when};
use crate::cli::args::TextOrJson;
use crate::cli::exit::{ExitStatus, Failure};
use crate::cli::grid::{Grid, Step};
use crate::cli::keep::failed;
use crate::cli::screen::{Screen, dollars, thousands};
use crate::store::{RunLine, Store};

/// What gives way where the terminal is narrow, in this order.
const STEPS: &[Step] = &[
    |grid, _| grid.without_idle("failed", |cell| cell == UNKNOWN || cell == "0"),
    |grid, screen| grid.shorten("config", 10, screen),
    |grid, _| grid.without("config"),
    |grid, _| grid.without("git"),
    // The id begins with it.
    |grid, _| grid.without("when (UTC)"),
    |grid, _| grid.rewrite("pass rate", |cell| cell.split(" [").next().unwrap_or_default().to_owned()),
    |grid, _| grid.without("cost"),
    |grid, screen| grid.shorten("gate", 6, screen),
    |grid, _| grid.without("ended"),
    |grid, _| grid.without("not run"),
    |grid, _| grid.without("no verdict"),
    |grid, _| grid.without("gate"),
];

pub(super) fn list(store: &Store, limit: u32, format: TextOrJson, screen: &Screen) -> Result<ExitStatus, Failure> {
    let lines = store.history(limit).map_err(failed)?;
    if format == TextOrJson::Json {
        let all = lines.iter().map(|line| Value::Object(json(line, store.is_under_way(&line.name))));
        screen.json(&all.collect());
    } else if lines.is_empty() {
        screen.err("no run is stored yet");
    } else {
        grid(store, &lines, screen).fitting(STEPS, screen).show(screen);
    }
    Ok(ExitStatus::Success)
}

fn grid(store: &Store, lines: &[RunLine], screen: &Screen) -> Grid {
    let cells = |cell: &dyn Fn(&RunLine) -> String| lines.iter().map(cell).collect::<Vec<_>>();
    let mut grid = Grid::default();
    grid.words("run", cells(&|line| screen.line(&line.name, 40)));
    grid.words("when (UTC)", cells(&|line| when(line.started_ms)));
    grid.words("git", cells(&|line| screen.line(&git(line.git.as_ref()), 8)));
    grid.words("ended", cells(&|line| ended(line, store, screen)));
    grid.words("config", cells(&|line| screen.line(&line.config_path, 60)));
    grid.words("pass rate", cells(&|line| pass_rate(line.passed, line.failed)));
    grid.numbers("failed", cells(&|line| thousands(line.failed)));
    grid.numbers("no verdict", cells(&|line| thousands(line.errored)));
    grid.numbers("not run", cells(&|line| thousands(unrun(line))));
    grid.numbers("cost", cells(&|line| cost(line)));
    grid.words("gate", cells(&|line| decision(&line.gates, screen)));
    grid
}

fn ended(line: &RunLine, store: &Store, screen: &Screen) -> String {
    match &line.ending {
        Some(word) => screen.line(word, 12),
        None if store.is_under_way(&line.name) => "under way".to_owned(),
        None => UNKNOWN.to_owned(),
    }
}

fn cost(line: &RunLine) -> String {
    line.summary.and_then(|summary| summary.cost_usd).map_or_else(|| UNKNOWN.to_owned(), dollars)
}
