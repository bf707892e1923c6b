//! `prompteval prompt log`.

use std::path::Path;

use crate::cli::args::TextOrJson;
use crate::cli::audit::{show_entries, shown};
use crate::cli::exit::{ExitStatus, Failure};
use crate::cli::project::RegistryArgs;
use crate::cli::screen::Screen;
use crate::env::Env;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct LogCommand {
    /// The prompt
    name: String,
    /// How many entries
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// For people, or everything as JSON
    #[arg(long, value_enum, default_value = "text")]
    format: TextOrJson,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn log(command: &LogCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let opened = command.registry.existing(env, cwd, screen)?;
    let name = command.name.as_str();
    let mut entries = opened.registry.entries(&[format!("\"prompt\":\"{name}\"")])?;
    entries.retain(|sealed| sealed.entry.changes().any(|change| change.prompt.as_deref() == Some(name)));
    if entries.is_empty() {
        opened.registry.card(name, "draft").or_else(|_| opened.registry.card(name, "latest"))?;
        screen.err(&format!("nothing was done to {name} yet"));
        return Ok(ExitStatus::Success);
    }
    show_entries(&shown(entries, command.limit), command.format, screen);
    Ok(ExitStatus::Success)
}
