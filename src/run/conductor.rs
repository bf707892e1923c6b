//! The conductor.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;

use super::bar::Seats;
use super::cell::{self, Bench, Ended};
use super::order::Reorder;
use super::past::Past;
use super::row::{Row, Rows};
use super::step::{Finish, Step};
use super::threads::Threads;
use crate::assert::Assertion;
use crate::env::Clock;
use crate::plan::{Cell, Cells, Plan, Target};
use crate::provider::Hook;
use crate::record::{Ending, Event, Outcome, RunHead, RunTail};
use crate::store::{Desk, Journal, StoreError};
use crate::transport::{Line, Notice, Settings as LineSettings, Shared};

/// How many cells may be under way, waiting for their line included, for each place in the lines.
const AHEAD: usize = 16;
const AHEAD_LEAST: usize = 512;
/// Cells that ended before their turn in plan order wait; so many bytes of them, and nothing new begins.
const EARLY: usize = 32 << 20;
/// How long the end of a run waits for tasks that were told to end.
const LAST_MOMENT: Duration = Duration::from_secs(1);
/// What a finished cell weighs beside its texts, in bytes.
const FRAME: usize = 2048;

/// What a run needs beside its plan.
pub struct Settings {
    /// What is known of the run.
    pub head: Arc<RunHead>,
    /// The clock.
    pub clock: Clock,
    /// What the lines share: memory, budget, the word to stop.
    pub shared: Arc<Shared>,
    /// Where finished cells are kept; without one they are only told.
    pub journal: Option<Journal>,
    /// What an earlier go at this run left.
    pub past: Past,
    /// Who asks webhooks.
    pub hook: Hook,
}

/// Why the tool could not do its work.
#[derive(Debug)]
pub enum RunError {
    /// A listener failed: a report could not be written.
    Listener(String),
    /// A dataset changed while it was being read.
    Cases(String),
    /// The ledger cannot be written or read.
    Store(StoreError),
    /// A bug.
    Task(String),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listener(message) | Self::Cases(message) => f.write_str(message),
            Self::Store(error) => error.fmt(f),
            Self::Task(message) => write!(f, "a bug in prompteval: {message}"),
        }
    }
}

type Listen<'a> = &'a mut (dyn FnMut(&Event) -> Result<(), String> + Send);
type Finished = Result<Vec<Finish>, StoreError>;

/// Runs a plan and tells `listen` what happens.
///
/// # Errors
/// When a listener fails or a dataset cannot be read to its end. Cells that fail or cannot be judged
/// are no errors: they are outcomes.
pub async fn run(plan: Arc<Plan>, settings: Settings, listen: Listen<'_>) -> Result<Arc<RunTail>, RunError> {
    let conductor = Conductor::new(plan, settings);
    conductor.conduct(listen).await
}

struct Conductor {
    plan: Arc<Plan>,
    head: Arc<RunHead>,
    clock: Clock,
    shared: Arc<Shared>,
    past: Arc<Past>,
    hook: Arc<Hook>,
    journal: Option<Journal>,
    /// Cells that are on their way to the disk.
    storing: usize,
    lines: Vec<Arc<Line>>,
    seats: Arc<Seats>,
    desk: Option<Desk>,
    cells: Cells,
    more: bool,
    tasks: JoinSet<Finished>,
    rows: Rows,
    threads: Arc<Threads>,
    order: Reorder<Option<Arc<Outcome>>>,
    ahead: usize,
    finished: u64,
    exhausted: bool,
    trouble: Option<RunError>,
    notices: (mpsc::UnboundedSender<Event>, mpsc::UnboundedReceiver<Event>),
}

