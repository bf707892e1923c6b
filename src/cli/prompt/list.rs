//! `prompteval prompt list`.

use std::path::Path;

use semver::Version;
use serde_json::{Value, json};

use crate::cli::args::TextOrJson;
use crate::cli::exit::{ExitStatus, Failure};
use crate::cli::grid::{Grid, Step};
use crate::cli::project::{Opened, RegistryArgs};
use crate::cli::screen::Screen;
use crate::env::Env;
use crate::prompts::{Labels, names, versions};

/// What gives way where the terminal is narrow, in this order.
const STEPS: &[Step] = &[
    |grid, screen| grid.shorten("withdrawn", 12, screen),
    |grid, screen| grid.shorten("labels", 24, screen),
    |grid, _| grid.without("withdrawn"),
    |grid, screen| grid.shorten("prompt", 24, screen),
    |grid, _| grid.without("versions"),
];

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ListCommand {
    /// Only prompts whose name begins so
    #[arg(value_name = "PREFIX", default_value = "")]
    prefix: String,
    /// For people, or everything as JSON
    #[arg(long, value_enum, default_value = "text")]
    format: TextOrJson,
    #[command(flatten)]
    registry: RegistryArgs,
}

/// A prompt as it is listed.
struct Row {
    name: String,
    versions: Vec<Version>,
    latest: Option<String>,
    labels: Vec<(String, String)>,
    withdrawn: Vec<String>,
}

pub(super) fn list(command: &ListCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let opened = command.registry.existing(env, cwd, screen)?;
    let rows = rows(&opened, &command.prefix)?;
    if command.format == TextOrJson::Json {
        screen.json(&rows.iter().map(json).collect());
    } else if rows.is_empty() {
        screen.err(&format!("no prompt begins with `{}`", command.prefix));
    } else {
        grid(&rows).fitting(STEPS, screen).show(screen);
    }
    Ok(ExitStatus::Success)
}

fn rows(opened: &Opened, prefix: &str) -> Result<Vec<Row>, Failure> {
    let labels = opened.registry.labels()?;
    let folder = opened.registry.folder();
    let all = names(folder).into_iter().filter(|name| name.starts_with(prefix));
    Ok(all.map(|name| row(folder, name, &labels)).collect())
}

fn row(folder: &Path, name: String, labels: &Labels) -> Row {
    let versions = versions(folder, &name);
    let own = labels.prompts().get(&name);
    let withdrawn: Vec<String> = own.into_iter().flat_map(|own| own.withdrawn.iter().cloned()).collect();
    let usable = |version: &&Version| {
        version.pre.is_empty() && (withdrawn.is_empty() || !withdrawn.contains(&version.to_string()))
    };
    Row {
        latest: versions.iter().rfind(usable).map(ToString::to_string),
        versions,
        labels: own.into_iter().flat_map(|own| own.labels.clone()).collect(),
        withdrawn,
        name,
    }
}

fn grid(rows: &[Row]) -> Grid {
    let cells = |cell: &dyn Fn(&Row) -> String| rows.iter().map(cell).collect::<Vec<_>>();
    let mut grid = Grid::default();
    grid.words("prompt", cells(&|row| row.name.clone()));
    grid.words(
        "latest",
        cells(&|row| match (&row.latest, row.versions.last()) {
            (Some(latest), _) => latest.clone(),
            (None, Some(newest)) => newest.to_string(),
            (None, None) => "draft only".into(),
        }),
    );
    grid.numbers("versions", cells(&|row| row.versions.len().to_string()));
    let pairs = |row: &Row| row.labels.iter().map(|(label, to)| format!("{label} {to}")).collect::<Vec<_>>().join(", ");
    grid.words("labels", cells(&pairs));
    if rows.iter().any(|row| !row.withdrawn.is_empty()) {
        grid.words("withdrawn", cells(&|row| row.withdrawn.join(", ")));
    }
    grid
}

fn json(row: &Row) -> Value {
    let versions: Vec<String> = row.versions.iter().map(ToString::to_string).collect();
    let labels: serde_json::Map<String, Value> = row.labels.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
    json!({
        "name": row.name, "latest": row.latest, "versions": versions, "labels": labels, "withdrawn": row.withdrawn,
    })
}
