//! Finding and reading config files.

use std::path::{Path, PathBuf};

use super::environment;
use crate::diag::{Folder, Level, Problem, Problems, Source};
use crate::env::Env;
use crate::registry::Project;
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

/// The folder of the registry where nothing else is said.
pub(super) const REGISTRY: &str = "prompts";

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

/// The folder of the prompt registry that the project's file names.
pub(super) fn of_project(cwd: &Path) -> Result<Option<PathBuf>, Problem> {
    let project = Project::read(cwd).map_err(|error| match error.problem {
        Some(problem) => *problem,
        None => Problem::error(error.message),
    })?;
    Ok(project.registry.map(|folder| cwd.join(folder)))
}

/// The folder of the prompt registry: what the config here says, else `prompts`.
///
/// # Errors
/// When there is a config and it cannot be read.
pub fn registry(cwd: &Path, env: &Env) -> Result<PathBuf, Problem> {
    let Some(config) = in_folder(cwd, "") else { return Ok(cwd.join(REGISTRY)) };
    let root = read(&config)?;
    let Some(mut folder) = root.get("registry").cloned() else { return Ok(cwd.join(REGISTRY)) };
    let mut problems = Problems::new();
    let env = environment::of(&root, env, &mut problems);
    environment::fill(&mut folder, &env, &mut problems);
    match problems.iter().find(|problem| problem.level == Level::Error) {
        Some(problem) => Err(problem.clone()),
        None => Ok(cwd.join(folder.as_str().unwrap_or(REGISTRY))),
    }
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
