//! `prompteval prompt`.

mod measured;
mod show;

use std::path::{Path, PathBuf};

use super::exit::{ExitStatus, Failure};
use super::screen::Screen;
use crate::diag::{Folder, Problem, Problems};
use crate::env::Env;
use crate::prompts::Sources;
use crate::suite;

#[derive(Debug, clap::Subcommand)]
pub(super) enum PromptCommand {
    /// Show a prompt: its texts, what was declared of it, and what was measured
    Show(show::ShowCommand),
}

pub(super) fn prompt(command: &PromptCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let env = &env.with_dotenv(&cwd.join(".env")).unwrap_or_else(|_| env.clone());
    screen.learn(env);
    match command {
        PromptCommand::Show(command) => show::show(command, env, cwd, screen),
    }
}

/// Where prompts are looked for: in the folder that is named, else in that of the config here.
fn sources(named: Option<&PathBuf>, env: &Env, cwd: &Path) -> Result<Sources, Problem> {
    let registry = named.map_or_else(|| suite::registry(cwd, env), |folder| Ok(cwd.join(folder)))?;
    Ok(Sources { base: Folder::new(cwd, ""), registry })
}

/// Shows what is wrong with a file.
fn refused(problem: Problem, what: &str, screen: &Screen) -> Failure {
    let mut problems = Problems::new();
    problems.push(problem);
    screen.problems(&problems);
    Failure::new(ExitStatus::Usage, what)
}
