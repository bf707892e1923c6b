//! `prompteval prompt import`.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::args::TextOrJson;
use crate::cli::exit::{ExitStatus, Failure};
use crate::cli::project::{Opened, RegistryArgs};
use crate::cli::screen::{Ink, Screen, count};
use crate::env::Env;
use crate::prompts::{Role, import};
use crate::registry::{Imported, Who};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ImportCommand {
    /// A folder of texts such as NAME_v2.txt, a config with `prompts:`, or a JSON dump of another registry
    #[arg(required_unless_present = "adopt")]
    source: Option<PathBuf>,
    /// Enter the versions that are in the folder and not in the log, as they are
    #[arg(long, conflicts_with = "source")]
    adopt: bool,
    /// What a plain text becomes
    #[arg(long, value_enum, default_value = "user")]
    role: Said,
    /// Why, for all versions; default: where each comes from
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    /// For people, or everything as JSON
    #[arg(long, value_enum, default_value = "text")]
    format: TextOrJson,
    #[command(flatten)]
    registry: RegistryArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Said {
    /// The user's message
    User,
    /// The system message, which the case's `input` follows
    System,
}

pub(super) fn run(command: &ImportCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let opened = command.registry.open(env, cwd, screen)?;
    let who = Who::here(&opened.env, cwd);
    let Some(source) = &command.source else { return adopt(&opened, &who, screen) };
    let role = match command.role {
        Said::User => Role::User,
        Said::System => Role::System,
    };
    let found = import(&cwd.join(source), &source.to_string_lossy(), role)
        .map_err(|problem| super::refused(problem, "nothing was imported", screen))?;
    if found.found.is_empty() && found.skipped.is_empty() {
        let failure = Failure::new(ExitStatus::Nothing, format!("there is no prompt in `{}`", source.display()));
        return Err(failure.hint("a folder of NAME_v2.txt, a config with `prompts:` or a JSON dump has some"));
    }
    let mut done = opened.registry.lock_sound()?.import(&found.found, command.message.as_deref(), &who)?;
    done.skipped.extend(found.skipped);
    match command.format {
        TextOrJson::Json => screen.json(&json(&done)),
        TextOrJson::Text => tell(&done, screen),
    }
    Ok(ExitStatus::Success)
}

fn adopt(opened: &Opened, who: &Who, screen: &Screen) -> Result<ExitStatus, Failure> {
    let titles = opened.registry.lock_sound()?.adopt(who)?;
    for title in &titles {
        screen.out(&format!("{} {title}", screen.paint(Ink::Good, "adopted")));
    }
    screen.out(&format!("{} entered into the log", count(titles.len() as u64, "version")));
    Ok(ExitStatus::Success)
}

fn tell(done: &Imported, screen: &Screen) {
    for title in &done.versions {
        screen.out(&format!("{} {title}", screen.paint(Ink::Good, "released")));
    }
    for name in &done.drafts {
        screen.out(&format!("{} {name}", screen.paint(Ink::Good, "draft")));
    }
    for skipped in &done.skipped {
        let words = format!("{}: {}", screen.line(&skipped.what, 100), screen.line(&skipped.why, 300));
        screen.wrapped(&format!("{} ", screen.paint(Ink::Odd, "left out")), "  ", &words);
    }
    let (versions, drafts) = (done.versions.len() as u64, done.drafts.len() as u64);
    screen.out(&format!("{}, {}", count(versions, "version"), count(drafts, "draft")));
}

fn json(done: &Imported) -> serde_json::Value {
    let skipped: Vec<_> =
        done.skipped.iter().map(|skipped| json!({"what": skipped.what, "why": skipped.why})).collect();
    json!({"versions": done.versions, "drafts": done.drafts, "skipped": skipped})
}