impl Conductor {
    fn new(plan: Arc<Plan>, settings: Settings) -> Self {
        let line = |target: &Arc<Target>| Arc::new(line(target, &settings.shared));
        let lines: Vec<Arc<Line>> = plan.targets.iter().map(line).collect();
        let places: usize = plan.targets.iter().map(|t| t.width).sum();
        let past = Arc::new(settings.past);
        let desk = settings.journal.as_ref().map(Journal::desk);
        // Where graders are waited for, more answers than they keep up with would only pile up.
        let least = if plan.graders.is_empty() { AHEAD_LEAST } else { 0 };
        Self {
            seats: Arc::new(Seats::new(&plan, &lines, line).with_ledger(desk.clone(), Arc::clone(&past))),
            desk,
            lines,
            cells: plan.iter(),
            more: true,
            tasks: JoinSet::new(),
            rows: Rows::default(),
            threads: Arc::default(),
            order: Reorder::default(),
            ahead: (places * AHEAD).max(least),
            finished: 0,
            exhausted: false,
            trouble: None,
            notices: mpsc::unbounded_channel(),
            storing: 0,
            plan,
            head: settings.head,
            clock: settings.clock,
            shared: settings.shared,
            journal: settings.journal,
            past,
            hook: Arc::new(settings.hook),
        }
    }

    async fn conduct(mut self, listen: Listen<'_>) -> Result<Arc<RunTail>, RunError> {
        let started = self.clock.instant();
        self.tell(&Event::RunStarted(Arc::clone(&self.head)), listen);
        let stop = self.shared.stop().clone();
        loop {
            self.begin_cells();
            if self.tasks.is_empty() {
                self.abandon_rows(listen);
                if self.storing == 0 {
                    break;
                }
            }
            tokio::select! {
                Some(event) = self.notices.1.recv() => self.notice(&event, listen),
                Some(joined) = self.tasks.join_next() => self.end_cell(joined, listen),
                stored = durable(&mut self.journal), if self.storing > 0 => self.stored(stored, listen),
                () = stop.aborted() => {
                    self.drop_tasks(listen).await;
                    break;
                }
            }
        }
        while let Ok(event) = self.notices.1.try_recv() {
            self.notice(&event, listen);
        }
        self.flush_rest(listen);
        if let Some(scripts) = &self.plan.scripts {
            scripts.shut_down().await;
        }
        let tail = Arc::new(self.tail(started));
        self.close(&tail).await;
        self.tell(&Event::RunFinished(Arc::clone(&tail)), listen);
        // What was finished has been told; only now the trouble that ended the run early.
        self.trouble.map_or(Ok(tail), Err)
    }

    fn tail(&mut self, started: Instant) -> RunTail {
        let duration = self.clock.instant().duration_since(started);
        let (planned, finished) = (self.plan.cells, self.finished);
        let stopped = self.shared.stop().is_draining();
        if finished != planned && !stopped && self.trouble.is_none() {
            let message = format!("{finished} cells came instead of {planned}: did a dataset change during the run?");
            self.trouble(RunError::Cases(message));
        }
        let unrun = planned.saturating_sub(finished);
        let ending = match () {
            () if unrun > 0 && self.shared.stop().is_enough() && self.trouble.is_none() => Ending::Decided,
            () if self.exhausted => Ending::Budget,
            () if unrun > 0 || (stopped && !self.shared.stop().is_enough()) => Ending::Interrupted,
            () => Ending::Complete,
        };
        RunTail {
            ending,
            finished_ms: self.clock.now_millis(),
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            finished,
            unrun,
        }
    }

    /// Ends the run in the ledger. Cells that the plan no longer has go, but only once all others are there.
    async fn close(&mut self, tail: &Arc<RunTail>) {
        let Some(journal) = self.journal.take().filter(|_| !matches!(self.trouble, Some(RunError::Store(_)))) else {
            return;
        };
        let stale = if tail.ending == Ending::Complete { self.past.left() } else { Vec::new() };
        if let Err(error) = journal.end(Arc::clone(tail), stale).await {
            self.trouble(RunError::Store(error));
        }
    }

    /// Ends all tasks at once, but keeps what they had finished.
    async fn drop_tasks(&mut self, listen: Listen<'_>) {
        self.tasks.abort_all();
        // One that is deep in a script cannot be ended from outside: it is left behind.
        while let Ok(Some(joined)) = timeout(LAST_MOMENT, self.tasks.join_next()).await {
            if joined.is_ok() {
                self.end_cell(joined, listen);
            }
        }
        self.tasks.detach_all();
        self.abandon_rows(listen);
        while self.storing > 0 {
            let stored = durable(&mut self.journal).await;
            self.stored(stored, listen);
        }
    }

