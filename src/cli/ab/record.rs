//! What came of users.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::intake::{Given, Intake, Taken};
use super::{Of, trial};
use crate::cli::args::StoreArgs;
use crate::cli::exit::{ExitStatus, Failure};
use crate::cli::keep::failed;
use crate::cli::screen::{Screen, count};
use crate::diag::io_reason;
use crate::env::Env;
use crate::experiment::Assignment;
use crate::registry::Experiment;
use crate::store::{Exposure, Record, StoreError, Trial};

/// So many refused lines are shown.
const SHOWN: usize = 20;
/// The names under which columns are looked for.
const COLUMNS: [(&str, &[&str]); 7] = [
    ("user", &["user", "user_id", "userid"]),
    ("metric", &["metric"]),
    ("value", &["value"]),
    ("event", &["event", "event_id"]),
    ("time", &["time", "timestamp", "at"]),
    ("segment", &["segment"]),
    ("arm", &["arm", "variant"]),
];

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct RecordCommand {
    #[command(flatten)]
    of: Of,
    /// The user's id
    #[arg(long, value_name = "ID")]
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
pub(in crate::cli) struct ImportCommand {
    #[command(flatten)]
    of: Of,
    /// A CSV file with a header, or JSON Lines
    file: PathBuf,
    /// A column under another name, such as user=customer or csat=rating (repeatable)
    #[arg(long, value_name = "NAME=COLUMN")]
    map: Vec<String>,
    /// Log every user of the file as exposed, at the time of the line
    #[arg(long)]
    expose: bool,
    /// Import what can be believed, where some lines cannot
    #[arg(long)]
    skip_refused: bool,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn record(command: &RecordCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let (_, found) = command.of.find(env, cwd, screen)?;
    let intake = Intake { experiment: &found, now_ms: env.clock.now_millis() };
    let usage = |message: String| Failure::new(ExitStatus::Usage, message);
    // One that has no id happened now, and once.
    let event = || command.event.clone().unwrap_or_else(|| format!("{}-{:08x}", intake.now_ms, fastrand::u32(..)));
    let mut records = Vec::new();
    for pair in &command.metric {
        let Some((metric, value)) = pair.split_once('=') else {
            return Err(usage(format!("`{pair}` names no value")).hint("write --metric csat=4"));
        };
        let given = Given {
            user: command.user.clone(),
            metric: metric.to_owned(),
            value: value.to_owned(),
            event: Some(event()),
            at: command.at.clone(),
            segment: command.segment.clone(),
            arm: command.arm.clone(),
        };
        match intake.take(&given).map_err(usage)? {
            Taken::Record(record) => records.push(Ok::<_, StoreError>(record)),
            Taken::LeftOut => screen.warning(&format!("`{}` is a tester: nothing is recorded", command.user)),
        }
    }
    let new = trial(&command.store, &found, env, cwd)?.enter(&[], &mut records.into_iter()).map_err(failed)?;
    if new == 0 {
        screen.err("nothing new: this event is known");
    }
    Ok(ExitStatus::Success)
}

pub(super) fn import(command: &ImportCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let (_, found) = command.of.find(env, cwd, screen)?;
    let rows = Rows::open(command, &found, cwd)?;
    let mut walk = Walk {
        rows,
        intake: Intake { experiment: &found, now_ms: env.clock.now_millis() },
        ready: Vec::new(),
        refused: Vec::new(),
        refusals: 0,
        left_out: 0,
        records: 0,
        skip: command.skip_refused,
        over: false,
    };
    let mut trial = trial(&command.store, &found, env, cwd)?;
    let new = trial.enter(&[], &mut walk);
    for line in &walk.refused {
        screen.err(line);
    }
    if walk.refusals > walk.refused.len() as u64 {
        screen.err(&format!("and {} more", walk.refusals - walk.refused.len() as u64));
    }
    let new = new.map_err(|Refusal(failure)| failure)?;
    let exposed = if command.expose { expose(&walk.intake, command, &mut trial, cwd)? } else { 0 };
    let known = walk.records - new;
    screen.out(&format!("{} imported", count(new, "record")));
    for (n, what) in [(known, "known already"), (walk.refusals, "refused"), (walk.left_out, "of testers, left out")] {
        if n > 0 {
            screen.out(&format!("{} {what}", count(n, "record")));
        }
    }
    if exposed > 0 {
        screen.out(&format!("{} logged as exposed", count(exposed, "line")));
    }
    Ok(ExitStatus::Success)
}

/// Logs the users of a file as exposed.
fn expose(intake: &Intake<'_>, command: &ImportCommand, trial: &mut Trial, cwd: &Path) -> Result<u64, Failure> {
    let found = intake.experiment;
    let (mut batch, mut all) = (Vec::new(), 0);
    let mut enter = |batch: &mut Vec<Exposure>| {
        let done = trial.enter(batch, &mut std::iter::empty::<Result<Record, StoreError>>()).map_err(failed);
        batch.clear();
        done
    };
    for line in Rows::open(command, found, cwd)? {
        let Ok(line) = line.map(|(_, given)| given) else { continue };
        let Some(Ok(Taken::Record(record))) = line.first().map(|given| intake.take(given)) else { continue };
        let Record { user, arm, segment, at_ms, .. } = record;
        let forced = matches!(found.phase.assign(&user), Assignment::In { forced: true, .. });
        batch.push(Exposure { user, arm, forced, segment, at_ms });
        all += 1;
        if batch.len() == 10_000 {
            enter(&mut batch)?;
        }
    }
    enter(&mut batch)?;
    Ok(all)
}

/// Why an import came to nothing.
struct Refusal(Failure);

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self(failed(error))
    }
}

