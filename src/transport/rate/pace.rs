//! A pace learnt from refusals, for providers that name no limits.
//!
//! When refusals come in crowds, requests are sent at a slow pace that doubles until refusals come
//! again. What got through meanwhile is what the provider gives (the delivery rate, as congestion
//! control calls it): the pace is set a little below and climbs slowly from there.

use std::time::Duration;

use tokio::time::Instant;

const FIRST: f64 = 8.0;
const DOUBLES_IN: f64 = 0.25;
/// Growth a second, once the limit has been met.
const GROWTH: f64 = 1.1;
const BELOW: f64 = 0.95;
const MOST: f64 = 1e6;
/// How much of the past may be made up for, in seconds: timers are coarse.
const SLACK: f64 = 0.01;
const CROWD: u32 = 5;

#[derive(Debug)]
pub(super) struct Pace {
    /// Requests a second, once there were crowds of refusals.
    rate: Option<f64>,
    doubling: bool,
    next: Instant,
    grown: Instant,
    since: Instant,
    good: u32,
    refused: u32,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { rate: None, doubling: false, next: now, grown: now, since: now, good: 0, refused: 0 }
    }

    pub(super) fn wait(&mut self, now: Instant) -> Duration {
        self.grow(now);
        if self.rate.is_some() { self.next.saturating_duration_since(now) } else { Duration::ZERO }
    }

    pub(super) fn sent(&mut self, now: Instant) {
        if let Some(rate) = self.rate {
            let earliest = now.checked_sub(Duration::from_secs_f64(SLACK)).unwrap_or(now);
            self.next = self.next.max(earliest) + Duration::from_secs_f64(1.0 / rate);
        }
    }

    pub(super) fn answered(&mut self, now: Instant) {
        self.good += 1;
        let span = if self.doubling { DOUBLES_IN } else { 1.0 };
        if self.elapsed(now) >= span {
            self.begin(now);
        }
    }

    pub(super) fn refused(&mut self, now: Instant) {
        self.refused += 1;
        match self.rate {
            None if self.refused >= CROWD && self.refused * 3 >= self.good => {
                self.rate = Some(FIRST);
                self.doubling = true;
                (self.next, self.grown) = (now, now);
                self.begin(now);
            }
            Some(rate) => self.judge(now, rate),
            None => {}
        }
    }

    /// One refusal among many answers is chance; one in ten is the limit.
    fn judge(&mut self, now: Instant, rate: f64) {
        let least = if self.doubling { DOUBLES_IN / 2.0 } else { 0.5 };
        let crowd = self.refused >= 3 && self.refused * 10 >= self.good + self.refused;
        let elapsed = self.elapsed(now);
        if !crowd || elapsed < least {
            return;
        }
        let delivered = f64::from(self.good) / elapsed;
        self.rate = Some((rate.min(delivered) * BELOW).max(rate * 0.5).max(0.1));
        self.doubling = false;
        self.begin(now);
    }

    fn begin(&mut self, now: Instant) {
        (self.since, self.good, self.refused) = (now, 0, 0);
    }

    fn elapsed(&self, now: Instant) -> f64 {
        now.saturating_duration_since(self.since).as_secs_f64()
    }

    fn grow(&mut self, now: Instant) {
        let Some(rate) = self.rate else { return };
        let passed = now.saturating_duration_since(self.grown).as_secs_f64();
        self.grown = now;
        let factor = if self.doubling { 2f64.powf(passed / DOUBLES_IN) } else { GROWTH.powf(passed) };
        self.rate = Some((rate * factor).min(MOST));
    }
}