    /// Whether there is room for another cell: memory must not grow with the number of cells.
    fn has_room(&self) -> bool {
        self.tasks.len() + self.storing < self.ahead && self.order.weight() < EARLY
    }

    fn begin_cells(&mut self) {
        let stop = self.shared.stop().clone();
        while self.more && !stop.is_draining() && self.has_room() {
            match self.cells.next() {
                Some(Ok(cell)) => self.begin(cell),
                Some(Err(error)) => self.trouble(RunError::Cases(error.to_string())),
                None => self.more = false,
            }
        }
    }

    /// Begins nothing more; the first trouble is what the run ends with.
    fn trouble(&mut self, error: RunError) {
        self.more = false;
        self.trouble.get_or_insert(error);
    }

    fn begin(&mut self, cell: Cell) {
        let plan = Arc::clone(&self.plan);
        let line = Arc::clone(&self.lines[plan.columns[cell.column].target_index]);
        let place = self.threads.place(&cell, &plan);
        // Who waits for another cell takes its number when that has answered.
        let ticket = (cell.case.recorded.is_none() && place.is_none()).then(|| line.queue());
        let threads = Arc::clone(&self.threads);
        let notices = self.notices.0.clone();
        let past = Arc::clone(&self.past);
        let (seats, hook, desk) = (Arc::clone(&self.seats), Arc::clone(&self.hook), self.desk.clone());
        let together = cell.case.assertions().any(Assertion::is_contest);
        let row = together.then(|| (cell.row, plan.columns_of(&cell.case).count()));
        self.tasks.spawn(async move {
            let notify = |notice| {
                // The conductor is gone only when the run is over; then nobody needs to know.
                let _ = notices.send(event_of(notice, cell.column));
            };
            let bench = Bench {
                plan: &plan,
                line: &line,
                seats: &seats,
                desk: desk.as_ref(),
                past: &past,
                notify: &notify,
                hook: &hook,
            };
            let draft = match place {
                Some(place) => Box::pin(cell::run_in_thread(&cell, &bench, &threads, place)).await?,
                None => cell::run(&cell, &bench, ticket).await?,
            };
            Ok(vec![Finish { index: cell.index, row, step: Step::of(draft) }])
        });
    }

    /// Grades the cells of a row together, once they are all there.
    fn begin_row(&mut self, row: Row) {
        let (plan, seats, notices) = (Arc::clone(&self.plan), Arc::clone(&self.seats), self.notices.0.clone());
        self.tasks.spawn(async move {
            let notify = |notice| {
                let _ = notices.send(event_of(notice, 0));
            };
            Ok(row.close(&plan, &seats, &notify).await)
        });
    }

    /// Rows of which some cells were never begun.
    fn abandon_rows(&mut self, listen: Listen<'_>) {
        for row in self.rows.rest() {
            row.abandon().into_iter().for_each(|finish| self.finish_cell(finish, listen));
        }
    }

    fn end_cell(&mut self, joined: Result<Finished, JoinError>, listen: Listen<'_>) {
        match joined {
            Ok(Ok(all)) => all.into_iter().for_each(|finish| self.finish_cell(finish, listen)),
            Ok(Err(error)) => {
                // What is on its way to the disk still arrives.
                self.trouble(RunError::Store(error));
                self.shared.stop().abort();
            }
            Err(error) => self.trouble(RunError::Task(error.to_string())),
        }
    }

    fn finish_cell(&mut self, finish: Finish, listen: Listen<'_>) {
        let mut waiting = None;
        let stopped = matches!(finish.step, Step::Stopped);
        match finish.step {
            Step::Stopped => self.take_in(finish.index, None, listen),
            Step::Waits(draft) => waiting = Some(*draft),
            Step::Ended(ended) => self.keep(finish.index, *ended, listen),
        }
        if let Some((row, cells)) = finish.row
            && let Some(row) = self.rows.end(row, cells, waiting, stopped)
            && !row.is_empty()
        {
            self.begin_row(row);
        }
    }

