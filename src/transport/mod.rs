//! The way to a provider: single flight → cache → width → rate → budget → send → classify → retry.
//!
//! A [`Line`] is what a run has of one provider. Each step is a file with a rule that can be tried
//! without a network and without waiting: [`flight`] asks nothing twice at a time, [`width`] adapts how
//! many requests are under way, [`rate`] how fast they follow, [`budget`] keeps what they may cost,
//! [`retry`] says what is worth another try, and [`health`] when a provider is given up. Every wait ends
//! when the run stops.

mod budget;
mod flight;
mod health;
mod line;
mod need;
mod rate;
mod retry;
mod stop;
mod width;

pub use budget::{Budget, Caps};
pub use line::{Line, Notice, Notify, Sent, Settings, Ticket, Turn};
pub use stop::Stop;

use std::sync::Arc;

use crate::env::Clock;
use crate::store::{Memory, Spent};

/// What the lines of a run share.
pub struct Shared {
    memory: Option<Arc<dyn Memory>>,
    /// Whether what is not in memory is an error.
    only_memory: bool,
    budget: Option<Arc<Budget>>,
    flights: flight::Flights,
    clock: Clock,
    stop: Stop,
}

impl Shared {
    /// Lines that share only the clock and the word to stop.
    pub fn new(clock: Clock, stop: Stop) -> Self {
        Self { memory: None, only_memory: false, budget: None, flights: flight::Flights::default(), clock, stop }
    }

    /// Answers from memory where it has them; with `only`, nothing else.
    #[must_use]
    pub fn with_memory(self, memory: Arc<dyn Memory>, only: bool) -> Self {
        Self { memory: Some(memory), only_memory: only, ..self }
    }

    /// Spends no more than these caps allow, what an earlier go has spent counted.
    #[must_use]
    pub fn with_caps(self, caps: Caps, spent: Spent) -> Self {
        let budget = (caps != Caps::default()).then(|| Arc::new(Budget::new(caps, spent)));
        Self { budget, ..self }
    }

    /// Tells the memory that an answer is safe in the ledger.
    pub fn durable(&self, request_id: &str) {
        if let Some(memory) = &self.memory {
            memory.durable(request_id);
        }
    }

    /// The word to stop.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }
}
