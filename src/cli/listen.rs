//! Who listens to a run's events: the reports, the progress bar, the counts, the terminal's memory.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::exit::{ExitStatus, Failure};
use super::progress::Progress;
use super::rivals::{Aim, Ended, Matched, Rivals};
use super::screen::Screen;
use super::{failures, summary, table, verdict};
use crate::record::{Column, Event, Outcome, RunHead, RunTail, Status};
use crate::report::{Derived, GateReport, Target};
use crate::stats::gate::Verdict;
use crate::stats::{Rounds, Tally, Total};
use crate::transport::Stop;

/// How many rows of the table are remembered.
const TABLE_ROWS: usize = 25;
/// How many unhappy cells are remembered for explanation.
const EXPLAINED: usize = 200;

/// What people are told at the end.
pub(super) struct Closing {
    /// Whether they are told more than which reports there are.
    pub(super) words: bool,
    /// Whether a table of answers is among it.
    pub(super) table: bool,
    /// The run that is in the store, as its command line names it: `-c CONFIG --resume ID`.
    pub(super) kept: Option<String>,
}

pub(super) struct Listeners<'a> {
    screen: &'a Screen,
    columns: Vec<Column>,
    targets: Vec<Target>,
    progress: Option<Progress>,
    tally: Tally,
    rounds: Vec<Rounds>,
    derived: Derived,
    rivals: Option<Rivals>,
    /// The first rows, whole.
    first_rows: Vec<Vec<Arc<Outcome>>>,
    /// The first rows in which something did not pass.
    odd_rows: Vec<Vec<Arc<Outcome>>>,
    row: Vec<Arc<Outcome>>,
    rows: u64,
    unhappy: VecDeque<Arc<Outcome>>,
    retries: u64,
    /// Told when nothing more is needed.
    enough: Option<Stop>,
    tail: Option<Arc<RunTail>>,
    /// Why a report could not be written.
    broken: Option<String>,
}

impl<'a> Listeners<'a> {
    /// Listeners to a run with these columns; a progress bar is for so many cells.
    pub(super) fn new(head: &RunHead, targets: Vec<Target>, screen: &'a Screen, progress: Option<u64>) -> Self {
        let head = Arc::new(head.clone());
        let columns = head.columns.clone();
        let derived = Derived::of(&head.config);
        let all: Vec<usize> = (0..columns.len()).collect();
        let rivals = Rivals::within(head, &all, Aim::default());
        Self {
            screen,
            enough: None,
            progress: progress.map(Progress::new),
            tally: Tally::new(columns.len()),
            derived,
            rounds: columns.iter().map(|_| Rounds::default()).collect(),
            rivals: Some(rivals),
            columns,
            targets,
            first_rows: Vec::new(),
            odd_rows: Vec::new(),
            row: Vec::new(),
            rows: 0,
            unhappy: VecDeque::new(),
            retries: 0,
            tail: None,
            broken: None,
        }
    }

    /// Takes an event in; an error stops the run.
    /// With these comparisons instead of the run's own; when no more is needed to decide, this word is given.
    pub(super) fn comparing(self, rivals: Rivals, enough: Stop) -> Self {
        Self { rivals: Some(rivals), enough: Some(enough), ..self }
    }

    pub(super) fn event(&mut self, event: &Event) -> Result<(), String> {
        self.report(event)?;
        match event {
            Event::CellEnded { status } => {
                if let Some(progress) = &mut self.progress {
                    progress.ended(*status);
                }
            }
            Event::CellFinished(outcome) => self.finished(outcome),
            Event::CellRetried { column, attempt, message, wait_ms } => {
                self.retries += 1;
                if self.retries == 1 && !self.screen.verbose && self.progress.is_none() {
                    self.say("some requests are being repeated; -v shows each");
                }
                if self.screen.verbose {
                    let provider = &self.columns[*column].provider;
                    let message = self.screen.line(message, 300);
                    self.say(&format!("retry: {provider}, attempt {attempt} failed: {message}; next in {wait_ms} ms"));
                }
            }
            Event::ProviderClosed { provider, message } => {
                let message = self.screen.line(message, 300);
                self.say(&format!("giving up on provider `{provider}` for this run: {message}"));
            }
            Event::BudgetExhausted { message } => {
                self.say(&format!("{message}: nothing more is sent; what is under way is finished"));
            }
            Event::RunFinished(tail) => self.tail = Some(Arc::clone(tail)),
            Event::RunStarted(_) => {}
        }
        Ok(())
    }

    /// A report that cannot be written is given up and the others go on; when none is left, going on
    /// would only cost money.
    fn report(&mut self, event: &Event) -> Result<(), String> {
        let before = self.targets.len();
        let broken = &mut self.broken;
        self.targets.retain_mut(|target| match target.event(event) {
            Ok(()) => true,
            Err(e) => {
                broken.get_or_insert_with(|| unwritten(target.path(), &e));
                false
            }
        });
        match &self.broken {
            Some(message) if before > 0 && self.targets.is_empty() => Err(message.clone()),
            _ => Ok(()),
        }
    }

    fn say(&self, line: &str) {
        match &self.progress {
            Some(progress) => progress.aside(|| self.screen.err(line)),
            None if !self.screen.quiet => self.screen.err(line),
            None => {}
        }
    }

