//! `prompteval run`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::Runtime;

use super::args::{RunCommand, Selection};
use super::exit::{ExitStatus, Failure};
use super::keep::{Keeping, Repository};
use super::listen::{Closing, Listeners, Sum};
use super::screen::Screen;
use super::{baseline, dry_run, gates, load, outputs};
use crate::env::{Clock, Env};
use crate::plan::Plan;
use crate::record::{Ending, RunTail};
use crate::report::Options;
use crate::run::{RunError, run as conduct};
use crate::suite::Suite;

pub(super) fn run(command: &RunCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let repository = (!command.no_store && !command.dry_run).then(|| Repository::ask(command.selection.folder(cwd)));
    let (suite, env) = load(&command.selection, &command.options(cwd)?, env, cwd, screen)?;
    let plan = Arc::clone(&suite.plan);
    something_to_judge(&command.selection, &plan)?;
    something_asserted(command, &plan, screen)?;
    if command.dry_run {
        return dry_run::show(&plan, screen);
    }
    let paths = outputs(command, &suite);
    outputs::refuse_overwriting(&paths, |path| suite.inputs.contains(path))?;
    outputs::make_way(&paths, screen);
    let runtime =
        Runtime::new().map_err(|e| Failure::new(ExitStatus::Failed, format!("cannot start the run's threads: {e}")))?;
    let entered = runtime.enter();
    super::listen::outlive_full_disks();
    drop(entered);
    let strict = command.junit_profile == "strict";
    let targets = outputs::open(&paths, &Options { redactor: env.redactor.clone(), strict })?;
    let keeping = Keeping::open(command, &suite, &env, cwd)?;
    let git = repository.and_then(|repository| repository.state());
    let head = keeping.head(&suite, &run_id(env.clock), git);
    // Before the run is entered: until then `latest` is the one before.
    let rivals = baseline::rivals(command, &suite, keeping.store.as_ref(), cwd, &head)?;
    let settings = keeping.settings(command, &suite, head, screen)?;
    let progress = screen.live && suite.progress && !command.no_progress_bar && !screen.quiet;
    let id = Arc::clone(&settings.head.id);
    let listeners = Listeners::new(&settings.head, targets, screen, progress.then_some(plan.cells));
    let mut listeners = listeners.comparing(rivals, settings.shared.stop().clone());
    let tail = runtime.block_on(async {
        let signals = tokio::spawn(super::listen::signals(settings.shared.stop().clone()));
        let result = conduct(Arc::clone(&plan), settings, &mut |event| listeners.event(event)).await;
        signals.abort();
        result
    });
    let kept = keeping.store.is_some().then(|| again(command, &plan, &id));
    // A request that hangs must not keep the program alive after a second Ctrl-C.
    runtime.shutdown_background();
    let listened = listeners.end().map(|mut listened| {
        let noted = gates::note(&mut listened.matched, &id, keeping.store.as_ref(), env.clock);
        (listened.tell(Closing { words: true, table: !command.no_table, kept }), noted)
    });
    let recorded = keeping.close(screen);
    let tail = tail.map_err(|error| match error {
        RunError::Store(error) => keeping.trouble(error),
        other => Failure::new(ExitStatus::Failed, other.to_string()),
    })?;
    recorded?;
    let (told, noted) = listened?;
    let sum = told?;
    noted?;
    Ok(status(&sum, &tail))
}

/// Where there is a gate it alone decides about cells that failed: they are its evidence. Cells without a
/// verdict are never green.
fn status(sum: &Sum, tail: &RunTail) -> ExitStatus {
    let unrun = tail.unrun > 0 && tail.ending != Ending::Decided;
    let mut gates = sum.matched.iter().filter_map(|matched| matched.gate.as_ref()).peekable();
    if tail.ending == Ending::Interrupted {
        ExitStatus::Interrupted
    } else if sum.all.errored > 0 || unrun {
        ExitStatus::CellsErrored
    } else if gates.peek().is_some() {
        gates::status(gates)
    } else if sum.all.failed > sum.forgiven {
        ExitStatus::CellsFailed
    } else {
        ExitStatus::Success
    }
}

/// An empty selection is never green.
pub(super) fn something_to_judge(selection: &Selection, plan: &Plan) -> Result<(), Failure> {
    let nothing = |message: String| Failure::new(ExitStatus::Nothing, message);
    if plan.cells == 0 {
        let filters = selection.filters();
        let failure = if filters.is_empty() {
            nothing(format!("{} has nothing to run", plan.config_path))
                .hint("a cell needs a test, a prompt and a provider that go together")
        } else {
            nothing(format!("nothing is selected by {filters}"))
                .hint("`prompteval run --dry-run` without filters lists what there is")
        };
        return Err(failure);
    }
    Ok(())
}

/// Cells that nothing can make fail are told, and refused where assertions are required.
fn something_asserted(command: &RunCommand, plan: &Plan, screen: &Screen) -> Result<(), Failure> {
    if plan.unasserted == 0 {
        return Ok(());
    }
    let count = super::screen::count(plan.unasserted, "cell");
    if command.require_assertions {
        let message = format!("nothing is asserted of {count}, and --require-assertions is set");
        return Err(Failure::new(ExitStatus::Nothing, message).hint("add `assert` to these tests or to defaultTest"));
    }
    screen.warning(&format!("nothing is asserted of {count}: they pass whatever comes"));
    Ok(())
}

fn outputs(command: &RunCommand, suite: &Suite) -> Vec<PathBuf> {
    let named: Vec<PathBuf> = if command.output.is_empty() {
        suite.outputs.iter().map(PathBuf::from).collect()
    } else {
        command.output.clone()
    };
    outputs::places(named)
}

/// How this run is gone on with.
fn again(command: &RunCommand, plan: &Plan, id: &str) -> String {
    let config = if command.selection.names_config() { format!("-c {} ", plan.config_path) } else { String::new() };
    format!("{config}--resume {id}")
}

/// Sortable by time, unique enough for one machine.
fn run_id(clock: Clock) -> Arc<str> {
    let time = crate::env::format_time(clock.now_millis());
    let digits: String = time.chars().take(19).filter(|c| c.is_ascii_digit() || *c == 'T').collect();
    format!("{digits}-{:04x}", fastrand::u16(..)).into()
}
