//! Which failures are worth another try, and when.

use std::time::Duration;

use crate::record::{CallFailure, Reason};

const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// `Retry-After: 0` is taken at its word once or twice, not for ever.
const LEAST_ASKED: Duration = Duration::from_millis(10);
/// A provider that asks for more patience than this has given its answer.
pub(super) const LONGEST_ASKED: Duration = Duration::from_secs(300);

/// Where a request stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tried {
    /// How often it was sent.
    pub(super) attempts: u32,
    /// How often it failed as it did now. Other failures do not count against a class with few tries.
    pub(super) so: u32,
}

/// How often a request may be repeated after failures of this class, when `retries` are allowed.
///
/// Rate limits end by waiting, so they get two more; a dead address or a page of HTML rarely mends
/// itself, so they get two at most.
fn allowed(reason: Reason, retries: u32) -> u32 {
    match reason {
        Reason::RateLimit if retries > 0 => retries + 2,
        Reason::Server | Reason::Broken => retries,
        Reason::Timeout | Reason::BadAnswer | Reason::Unreachable => retries.min(2),
        _ => 0,
    }
}

/// How long to wait before the next try, or `None` when there should be none. `chance` is a random number
/// in 0..1.
pub(super) fn wait(failure: &CallFailure, tried: Tried, retries: u32, chance: f64) -> Option<Duration> {
    let attempt = tried.attempts;
    if tried.so > allowed(failure.reason, retries) || attempt > retries.saturating_add(2) {
        return None;
    }
    if let Some(asked) = failure.retry_after {
        let asked = asked.max(LEAST_ASKED.saturating_mul(1 << attempt.min(10)));
        return (asked <= LONGEST_ASKED).then(|| asked.mul_f64(1.0 + 0.1 * chance) + Duration::from_millis(60));
    }
    let doubled = FIRST_WAIT.saturating_mul(1 << attempt.saturating_sub(1).min(10));
    // A spread of a quarter keeps crowds apart and still lets every wait be longer than the last.
    Some(doubled.min(LONGEST_WAIT).mul_f64(0.75 + 0.5 * chance))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(reason: Reason, retries: u32) -> Vec<u128> {
        let failure = CallFailure::new(reason, "x");
        (1..20)
            .map_while(|n| wait(&failure, Tried { attempts: n, so: n }, retries, 0.5))
            .map(|d| d.as_millis())
            .collect()
    }

    #[test]
    fn waits_double_and_end() {
        assert_eq!(waits(Reason::Server, 6), [500, 1000, 2000, 4000, 8000, 16000]);
        assert_eq!(waits(Reason::RateLimit, 6).len(), 8);
        assert_eq!(waits(Reason::Unreachable, 6), [500, 1000]);
        for never in [Reason::Auth, Reason::Quota, Reason::Rejected, Reason::BadRequest, Reason::TooLarge] {
            assert!(waits(never, 6).is_empty());
        }
        assert!(waits(Reason::RateLimit, 0).is_empty());
    }

    #[test]
    fn only_failures_of_its_own_class_use_up_a_classs_tries() {
        let silent = CallFailure::new(Reason::Timeout, "x");
        let again = |attempts, so| wait(&silent, Tried { attempts, so }, 6, 0.5).is_some();
        assert!(again(5, 1) && again(8, 2));
        assert!(!again(5, 3) && !again(9, 1));
    }

    #[test]
    fn what_the_provider_asks_is_never_undercut() {
        let mut failure = CallFailure::new(Reason::RateLimit, "slow down");
        failure.retry_after = Some(Duration::from_secs(2));
        assert!(wait(&failure, Tried { attempts: 1, so: 1 }, 6, 0.0).unwrap() > Duration::from_secs(2));
        failure.retry_after = Some(Duration::from_secs(3600));
        assert_eq!(wait(&failure, Tried { attempts: 1, so: 1 }, 6, 0.0), None);
    }
}