/// The records of a file; an error at its end where lines were refused.
struct Walk<'a> {
    rows: Rows,
    intake: Intake<'a>,
    ready: Vec<Record>,
    refused: Vec<String>,
    refusals: u64,
    left_out: u64,
    records: u64,
    skip: bool,
    over: bool,
}

impl Iterator for Walk<'_> {
    type Item = Result<Record, Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(record) = self.ready.pop() {
                self.records += 1;
                return Some(Ok(record));
            }
            if self.over {
                return None;
            }
            match self.rows.next() {
                None => {
                    self.over = true;
                    let failure = || {
                        let message = format!(
                            "{} of `{}` refused; nothing is imported",
                            count(self.refusals, "line"),
                            self.rows.shown
                        );
                        Failure::new(ExitStatus::Usage, message)
                            .hint("mend them, or import the rest with --skip-refused")
                    };
                    return (self.refusals > 0 && !self.skip).then(|| Err(Refusal(failure())));
                }
                Some(Err(why)) => self.refuse(&why),
                Some(Ok((line, list))) => self.take(line, &list),
            }
        }
    }
}

impl Walk<'_> {
    fn take(&mut self, line: u64, list: &[Given]) {
        let mut ready = Vec::with_capacity(list.len());
        for given in list {
            match self.intake.take(given) {
                Ok(Taken::Record(record)) => ready.push(record),
                Ok(Taken::LeftOut) => self.left_out += 1,
                Err(why) => return self.refuse(&format!("{}:{line}: {why}", self.rows.shown)),
            }
        }
        ready.reverse();
        self.ready = ready;
    }

    fn refuse(&mut self, why: &str) {
        self.refusals += 1;
        if self.refused.len() < SHOWN {
            self.refused.push(why.to_owned());
        }
    }
}

/// The lines of a file, each with its number and its measurements.
struct Rows {
    shown: String,
    names: Names,
    lines: Lines,
}

enum Lines {
    Csv { reader: Box<csv::Reader<File>>, header: Vec<String> },
    Json { reader: BufReader<File>, line: u64 },
}

/// Which column is what.
struct Names {
    columns: BTreeMap<&'static str, Vec<String>>,
    /// Metrics, and the columns that hold them.
    metrics: Vec<(String, String)>,
}

impl Names {
    fn of(command: &ImportCommand, found: &Experiment) -> Result<Self, Failure> {
        let mut columns: BTreeMap<&'static str, Vec<String>> =
            COLUMNS.iter().map(|(what, names)| (*what, names.iter().map(|&name| name.to_owned()).collect())).collect();
        let mut metrics: Vec<(String, String)> =
            found.phase.metrics.iter().map(|metric| (metric.name.clone(), metric.name.clone())).collect();
        for pair in &command.map {
            let usage = |message: String| Failure::new(ExitStatus::Usage, message);
            let (what, column) = pair.split_once('=').ok_or_else(|| usage(format!("`{pair}` names no column")))?;
            if let Some(names) = columns.get_mut(what) {
                *names = vec![column.to_owned()];
            } else if let Some(metric) = metrics.iter_mut().find(|(metric, _)| metric == what) {
                column.clone_into(&mut metric.1);
            } else {
                return Err(usage(format!("`{what}` is neither a column nor a metric"))
                    .hint("map user, event, time, segment, arm, metric, value, or a metric's name"));
            }
        }
        Ok(Self { columns, metrics })
    }

