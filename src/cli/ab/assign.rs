//! Who gets which version.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Of, trial};
use crate::cli::args::{StoreArgs, TextOrJson};
use crate::cli::exit::{ExitStatus, Failure};
use crate::cli::screen::Screen;
use crate::env::Env;
use crate::experiment::{Assignment, Outside};
use crate::registry::Experiment;
use crate::store::{Exposure, Record, StoreError};

/// So many exposures are entered at once.
const BATCH: usize = 10_000;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct AssignCommand {
    #[command(flatten)]
    of: Of,
    /// The user's id
    #[arg(long, value_name = "ID", required_unless_present = "users", conflicts_with = "users")]
    user: Option<String>,
    /// A file with an id a line, `-` for standard input; the answers are JSON Lines
    #[arg(long, value_name = "FILE|-")]
    users: Option<PathBuf>,
    /// Log that these users meet their arm now
    #[arg(long)]
    expose: bool,
    /// What sort of users they are, for the log
    #[arg(long, value_name = "NAME", requires = "expose")]
    segment: Option<String>,
    /// For people, or as JSON
    #[arg(long, value_enum, default_value = "text")]
    format: TextOrJson,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn assign(command: &AssignCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let (opened, found) = command.of.find(env, cwd, screen)?;
    let mut exposed = Vec::new();
    let mut expose = |user: &str| -> Result<(), Failure> {
        exposed.extend(exposure(&found, user, command, env).filter(|_| command.expose));
        if exposed.len() >= BATCH { enter(&mut exposed, command, &found, (env, cwd)) } else { Ok(()) }
    };
    if let Some(users) = &command.users {
        for line in lines(users, cwd)? {
            let user = line.map_err(|e| Failure::new(ExitStatus::Failed, format!("cannot read the users: {e}")))?;
            screen.out(&described(&found, &user).to_string());
            expose(&user)?;
        }
    } else if let Some(user) = &command.user {
        match command.format {
            TextOrJson::Json => screen.json(&with_messages(&opened, &found, described(&found, user))),
            TextOrJson::Text => screen.out(&words(&found, user)),
        }
        expose(user)?;
    }
    enter(&mut exposed, command, &found, (env, cwd))?;
    Ok(ExitStatus::Success)
}

fn lines(path: &Path, cwd: &Path) -> Result<Box<dyn Iterator<Item = std::io::Result<String>>>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stdin().lines()));
    }
    let file = File::open(cwd.join(path)).map_err(|e| {
        Failure::new(ExitStatus::Usage, format!("cannot read `{}`: {}", path.display(), crate::diag::io_reason(&e)))
    })?;
    Ok(Box::new(BufReader::new(file).lines()))
}

fn exposure(found: &Experiment, user: &str, command: &AssignCommand, env: &Env) -> Option<Exposure> {
    let Assignment::In { arm, forced } = found.assign(user) else { return None };
    let (user, arm, segment) = (user.to_owned(), arm.name.clone(), command.segment.clone());
    Some(Exposure { user, arm, forced, segment, at_ms: env.clock.now_millis() })
}

fn enter(
    exposed: &mut Vec<Exposure>,
    command: &AssignCommand,
    found: &Experiment,
    (env, cwd): (&Env, &Path),
) -> Result<(), Failure> {
    if exposed.is_empty() {
        return Ok(());
    }
    let mut none = std::iter::empty::<Result<Record, StoreError>>();
    trial(&command.store, found, env, cwd)?.enter(exposed, &mut none).map_err(crate::cli::keep::failed)?;
    exposed.clear();
    Ok(())
}

fn words(found: &Experiment, user: &str) -> String {
    match found.assign(user) {
        Assignment::In { arm, forced } => {
            let forced = if forced { "  (forced)" } else { "" };
            format!("{}  {}@{}{forced}", arm.name, found.phase.prompt, arm.version)
        }
        Assignment::Out(why) => format!("no arm: {}", why_out(why)),
    }
}

fn why_out(why: Outside) -> &'static str {
    match why {
        Outside::HeldOut => "held out of all experiments",
        Outside::OtherExperiment => "left to other experiments of the namespace",
        Outside::NotCovered => "not covered",
        Outside::Stopped => "the experiment was stopped",
    }
}

fn described(found: &Experiment, user: &str) -> Value {
    let (name, phase) = (&found.phase.name, found.phase.phase);
    match found.assign(user) {
        Assignment::In { arm, forced } => json!({
            "experiment": name, "phase": phase, "user": user, "arm": arm.name, "prompt": found.phase.prompt,
            "version": arm.version, "contentHash": arm.content_sha256, "forced": forced,
        }),
        Assignment::Out(why) => json!({"experiment": name, "phase": phase, "user": user, "arm": null, "why": why}),
    }
}

/// With what the version says, as far as it can be read here.
fn with_messages(opened: &crate::cli::project::Opened, found: &Experiment, mut described: Value) -> Value {
    let Some(version) = described["version"].as_str() else { return described };
    let Ok(card) = opened.registry.card(&found.phase.prompt, version) else { return described };
    let message = |(role, content): &(String, String)| json!({"role": role, "content": content});
    described["messages"] = card.messages.iter().map(message).collect();
    described
}
