//! What came of users.

use std::path::{Path, PathBuf};

use super::intake::{Given, How, Intake, Taken};
use super::names::Names;
use super::rows::Rows;
use super::{Found, Of, find, only, trials, usage};
use crate::cli::args::StoreArgs;
use crate::cli::exit::{ExitStatus, Failure};
use crate::cli::keep::failed;
use crate::cli::project::RegistryArgs;
use crate::cli::screen::{Screen, count};
use crate::diag::did_you_mean;
use crate::env::Env;
use crate::store::{Delivery, Entered, Exposure, Happening, Record};

/// So many refused lines are shown.
const SHOWN: usize = 20;
/// And so much of each, in columns.
const LINE: usize = 200;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct RecordCommand {
    #[command(flatten)]
    of: Of,
    /// The user's id
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    user: String,
    /// A metric and its value (repeatable)
    #[arg(long, value_name = "NAME=VALUE", required = true)]
    metric: Vec<String>,
    /// What tells this from other events: the same again changes nothing
    #[arg(long, value_name = "ID")]
    event: Option<String>,
    /// When; default: now
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// What sort of user this is
    #[arg(long, value_name = "NAME")]
    segment: Option<String>,
    /// The arm that the application believes the user to be in
    #[arg(long, value_name = "NAME")]
    arm: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, clap::Args)]
#[command(allow_missing_positional = true)]
pub(in crate::cli) struct ImportCommand {
    /// The experiment; default: the one that runs
    experiment: Option<String>,
    /// CSV with a header, or JSON Lines; `-` for standard input
    #[arg(value_name = "FILE|-", required = true)]
    file: PathBuf,
    /// A column under another name, such as user=customer or csat=rating (repeatable)
    #[arg(long, value_name = "NAME=COLUMN")]
    map: Vec<String>,
    /// When, for lines that do not say; default: now
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Log every user of the file as exposed, at the time of the line
    #[arg(long)]
    expose: bool,
    /// Import what can be believed, where some lines cannot
    #[arg(long)]
    skip_refused: bool,
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn record(command: &RecordCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let (opened, found) = command.of.find(env, cwd, screen)?;
    let how = How { now_ms: env.clock.now_millis(), live: true, at: None, expose: false };
    let intake = Intake::new(&opened.registry, &found, how);
    let records = command.metric.iter().map(|pair| command.taken(pair, &intake));
    let records: Vec<Taken> = records.collect::<Result<_, _>>()?;
    let mut trials = trials(&command.store, &found, env, cwd)?;
    let mut delivery = trials.begin().map_err(failed)?;
    let mut new = false;
    for taken in records {
        let Taken::Record(phase, record) = taken else {
            screen.warning(&format!("`{}` is a tester: nothing is recorded", command.user));
            return Ok(ExitStatus::Success);
        };
        let (event, value) = (record.event.clone(), record.value);
        match delivery.add(phase, &Happening::Record(record)).map_err(failed)? {
            Entered::New => new = true,
            Entered::Known(_) => {}
            Entered::Otherwise(known) => return Err(usage(otherwise(&event, known, value))),
        }
    }
    delivery.commit().map_err(failed)?;
    if !new {
        screen.err("nothing new: this event is known");
    }
    if let Some(stop) = &found.stopped {
        screen.warning(&format!(
            "the experiment was stopped at {}: who was not exposed before does not count",
            stop.time
        ));
    }
    Ok(ExitStatus::Success)
}

impl RecordCommand {
    fn taken(&self, pair: &str, intake: &Intake<'_>) -> Result<Taken, Failure> {
        let (metric, value) = pair
            .split_once('=')
            .ok_or_else(|| usage(format!("`{pair}` names no value")).hint("write --metric csat=4"))?;
        // One that has no id happened now, and once.
        let event = || format!("{}-{:08x}", intake.how.now_ms, fastrand::u32(..));
        let given = Given {
            user: self.user.clone(),
            metric: metric.to_owned(),
            value: value.to_owned(),
            event: Some(self.event.clone().unwrap_or_else(event)),
            at: self.at.clone(),
            segment: self.segment.clone(),
            arm: self.arm.clone(),
            experiment: None,
        };
        let hint = did_you_mean(metric, intake.metrics());
        intake.take(&given).map_err(|why| usage(why).maybe_hint(hint))
    }
}

/// Why an event is not believed.
fn otherwise(event: &str, known: f64, value: f64) -> String {
    format!("the event `{event}` is known with {known}, and {value} is said here")
}

pub(super) fn import(command: &ImportCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let Found { opened, found } = match &command.experiment {
        Some(name) => find(name, &command.registry, env, cwd, screen)?,
        None => only(&command.registry, env, cwd, screen)?,
    };
    let mut rows = Rows::open(&command.file, Names::of(&command.map, &found.phase.metrics)?, cwd)?;
    let (shown, mut trials) = (rows.shown.clone(), trials(&command.store, &found, env, cwd)?);
    let now_ms = env.clock.now_millis();
    let how = How { now_ms, live: false, at: command.at.clone(), expose: command.expose };
    let mut import = Import {
        intake: Intake::new(&opened.registry, &found, how),
        delivery: trials.begin().map_err(failed)?,
        screen,
        shown: shown.clone(),
        refused: Vec::new(),
        sum: Sum::default(),
    };
    for row in &mut rows {
        match row {
            Ok((line, list)) => import.take(line, &list)?,
            Err(why) => import.refuse(&why),
        }
    }
    let Import { delivery, refused, sum, .. } = import;
    let more = sum.refused - refused.len() as u64;
    for line in &refused {
        screen.err(line);
    }
    if more > 0 {
        screen.err(&format!("and {} more", count(more, "line")));
    }
    if let Some(why) = rows.broken {
        return Err(usage(format!("{}; nothing is imported", screen.line(&why, LINE))));
    }
    if sum.refused > 0 && (!command.skip_refused || sum.believed() == 0) {
        let failure = usage(format!("{} of `{shown}` refused; nothing is imported", count(sum.refused, "line")));
        return Err(failure.hint("mend them, or import the rest with --skip-refused"));
    }
    delivery.commit().map_err(failed)?;
    if screen.quiet {
        return Ok(ExitStatus::Success);
    }
    sum.tell(screen);
    let unread: Vec<String> = rows.names.unread().map(|name| screen.line(name, 40)).collect();
    if !unread.is_empty() {
        screen.err(&format!("not read: {}", unread.join(", ")));
    }
    Ok(ExitStatus::Success)
}

/// What becomes of the lines of a file.
#[derive(Default)]
struct Sum {
    new: u64,
    known: u64,
    refused: u64,
    left_out: u64,
    exposed: u64,
}

impl Sum {
    /// Lines that were not refused.
    fn believed(&self) -> u64 {
        self.new + self.known + self.left_out
    }