    /// The measurements of a line: one under `metric` and `value`, else one for each metric that has a column.
    fn given(&self, cell: &dyn Fn(&str) -> Option<String>) -> Result<Vec<Given>, String> {
        let one = |what: &str| {
            let names = self.columns.get(what).map(Vec::as_slice).unwrap_or_default();
            let text = names.iter().find_map(|name| cell(name)).filter(|text| !text.trim().is_empty())?;
            // A user is who they are, blanks included; for anything else they mean nothing.
            Some(if what == "user" { text } else { text.trim().to_owned() })
        };
        let base = Given {
            user: one("user").ok_or("there is no user")?,
            event: one("event"),
            at: one("time"),
            segment: one("segment"),
            arm: one("arm"),
            ..Given::default()
        };
        if let Some(metric) = one("metric") {
            let value = one("value").ok_or_else(|| format!("`{metric}` has no value"))?;
            return Ok(vec![Given { metric, value, ..base }]);
        }
        let wide = self.metrics.iter().filter_map(|(metric, column)| Some((metric, cell(column)?)));
        let wide = wide.filter(|(_, value)| !value.trim().is_empty());
        let all: Vec<Given> =
            wide.map(|(metric, value)| Given { metric: metric.clone(), value, ..base.clone() }).collect();
        if all.is_empty() { Err("there is no value of any metric".into()) } else { Ok(all) }
    }
}

impl Rows {
    fn open(command: &ImportCommand, found: &Experiment, cwd: &Path) -> Result<Self, Failure> {
        let shown = command.file.display().to_string();
        let usage = |message: String| Failure::new(ExitStatus::Usage, message);
        let names = Names::of(command, found)?;
        let file = File::open(cwd.join(&command.file))
            .map_err(|e| usage(format!("cannot read `{shown}`: {}", io_reason(&e))))?;
        let json = command.file.extension().is_some_and(|ending| ending == "jsonl" || ending == "ndjson");
        if json {
            return Ok(Self { shown, names, lines: Lines::Json { reader: BufReader::new(file), line: 0 } });
        }
        let delimiter = delimiter(&cwd.join(&command.file));
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(file);
        let header = reader.headers().map_err(|e| usage(format!("`{shown}` is no CSV: {e}")))?;
        let header: Vec<String> =
            header.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_owned()).collect();
        let user = names.columns.get("user").cloned().unwrap_or_default();
        if !header.iter().any(|name| user.contains(name)) {
            let failure = usage(format!("`{shown}` has no column of users: it has {}", header.join(", ")));
            return Err(failure.hint("--map user=COLUMN says which it is"));
        }
        Ok(Self { shown, names, lines: Lines::Csv { reader: Box::new(reader), header } })
    }
}

impl Iterator for Rows {
    type Item = Result<(u64, Vec<Given>), String>;

    fn next(&mut self) -> Option<Self::Item> {
        let Self { shown, names, lines } = self;
        let (line, given) = match lines {
            Lines::Csv { reader, header } => {
                let mut record = csv::StringRecord::new();
                match reader.read_record(&mut record) {
                    Ok(false) => return None,
                    Ok(true) => {}
                    Err(error) => return Some(Err(format!("{shown}: {error}"))),
                }
                let line = record.position().map_or(0, csv::Position::line);
                let cell = |name: &str| record.get(header.iter().position(|known| known == name)?).map(str::to_owned);
                (line, names.given(&cell))
            }
            Lines::Json { reader, line } => {
                let text = match next_line(reader, line)? {
                    Ok(text) => text,
                    Err(why) => return Some(Err(format!("{shown}:{line}: {why}"))),
                };
                let value: Value = match serde_json::from_str(&text) {
                    Ok(value) => value,
                    Err(error) => return Some(Err(format!("{shown}:{line}: this is no JSON: {error}"))),
                };
                let cell = |name: &str| match value.get(name)? {
                    Value::Null => None,
                    Value::String(text) => Some(text.clone()),
                    other => Some(other.to_string()),
                };
                (*line, names.given(&cell))
            }
        };
        Some(given.map(|given| (line, given)).map_err(|why| format!("{shown}:{line}: {why}")))
    }
}

/// What stands between the cells of a header: a comma, unless there is none and spreadsheets wrote something else.
fn delimiter(path: &Path) -> u8 {
    let mut header = Vec::new();
    let read = File::open(path).and_then(|file| BufReader::new(file.take(1 << 16)).read_until(b'\n', &mut header));
    let has = |delimiter: &u8| header.contains(delimiter);
    read.ok().and_then(|_| [b',', b';', b'\t'].into_iter().find(has)).unwrap_or(b',')
}

/// The next line that says something.
fn next_line(reader: &mut BufReader<File>, line: &mut u64) -> Option<Result<String, String>> {
    const LONGEST: u64 = 1 << 20;
    loop {
        *line += 1;
        let mut text = String::new();
        match reader.by_ref().take(LONGEST).read_line(&mut text) {
            Ok(0) => return None,
            Ok(_) if text.trim().is_empty() => {}
            Ok(_) => return Some(Ok(text)),
            Err(error) => return Some(Err(io_reason(&error))),
        }
    }
}
