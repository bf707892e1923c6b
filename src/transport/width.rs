//! How many requests are under way: more while all is well, fewer when the provider groans.
//!
//! Additive increase, multiplicative decrease, as in Chiu and Jain, "Analysis of the Increase and
//! Decrease Algorithms for Congestion Avoidance" (1989).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// How many requests go out before the first reply has come: enough to learn whether the key, the
/// address and the limits are as hoped.
const SCOUTS: usize = 8;
/// Refusals within this time are one event.
const COOL: Duration = Duration::from_millis(100);
/// How many answers make one look at latency, at least.
const LOOK: usize = 32;
/// Answers are slow when the median is this many times what it was, and this much longer.
const SLOW_FACTOR: u32 = 3;
const SLOW_LEAST: Duration = Duration::from_millis(250);

/// The places in a line.
#[derive(Debug)]
pub(super) struct Width {
    places: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    law: Law,
    /// Places that exist, lent or not.
    granted: usize,
    /// Lent places that must not come back.
    owed: usize,
}

/// A place; it is free again when this is dropped.
pub(super) struct Place<'a> {
    width: &'a Width,
    permit: Option<OwnedSemaphorePermit>,
}

impl Width {
    pub(super) fn new(ceiling: usize) -> Self {
        let law = Law::new(ceiling);
        let granted = law.limit();
        Self { places: Arc::new(Semaphore::new(granted)), state: Mutex::new(State { law, granted, owed: 0 }) }
    }

    /// Waits for a place; places are given in the order of asking.
    pub(super) async fn enter(&self) -> Place<'_> {
        Place { width: self, permit: Arc::clone(&self.places).acquire_owned().await.ok() }
    }

    /// Hears that an answer came.
    pub(super) fn answered(&self, latency: Option<Duration>) {
        self.change(|law| law.answered(latency));
    }

    /// Hears that the provider found it too much.
    pub(super) fn refused(&self, now: Instant) {
        self.change(|law| law.refused(now));
    }

    /// Hears a reply that says nothing about load.
    pub(super) fn heard(&self) {
        self.change(Law::open);
    }

    fn change(&self, change: impl FnOnce(&mut Law)) {
        let Ok(mut state) = self.state.lock() else { return };
        change(&mut state.law);
        let (now, then) = (state.law.limit(), state.granted);
        state.granted = now;
        if now > then {
            let back = (now - then).min(state.owed);
            state.owed -= back;
            self.places.add_permits(now - then - back);
        } else if now < then {
            state.owed += (then - now) - self.places.forget_permits(then - now);
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Ok(mut state) = self.width.state.lock() else { return };
        if state.owed > 0
            && let Some(permit) = self.permit.take()
        {
            state.owed -= 1;
            permit.forget();
        }
    }
}

/// The rule alone.
#[derive(Debug)]
struct Law {
    limit: f64,
    ceiling: f64,
    opened: bool,
    cut: Option<Instant>,
    latencies: Vec<Duration>,
    usual: Option<Duration>,
    groaning: bool,
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1..=100,000")]
impl Law {
    fn new(ceiling: usize) -> Self {
        let ceiling = ceiling.max(1);
        Self {
            limit: ceiling.min(SCOUTS) as f64,
            ceiling: ceiling as f64,
            opened: false,
            cut: None,
            latencies: Vec::new(),
            usual: None,
            groaning: false,
        }
    }

    fn limit(&self) -> usize {
        self.limit as usize
    }

    /// The scouts are back.
    fn open(&mut self) {
        if !self.opened {
            self.opened = true;
            self.limit = self.ceiling;
        }
    }

    fn answered(&mut self, latency: Option<Duration>) {
        self.open();
        self.limit = (self.limit + 1.0 / self.limit).min(self.ceiling);
        self.latencies.extend(latency);
        if self.latencies.len() >= LOOK.max(self.limit()) {
            self.look();
        }
    }

    fn refused(&mut self, now: Instant) {
        self.opened = true;
        if self.cut.is_none_or(|at| now.duration_since(at) >= COOL) {
            self.cut = Some(now);
            self.limit = (self.limit / 2.0).max(1.0);
        }
    }

    /// Compares the latest answers with the usual ones. Where fewer requests at once did not help, the
    /// slow answers are the usual ones now: perhaps the questions are harder.
    fn look(&mut self) {
        let mut latest = std::mem::take(&mut self.latencies);
        let middle = latest.len() / 2;
        let median = *latest.select_nth_unstable(middle).1;
        let usual = self.usual.unwrap_or(median);
        let slow = median > usual * SLOW_FACTOR && median > usual + SLOW_LEAST;
        let helpless = slow && self.groaning;
        self.usual = Some(if helpless { median } else { usual.min(median) });
        self.groaning = slow && !helpless;
        if self.groaning {
            self.limit = (self.limit * 0.7).max(1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn opens_with_the_first_reply_halves_once_an_event_and_climbs_back() {
        let mut law = Law::new(64);
        let start = Instant::now();
        assert_eq!(law.limit(), 8);
        law.answered(Some(MS));
        assert_eq!(law.limit(), 64);
        for _ in 0..50 {
            law.refused(start);
        }
        assert_eq!(law.limit(), 32);
        for n in 1..20 {
            law.refused(start + n * COOL);
        }
        assert_eq!(law.limit(), 1);
        for _ in 0..64 * 64 {
            law.answered(Some(MS));
        }
        assert_eq!(law.limit(), 64);
        assert_eq!(Law::new(3).limit(), 3);
    }

    #[test]
    fn rising_latency_takes_a_third_once_and_then_is_the_usual() {
        let mut law = Law::new(10);
        let mut limits = Vec::new();
        for (n, ms) in [(64, 100), (32, 900), (32, 900), (64, 900), (32, 90)] {
            (0..n).for_each(|_| law.answered(Some(ms * MS)));
            limits.push(law.limit());
        }
        assert_eq!(limits, [10, 7, 10, 10, 10]);
    }

    #[test]
    fn a_steady_crowd_of_unlike_answers_changes_nothing() {
        let mut law = Law::new(100);
        for n in 0..2000u32 {
            law.answered(Some(MS * (50 + n * 7919 % 1000)));
        }
        assert_eq!(law.limit(), 100);
    }

    #[tokio::test]
    async fn places_shrink_and_grow_while_they_are_lent() {
        let width = Width::new(4);
        let lent = [width.enter().await, width.enter().await, width.enter().await];
        width.refused(Instant::now());
        assert_eq!(width.places.available_permits(), 0);
        drop(lent);
        assert_eq!(width.places.available_permits(), 2);
        (0..40).for_each(|_| width.answered(None));
        assert_eq!(width.places.available_permits(), 4);
    }
}
