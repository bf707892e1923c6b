//! `prompteval prompt verify`.

use std::path::Path;

use serde_json::json;

use crate::cli::args::TextOrJson;
use crate::cli::exit::{ExitStatus, Failure};
use crate::cli::project::RegistryArgs;
use crate::cli::screen::{Ink, Screen, count};
use crate::env::Env;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct VerifyCommand {
    /// Only this prompt
    name: Option<String>,
    /// For people, or everything as JSON
    #[arg(long, value_enum, default_value = "text")]
    format: TextOrJson,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn verify(command: &VerifyCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let opened = command.registry.existing(env, cwd, screen)?;
    let (right, faults) = opened.registry.verify(command.name.as_deref())?;
    if right == 0 && faults.is_empty() {
        let what = command.name.as_deref().map_or_else(String::new, |name| format!(" of `{name}`"));
        let failure = Failure::new(ExitStatus::Nothing, format!("there is no released version{what} to verify"));
        return Err(failure.hint("`prompteval prompt list` shows what there is"));
    }
    if command.format == TextOrJson::Json {
        let faults: Vec<_> =
            faults.iter().map(|fault| json!({"version": fault.version, "fault": fault.words})).collect();
        screen.json(&json!({"right": right, "faults": faults}));
    } else {
        for fault in &faults {
            screen.out(&format!("{}  {}: {}", screen.paint(Ink::Bad, "wrong"), fault.version, fault.words));
        }
        if faults.is_empty() && screen.quiet {
            return Ok(ExitStatus::Success);
        }
        let word = if faults.is_empty() { screen.paint(Ink::Good, "right") } else { "right".into() };
        screen.out(&format!("{} {word}, {} wrong", count(right, "version"), faults.len()));
    }
    Ok(if faults.is_empty() { ExitStatus::Success } else { ExitStatus::Altered })
}
