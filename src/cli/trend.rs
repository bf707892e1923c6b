//! `prompteval trend`.

mod export;
mod text;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::args::StoreArgs;
use super::exit::{ExitStatus, Failure};
use super::history;
use super::keep::failed;
use super::screen::Screen;
use crate::diag::did_you_mean;
use crate::env::Env;
use crate::record::Column;
use crate::stats::trend::{Meter, Point};
use crate::stats::{BUILT_IN, Metric};
use crate::store::{Store, StoreError, StoredRun};

#[derive(Debug, clap::Args)]
pub(super) struct TrendCommand {
    /// The prompt's name; its label, where it comes from no versioned file
    #[arg(value_name = "NAME")]
    name: String,
    /// What is measured: pass, score, latency, tokens, cost, or a metric of the assertions
    #[arg(long, value_name = "METRIC", default_value = "pass")]
    metric: String,
    /// For people, for programs, for a spreadsheet, or a chart
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// The newest N runs
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
    Csv,
    Svg,
}

/// A metric of a prompt in run after run.
struct Trend<'a> {
    name: &'a str,
    metric: &'a str,
    /// Oldest first.
    points: Vec<Point>,
}

pub(super) fn trend(command: &TrendCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    screen.learn(env);
    let store = history::open(&command.store, env, cwd)?;
    let trend = Trend { name: &command.name, metric: &command.metric, points: points(&store, command, screen)? };
    match command.format {
        Format::Text => trend.show(screen),
        Format::Json => screen.json(&trend.json()),
        Format::Csv => trend.csv(screen)?,
        Format::Svg => trend.svg(screen)?,
    }
    Ok(ExitStatus::Success)
}

fn points(store: &Store, command: &TrendCommand, screen: &Screen) -> Result<Vec<Point>, Failure> {
    let mut names = BTreeSet::new();
    let wanted = |column: &Column| **called(column) == *command.name;
    let mut runs = store
        .runs(command.limit as usize, &mut |run| {
            let over = run.is_over();
            names.extend(run.head.columns.iter().filter(|_| over).map(|column| Arc::clone(called(column))));
            over && run.head.columns.iter().any(wanted)
        })
        .map_err(failed)?;
    if runs.is_empty() {
        return Err(nothing(
            "no finished run has a prompt `#`",
            &command.name,
            names.iter().map(|name| &**name),
            screen,
        ));
    }
    runs.reverse();
    let (mut points, mut metrics) = (Vec::new(), BTreeSet::new());
    for run in &runs {
        let mut meter = Meter::new(&run.head, &[Metric::of(&command.metric)], wanted);
        replay(store, run, &mut meter).map_err(failed)?;
        metrics.extend(meter.named().iter().cloned());
        points.extend(meter.end(&run.head));
    }
    let known = BUILT_IN.into_iter().chain(metrics.iter().map(|name| &**name));
    if known.clone().any(|name| name == command.metric) {
        return Ok(points);
    }
    let prompt = screen.line(&command.name, 60);
    Err(nothing(&format!("there is no metric `#` in the runs of `{prompt}`"), &command.metric, known, screen))
}

/// What a column's prompt is called.
fn called(column: &Column) -> &Arc<str> {
    column.name.as_ref().unwrap_or(&column.label)
}

/// Measures a stored run.
pub(super) fn replay(store: &Store, run: &StoredRun, meter: &mut Meter) -> Result<(), StoreError> {
    store.replay(run, &mut |outcome| {
        meter.add(&outcome);
        Ok(())
    })
}

/// A name (`#` in the message) that is none, and those that are.
fn nothing<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone, screen: &Screen) -> Failure {
    let there = known.clone().take(20).map(|name| screen.line(name, 40)).collect::<Vec<_>>().join(", ");
    let near = did_you_mean(name, known).map(|near| screen.line(&near, 80) + " ").unwrap_or_default();
    let there = if there.is_empty() {
        "there is none; `prompteval run` makes one".to_owned()
    } else {
        format!("there are: {there}")
    };
    Failure::new(ExitStatus::Usage, what.replacen('#', &screen.line(name, 60), 1)).hint(near + &there)
}
