//! `prompteval history` and `prompteval cache`.

use std::path::Path;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::args::{CacheCommand, HistoryCommand, StoreArgs};
use super::exit::{ExitStatus, Failure};
use super::keep::{failed, shorter};
use super::screen::{Screen, count, thousands};
use crate::env::{Env, format_time};
use crate::store::{RunLine, Store};

pub(super) fn history(command: &HistoryCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    match command {
        HistoryCommand { prune: Some(super::args::Prune::Prune { keep, store }), .. } => {
            prune(*keep, &open(store, env, cwd)?, screen)
        }
        HistoryCommand { store, limit, .. } => list(&open(store, env, cwd)?, *limit, screen),
    }
}

fn open(args: &StoreArgs, env: &Env, cwd: &Path) -> Result<Store, Failure> {
    let folder = shorter(&args.folder(env, cwd), cwd);
    let store = Store::existing(&folder, env.redactor.clone(), env.clock).map_err(failed)?;
    store.ok_or_else(|| {
        Failure::new(ExitStatus::Usage, format!("there is no store in `{}`", folder.display()))
            .hint("`prompteval run` makes one; --store names another folder")
    })
}

fn list(store: &Store, limit: u32, screen: &Screen) -> Result<ExitStatus, Failure> {
    let lines = store.history(limit).map_err(failed)?;
    if lines.is_empty() {
        screen.err("no run is stored yet");
        return Ok(ExitStatus::Success);
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled).force_no_tty();
    table.set_header(["run", "began", "ended", "cells", "passed", "failed", "no verdict", "not run", "config"]);
    table.add_rows(lines.iter().map(|line| row(line, screen)));
    for column in table.column_iter_mut().skip(3).take(5) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string().lines().for_each(|line| screen.out(line.trim()));
    Ok(ExitStatus::Success)
}

fn row(line: &RunLine, screen: &Screen) -> [String; 9] {
    let unrun = line.cells.saturating_sub(line.passed + line.failed + line.errored);
    [
        line.name.clone(),
        format_time(line.started_ms).chars().take(16).collect::<String>().replace('T', " "),
        line.ending.clone().unwrap_or_else(|| "–".into()),
        thousands(line.cells),
        thousands(line.passed),
        thousands(line.failed),
        thousands(line.errored),
        thousands(unrun),
        screen.line(&line.config_path, 40),
    ]
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
