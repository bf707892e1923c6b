//! What `x-ratelimit-*` headers say, so that the wall is seen before it is hit.

use std::time::Duration;

use tokio::time::Instant;

use super::super::retry::LONGEST_ASKED;
use crate::provider::Window;

/// A limit as the provider tells it. The time until it is full again says how fast it fills:
/// `(limit - remaining) / reset`, up to the fraction that `remaining` leaves out. Each reply narrows
/// that rate between two bounds.
#[derive(Debug)]
pub(super) struct Meter {
    limit: f64,
    level: f64,
    at: Instant,
    slowest: f64,
    fastest: f64,
    full_at: Option<Instant>,
    told: Instant,
}

/// A provider that has said nothing for so long is tried again.
const PATIENCE: Duration = Duration::from_secs(5);

/// Headers are whole milliseconds at best.
const GRAIN: f64 = 0.001;

impl Meter {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            limit: f64::INFINITY,
            level: f64::INFINITY,
            at: now,
            slowest: 0.0,
            fastest: f64::INFINITY,
            full_at: None,
            told: now,
        }
    }

    /// Takes a reply in. Of the `others` under way the provider may not know yet.
    pub(super) fn hear(&mut self, now: Instant, window: &Window, others: f64) {
        (self.at, self.told) = (now, now);
        self.level = window.remaining - others;
        self.limit = window.limit.unwrap_or(f64::INFINITY);
        // Longer ones are no waits but dates, or a day's quota: only trying tells.
        let reset = window.reset.filter(|reset| *reset <= LONGEST_ASKED);
        self.full_at = reset.map(|reset| now + reset);
        let Some(reset) = reset.map(|r| r.as_secs_f64()).filter(|r| *r > GRAIN) else { return };
        let used = self.limit - window.remaining;
        if !used.is_finite() || used < 1.0 {
            return;
        }
        let (low, high) = ((used - 1.0) / reset, used / (reset - GRAIN));
        let (slowest, fastest) = (self.slowest.max(low), self.fastest.min(high));
        // Bounds that exclude each other: the limit has changed.
        (self.slowest, self.fastest) = if slowest <= fastest * 1.01 { (slowest, fastest) } else { (low, high) };
    }

    /// How long until so much may be sent.
    pub(super) fn wait(&mut self, now: Instant, amount: f64) -> Duration {
        if self.full_at.is_some_and(|full| now >= full) {
            // Nobody has said or taken anything since: the limit is full again.
            self.level = self.level.max(self.limit);
        }
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        let rate = self.rate();
        self.level = (self.level + passed * rate).min(self.limit);
        let lacking = amount.min(self.limit) - self.level;
        if lacking <= 1e-9 {
            return Duration::ZERO;
        }
        let until_full = self.full_at.map(|full| full.saturating_duration_since(now));
        let filling = (rate > 0.0).then(|| Duration::from_secs_f64((lacking / rate).min(3600.0)));
        match (filling, until_full) {
            (Some(filling), Some(full)) => filling.min(full),
            (Some(filling), None) => filling,
            (None, Some(full)) if !full.is_zero() => full,
            // Without a word about the refill the next reply must tell, or else trying.
            (None, _) => PATIENCE.saturating_sub(now.saturating_duration_since(self.told)),
        }
    }

    pub(super) fn take(&mut self, amount: f64) {
        self.level -= amount;
        let rate = self.rate();
        if rate > 0.0 {
            // What is taken must be refilled, too.
            self.full_at =
                self.full_at.map(|full| full.max(self.at) + Duration::from_secs_f64((amount / rate).min(3600.0)));
        }
    }

    fn rate(&self) -> f64 {
        if self.fastest.is_finite() { f64::midpoint(self.slowest, self.fastest) } else { 0.0 }
    }
}