    fn finished(&mut self, outcome: &Arc<Outcome>) {
        self.tally.add(outcome);
        if let Some(rounds) = self.rounds.get_mut(outcome.column) {
            rounds.add(outcome);
        }
        if self.rivals.as_mut().is_some_and(|rivals| rivals.add(outcome))
            && let Some(stop) = &self.enough
        {
            stop.enough();
        }
        if outcome.status != Status::Passed && self.unhappy.len() < EXPLAINED {
            self.unhappy.push_back(Arc::clone(outcome));
        }
        if self.row.first().is_some_and(|first| first.row != outcome.row) {
            self.end_row();
        }
        self.row.push(Arc::clone(outcome));
    }

    fn end_row(&mut self) {
        let row = std::mem::take(&mut self.row);
        if row.is_empty() {
            return;
        }
        self.rows += 1;
        if self.odd_rows.len() < TABLE_ROWS && row.iter().any(|o| o.status != Status::Passed) {
            self.odd_rows.push(row.clone());
        }
        if self.first_rows.len() < TABLE_ROWS {
            self.first_rows.push(row);
        }
    }

    /// Puts the reports in their places. Reports that can be finished are, even when another cannot.
    pub(super) fn end(mut self) -> Result<Listened<'a>, Failure> {
        self.end_row();
        self.rounds.iter_mut().for_each(Rounds::end);
        if let Some(progress) = self.progress.take() {
            progress.clear();
        }
        let mut written = Vec::new();
        let mut broken = self.broken.take();
        for target in std::mem::take(&mut self.targets) {
            let path = target.path().to_owned();
            match target.finish() {
                Ok(()) => written.push(path),
                Err(e) => broken = broken.or(Some(unwritten(&path, &e))),
            }
        }
        let ended = self.tail.as_deref().map(Ended::of).unwrap_or_default();
        let matched = self.rivals.take().map(|rivals| rivals.finish(ended)).transpose()?.unwrap_or_default();
        Ok(Listened { listeners: self, matched, written, broken })
    }

    fn tell(&self, with_table: bool, matched: &[Matched]) {
        if with_table {
            let few = self.rows <= TABLE_ROWS as u64;
            let rows = if few { &self.first_rows } else { &self.odd_rows };
            table::show(&self.columns, rows, self.rows, self.screen);
        }
        let unhappy = self.tally.all.failed + self.tally.all.errored;
        failures::show(&self.columns, &self.unhappy, unhappy, self.screen);
        summary::show(&self.columns, &self.tally, &self.rounds, &self.derived, self.screen);
        for matched in matched {
            verdict::show(matched, self.screen);
        }
    }
}

/// A run that has been listened to, before people are told.
pub(super) struct Listened<'a> {
    listeners: Listeners<'a>,
    /// The comparisons.
    pub(super) matched: Vec<Matched>,
    written: Vec<PathBuf>,
    broken: Option<String>,
}

impl Listened<'_> {
    /// Tells the people.
    pub(super) fn tell(self, closing: Closing) -> Result<Sum, Failure> {
        let listeners = self.listeners;
        if let Some(tail) = &listeners.tail {
            if closing.words {
                if !listeners.screen.quiet {
                    listeners.tell(closing.table, &self.matched);
                }
                let all = &listeners.tally.all;
                let end = summary::End { tail, all, retries: listeners.retries, kept: closing.kept };
                summary::last_line(&end, listeners.screen);
                for gate in self.matched.iter().filter_map(|matched| matched.gate.as_ref()) {
                    last_word(gate, listeners.screen);
                }
            }
            summary::wrote(&self.written, listeners.screen);
        }
        let forgiven = listeners.rounds.iter().map(|rounds| rounds.forgiven).sum();
        let sum = Sum { all: listeners.tally.all, forgiven, matched: self.matched };
        self.broken.map_or(Ok(sum), |message| Err(Failure::new(ExitStatus::Failed, message)))
    }
}

/// What stands at the very end: the gate's word; and, where nothing else was told, why it is closed.
fn last_word(gate: &GateReport, screen: &Screen) {
    let open = gate.decision.decision == Verdict::Pass;
    match (screen.quiet, open) {
        (false, _) => screen.out(&verdict::headline(gate, screen)),
        (true, false) => verdict::decision(gate, screen),
        (true, true) => {}
    }
}

/// What a run came to.
pub(super) struct Sum {
    pub(super) all: Total,
    /// Failed cells of cases that passed often enough all the same.
    pub(super) forgiven: u64,
    pub(super) matched: Vec<Matched>,
}

fn unwritten(path: &Path, error: &std::io::Error) -> String {
    format!("cannot write the report `{}`: {error}", path.display())
}

/// Ctrl-C once: finish what runs and report. Twice, or a request to terminate: stop, and report.
#[expect(clippy::print_stderr, reason = "the screen is not shared with a signal's task; nothing secret is said")]
pub(super) async fn signals(stop: Stop) {
    let terminated = terminated();
    tokio::pin!(terminated);
    tokio::select! {
        result = tokio::signal::ctrl_c() => if result.is_err() { return },
        () = &mut terminated => return stop.abort(),
    }
    stop.drain();
    eprintln!("\nstopping: finishing what is under way; press Ctrl-C again to stop at once");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
    stop.abort();
}

/// A write beyond a file-size limit shall be an error like any other, not the end of the process.
/// Called within a runtime.
#[cfg(unix)]
pub(super) fn outlive_full_disks() {
    const SIGXFSZ: i32 = 25;
    // Registering takes the deadly default away for good; nobody need listen.
    drop(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(SIGXFSZ)));
}

#[cfg(not(unix))]
pub(super) fn outlive_full_disks() {}

/// Comes back when whoever runs this process (a container, a CI job, a closed terminal) wants it gone.
#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut hangup)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup())) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}
