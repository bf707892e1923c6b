//! What a run has taken.

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::codec::{parsed, response, unsigned};
use crate::record::{Outcome, Response, Spent};

/// Requests, tokens and US dollars of a run. Answers out of a cache took nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Requests, repeated ones counted.
    pub requests: u64,
    /// Tokens.
    pub tokens: u64,
    /// US dollars, of the answers whose cost is known; nothing where there are answers and none is.
    pub cost_usd: Option<f64>,
}

impl Summary {
    /// Takes in a cell as it goes into the ledger.
    pub(super) fn add(&mut self, outcome: &Outcome) {
        self.requests = self.requests.saturating_add(outcome.setbacks.len() as u64);
        if let Some(response) = outcome.response.as_ref().filter(|_| outcome.attempts > 0) {
            self.pay(response);
        }
        self.pay_graders(&outcome.grading);
    }

    fn pay_graders(&mut self, spent: &Spent) {
        self.requests = self.requests.saturating_add(spent.requests);
        self.tokens = self.tokens.saturating_add(spent.tokens.total);
        if let Some(cost) = spent.cost {
            self.cost_usd = Some(self.cost_usd.unwrap_or(0.0) + cost);
        }
    }

    fn pay(&mut self, answer: &Response) {
        self.requests = self.requests.saturating_add(1);
        self.tokens = self.tokens.saturating_add(answer.usage.map_or(0, |usage| usage.total));
        if let Some(cost) = answer.cost {
            self.cost_usd = Some(self.cost_usd.unwrap_or(0.0) + cost);
        }
    }

    /// What the rows of a run come to.
    pub(super) fn of(reader: &Connection, run: i64) -> rusqlite::Result<Self> {
        // Failed requests have rows of their own, which outlive a cell that is asked again.
        let failed = reader.query_row("SELECT COUNT(*) FROM attempts WHERE run = ?1", [run], |row| row.get(0))?;
        let mut statement = reader.prepare(
            "SELECT r.body FROM cells c JOIN responses r ON r.id = c.response WHERE c.run = ?1 AND c.attempts > 0 \
             UNION ALL \
             SELECT r.body FROM drafts d JOIN responses r ON r.id = d.response WHERE d.run = ?1 AND d.attempts > 0",
        )?;
        let mut rows = statement.query([run])?;
        let mut summary = Self { requests: unsigned(failed), ..Self::default() };
        while let Some(row) = rows.next()? {
            let body: String = row.get(0)?;
            match response(&body, false) {
                Some(answer) => summary.pay(&answer),
                None => summary.requests = summary.requests.saturating_add(1),
            }
        }
        drop(rows);
        let mut statement = reader.prepare("SELECT grading FROM cells WHERE run = ?1 AND grading IS NOT NULL")?;
        let mut rows = statement.query([run])?;
        while let Some(row) = rows.next()? {
            summary.pay_graders(&parsed(row, "grading")?.unwrap_or_default());
        }
        Ok(summary)
    }

    /// As it is kept. What asked nobody cost nothing.
    pub(super) fn text(mut self) -> String {
        if self.requests == 0 {
            self.cost_usd = Some(0.0);
        }
        serde_json::to_string(&self).unwrap_or_default()
    }
}
