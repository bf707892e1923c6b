//! `prompteval prompt new`.

use std::io::Write;
use std::path::Path;

use crate::cli::exit::{ExitStatus, Failure};
use crate::cli::keep::shorter;
use crate::cli::project::RegistryArgs;
use crate::cli::screen::Screen;
use crate::diag::io_reason;
use crate::env::Env;
use crate::prompts::prompt_name;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct NewCommand {
    /// Its name: lower-case letters, digits, `.`, `_` and `-`
    name: String,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn new(command: &NewCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let name = &command.name;
    prompt_name(name).map_err(|why| {
        Failure::new(ExitStatus::Usage, why)
            .hint("lower-case letters, digits, `.`, `_` and `-` make one, such as customer_support")
    })?;
    let opened = command.registry.open(env, cwd, screen)?;
    let path = opened.registry.folder().join(format!("{name}.yaml"));
    let shown = shorter(&path, cwd).display().to_string();
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(opened.registry.folder())?;
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
        file.write_all(starter(name).as_bytes())
    };
    match write() {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let failure = Failure::new(ExitStatus::Usage, format!("`{shown}` is there already"));
            return Err(failure.hint("edit it, or choose another name"));
        }
        written => written
            .map_err(|e| Failure::new(ExitStatus::Failed, format!("cannot write `{shown}`: {}", io_reason(&e))))?,
    }
    screen.out(&format!("wrote {shown}"));
    if !screen.quiet {
        screen.err(&format!("edit it, name it in a config as registry://{name}@draft, and freeze it:"));
        screen.err(&format!("  prompteval prompt release {name} 1.0.0 -m \"what it is for\""));
    }
    Ok(ExitStatus::Success)
}

/// A draft that runs as it is.
fn starter(name: &str) -> String {
    format!(
        r#"# The working draft of `{name}`. Edit it, try it as registry://{name}@draft, then freeze it with
#   prompteval prompt release {name} 1.0.0 -m "what changed, and why"
version: "1.0.0"
description: What this prompt is for.

# Templates: {{{{name}}}} is filled from the variables of the case, or by the application.
system_prompt: |-
  You are a helpful assistant of {{{{company}}}}.
  Answer in two to four sentences. If you do not know something, say so.

user_prompt: "{{{{input}}}}"

parameters:
  temperature: 0.2
"#
    )
}
