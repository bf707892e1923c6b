//! What an experiment would show, before it begins.

use std::path::{Path, PathBuf};

use fastrand::Rng;

use super::{plan, usage};
use crate::cli::exit::{ExitStatus, Failure};
use crate::cli::screen::Screen;
use crate::experiment::simulation::{Outcomes, Supposed};
use crate::experiment::{Direction, Metric, Phase, Role};
use crate::stats::float;
use crate::stats::words::{percent, thousands};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct SimulateCommand {
    /// The experiment: the name of a file in `experiments`, or a file
    #[arg(value_name = "NAME|FILE")]
    experiment: String,
    /// How much better the first success metric is in the other arms; without it only A/A tests are made
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true)]
    effect: Option<f64>,
    /// The mean of a metric in the control arm (repeatable); default: the middle of its scale, else 1
    #[arg(long, value_name = "METRIC=VALUE")]
    base: Vec<String>,
    /// Users in all; default: those that are planned
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
    users: Option<u64>,
    /// Experiments of each sort
    #[arg(long, value_name = "N", default_value = "1000", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    runs: u64,
    /// The same number makes the same users
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,
    /// Write the users of one experiment, as `ab import` reads them
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
}

pub(super) fn simulate(command: &SimulateCommand, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let plan = plan(&command.experiment, cwd, screen)?;
    let phase = Phase::of(&plan, 1, &vec![String::new(); plan.arms.len()]);
    let (means, users) = (means(&phase, &command.base)?, command.users.unwrap_or(phase.planned_users));
    let same = Supposed { phase: &phase, means, effect: 0.0, users };
    let effect = command.effect.filter(|effect| *effect != 0.0);
    possible(&phase, &same.means, effect)?;
    if let Some(file) = &command.csv {
        let supposed = Supposed { effect: effect.unwrap_or(0.0), ..same.clone() };
        write(&supposed, &cwd.join(file), command.seed)?;
        screen.err(&format!("wrote {}", file.display()));
    }
    screen.out(&format!(
        "{}: {} users, looked at a hundred times, {} times over\n",
        plan.name,
        thousands(users),
        thousands(command.runs)
    ));
    told("no difference", &same.run(command.runs, command.seed), screen);
    if let Some(effect) = effect {
        let supposed = Supposed { effect, ..same };
        told(&format!("better by {effect}"), &supposed.run(command.runs, command.seed), screen);
    } else {
        screen.err("hint: --effect VALUE shows how often a true difference would be found");
    }
    Ok(ExitStatus::Success)
}

/// Whether the first success metric can be better by so much.
fn possible(phase: &Phase, means: &[f64], effect: Option<f64>) -> Result<(), Failure> {
    let first = phase.metrics.iter().zip(means).find(|(metric, _)| metric.role == Role::Success);
    let (Some((metric, mean)), Some(effect)) = (first, effect) else { return Ok(()) };
    let mean = match metric.direction {
        Direction::Higher => mean + effect,
        Direction::Lower => mean - effect,
    };
    let off = |why: String| usage(format!("--effect {effect}: {why}"));
    metric.takes(mean).map_err(|why| off(why).hint("--base METRIC=VALUE says from where"))
}

/// The mean of each metric in the control arm.
fn means(phase: &Phase, given: &[String]) -> Result<Vec<f64>, Failure> {
    let mut means: Vec<f64> = phase.metrics.iter().map(middle).collect();
    for pair in given {
        let (name, value) = pair.split_once('=').ok_or_else(|| usage(format!("`{pair}` names no value")))?;
        let at = phase.metrics.iter().position(|metric| metric.name == name);
        let at = at.ok_or_else(|| usage(format!("`{name}` is no metric of this experiment")))?;
        let value: f64 = value.parse().map_err(|_| usage(format!("`{value}` is no number")))?;
        phase.metrics[at].takes(value).map_err(usage)?;
        means[at] = value;
    }
    Ok(means)
}

fn middle(metric: &Metric) -> f64 {
    metric.scale.map_or(1.0, |[low, high]| f64::midpoint(low, high))
}

fn told(what: &str, outcomes: &Outcomes, screen: &Screen) {
    let share = |n: u64| format!("{} %", percent(float(n) / float(outcomes.runs)));
    screen.out(what);
    for (n, word) in [
        (outcomes.better, "an arm is found better"),
        (outcomes.worse, "an arm is found worse"),
        (outcomes.guarded, "a guardrail is found broken"),
        (outcomes.invalid, "the data are called invalid"),
    ] {
        screen.out(&format!("  {:>8}  {word}", share(n)));
    }
    let none = outcomes.runs - outcomes.better - outcomes.worse - outcomes.guarded - outcomes.invalid;
    screen.out(&format!("  {:>8}  nothing is shown by the end", share(none)));
    if let Some(user) = outcomes.decided.get(outcomes.decided.len() / 2) {
        screen.out(&format!("  half of the decisions come by user {}", thousands(*user)));
    }
    screen.out("");
}

fn write(supposed: &Supposed<'_>, path: &Path, seed: u64) -> Result<(), Failure> {
    let trouble = |e: csv::Error| Failure::new(ExitStatus::Failed, format!("cannot write `{}`: {e}", path.display()));
    let mut table = csv::Writer::from_path(path).map_err(trouble)?;
    let names = supposed.phase.metrics.iter().map(|metric| metric.name.as_str());
    table.write_record(["user", "event"].into_iter().chain(names)).map_err(trouble)?;
    let mut rng = Rng::with_seed(seed);
    let everybody = (1..).map(|n: u64| format!("simulated-{n}"));
    let taking_part = everybody.filter_map(|user| Some((supposed.place_of(&user)?, user)));
    let most = usize::try_from(supposed.users).unwrap_or(usize::MAX);
    for (arm, user) in taking_part.take(most) {
        let values = supposed.draw(arm, &mut rng).values;
        let cells = [user, "simulated".to_owned()].into_iter().chain(values.iter().map(f64::to_string));
        table.write_record(cells).map_err(trouble)?;
    }
    table.flush().map_err(|e| trouble(e.into()))
}
