//! `prompteval rollback`.

use std::path::{Path, PathBuf};

use super::baseline::LIVE;
use super::exit::{ExitStatus, Failure};
use super::project::{Opened, RegistryArgs};
use super::screen::{Ink, Screen};
use super::signing;
use crate::env::Env;
use crate::prompts::names;
use crate::registry::{Rollback, Who};

#[derive(Debug, clap::Args)]
pub(super) struct RollbackCommand {
    /// A label that one prompt has, or the prompts whose label goes back, all in one step
    #[arg(value_name = "LABEL|NAME", required = true)]
    what: Vec<String>,
    /// Why: what is wrong with what is live
    #[arg(short = 'm', long, visible_alias = "message", value_name = "TEXT")]
    reason: String,
    /// The label, where prompts are named
    #[arg(long, value_name = "LABEL", default_value = LIVE)]
    label: String,
    /// A version that was live before, instead of the one before
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
    /// Append the signed checkpoint to this file
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn rollback(
    command: &RollbackCommand,
    env: &Env,
    cwd: &Path,
    screen: &Screen,
) -> Result<ExitStatus, Failure> {
    let opened = command.registry.existing(env, cwd, screen)?;
    let (prompts, label) = meant(command, &opened)?;
    let who = Who::here(&opened.env, cwd);
    let rollback = Rollback { prompts, label, to: command.to.clone(), reason: command.reason.clone() };
    let (moves, head) = opened.registry.lock()?.rollback(&rollback, &who)?;
    for moved in &moves {
        let from = moved.from.as_deref().unwrap_or_default();
        let word = screen.paint(Ink::Odd, "rolled back");
        screen.out(&format!("{word} {} {}: {from} → {}", moved.prompt, moved.label, moved.to));
        screen.out(&format!("  {}@{from} is withdrawn: it needs a new run that passes to come back", moved.prompt));
        let others = opened.registry.labels()?;
        let own = others.prompts().get(&moved.prompt);
        for (label, _) in own.into_iter().flat_map(|own| &own.labels).filter(|(_, to)| **to == *from) {
            screen.warning(&format!("{label} of {} still points to {from}, which is withdrawn now", moved.prompt));
        }
    }
    // Nothing stands in the way of a rollback, a missing key least of all.
    let key = signing::key(&opened.env, screen).map_err(|failure| screen.warning(&failure.message)).ok();
    let file = command.checkpoint.clone().or_else(|| opened.project.checkpoints.clone()).map(|path| cwd.join(path));
    signing::checkpoint(&opened.registry, &head, key.as_ref(), file.as_deref(), (&opened.env, screen))?;
    Ok(ExitStatus::Success)
}

/// The prompts that are meant, and their label.
fn meant(command: &RollbackCommand, opened: &Opened) -> Result<(Vec<String>, String), Failure> {
    let labels = opened.registry.labels()?;
    let known = |word: &String| labels.prompts().contains_key(word) || names(opened.registry.folder()).contains(word);
    if command.what.iter().all(known) {
        let mut prompts = command.what.clone();
        prompts.sort();
        prompts.dedup();
        return Ok((prompts, command.label.clone()));
    }
    let usage = |message: String| Failure::new(ExitStatus::Usage, message);
    let [word] = command.what.as_slice() else {
        let unknown = command.what.iter().find(|word| !known(word)).cloned().unwrap_or_default();
        return Err(
            usage(format!("there is no prompt `{unknown}`")).hint("`prompteval label list` shows what there is")
        );
    };
    let under: Vec<&str> = labels.under(word).map(|(prompt, _)| prompt).collect();
    match under[..] {
        [one] => Ok((vec![one.to_owned()], word.clone())),
        [] => Err(usage(format!("`{word}` is no prompt, and no label that points to anything"))
            .hint("`prompteval label list` shows what there is")),
        _ => {
            let names: Vec<&str> = under.iter().copied().take(8).collect();
            let message = format!("{} prompts have the label {word}", under.len());
            Err(usage(message).hint(format!(
                "name those that go back, of {}: prompteval rollback NAME --label {word} -m \"why\"",
                names.join(", ")
            )))
        }
    }
}
