//! How fast requests go out: never faster than the config, the provider's headers or its refusals say.

mod bucket;
mod pace;
mod window;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use self::bucket::Bucket;
use self::pace::Pace;
use self::window::Meter;
use super::retry::LONGEST_ASKED;
use crate::provider::Limits;

/// So many refusals in a row mean a wall, not bad luck.
const WALL: u32 = 3;
/// A wait is looked at again after this long: the provider may have said something new.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// The rate of one line.
#[derive(Debug)]
pub(super) struct Rate {
    /// Whoever is next waits here, the others behind in order.
    turnstile: Semaphore,
    limiter: Mutex<Limiter>,
    /// Whether there is any limit to look at.
    limited: AtomicBool,
}

impl Rate {
    /// With limits of requests and tokens per minute, where the config has them.
    pub(super) fn new(rpm: Option<u64>, tpm: Option<u64>) -> Self {
        let now = Instant::now();
        Self {
            turnstile: Semaphore::new(1),
            limiter: Mutex::new(Limiter::new(rpm, tpm, now)),
            limited: AtomicBool::new(rpm.is_some() || tpm.is_some()),
        }
    }

    /// Waits until a request of about so many tokens may go out.
    pub(super) async fn admit(&self, tokens: f64) {
        if !self.limited.load(Ordering::Acquire) {
            self.with(|limiter| limiter.sent(Instant::now(), tokens));
            return;
        }
        // A closed turnstile lets through; it is never closed.
        let _turn = self.turnstile.acquire().await;
        loop {
            let now = Instant::now();
            let wait = self.with(|limiter| {
                let wait = limiter.wait(now, tokens);
                if wait.is_zero() {
                    limiter.sent(now, tokens);
                }
                wait
            });
            match wait {
                Some(wait) if !wait.is_zero() => tokio::time::sleep(wait.min(LOOK_AGAIN)).await,
                _ => return,
            }
        }
    }

    /// Hears what an answer's headers say.
    pub(super) fn heard(&self, limits: &Limits) {
        self.limited.store(true, Ordering::Release);
        self.with(|limiter| limiter.heard(Instant::now(), limits));
    }

    /// Hears that an answer came, and how many tokens it took in truth.
    pub(super) fn answered(&self, reserved: f64, used: Option<f64>) {
        self.with(|limiter| limiter.answered(Instant::now(), reserved, used));
    }

    /// Hears that a request came too fast.
    pub(super) fn refused(&self, asked: Option<Duration>) {
        self.limited.store(true, Ordering::Release);
        self.with(|limiter| limiter.refused(Instant::now(), asked));
    }

    /// Hears that a request failed for another reason.
    pub(super) fn failed(&self) {
        self.with(Limiter::failed);
    }

    fn with<T>(&self, work: impl FnOnce(&mut Limiter) -> T) -> Option<T> {
        self.limiter.lock().ok().map(|mut limiter| work(&mut limiter))
    }
}

/// All limits of a line, without waiting.
#[derive(Debug)]
struct Limiter {
    rpm: Option<Bucket>,
    tpm: Option<Bucket>,
    requests: Option<Meter>,
    tokens: Option<Meter>,
    pace: Pace,
    in_flight: u32,
    refused_in_a_row: u32,
    paused: Option<Instant>,
}

impl Limiter {
    fn new(rpm: Option<u64>, tpm: Option<u64>, now: Instant) -> Self {
        Self {
            rpm: rpm.map(|n| Bucket::per_minute(n, now)),
            tpm: tpm.map(|n| Bucket::per_minute(n, now)),
            requests: None,
            tokens: None,
            pace: Pace::new(now),
            in_flight: 0,
            refused_in_a_row: 0,
            paused: None,
        }
    }

    fn wait(&mut self, now: Instant, tokens: f64) -> Duration {
        let pause = self.paused.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        let waits = [
            self.rpm.as_mut().map(|bucket| bucket.wait(now, 1.0)),
            self.tpm.as_mut().map(|bucket| bucket.wait(now, tokens)),
            self.requests.as_mut().map(|meter| meter.wait(now, 1.0)),
            self.tokens.as_mut().map(|meter| meter.wait(now, tokens)),
            Some(self.pace.wait(now)),
        ];
        waits.into_iter().flatten().fold(pause, Duration::max)
    }

    fn sent(&mut self, now: Instant, tokens: f64) {
        self.in_flight += 1;
        self.pace.sent(now);
        self.rpm.iter_mut().for_each(|bucket| bucket.take(now, 1.0));
        self.tpm.iter_mut().for_each(|bucket| bucket.take(now, tokens));
        self.requests.iter_mut().for_each(|meter| meter.take(1.0));
        self.tokens.iter_mut().for_each(|meter| meter.take(tokens));
    }

    /// Headers come before the request they belong to counts as over.
    fn heard(&mut self, now: Instant, limits: &Limits) {
        let others = f64::from(self.in_flight.saturating_sub(1));
        if let Some(window) = &limits.requests {
            self.requests.get_or_insert_with(|| Meter::new(now)).hear(now, window, others);
        }
        if let Some(window) = &limits.tokens {
            self.tokens.get_or_insert_with(|| Meter::new(now)).hear(now, window, 0.0);
        }
    }

    fn answered(&mut self, now: Instant, reserved: f64, used: Option<f64>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.refused_in_a_row = 0;
        self.pace.answered(now);
        if let (Some(bucket), Some(used)) = (&mut self.tpm, used) {
            bucket.give_back(reserved - used);
        }
    }

    fn refused(&mut self, now: Instant, asked: Option<Duration>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.refused_in_a_row += 1;
        self.pace.refused(now);
        // Who asks for more patience than any request has is not waited for: its failures will tell.
        let asked = asked.filter(|asked| *asked <= LONGEST_ASKED);
        if let (true, Some(asked)) = (self.refused_in_a_row >= WALL, asked) {
            let until = now + asked;
            self.paused = Some(self.paused.map_or(until, |before| before.max(until)));
        }
    }

    fn failed(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests;
