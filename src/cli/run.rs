//! `prompteval run`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::Runtime;

use super::args::{RunCommand, Selection};
use super::exit::{ExitStatus, Failure};
use super::keep::Keeping;
use super::listen::Listeners;
use super::screen::Screen;
use super::{dry_run, load};
use crate::env::{Clock, Env};
use crate::plan::Plan;
use crate::record::{Ending, RunTail};
use crate::report::{Options as ReportOptions, Target};
use crate::run::{RunError, run as conduct};
use crate::stats::Total;
use crate::suite::Suite;

pub(super) fn run(command: &RunCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let (suite, env) = load(&command.selection, &command.options(cwd)?, env, cwd, screen)?;
    let plan = Arc::clone(&suite.plan);
    something_to_judge(&command.selection, &plan)?;
    something_asserted(command, &plan, screen)?;
    if command.dry_run {
        return dry_run::show(&plan, screen);
    }
    let paths = outputs(command, &suite);
    refuse_overwriting(&paths, &suite)?;
    if paths.iter().any(|p| ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|out| p.as_os_str() == *out)) {
        screen.take_stdout();
    }
    let runtime =
        Runtime::new().map_err(|e| Failure::new(ExitStatus::Failed, format!("cannot start the run's threads: {e}")))?;
    let entered = runtime.enter();
    super::listen::outlive_full_disks();
    drop(entered);
    let targets = open_reports(&paths, command, &env)?;
    let keeping = Keeping::open(command, &suite, &env, cwd)?;
    let settings = keeping.settings(command, &suite, &run_id(env.clock), screen)?;
    let progress = screen.live && suite.progress && !command.no_progress_bar && !screen.quiet;
    let id = Arc::clone(&settings.head.id);
    let mut listeners = Listeners::new(&plan, targets, screen, progress);
    let tail = runtime.block_on(async {
        let signals = tokio::spawn(super::listen::signals(settings.shared.stop().clone()));
        let result = conduct(Arc::clone(&plan), settings, &mut |event| listeners.event(event)).await;
        signals.abort();
        result
    });
    let kept = keeping.store.is_some().then(|| again(command, &plan, &id));
    // A request that hangs must not keep the program alive after a second Ctrl-C.
    runtime.shutdown_background();
    let finished = listeners.finish(command.no_table, kept);
    let recorded = keeping.close(screen);
    let tail = tail.map_err(|error| match error {
        RunError::Store(error) => keeping.trouble(error),
        other => Failure::new(ExitStatus::Failed, other.to_string()),
    })?;
    recorded?;
    let all = finished?;
    Ok(status(&all, &tail))
}

fn status(all: &Total, tail: &RunTail) -> ExitStatus {
    if tail.ending == Ending::Interrupted {
        ExitStatus::Interrupted
    } else if all.errored > 0 || tail.unrun > 0 {
        ExitStatus::CellsErrored
    } else if all.failed > 0 {
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
    let place = |path: PathBuf| if path.as_os_str() == "-" { "/dev/stdout".into() } else { path };
    named.into_iter().map(place).collect()
}

/// A report must not destroy what the suite is made of, nor another report.
fn refuse_overwriting(paths: &[PathBuf], suite: &Suite) -> Result<(), Failure> {
    let usage = |message| Err(Failure::new(ExitStatus::Usage, message));
    for (n, path) in paths.iter().enumerate() {
        if path.canonicalize().is_ok_and(|real| suite.inputs.contains(&real)) {
            return usage(format!(
                "the report `{}` would overwrite a file that the suite is read from",
                path.display()
            ));
        }
        if paths[..n].contains(path) && !path.starts_with("/dev") {
            return usage(format!("the report `{}` is named twice", path.display()));
        }
    }
    Ok(())
}

fn open_reports(paths: &[PathBuf], command: &RunCommand, env: &Env) -> Result<Vec<Target>, Failure> {
    let options = ReportOptions { redactor: env.redactor.clone(), strict: command.junit_profile == "strict" };
    let open = |path: &PathBuf| {
        Target::create(path, options.clone()).map_err(|e| {
            let failure = Failure::new(ExitStatus::Usage, e.to_string());
            match e.hint {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        })
    };
    paths.iter().map(open).collect()
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
