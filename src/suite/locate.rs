//! Finding and reading config files.

use std::path::{Path, PathBuf};

use crate::diag::{Folder, Problem, Source};
use crate::yaml::{self, Node};

/// The names a config may have, the first that exists wins.
pub const NAMES: [&str; 6] = [
    "evalconfig.yaml",
    "evalconfig.yml",
    "evalconfig.json",
    "promptfooconfig.yaml",
    "promptfooconfig.yml",
    "promptfooconfig.json",
];

/// A file, and its path as the user knows it.
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) shown: String,
}

impl Found {
    /// The folder it is in.
    pub(super) fn folder(&self) -> Folder {
        let parent = |path: &Path| path.parent().map(Path::to_owned).unwrap_or_default();
        Folder::new(parent(&self.path), parent(Path::new(&self.shown)))
    }
}

/// The config files: those that were named (a folder means the config in it), or the one that is here.
pub(super) fn find(named: &[PathBuf], cwd: &Path) -> Result<Vec<Found>, Problem> {
    if named.is_empty() {
        return in_folder(cwd, "").map(|f| vec![f]).ok_or_else(|| {
            Problem::error(format!("no config in {}", cwd.display())).hint(format!(
                "write one with `prompteval init`, or name one with -c; looked for {}",
                NAMES[..2].join(", ") + ", … " + NAMES[3]
            ))
        });
    }
    named.iter().map(|path| one(path, cwd)).collect()
}

fn one(path: &Path, cwd: &Path) -> Result<Found, Problem> {
    let full = cwd.join(path);
    let shown = path.display().to_string();
    if full.is_dir() {
        return in_folder(&full, &format!("{}/", shown.trim_end_matches('/')))
            .ok_or_else(|| Problem::error(format!("no config in the folder `{shown}`")));
    }
    Ok(Found { path: full, shown })
}

fn in_folder(folder: &Path, prefix: &str) -> Option<Found> {
    let name = NAMES.iter().find(|name| folder.join(name).is_file())?;
    Some(Found { path: folder.join(name), shown: format!("{prefix}{name}") })
}

/// Reads and parses a config.
pub(super) fn read(file: &Found) -> Result<Node, Problem> {
    let source = Source::read(&file.path, &file.shown)
        .map_err(|e| Problem::error(format!("the config cannot be used: {e}")).hint("check the path given with -c"))?;
    let node = yaml::parse(&source)?;
    if node.is_map() {
        return Ok(node);
    }
    let found = if node.is_null() { "it is empty".to_owned() } else { format!("it is {}", node.kind_name()) };
    Err(Problem::error(format!("`{}` is no config: {found}", file.shown))
        .at(&source.at(0..0))
        .hint("a config is a map with prompts, providers and tests; `prompteval init` writes one"))
}