    fn keep(&mut self, index: u64, ended: Ended, listen: Listen<'_>) {
        match &self.journal {
            Some(journal) if !ended.known => {
                self.storing += 1;
                journal.put(ended.entry);
            }
            _ => self.take_in(index, Some(ended.entry.outcome), listen),
        }
    }

    /// Cells count once they are on the disk. Without a ledger answers would be paid for and lost, so that
    /// the run stops at once.
    fn stored(&mut self, stored: Result<Vec<Arc<Outcome>>, StoreError>, listen: Listen<'_>) {
        match stored {
            Ok(outcomes) => {
                self.storing = self.storing.saturating_sub(outcomes.len());
                for outcome in outcomes {
                    self.take_in(outcome.index, Some(outcome), listen);
                }
            }
            Err(error) => {
                self.storing = 0;
                self.trouble(RunError::Store(error));
                self.shared.stop().abort();
            }
        }
    }

    fn take_in(&mut self, index: u64, outcome: Option<Arc<Outcome>>, listen: Listen<'_>) {
        if let Some(outcome) = &outcome {
            self.shared.durable(&outcome.request);
            outcome.asides.iter().for_each(|aside| self.shared.durable(&aside.request));
            self.tell(&Event::CellEnded { status: outcome.status }, listen);
        }
        let weight = outcome.as_deref().map_or(0, weight);
        self.order.put(index, outcome, weight);
        while let Some(outcome) = self.order.take() {
            self.finish(outcome, listen);
        }
    }

    fn notice(&mut self, event: &Event, listen: Listen<'_>) {
        if matches!(event, Event::BudgetExhausted { .. }) {
            if std::mem::replace(&mut self.exhausted, true) {
                return;
            }
            self.shared.stop().drain();
        }
        self.tell(event, listen);
    }

    fn finish(&mut self, outcome: Option<Arc<Outcome>>, listen: Listen<'_>) {
        let Some(outcome) = outcome else { return };
        self.finished += 1;
        self.tell(&Event::CellFinished(outcome), listen);
    }

    /// After a hard stop there are gaps: what finished behind them is told all the same, in order.
    fn flush_rest(&mut self, listen: Listen<'_>) {
        let rest: Vec<_> = self.order.drain().collect();
        for outcome in rest {
            self.finish(outcome, listen);
        }
    }

    /// A listener that fails ends the run, but gently: what is under way is paid for and still kept.
    fn tell(&mut self, event: &Event, listen: Listen<'_>) {
        if let Err(message) = listen(event) {
            self.trouble(RunError::Listener(message));
            self.shared.stop().drain();
        }
    }
}

fn line(target: &Target, shared: &Arc<Shared>) -> Line {
    let settings = LineSettings {
        label: Arc::clone(&target.label),
        width: target.width,
        retries: target.retries,
        delay: target.delay,
        rpm: target.rpm,
        tpm: target.tpm,
        has_timeout: target.has_timeout,
    };
    Line::new(Arc::clone(&target.provider), settings, Arc::clone(shared))
}

fn weight(outcome: &Outcome) -> usize {
    let output = outcome.response.as_ref().map_or(0, |r| r.output.text().len());
    FRAME + outcome.prompt.len() + output
}

async fn durable(journal: &mut Option<Journal>) -> Result<Vec<Arc<Outcome>>, StoreError> {
    match journal {
        Some(journal) => journal.durable().await,
        None => std::future::pending().await,
    }
}

fn event_of(notice: Notice, column: usize) -> Event {
    match notice {
        Notice::Retry { attempt, message, wait } => Event::CellRetried {
            column,
            attempt,
            message,
            wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
        },
        Notice::Closed { provider, message } => Event::ProviderClosed { provider, message },
        Notice::Exhausted(message) => Event::BudgetExhausted { message },
    }
}
