//! The registry that a command is about.

use std::path::{Path, PathBuf};

use super::exit::{ExitStatus, Failure};
use super::screen::Screen;
use crate::diag::{Problem, did_you_mean};
use crate::env::Env;
use crate::prompts::names;
use crate::registry::{Project, Registry, RegistryError};
use crate::suite;

/// Where the registry is.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct RegistryArgs {
    /// Folder of the registry; default: `registry:` of prompteval.yaml or of the config here, else prompts
    #[arg(long, value_name = "FOLDER")]
    pub(super) registry: Option<PathBuf>,
}

/// The registry and the project's rules.
pub(super) struct Opened {
    pub(super) registry: Registry,
    pub(super) project: Project,
    /// With what `.env` adds.
    pub(super) env: Env,
}

impl RegistryArgs {
    /// The folder that is named, else that of the project's file, else that of the config here.
    pub(super) fn folder(&self, project: &Project, env: &Env, cwd: &Path) -> Result<PathBuf, Problem> {
        match self.registry.as_ref().or(project.registry.as_ref()) {
            Some(folder) => Ok(cwd.join(folder)),
            None => suite::registry(cwd, env),
        }
    }

    /// The registry, whether or not there is anything in it.
    pub(super) fn open(&self, env: &Env, cwd: &Path, screen: &Screen) -> Result<Opened, Failure> {
        let env = env.with_dotenv(&cwd.join(".env")).unwrap_or_else(|_| env.clone());
        screen.learn(&env);
        let project = Project::read(cwd)?;
        let folder = self.folder(&project, &env, cwd).map_err(|problem| {
            // Whoever has to go back now does not have to mend a config first.
            RegistryError::from(problem.hint("--registry FOLDER says where the registry is, without this file"))
        })?;
        Ok(Opened { registry: Registry::new(folder, cwd), project, env })
    }

    /// A registry that there is, with this prompt in it.
    pub(super) fn with_prompt(
        &self,
        name: Option<&str>,
        env: &Env,
        cwd: &Path,
        screen: &Screen,
    ) -> Result<Opened, Failure> {
        let opened = self.existing(env, cwd, screen)?;
        let Some(name) = name else { return Ok(opened) };
        let known = names(opened.registry.folder());
        if known.iter().any(|known| known == name) {
            return Ok(opened);
        }
        let failure = Failure::new(ExitStatus::Usage, format!("there is no prompt `{}`", screen.line(name, 60)));
        let hint = did_you_mean(name, known.iter().map(String::as_str));
        Err(failure.hint(hint.unwrap_or_else(|| "`prompteval prompt list` shows what there is".into())))
    }

    /// A registry that there is.
    pub(super) fn existing(&self, env: &Env, cwd: &Path, screen: &Screen) -> Result<Opened, Failure> {
        let opened = self.open(env, cwd, screen)?;
        let folder = opened.registry.folder();
        if !opened.registry.log().path().exists() && names(folder).is_empty() {
            let message = format!("there is no registry in `{}`", super::keep::shorter(folder, cwd).display());
            let failure = Failure::new(ExitStatus::Usage, message);
            return Err(failure.hint("`prompteval prompt new NAME` begins one; --registry names another folder"));
        }
        Ok(opened)
    }
}
