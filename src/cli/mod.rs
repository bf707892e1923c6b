//! The front: arguments in, an exit status out, and the only room that prints.

mod ab;
mod args;
mod at;
mod audit;
mod baseline;
mod bundle;
mod compare;
mod dry_run;
mod evidence;
mod exit;
mod explain;
mod failures;
mod figure;
mod gates;
mod grid;
mod history;
mod init;
mod keep;
mod labels;
mod listen;
mod outputs;
mod progress;
mod project;
mod promote;
mod prompt;
mod report;
mod rivals;
mod rollback;
mod run;
mod screen;
mod signing;
mod summary;
mod table;
mod trend;
mod verdict;

pub use exit::ExitStatus;

use std::ffi::OsString;
use std::path::Path;

use clap::{CommandFactory, Parser};

use crate::diag::Problems;
use crate::env::Env;
use crate::suite::{Options, Suite};
use args::{Args, Command, Selection};
use exit::Failure;
use screen::Screen;

/// Does what the arguments say.
pub fn main(args: impl Iterator<Item = OsString>, env: &Env, cwd: &Path) -> ExitStatus {
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            // Help and version are answers, not mistakes.
            let status = if error.use_stderr() { ExitStatus::Usage } else { ExitStatus::Success };
            let _ = error.print();
            return status;
        }
    };
    let screen = Screen::new(args.color, args.quiet, args.verbose, env);
    let result = dispatch(args, env, cwd, &screen);
    let result = match screen.stdout_trouble() {
        Some(why) => Err(Failure::new(ExitStatus::Failed, format!("cannot write to stdout: {why}"))),
        None => result,
    };
    result.unwrap_or_else(|failure| {
        screen.failure(&failure);
        failure.status
    })
}

fn dispatch(args: Args, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    match args.command {
        Command::Run(command) => run::run(&command, env, cwd, screen),
        Command::Validate(selection) => validate(&selection, env, cwd, screen),
        Command::Init(command) => init::init(&command, cwd, screen),
        Command::Explain { kind, markdown } => explain::explain(kind.as_deref(), markdown, screen),
        Command::Report(command) => report::report(&command, env, cwd, screen),
        Command::Compare(command) => compare::compare(&command, env, cwd, screen),
        Command::Gate(command) => gates::gate(&command, env, cwd, screen),
        Command::History(command) => history::history(&command, env, cwd, screen),
        Command::Prompt(command) => prompt::prompt(&command, env, cwd, screen),
        Command::Label(command) => labels::label(&command, env, cwd, screen),
        Command::Promote(command) => promote::promote(&command, env, cwd, screen),
        Command::Rollback(command) => rollback::rollback(&command, env, cwd, screen),
        Command::At(command) => at::at(&command, env, cwd, screen),
        Command::Audit(command) => audit::audit(&command, env, cwd, screen),
        Command::Bundle(command) => bundle::bundle(&command, env, cwd, screen),
        Command::Trend(command) => trend::trend(&command, env, cwd, screen),
        Command::Ab(command) => ab::ab(&command, env, cwd, screen),
        Command::Cache(command) => history::cache(&command, env, cwd, screen),
        Command::Schema => {
            let schema = serde_json::to_string_pretty(&crate::suite::schema()).unwrap_or_default();
            screen.out(&schema);
            Ok(ExitStatus::Success)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "prompteval", &mut script);
            screen.out(String::from_utf8_lossy(&script).trim_end());
            Ok(ExitStatus::Success)
        }
    }
}

fn validate(selection: &Selection, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let (suite, _) = load(selection, &selection.options(cwd)?, env, cwd, screen)?;
    let plan = &suite.plan;
    run::something_to_judge(selection, plan)?;
    screen.out(&format!(
        "{} is valid: {}, {}, {}, {}",
        plan.config_path,
        screen::count(plan.prompts.len() as u64, "prompt"),
        screen::count(plan.targets.len() as u64, "provider"),
        screen::count(plan.case_count, "case"),
        screen::count(plan.cells, "cell"),
    ));
    Ok(ExitStatus::Success)
}

/// Loads the config, shows its warnings, and fails with all its problems.
fn load(
    selection: &Selection,
    options: &Options,
    env: &Env,
    cwd: &Path,
    screen: &Screen,
) -> Result<(Suite, Env), Failure> {
    let mut env = env.clone();
    let files = selection.env_files(cwd);
    for (path, required) in files {
        if required || path.is_file() {
            env = env.with_dotenv(&path).map_err(|reason| {
                Failure::new(ExitStatus::Usage, format!("cannot read `{}`: {reason}", path.display()))
                    .hint("an env file has lines of NAME=value")
            })?;
        }
    }
    screen.learn(&env);
    match crate::suite::load(options, &env) {
        Ok(suite) => {
            screen.problems(&suite.warnings);
            let env = suite.env.clone();
            Ok((suite, env))
        }
        Err(problems) => Err(refused(&problems, screen)),
    }
}

fn refused(problems: &Problems, screen: &Screen) -> Failure {
    screen.problems(problems);
    let count = screen::count(problems.errors() as u64, "error");
    Failure::new(ExitStatus::Usage, format!("{count} in the config; nothing was requested"))
}
