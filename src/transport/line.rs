//! One provider's line.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::flight::Seat;
use super::health::Health;
use super::need::Need;
use super::rate::Rate;
use super::retry::Tried;
use super::width::Width;
use super::{Shared, Stop, retry};
use crate::provider::{Limits, Provider};
use crate::record::{CallFailure, Reason, Request, Response, Setback};
use crate::store::Memory;

/// How often a silence is looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// How a line behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The provider's label, for messages.
    pub label: Arc<str>,
    /// How many requests may be under way.
    pub width: usize,
    /// How often a request is repeated.
    pub retries: u32,
    /// How long to wait after each request.
    pub delay: Duration,
    /// Requests a minute.
    pub rpm: Option<u64>,
    /// Tokens a minute.
    pub tpm: Option<u64>,
    /// Whether the config says how long to wait for an answer. Else the answers so far tell.
    pub has_timeout: bool,
}

/// A provider, with what a run remembers of it.
pub struct Line {
    provider: Arc<dyn Provider>,
    settings: Settings,
    turns: Arc<Semaphore>,
    width: Width,
    rate: Rate,
    health: Health,
    need: Need,
    shared: Arc<Shared>,
}

/// What a line says while it works.
#[derive(Debug, Clone)]
pub enum Notice {
    /// A request will be repeated.
    Retry {
        /// The attempt that failed, from 1.
        attempt: u32,
        /// Why.
        message: String,
        /// How long until the next.
        wait: Duration,
    },
    /// This provider is given up for the rest of the run.
    Closed {
        /// Its label.
        provider: Arc<str>,
        /// Why.
        message: String,
    },
    /// The budget lets nothing more out.
    Exhausted(String),
}

/// Who hears notices.
pub type Notify<'a> = &'a (dyn Fn(Notice) + Sync);

type Waiting = Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send>>;

/// The right to ask, given in plan order. Who waits for something else than a place (another cell's answer,
/// the time of a retry) gives it on.
pub type Turn = OwnedSemaphorePermit;

/// A number in the queue for a line.
pub struct Ticket {
    place: Waiting,
    given: Option<OwnedSemaphorePermit>,
    stop: Stop,
}

impl Ticket {
    /// Waits to be let in; `None` when the run stops first. The next is let in when the turn is dropped.
    pub async fn turn(mut self) -> Option<Turn> {
        if self.stop.is_draining() {
            return None;
        }
        if self.given.is_some() {
            return self.given;
        }
        // The word to stop goes before a turn that comes at the same moment.
        tokio::select! {
            biased;
            () = self.stop.draining() => None,
            permit = &mut self.place => permit.ok(),
        }
    }
}

/// What became of a request.
#[derive(Debug)]
pub struct Sent {
    /// The answer, or why there is none.
    pub result: Result<Response, CallFailure>,
    /// How many requests went out.
    pub attempts: u32,
    /// Those that failed.
    pub setbacks: Vec<Setback>,
}

impl Sent {
    /// Something that is known without a request.
    pub fn without_asking(result: Result<Response, CallFailure>) -> Self {
        Self { result, attempts: 0, setbacks: Vec::new() }
    }

    fn recalled(response: Response) -> Self {
        Self::without_asking(Ok(Response { cached: true, ..response }))
    }
}

/// A request on its way through the attempts.
struct Story<'a> {
    request: &'a Request,
    notify: Notify<'a>,
    attempts: u32,
    setbacks: Vec<Setback>,
    last: Option<CallFailure>,
    turn: Option<Turn>,
}

impl Story<'_> {
    /// With the failure among the setbacks already.
    fn tried(&self, failure: &CallFailure) -> Tried {
        let so = self.setbacks.iter().filter(|setback| setback.reason == failure.reason).count();
        Tried { attempts: self.attempts, so: u32::try_from(so).unwrap_or(u32::MAX) }
    }

    fn end(self, result: Result<Response, CallFailure>) -> Sent {
        Sent { result, attempts: self.attempts, setbacks: self.setbacks }
    }
}

impl Line {
    /// A line to a provider.
    pub fn new(provider: Arc<dyn Provider>, settings: Settings, shared: Arc<Shared>) -> Self {
        let width = settings.width.max(1);
        Self {
            turns: Arc::new(Semaphore::new(width.min(Semaphore::MAX_PERMITS))),
            width: Width::new(width),
            rate: Rate::new(settings.rpm, settings.tpm),
            health: Health::new(width),
            need: Need::new(&*provider),
            provider,
            settings,
            shared,
        }
    }

