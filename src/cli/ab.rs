//! `prompteval ab`: versions held against each other on real users.

mod analyze;
mod assign;
mod begin;
mod intake;
mod names;
mod page;
mod record;
mod rows;
mod simulate;
mod table;
mod winner;

pub(super) use begin::described;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::args::StoreArgs;
use super::exit::{ExitStatus, Failure};
use super::keep::{failed, shorter};
use super::project::{Opened, RegistryArgs};
use super::screen::Screen;
use crate::diag::{did_you_mean, io_reason};
use crate::env::Env;
use crate::experiment::{FOLDER, Plan};
use crate::registry::Experiment;
use crate::store::{Store, Trial, Trials};

#[derive(Debug, clap::Subcommand)]
pub(super) enum AbCommand {
    /// Begin an experiment as its file says, or a new phase of one that was changed
    Start(begin::StartCommand),
    /// End an experiment, and say what was decided
    Stop(begin::StopCommand),
    /// List the experiments
    List(begin::ListCommand),
    /// Say which arm users are in
    Assign(assign::AssignCommand),
    /// Record what came of a user
    Record(record::RecordCommand),
    /// Record what stands in a file: CSV, or JSON Lines
    Import(record::ImportCommand),
    /// Say what an experiment shows so far
    Analyze(analyze::AnalyzeCommand),
    /// Say what an experiment would find, on users that are made up
    Simulate(simulate::SimulateCommand),
    /// Move a label to the arm that is better, through the same gate as ever
    Promote(winner::PromoteWinnerCommand),
}

pub(super) fn ab(command: &AbCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    match command {
        AbCommand::Start(command) => begin::start(command, env, cwd, screen),
        AbCommand::Stop(command) => begin::stop(command, env, cwd, screen),
        AbCommand::List(command) => begin::list(command, env, cwd, screen),
        AbCommand::Assign(command) => assign::assign(command, env, cwd, screen),
        AbCommand::Record(command) => record::record(command, env, cwd, screen),
        AbCommand::Import(command) => record::import(command, env, cwd, screen),
        AbCommand::Promote(command) => winner::promote(command, env, cwd, screen),
        AbCommand::Simulate(command) => simulate::simulate(command, cwd, screen),
        AbCommand::Analyze(command) => analyze::analyze(command, env, cwd, screen),
    }
}

/// Which experiment, and where it is kept.
#[derive(Debug, clap::Args)]
pub(super) struct Of {
    /// The experiment
    experiment: String,
    #[command(flatten)]
    registry: RegistryArgs,
}

impl Of {
    fn find(&self, env: &Env, cwd: &Path, screen: &Screen) -> Result<(Opened, Experiment), Failure> {
        find(&self.experiment, &self.registry, env, cwd, screen).map(|Found { opened, found }| (opened, found))
    }
}

/// An experiment and the registry it is in.
struct Found {
    opened: Opened,
    found: Experiment,
}

fn find(word: &str, registry: &RegistryArgs, env: &Env, cwd: &Path, screen: &Screen) -> Result<Found, Failure> {
    let opened = registry.existing(env, cwd, screen)?;
    if let Some(found) = opened.registry.experiment(word)? {
        return Ok(Found { opened, found });
    }
    let known = opened.registry.experiments()?;
    let name = screen.line(word, 60);
    let hint = did_you_mean(word, known.keys().map(String::as_str));
    let hint = hint.unwrap_or_else(|| format!("`prompteval ab start {name}` begins it as {FOLDER}/{name}.yaml says"));
    Err(usage(format!("no experiment `{name}` was started")).hint(hint))
}

/// The experiment that runs, if it is the only one.
fn only(registry: &RegistryArgs, env: &Env, cwd: &Path, screen: &Screen) -> Result<Found, Failure> {
    let opened = registry.existing(env, cwd, screen)?;
    let all = opened.registry.experiments()?;
    let mut running: Vec<Experiment> = all.into_values().filter(|one| one.stopped.is_none()).collect();
    match (running.pop(), running.is_empty()) {
        (Some(found), true) => Ok(Found { opened, found }),
        (None, _) => {
            Err(usage("no experiment runs".to_owned()).hint("name one; `prompteval ab list` shows what there is"))
        }
        (Some(last), false) => {
            let names: Vec<&str> = running.iter().chain([&last]).map(|one| one.phase.name.as_str()).collect();
            Err(usage(format!("{} experiments run", names.len())).hint(format!("name one: {}", names.join(", "))))
        }
    }
}

/// The file of an experiment, and its name: a name stands for `experiments/NAME.yaml`.
fn file(word: &str, cwd: &Path) -> (PathBuf, String) {
    let path = Path::new(word);
    if path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or(word);
        return (cwd.join(path), name.to_owned());
    }
    (cwd.join(FOLDER).join(format!("{word}.yaml")), word.to_owned())
}

/// The plans of a folder, by name.
fn plans(folder: &Path) -> Vec<String> {
    let files = folder.read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
    let plans = files.filter(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    let mut names: Vec<String> = plans.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    names
}

/// Reads the plan of an experiment.
fn plan(word: &str, cwd: &Path, screen: &Screen) -> Result<Plan, Failure> {
    let (path, name) = file(word, cwd);
    let shown = shorter(&path, cwd).display().to_string();
    if !path.exists() {
        let there = plans(path.parent().unwrap_or(cwd));
        let hint = did_you_mean(&name, there.iter().map(String::as_str));
        let hint = hint.unwrap_or_else(|| match &there[..] {
            [] => "write the plan there: prompt, arms, and what is to improve".to_owned(),
            some => format!("there are {}", some.join(", ")),
        });
        return Err(usage(format!("there is no `{shown}`")).hint(hint));
    }
    Plan::read(&path, &shown, &name).map_err(|problems| {
        screen.problems(&problems);
        usage(format!("`{shown}` is no experiment that could start"))
    })
}

fn usage(message: impl Into<String>) -> Failure {
    Failure::new(ExitStatus::Usage, message)
}

/// A file, `-` for standard input.
fn source(path: &Path, cwd: &Path) -> Result<Box<dyn Read>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stdin()));
    }
    let file = File::open(cwd.join(path))
        .map_err(|e| usage(format!("cannot read `{}`: {}", path.display(), io_reason(&e))))?;
    Ok(Box::new(file))
}

/// Where what happens to an experiment's users is written.
fn trials(args: &StoreArgs, found: &Experiment, env: &Env, cwd: &Path) -> Result<Trials, Failure> {
    let folder = args.folder(env, cwd);
    let store = Store::open(&shorter(&folder, cwd), env.redactor.clone(), env.clock).map_err(failed)?;
    store.trials(&found.phase.name).map_err(failed)
}

/// What was measured of one phase of an experiment; the store is made where there is none.
fn trial(args: &StoreArgs, found: &Experiment, env: &Env, cwd: &Path) -> Result<Trial, Failure> {
    trials(args, found, env, cwd)?.phase(found.phase.phase).map_err(failed)
}
