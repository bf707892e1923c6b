//! What a run may cost: reserved before each request, so that the width of the lines cannot overrun it.

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use crate::store::Spent;

/// Limits of a run; nothing means no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Caps {
    /// US dollars.
    pub cost_usd: Option<f64>,
    /// Requests, repeated ones counted.
    pub requests: Option<u64>,
    /// Tokens, of prompts and answers.
    pub tokens: Option<u64>,
}

/// What a request may take at most, or took.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Amount {
    pub(super) cost_usd: f64,
    pub(super) requests: u64,
    pub(super) tokens: u64,
}

impl Amount {
    fn plus(self, other: Self) -> Self {
        Self {
            cost_usd: self.cost_usd + other.cost_usd,
            requests: self.requests.saturating_add(other.requests),
            tokens: self.tokens.saturating_add(other.tokens),
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            cost_usd: (self.cost_usd - other.cost_usd).max(0.0),
            requests: self.requests.saturating_sub(other.requests),
            tokens: self.tokens.saturating_sub(other.tokens),
        }
    }
}

/// The budget of a run, shared by its lines.
#[derive(Debug)]
pub struct Budget {
    caps: Caps,
    books: Mutex<Books>,
    settled: Notify,
}

#[derive(Debug, Default)]
struct Books {
    spent: Amount,
    reserved: Amount,
    open: usize,
}

/// An amount set aside. Dropped without a word it counts as spent: the provider may have worked for it.
#[derive(Debug)]
pub(super) struct Reservation {
    budget: Arc<Budget>,
    /// Nothing once the books are closed.
    amount: Option<Amount>,
}

/// Why nothing more may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Exhausted(pub(super) String);

/// Sums of cents leave a dust that must not close the till.
const DUST: f64 = 1e-9;

impl Budget {
    /// A budget with these limits, of which an earlier go has spent some.
    pub fn new(caps: Caps, spent: Spent) -> Self {
        let Spent { cost_usd, requests, tokens } = spent;
        let spent = Amount { cost_usd, requests, tokens };
        let books = Mutex::new(Books { spent, ..Books::default() });
        Self { caps, books, settled: Notify::new() }
    }

    /// Sets an amount aside; waits while others may still give some of theirs back.
    pub(super) async fn reserve(self: &Arc<Self>, amount: Amount) -> Result<Reservation, Exhausted> {
        loop {
            let settled = self.settled.notified();
            tokio::pin!(settled);
            // From here on no settlement is missed.
            settled.as_mut().enable();
            match self.try_reserve(amount) {
                Ok(()) => return Ok(Reservation { budget: Arc::clone(self), amount: Some(amount) }),
                Err(None) => settled.await,
                Err(Some(exhausted)) => return Err(exhausted),
            }
        }
    }

    /// Takes the amount, or says why not; `None` when waiting may help.
    fn try_reserve(&self, amount: Amount) -> Result<(), Option<Exhausted>> {
        let Ok(mut books) = self.books.lock() else { return Ok(()) };
        if let Some(why) = self.beyond(books.spent.plus(amount)) {
            return Err(Some(why));
        }
        if let Some(why) = self.beyond(books.spent.plus(books.reserved).plus(amount)) {
            return Err((books.open == 0).then_some(why));
        }
        books.reserved = books.reserved.plus(amount);
        books.open += 1;
        Ok(())
    }

    fn beyond(&self, sum: Amount) -> Option<Exhausted> {
        let Caps { cost_usd, requests, tokens } = self.caps;
        if let Some(cap) = requests.filter(|cap| sum.requests > *cap) {
            return Some(Exhausted(format!("the budget of {cap} requests is used up")));
        }
        if let Some(cap) = tokens.filter(|cap| sum.tokens > *cap) {
            return Some(Exhausted(format!("the next request could go beyond the budget of {cap} tokens")));
        }
        let cap = cost_usd.filter(|cap| sum.cost_usd > *cap + DUST)?;
        Some(Exhausted(format!("the next request could go beyond the budget of ${cap}")))
    }

    fn settle(&self, reserved: Amount, spent: Amount) {
        if let Ok(mut books) = self.books.lock() {
            books.reserved = books.reserved.minus(reserved);
            books.spent = books.spent.plus(spent);
            books.open -= 1;
        }
        self.settled.notify_waiters();
    }
}

impl Reservation {
    /// Says what it came to.
    pub(super) fn settle(mut self, spent: Amount) {
        if let Some(reserved) = self.amount.take() {
            self.budget.settle(reserved, spent);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(reserved) = self.amount.take() {
            self.budget.settle(reserved, reserved);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn budget(cost_usd: Option<f64>, requests: Option<u64>) -> Arc<Budget> {
        Arc::new(Budget::new(Caps { cost_usd, requests, tokens: None }, Spent::default()))
    }

    fn dollars(cost_usd: f64) -> Amount {
        Amount { cost_usd, requests: 1, tokens: 10 }
    }

    #[tokio::test]
    async fn requests_end_exactly_at_their_cap() {
        let budget = budget(None, Some(3));
        for _ in 0..3 {
            drop(budget.reserve(dollars(1.0)).await.unwrap());
        }
        let why = budget.reserve(dollars(0.0)).await.unwrap_err();
        assert_eq!(why.0, "the budget of 3 requests is used up");
    }

    #[tokio::test]
    async fn waits_for_what_others_may_give_back() {
        let budget = budget(Some(1.0), None);
        let first = budget.reserve(dollars(0.7)).await.unwrap();
        let second = budget.reserve(dollars(0.7));
        tokio::pin!(second);
        assert!(second.as_mut().now_or_never().is_none());
        first.settle(dollars(0.3));
        let second = second.await.unwrap();
        assert!(budget.reserve(dollars(0.7)).now_or_never().is_none());
        second.settle(dollars(0.7));
        assert!(budget.reserve(dollars(0.01)).await.is_err());
        assert!(budget.reserve(dollars(0.0)).await.is_ok());
    }

    #[tokio::test]
    async fn what_is_dropped_counts_as_spent() {
        let budget = budget(Some(1.0), None);
        drop(budget.reserve(dollars(0.6)).await.unwrap());
        let why = budget.reserve(dollars(0.6)).await.unwrap_err();
        assert_eq!(why.0, "the next request could go beyond the budget of $1");
    }
}
