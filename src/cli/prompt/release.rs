//! `prompteval prompt release` and `withdraw`.

use std::path::Path;

use serde_json::json;

use crate::cli::args::TextOrJson;
use crate::cli::exit::{ExitStatus, Failure};
use crate::cli::keep::shorter;
use crate::cli::project::RegistryArgs;
use crate::cli::screen::{Ink, Screen};
use crate::env::Env;
use crate::prompts::without_v;
use crate::registry::{NewRelease, Released, Who, Withdrawal};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ReleaseCommand {
    /// The prompt
    name: String,
    /// Its version, by semver.org; a leading v is dropped
    version: String,
    /// What changed, and why
    #[arg(short, long = "message", visible_alias = "description", value_name = "TEXT")]
    message: String,
    /// Who wrote it, where it is not who releases it
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// For people, or everything as JSON
    #[arg(long, value_enum, default_value = "text")]
    format: TextOrJson,
    #[command(flatten)]
    registry: RegistryArgs,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct WithdrawCommand {
    /// The prompt
    name: String,
    /// Its version
    version: String,
    /// What is wrong with it
    #[arg(short = 'm', long, visible_alias = "message", value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn release(command: &ReleaseCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let opened = command.registry.open(env, cwd, screen)?;
    let who = Who::here(&opened.env, cwd);
    let new = NewRelease {
        name: command.name.clone(),
        version: command.version.clone(),
        description: command.message.clone(),
        author: command.author.clone(),
    };
    // A mistake in the draft is shown before anything is locked or made.
    opened.registry.draft(&new.name)?;
    let released = opened.registry.lock_sound()?.release(&new, &who)?;
    match command.format {
        TextOrJson::Json => screen.json(&json(&new.name, &released)),
        TextOrJson::Text => tell(&new.name, &released, cwd, screen),
    }
    Ok(ExitStatus::Success)
}

fn tell(name: &str, released: &Released, cwd: &Path, screen: &Screen) {
    let version = format!("{name}@{}", released.version);
    let hash: String = released.content_sha256.chars().take(12).collect();
    if !released.new {
        screen.out(&format!("{version} is released already, with this content ({hash})"));
        return;
    }
    if screen.quiet {
        return;
    }
    let parent = released.parent.as_ref().map(|parent| format!(", made from {parent}")).unwrap_or_default();
    screen.out(&format!("{} {version}{parent}, content {hash}", screen.paint(Ink::Good, "released")));
    screen.out(&format!("  {}", shorter(&released.file, cwd).display()));
    if !released.added.is_empty() {
        let words = format!("  callers must give {} now", released.added.join(", "));
        screen.out(&screen.paint(Ink::Odd, &words));
    }
    if !released.gone.is_empty() {
        screen.out(&format!("  not read any more: {}", released.gone.join(", ")));
    }
}

fn json(name: &str, released: &Released) -> serde_json::Value {
    json!({
        "name": name,
        "version": released.version,
        "parent": released.parent,
        "content_sha256": released.content_sha256,
        "file": released.file.display().to_string(),
        "new": released.new,
        "variables": {"added": released.added, "gone": released.gone},
    })
}

pub(super) fn withdraw(
    command: &WithdrawCommand,
    env: &Env,
    cwd: &Path,
    screen: &Screen,
) -> Result<ExitStatus, Failure> {
    let opened = command.registry.existing(env, cwd, screen)?;
    let who = Who::here(&opened.env, cwd);
    let withdrawal =
        Withdrawal { name: command.name.clone(), version: command.version.clone(), reason: command.reason.clone() };
    opened.registry.lock_sound()?.withdraw(&withdrawal, &who)?;
    let version = without_v(&command.version);
    screen.out(&format!("{} {}@{version}", screen.paint(Ink::Odd, "withdrawn"), command.name));
    for (name, one) in opened.registry.experiments()? {
        let arm = one.phase.arms.iter().find(|arm| arm.version == version && arm.weight > 0);
        if let Some(arm) = arm.filter(|_| one.stopped.is_none() && one.phase.prompt == command.name) {
            let message = format!("the experiment {name} runs on: `{}` still gives users this version", arm.name);
            screen.warning(&format!("{message}; `prompteval ab stop {name}` ends it"));
        }
    }
    Ok(ExitStatus::Success)
}
