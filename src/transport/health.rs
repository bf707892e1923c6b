//! Whether a provider is worth asking, and how long to wait for it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::record::{CallFailure, Reason};

/// How many requests in a row must fail for good before a provider is given up, at least.
const RUN: u64 = 10;
/// Silence is measured against the slowest answer once so many have come.
const KNOWN: u64 = 20;
/// A silence this many times longer than the slowest answer is no thinking.
const TIMES: u32 = 10;
const LEAST_PATIENCE: Duration = Duration::from_secs(30);

/// What a line remembers of its provider.
#[derive(Debug)]
pub(super) struct Health {
    /// So many failures in a row open the circuit.
    limit: u64,
    in_a_row: AtomicU64,
    answers: AtomicU64,
    slowest_ms: AtomicU64,
    answered: AtomicBool,
    closed: OnceLock<CallFailure>,
}

impl Health {
    pub(super) fn new(width: usize) -> Self {
        Self {
            limit: RUN.max(width as u64),
            in_a_row: AtomicU64::new(0),
            answers: AtomicU64::new(0),
            slowest_ms: AtomicU64::new(0),
            answered: AtomicBool::new(false),
            closed: OnceLock::new(),
        }
    }

    /// Why the provider was given up.
    pub(super) fn closed(&self) -> Option<&CallFailure> {
        self.closed.get()
    }

    pub(super) fn answered(&self, latency_ms: Option<u64>) {
        self.answered.store(true, Ordering::Relaxed);
        self.in_a_row.store(0, Ordering::Relaxed);
        self.answers.fetch_add(1, Ordering::Relaxed);
        self.slowest_ms.fetch_max(latency_ms.unwrap_or(0), Ordering::Relaxed);
    }

    /// Takes the last failure of a request in. Gives the reason when it closes the provider: a wrong key
    /// or a dead address fails every request alike, and so does an outage that outlasts all retries.
    pub(super) fn failed(&self, failure: &CallFailure) -> Option<String> {
        let in_a_row = match failure.reason {
            Reason::Rejected | Reason::TooLarge | Reason::BadRequest | Reason::NotSent => 0,
            _ => self.in_a_row.fetch_add(1, Ordering::Relaxed) + 1,
        };
        let never_answered = !self.answered.load(Ordering::Relaxed);
        let hopeless = match failure.reason {
            Reason::Quota | Reason::Untrusted => true,
            // A 403 may be about one prompt; when answers have come, it is.
            Reason::Auth => failure.status == Some(401) || never_answered,
            Reason::Unreachable => never_answered || in_a_row >= self.limit,
            _ => in_a_row >= self.limit,
        };
        let message = if in_a_row >= self.limit {
            format!("{in_a_row} requests in a row failed, the last so: {}", failure.message)
        } else {
            failure.message.clone()
        };
        let kept = CallFailure { message: message.clone(), ..failure.clone() };
        (hopeless && self.closed.set(kept).is_ok()).then_some(message)
    }

    /// How long to wait for attempt number `attempt`, where the answers so far tell. Each further attempt
    /// waits twice as long, so that an answer that does need its time gets it.
    pub(super) fn patience(&self, attempt: u32) -> Option<Duration> {
        if self.answers.load(Ordering::Relaxed) < KNOWN {
            return None;
        }
        let slowest = Duration::from_millis(self.slowest_ms.load(Ordering::Relaxed));
        let patience = slowest.saturating_mul(TIMES).max(LEAST_PATIENCE);
        Some(patience.saturating_mul(1 << attempt.saturating_sub(1).min(10)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(health: &Health, reason: Reason) -> Option<String> {
        health.failed(&CallFailure::new(reason, "no"))
    }

    #[test]
    fn an_outage_closes_and_single_failures_do_not() {
        let health = Health::new(4);
        for _ in 0..5 {
            (0..9).for_each(|_| assert_eq!(fail(&health, Reason::Server), None));
            health.answered(Some(5));
        }
        (0..50).for_each(|_| assert_eq!(fail(&health, Reason::Rejected), None));
        (0..9).for_each(|_| assert_eq!(fail(&health, Reason::Timeout), None));
        assert_eq!(fail(&health, Reason::Broken).unwrap(), "10 requests in a row failed, the last so: no");
        assert_eq!(fail(&health, Reason::Broken), None);
        assert!(health.closed().is_some());
    }

    #[test]
    fn a_wrong_key_and_a_dead_address_close_at_once_when_nothing_ever_came() {
        for reason in [Reason::Auth, Reason::Unreachable, Reason::Quota, Reason::Untrusted] {
            let health = Health::new(4);
            assert!(fail(&health, reason).is_some(), "{reason:?}");
            let health = Health::new(4);
            health.answered(None);
            assert_eq!(
                fail(&health, reason).is_some(),
                matches!(reason, Reason::Quota | Reason::Untrusted),
                "{reason:?}"
            );
        }
    }

    #[test]
    fn patience_grows_with_the_slowest_answer_and_with_each_attempt() {
        let health = Health::new(4);
        (0..19).for_each(|_| health.answered(Some(100)));
        assert_eq!(health.patience(1), None);
        health.answered(Some(100));
        assert_eq!(health.patience(1), Some(Duration::from_secs(30)));
        assert_eq!(health.patience(3), Some(Duration::from_secs(120)));
        health.answered(Some(45_000));
        assert_eq!(health.patience(1), Some(Duration::from_secs(450)));
    }
}