    /// Takes a number to be let in. Cells are let in in the order of these calls.
    pub fn queue(&self) -> Ticket {
        let mut place: Waiting = Box::pin(Arc::clone(&self.turns).acquire_owned());
        // The first poll enters the semaphore's queue; whoever waits on the ticket polls again.
        let given = match place.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(permit) => permit.ok(),
            Poll::Pending => None,
        };
        Ticket { place, given, stop: self.shared.stop.clone() }
    }

    /// Whether answers that go into the ledger serve other cells and runs.
    pub fn shares(&self) -> bool {
        self.memory().is_some_and(Memory::is_ledger)
    }

    /// Sees to it that an answer from an earlier go is in a memory that is not the ledger.
    pub fn note(&self, request: &Request, id: &str, response: &Response) {
        let Some(memory) = self.memory().filter(|memory| !memory.is_ledger()) else { return };
        if let Ok(None) = memory.recall(id) {
            memory.remember(id, &self.settings.label, request, response);
        }
    }

    fn memory(&self) -> Option<&dyn Memory> {
        self.shared.memory.as_deref().filter(|_| !self.provider.is_local())
    }

    /// Gets the answer to a request: from another cell that is asking the same, from memory, or from the
    /// provider. `None` when the run stopped meanwhile.
    pub async fn send(&self, request: &Request, id: &Arc<str>, turn: Turn, notify: Notify<'_>) -> Option<Sent> {
        let Some(memory) = self.memory() else { return self.ask(request, Some(turn), notify).await };
        let mut turn = Some(turn);
        loop {
            let pilot = match self.shared.flights.board(id) {
                Seat::Pilot(pilot) => pilot,
                Seat::Passenger(passenger) => {
                    turn = None;
                    match self.unless_stopped(passenger.arrive()).await? {
                        Some(response) => return Some(Sent::recalled((*response).clone())),
                        None => continue,
                    }
                }
            };
            match memory.recall(id) {
                Ok(Some(response)) => {
                    pilot.land(&response);
                    return Some(Sent::recalled(response));
                }
                Ok(None) if self.shared.only_memory => return Some(Sent::without_asking(Err(missing()))),
                Ok(None) => {}
                Err(error) => {
                    let failure = CallFailure::new(Reason::NotSent, format!("not sent: {}", error.message));
                    return Some(Sent::without_asking(Err(failure)));
                }
            }
            let sent = self.ask(request, turn, notify).await?;
            if let Ok(response) = &sent.result {
                memory.remember(id, &self.settings.label, request, response);
                pilot.land(response);
            }
            return Some(sent);
        }
    }

    /// Asks the provider, again where that helps.
    async fn ask(&self, request: &Request, turn: Option<Turn>, notify: Notify<'_>) -> Option<Sent> {
        let mut story = Story { request, notify, attempts: 0, setbacks: Vec::new(), last: None, turn };
        loop {
            let place = self.unless_stopped(self.width.enter()).await?;
            let sent_before = story.attempts;
            let failure = match self.attempt(&mut story).await? {
                Ok(response) => {
                    self.pause().await;
                    return Some(story.end(Ok(response)));
                }
                // Not sent, because the provider was given up.
                Err(failure) if story.attempts == sent_before => return Some(story.end(Err(failure))),
                Err(failure) => failure,
            };
            story.setbacks.push(Setback::of(&failure, story.attempts, self.shared.clock.now_millis()));
            let wait = retry::wait(&failure, story.tried(&failure), self.settings.retries, fastrand::f64());
            let Some(wait) = wait.filter(|_| self.health.closed().is_none()) else {
                if let Some(message) = self.health.failed(&failure) {
                    notify(Notice::Closed { provider: Arc::clone(&self.settings.label), message });
                }
                self.pause().await;
                return Some(story.end(Err(failure)));
            };
            // Who waits takes no place from others.
            drop((place, story.turn.take()));
            notify(Notice::Retry { attempt: story.attempts, message: failure.message.clone(), wait });
            story.last = Some(failure);
            self.unless_stopped(tokio::time::sleep(wait)).await?;
        }
    }

    /// One request: rate, budget, send, and what its reply teaches.
    async fn attempt(&self, story: &mut Story<'_>) -> Option<Result<Response, CallFailure>> {
        if let Some(failure) = self.given_up(story) {
            return Some(Err(failure));
        }
        let tokens = self.need.tokens(story.request);
        self.unless_stopped(self.rate.admit(tokens)).await?;
        // That may have taken long.
        if let Some(failure) = self.given_up(story) {
            self.rate.failed();
            return Some(Err(failure));
        }
        if self.shared.stop.is_draining() {
            return None;
        }
        let mut reserved = None;
        if let Some(budget) = &self.shared.budget {
            match self.unless_stopped(budget.reserve(self.need.at_most(story.request))).await? {
                Ok(reservation) => reserved = Some(reservation),
                Err(exhausted) => {
                    self.rate.failed();
                    (story.notify)(Notice::Exhausted(exhausted.0));
                    return None;
                }
            }
        }
        story.attempts += 1;
        let result = self.call(story.request, story.attempts).await;
        if let Some(reserved) = reserved {
            self.need.settle(story.request, &result, reserved);
        }
        match &result {
            Ok(response) => self.learn_from(response, tokens),
            Err(failure) => self.learn_from_failure(failure),
        }
        Some(result)
    }

    /// Why nothing is sent any more. Who has asked already has a failure of its own to tell.
    fn given_up(&self, story: &mut Story<'_>) -> Option<CallFailure> {
        let why = self.health.closed()?;
        Some(story.last.take().unwrap_or_else(|| self.not_sent(why)))
    }

    async fn call(&self, request: &Request, attempt: u32) -> Result<Response, CallFailure> {
        let heard = |limits: Limits| self.rate.heard(&limits);
        let call = self.provider.call(request, &heard);
        if self.settings.has_timeout || self.provider.is_local() {
            return call.await;
        }
        tokio::pin!(call);
        let started = Instant::now();
        loop {
            // Answers to others may come meanwhile, and tell how long is too long.
            let patience = self.health.patience(attempt);
            let left = patience.map_or(LOOK_AGAIN, |p| p.saturating_sub(started.elapsed()));
            if let (Some(patience), true) = (patience, left.is_zero()) {
                return Err(self.silent(patience));
            }
            if let Ok(result) = tokio::time::timeout(left.min(LOOK_AGAIN), &mut call).await {
                return result;
            }
        }
    }

    fn learn_from(&self, response: &Response, tokens: f64) {
        self.health.answered(response.latency_ms);
        self.width.answered(response.latency_ms.map(Duration::from_millis));
        #[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^53")]
        self.rate.answered(tokens, response.usage.map(|usage| usage.total as f64));
    }

    fn learn_from_failure(&self, failure: &CallFailure) {
        match (failure.reason, failure.status) {
            (Reason::RateLimit, _) => {
                self.width.refused(Instant::now());
                self.rate.refused(failure.retry_after);
            }
            (_, Some(503 | 529)) => {
                self.width.refused(Instant::now());
                self.rate.failed();
            }
            // Nothing can be expected yet: the scouts go alone.
            (Reason::Auth | Reason::Quota | Reason::Untrusted | Reason::Unreachable, _) => self.rate.failed(),
            _ => {
                self.width.heard();
                self.rate.failed();
            }
        }
    }

    async fn pause(&self) {
        if self.settings.delay > Duration::ZERO {
            self.unless_stopped(tokio::time::sleep(self.settings.delay)).await;
        }
    }

    /// Waits, but not beyond the word to stop.
    async fn unless_stopped<T>(&self, wait: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = wait => Some(done),
            () = self.shared.stop.draining() => None,
        }
    }

    fn not_sent(&self, why: &CallFailure) -> CallFailure {
        let message = format!("not sent, because `{}` was given up: {}", self.settings.label, why.message);
        CallFailure { status: why.status, hint: why.hint.clone(), ..CallFailure::new(Reason::NotSent, message) }
    }

    fn silent(&self, patience: Duration) -> CallFailure {
        let message = format!(
            "no answer from `{}` within {patience:?}, far longer than any answer before took",
            self.settings.label
        );
        CallFailure::new(Reason::Timeout, message)
            .hint("if answers may take so long, give the provider a `timeout_ms` (beside its `id`)")
    }
}

fn missing() -> CallFailure {
    CallFailure::new(
        Reason::Unrecorded,
        "not sent: no recorded answer to this request, and only recorded ones may be used",
    )
    .hint("run once without --cache-only; a changed prompt, parameter or base URL is another request")
}

#[cfg(test)]
mod tests;
