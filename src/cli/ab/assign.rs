//! Who gets which version.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};

use super::{Of, source, trials};
use crate::cli::args::{StoreArgs, TextOrJson};
use crate::cli::exit::{ExitStatus, Failure};
use crate::cli::keep::failed;
use crate::cli::project::Opened;
use crate::cli::screen::Screen;
use crate::env::Env;
use crate::experiment::{Assignment, Outside};
use crate::registry::Experiment;
use crate::store::{Exposure, Happening, Trials};

/// So many are answered at once.
const BATCH: usize = 10_000;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct AssignCommand {
    #[command(flatten)]
    of: Of,
    /// The user's id
    #[arg(
        long,
        value_name = "ID",
        allow_hyphen_values = true,
        required_unless_present = "users",
        conflicts_with = "users"
    )]
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
    let trials = if command.expose { Some(trials(&command.store, &found, env, cwd)?) } else { None };
    let log = Watch::of(opened.registry.log().path());
    let mut desk = Desk { command, opened: &opened, found, log, trials, env, screen, waiting: Vec::new() };
    if let Some(users) = &command.users {
        desk.serve(BufReader::new(source(users, cwd)?))?;
    } else if let Some(user) = &command.user {
        desk.expose(std::slice::from_ref(user))?;
        let found = &desk.found;
        match command.format {
            TextOrJson::Json => screen.json(&with_messages(&opened, found, described(found, user))),
            TextOrJson::Text => screen.out(&words(found, user)),
        }
    }
    Ok(ExitStatus::Success)
}

/// Answers who asks for arms, one after the other.
struct Desk<'a> {
    command: &'a AssignCommand,
    opened: &'a Opened,
    found: Experiment,
    log: Watch,
    /// Where exposures are logged, if they are.
    trials: Option<Trials>,
    env: &'a Env,
    screen: &'a Screen,
    /// Users who have no answer yet.
    waiting: Vec<String>,
}

impl Desk<'_> {
    /// A line for each line: as many together as have come, so that nobody waits for the next one to ask.
    fn serve(&mut self, mut reader: BufReader<Box<dyn Read>>) -> Result<(), Failure> {
        let broken = |message: String| Failure::new(ExitStatus::Failed, message);
        for number in 1_u64.. {
            let mut line = Vec::new();
            let read = reader.read_until(b'\n', &mut line);
            if read.map_err(|e| broken(format!("cannot read the users: {}", crate::diag::io_reason(&e))))? == 0 {
                break;
            }
            match String::from_utf8(line) {
                Ok(user) => self.waiting.push(user.trim_end_matches(['\r', '\n']).to_owned()),
                Err(other) => {
                    // One id that cannot be read must not end what serves an application.
                    self.answer()?;
                    let user = String::from_utf8_lossy(other.as_bytes()).trim_end().to_owned();
                    self.screen.warning(&format!("line {number} of the users is no UTF-8"));
                    let (name, phase) = (&self.found.phase.name, self.found.phase.phase);
                    let none = json!({"experiment": name, "phase": phase, "user": user, "arm": null, "why": "no_utf8"});
                    self.screen.out(&none.to_string());
                }
            }
            if self.waiting.len() == BATCH || !reader.buffer().contains(&b'\n') {
                self.answer()?;
            }
        }
        self.answer()
    }

    fn answer(&mut self) -> Result<(), Failure> {
        // A process may serve for weeks, while the experiment goes into another phase, or ends.
        if self.log.changed()
            && let Some(found) = self.opened.registry.experiment(&self.found.phase.name)?
        {
            self.found = found;
        }
        let users = std::mem::take(&mut self.waiting);
        // Who has an answer is in the log.
        self.expose(&users)?;
        for user in &users {
            self.screen.out(&described(&self.found, user).to_string());
        }
        Ok(())
    }

    fn expose(&mut self, users: &[String]) -> Result<(), Failure> {
        let Some(trials) = &mut self.trials else { return Ok(()) };
        let (at_ms, phase) = (self.env.clock.now_millis(), self.found.phase.phase);
        let mut delivery = trials.begin().map_err(failed)?;
        for user in users {
            let Assignment::In { arm, forced } = self.found.assign(user) else { continue };
            let (user, arm, segment) = (user.clone(), arm.name.clone(), self.command.segment.clone());
            let exposure = Exposure { user, arm, forced, segment, at_ms };
            delivery.add(phase, &Happening::Exposure(exposure)).map_err(failed)?;
        }
        delivery.commit().map_err(failed)
    }
}

/// Notices that a file grew or was replaced.
struct Watch {
    path: PathBuf,
    seen: Option<(u64, SystemTime)>,
}

impl Watch {
    /// What was before is not known, so that the first look finds a change.
    fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), seen: None }
    }

    fn changed(&mut self) -> bool {
        let now = state(&self.path);
        std::mem::replace(&mut self.seen, now) != now
    }
}

fn state(path: &Path) -> Option<(u64, SystemTime)> {
    let about = path.metadata().ok()?;
    Some((about.len(), about.modified().ok()?))
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
        Outside::NoId => "nobody is named",
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
fn with_messages(opened: &Opened, found: &Experiment, mut described: Value) -> Value {
    let Some(version) = described["version"].as_str() else { return described };
    let Ok(card) = opened.registry.card(&found.phase.prompt, version) else { return described };
    let message = |(role, content): &(String, String)| json!({"role": role, "content": content});
    described["messages"] = card.messages.iter().map(message).collect();
    described
}
