//! `prompteval audit export`.

use std::path::Path;

use serde_json::Value;

use crate::audit::{CSV_COLUMNS, Sealed, csv_rows, ocsf};
use crate::cli::at::moment;
use crate::cli::exit::{ExitStatus, Failure};
use crate::cli::project::RegistryArgs;
use crate::cli::screen::Screen;
use crate::env::{Env, format_time};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ExportCommand {
    /// From this moment on, such as 2026-01-01
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Up to this moment, it included
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// A table, the entries as they are, or events of OCSF 1.7
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    #[command(flatten)]
    registry: RegistryArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    Csv,
    Jsonl,
    Ocsf,
}

pub(super) fn export(command: &ExportCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let opened = command.registry.existing(env, cwd, screen)?;
    let end = |word: &Option<String>| word.as_deref().map(moment).transpose();
    let (from, to) = (end(&command.from)?.map(format_time), end(&command.to)?.map(format_time));
    if from.as_ref().zip(to.as_ref()).is_some_and(|(from, to)| from > to) {
        return Err(Failure::new(ExitStatus::Usage, "--from is later than --to").hint("write the earlier moment first"));
    }
    if !opened.registry.log().path().exists() {
        return Err(Failure::new(ExitStatus::Nothing, "there is no log to export")
            .hint("`prompteval prompt release` writes its first entry"));
    }
    // What is exported is to be complete: a log that does not hold is no population to draw samples from.
    let audit = opened.registry.audit(&[])?;
    let mut entries = audit.entries;
    entries.retain(|sealed| {
        let time = &sealed.entry.time;
        from.as_ref().is_none_or(|from| time >= from) && to.as_ref().is_none_or(|to| time <= to)
    });
    let json = |sealed: &Sealed| match command.format {
        Format::Ocsf => ocsf(sealed),
        _ => serde_json::to_value(sealed).unwrap_or_default(),
    };
    match command.format {
        Format::Csv => screen.out(table(&entries)?.trim_end()),
        Format::Jsonl | Format::Ocsf => entries.iter().map(json).for_each(|value| line(&value, screen)),
    }
    match audit.findings.first() {
        None => Ok(ExitStatus::Success),
        Some(found) => {
            let message = format!("the log does not hold: {}: {}", found.kind.word(), found.words);
            Err(Failure::new(ExitStatus::Altered, message)
                .hint("`prompteval audit verify` says all that is wrong with it"))
        }
    }
}

fn line(value: &Value, screen: &Screen) {
    screen.out(&String::from_utf8_lossy(&crate::content::canonical(value)));
}

fn table(entries: &[Sealed]) -> Result<String, Failure> {
    let failed = |e: csv::Error| Failure::new(ExitStatus::Failed, e.to_string());
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(CSV_COLUMNS).map_err(failed)?;
    for row in entries.iter().flat_map(csv_rows) {
        writer.write_record(row).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|e| Failure::new(ExitStatus::Failed, e.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
