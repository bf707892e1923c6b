//! `prompteval report`.

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Runtime;

use super::args::ReportCommand;
use super::exit::{ExitStatus, Failure};
use super::keep::failed;
use super::listen::{Closing, Listeners, outlive_full_disks};
use super::screen::{Screen, count};
use super::{history, outputs};
use crate::env::Env;
use crate::record::{Ending, Event, RunTail};
use crate::report::Options;
use crate::store::{Store, StoreError, StoredRun, Trouble};
use crate::suite::NAMES;

pub(super) fn report(command: &ReportCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    // What the run hid stays hidden, and so does what stands in the lines that are quoted.
    let env = &env.with_dotenv(&cwd.join(".env")).unwrap_or_else(|_| env.clone());
    screen.learn(env);
    let store = history::open(&command.store, env, cwd)?;
    let run = store.run(command.id.as_deref()).map_err(failed)?;
    let paths = outputs::places(command.output.iter().cloned());
    outputs::refuse_overwriting(&paths, |path| path.display().to_string() == run.origin)?;
    outputs::make_way(&paths, screen);
    let runtime = Runtime::new();
    let runtime = runtime.map_err(|e| Failure::new(ExitStatus::Failed, format!("cannot start a thread: {e}")))?;
    let _entered = runtime.enter();
    outlive_full_disks();
    let strict = command.junit_profile == "strict";
    let targets = outputs::open(&paths, &Options { redactor: env.redactor.clone(), strict })?;
    let mut listeners = Listeners::new(&run.head, targets, screen, None);
    let words = paths.is_empty();
    let tail = end(&store, &run, screen);
    let played = play(&store, &run, tail, &mut listeners);
    // Why a report could not be written says more than that the playing stopped.
    listeners.end()?.tell(Closing { words, table: !command.no_table, kept: Some(again(&run, cwd)) })?;
    played.map(|()| ExitStatus::Success).map_err(failed)
}

/// Tells the listeners of a stored run what they would have heard while it ran.
fn play(store: &Store, run: &StoredRun, tail: RunTail, listeners: &mut Listeners<'_>) -> Result<(), StoreError> {
    let stop = |message| StoreError { trouble: Trouble::Other, message, hint: None };
    listeners.event(&Event::RunStarted(Arc::new(run.head.clone()))).map_err(stop)?;
    store.replay(run, &mut |outcome| listeners.event(&Event::CellFinished(outcome)).map_err(stop))?;
    listeners.event(&Event::RunFinished(Arc::new(tail))).map_err(stop)
}

/// The end of a run; one that has none is as good as interrupted.
fn end(store: &Store, run: &StoredRun, screen: &Screen) -> RunTail {
    if let Some(tail) = &run.tail {
        return tail.clone();
    }
    let why = if store.is_under_way(&run.head.id) { "is under way" } else { "was broken off" };
    let finished = format!("{} of {}", run.finished, count(run.head.cells, "cell"));
    screen.warning(&format!("the run {} {why}: {finished} are finished, and reports call it interrupted", run.head.id));
    RunTail {
        ending: Ending::Interrupted,
        finished_ms: run.head.started_ms,
        duration_ms: 0,
        finished: run.finished,
        unrun: run.head.cells.saturating_sub(run.finished),
    }
}

/// How a stored run is gone on with: `-c CONFIG --resume ID`.
pub(super) fn again(run: &StoredRun, cwd: &Path) -> String {
    let (id, path) = (&run.head.id, &*run.head.config_path);
    let is_here = cwd.join(path).canonicalize().is_ok_and(|real| real.display().to_string() == run.origin);
    match is_here {
        true if NAMES.contains(&path) => format!("--resume {id}"),
        true => format!("-c {path} --resume {id}"),
        false => format!("-c {} --resume {id}", run.origin),
    }
}
