//! Stopping a run: first gently, then at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Go,
    Drain,
    Abort,
}

/// Says to everybody in a run whether to go on. Clones share the word.
#[derive(Debug, Clone)]
pub struct Stop {
    level: watch::Sender<Level>,
    enough: Arc<AtomicBool>,
}

impl Default for Stop {
    fn default() -> Self {
        Self { level: watch::Sender::new(Level::Go), enough: Arc::default() }
    }
}

impl Stop {
    /// Asks to begin nothing new.
    pub fn drain(&self) {
        self.raise(Level::Drain);
    }

    /// Asks to begin nothing new, because what is known suffices.
    pub fn enough(&self) {
        self.enough.store(true, Ordering::Relaxed);
        self.drain();
    }

    /// Whether that was why.
    pub fn is_enough(&self) -> bool {
        self.enough.load(Ordering::Relaxed)
    }

    /// Asks to drop what is under way.
    pub fn abort(&self) {
        self.raise(Level::Abort);
    }

    /// Whether nothing new should begin.
    pub fn is_draining(&self) -> bool {
        *self.level.borrow() >= Level::Drain
    }

    /// Comes back when nothing new should begin.
    pub async fn draining(&self) {
        self.reached(Level::Drain).await;
    }

    /// Comes back when what is under way should be dropped.
    pub async fn aborted(&self) {
        self.reached(Level::Abort).await;
    }

    fn raise(&self, level: Level) {
        self.level.send_if_modified(|now| {
            let higher = level > *now;
            *now = level.max(*now);
            higher
        });
    }

    async fn reached(&self, level: Level) {
        let mut receiver = self.level.subscribe();
        if receiver.wait_for(|now| *now >= level).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
