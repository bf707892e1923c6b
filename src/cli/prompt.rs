//! `prompteval prompt`.

mod diff;
mod import;
mod list;
mod log;
mod measured;
mod new;
mod release;
mod show;
mod verify;

use std::path::Path;

use super::exit::{ExitStatus, Failure};
use super::screen::Screen;
use crate::diag::{Problem, Problems};
use crate::env::Env;

#[derive(Debug, clap::Subcommand)]
pub(super) enum PromptCommand {
    /// Begin a prompt: write a draft to edit
    New(new::NewCommand),
    /// List the prompts with their versions and labels
    List(list::ListCommand),
    /// Show a prompt: its texts, what was declared of it, and what was measured
    Show(show::ShowCommand),
    /// Show what is different between two versions, or since the last one
    Diff(diff::DiffCommand),
    /// Show what was done to a prompt, newest first
    Log(log::LogCommand),
    /// Freeze the draft as a version that never changes
    Release(release::ReleaseCommand),
    /// Take in prompts from texts, a config, or a dump of another registry
    Import(import::ImportCommand),
    /// Say that a version must not be used any more
    Withdraw(release::WithdrawCommand),
    /// Recompute every hash: is each version what was released?
    Verify(verify::VerifyCommand),
}

pub(super) fn prompt(command: &PromptCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    match command {
        PromptCommand::New(command) => new::new(command, env, cwd, screen),
        PromptCommand::List(command) => list::list(command, env, cwd, screen),
        PromptCommand::Show(command) => show::show(command, env, cwd, screen),
        PromptCommand::Diff(command) => diff::diff(command, env, cwd, screen),
        PromptCommand::Log(command) => log::log(command, env, cwd, screen),
        PromptCommand::Release(command) => release::release(command, env, cwd, screen),
        PromptCommand::Import(command) => import::run(command, env, cwd, screen),
        PromptCommand::Withdraw(command) => release::withdraw(command, env, cwd, screen),
        PromptCommand::Verify(command) => verify::verify(command, env, cwd, screen),
    }
}

/// Shows what is wrong with a file.
fn refused(problem: Problem, what: &str, screen: &Screen) -> Failure {
    let mut problems = Problems::new();
    problems.push(problem);
    screen.problems(&problems);
    Failure::new(ExitStatus::Usage, what)
}
