//! A time limit for patterns that may backtrack without end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use regress::Regex;

/// How long one match may take.
const LIMIT: Duration = Duration::from_secs(2);
/// How many matches may be left behind, still running, before no more are begun.
const MOST_LEFT: usize = 4;

static LEFT_BEHIND: AtomicUsize = AtomicUsize::new(0);

/// Matches on a thread of its own. A match that takes too long is left behind: it cannot be stopped,
/// only outlived, so that their number is bounded.
pub fn is_match(regex: &Arc<Regex>, text: &str) -> Result<bool, String> {
    if LEFT_BEHIND.load(Ordering::Relaxed) >= MOST_LEFT {
        return Err(format!("was not tried: {MOST_LEFT} earlier matches are still running"));
    }
    let (tell, hear) = mpsc::sync_channel(1);
    let (regex, text) = (Arc::clone(regex), text.to_owned());
    let work = move || {
        // When nobody listens any more, this match had been left behind.
        if tell.send(regex.find(&text).is_some()).is_err() {
            LEFT_BEHIND.fetch_sub(1, Ordering::Relaxed);
        }
    };
    thread::Builder::new().name("regex".into()).spawn(work).map_err(|error| format!("could not be tried: {error}"))?;
    hear.recv_timeout(LIMIT).map_err(|_| {
        LEFT_BEHIND.fetch_add(1, Ordering::Relaxed);
        format!("took more than {} seconds and was given up", LIMIT.as_secs())
    })
}
