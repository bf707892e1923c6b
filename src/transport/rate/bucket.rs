//! A limit per minute from the config.

use std::time::Duration;

use tokio::time::Instant;

/// A token bucket that holds the amount of one second, so that no minute sees more than its limit and
/// the amount is spread over it.
#[derive(Debug)]
pub(super) struct Bucket {
    per_second: f64,
    capacity: f64,
    level: f64,
    at: Instant,
}

impl Bucket {
    #[expect(clippy::cast_precision_loss, reason = "limits are far below 2^53")]
    pub(super) fn per_minute(limit: u64, now: Instant) -> Self {
        let limit = limit.max(1) as f64;
        let capacity = (limit / 60.0).max(1.0);
        // What a full bucket lets out at once comes off the minute's rest.
        let per_second = ((limit - capacity) / 60.0).max(limit / 120.0);
        Self { per_second, capacity, level: capacity, at: now }
    }

    /// How long until so much may be taken. More than the bucket holds goes when it is full.
    pub(super) fn wait(&mut self, now: Instant, amount: f64) -> Duration {
        self.fill(now);
        let lacking = amount.min(self.capacity) - self.level;
        if lacking <= 1e-9 { Duration::ZERO } else { Duration::from_secs_f64((lacking / self.per_second).min(3600.0)) }
    }

    pub(super) fn take(&mut self, now: Instant, amount: f64) {
        self.fill(now);
        self.level -= amount;
    }

    pub(super) fn give_back(&mut self, amount: f64) {
        self.level = (self.level + amount).min(self.capacity);
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        self.level = (self.level + passed * self.per_second).min(self.capacity);
    }
}