    fn tell(&self, screen: &Screen) {
        screen.out(&format!("{} imported", count(self.new, "record")));
        for (n, noun, what) in [
            (self.known, "record", "known already"),
            (self.refused, "line", "refused"),
            (self.left_out, "record", "of testers, left out"),
            (self.exposed, "user", "logged as exposed"),
        ] {
            if n > 0 {
                screen.out(&format!("{} {what}", count(n, noun)));
            }
        }
    }
}

/// A file on its way into the store.
struct Import<'a> {
    intake: Intake<'a>,
    delivery: Delivery<'a>,
    screen: &'a Screen,
    shown: String,
    /// The first lines that cannot be believed.
    refused: Vec<String>,
    sum: Sum,
}

impl Import<'_> {
    fn take(&mut self, line: u64, list: &[Given]) -> Result<(), Failure> {
        let taken: Result<Vec<Taken>, String> = list.iter().map(|given| self.intake.take(given)).collect();
        match taken {
            Ok(taken) => self.enter(line, taken),
            Err(why) => {
                self.refuse(&format!("{}:{line}: {why}", self.shown));
                Ok(())
            }
        }
    }

    fn enter(&mut self, line: u64, taken: Vec<Taken>) -> Result<(), Failure> {
        // Who is measured met their arm by then; a line that is known tells when that was.
        let mut met: Option<(u32, Exposure)> = None;
        for taken in taken {
            let Taken::Record(phase, record) = taken else {
                self.sum.left_out += 1;
                continue;
            };
            let (event, value, mut exposure) = (record.event.clone(), record.value, exposure(&record));
            match self.delivery.add(phase, &Happening::Record(record)).map_err(failed)? {
                Entered::New => self.sum.new += 1,
                Entered::Known(since) => {
                    self.sum.known += 1;
                    exposure.at_ms = since;
                }
                Entered::Otherwise(known) => {
                    self.refuse(&format!("{}:{line}: {}", self.shown, otherwise(&event, known, value)));
                    continue;
                }
            }
            if met.as_ref().is_none_or(|(_, met)| exposure.at_ms < met.at_ms) {
                met = Some((phase, exposure));
            }
        }
        if let Some((phase, exposure)) = met.filter(|_| self.intake.how.expose) {
            let new = self.delivery.add(phase, &Happening::Exposure(exposure)).map_err(failed)? == Entered::New;
            self.sum.exposed += u64::from(new);
        }
        Ok(())
    }

    fn refuse(&mut self, why: &str) {
        self.sum.refused += 1;
        if self.refused.len() < SHOWN {
            self.refused.push(self.screen.line(why, LINE));
        }
    }
}

/// Whoever something is measured of met their arm then.
fn exposure(record: &Record) -> Exposure {
    let Record { user, arm, segment, at_ms, .. } = record.clone();
    Exposure { user, arm, forced: false, segment, at_ms }
}
