//! `prompteval history` and `prompteval cache`.

mod facts;
mod flaky;
mod list;
mod show;

pub(super) use facts::{hash, when};
pub(super) use flaky::FlakyCommand;

use std::path::Path;

use super::args::{CacheCommand, HistoryAction, HistoryCommand, StoreArgs};
use super::exit::{ExitStatus, Failure};
use super::keep::{failed, shorter};
use super::screen::{Screen, count, thousands};
use crate::env::{Env, format_time};
use crate::store::Store;

pub(super) fn history(command: &HistoryCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    screen.learn(env);
    match &command.action {
        Some(HistoryAction::Prune { keep, store }) => prune(*keep, &open(store, env, cwd)?, screen),
        Some(HistoryAction::Show { id, format, store }) => {
            show::show(&open(store, env, cwd)?, id.as_deref(), *format, cwd, screen)
        }
        Some(HistoryAction::Flaky(command)) => flaky::flaky(&open(&command.store, env, cwd)?, command, screen),
        None => list::list(&open(&command.store, env, cwd)?, command.limit, command.format, screen),
    }
}

pub(super) fn open(args: &StoreArgs, env: &Env, cwd: &Path) -> Result<Store, Failure> {
    let folder = shorter(&args.folder(env, cwd), cwd);
    let store = Store::existing(&folder, env.redactor.clone(), env.clock).map_err(failed)?;
    store.ok_or_else(|| {
        Failure::new(ExitStatus::Usage, format!("there is no store in `{}`", folder.display()))
            .hint("`prompteval run` makes one; --store names another folder")
    })
}

fn prune(keep: u32, store: &Store, screen: &Screen) -> Result<ExitStatus, Failure> {
    let pruned = store.prune(keep).map_err(failed)?;
    screen.out(&format!("{} taken out", count(pruned.gone.len() as u64, "run")));
    for name in &pruned.busy {
        screen.warning(&format!("the run {name} is under way and stays"));
    }
    Ok(ExitStatus::Success)
}

pub(super) fn cache(command: &CacheCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let (store, clear) = match command {
        CacheCommand::Stats { store } => (store, false),
        CacheCommand::Clear { store } => (store, true),
    };
    let store = open(store, env, cwd)?;
    if clear {
        let before = store.clear_cache().map_err(failed)?;
        screen.out(&format!("{} forgotten", count(before.answers, "answer")));
        return Ok(ExitStatus::Success);
    }
    let stats = store.cache_stats().map_err(failed)?;
    screen.out(&format!("{}, {} bytes", count(stats.answers, "answer"), thousands(stats.bytes)));
    if let (Some(oldest), Some(newest)) = (stats.oldest_ms, stats.newest_ms) {
        screen.out(&format!("from {} to {}", format_time(oldest), format_time(newest)));
    }
    Ok(ExitStatus::Success)
}
