//! What tokens cost.

use crate::record::Usage;

/// US dollars per token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// Of the prompt.
    pub prompt: f64,
    /// Of the answer, thinking included.
    pub completion: f64,
    /// Of the prompt where the provider had it in its cache; like any other prompt token when not known.
    pub cached: Option<f64>,
}

impl Price {
    /// Nothing.
    pub const FREE: Self = Self { prompt: 0.0, completion: 0.0, cached: None };

    /// From US dollars per million tokens, as price lists have it.
    pub fn per_million(prompt: f64, completion: f64) -> Self {
        Self { prompt: prompt / MILLION, completion: completion / MILLION, cached: None }
    }

    /// What so many tokens cost, in US dollars.
    pub fn of(&self, usage: &Usage) -> f64 {
        let cached = usage.cached.min(usage.prompt);
        count(usage.prompt - cached) * self.prompt
            + count(cached) * self.cached.unwrap_or(self.prompt)
            + count(usage.completion) * self.completion
    }
}

const MILLION: f64 = 1_000_000.0;

#[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^53")]
fn count(tokens: u64) -> f64 {
    tokens as f64
}

/// OpenAI's list prices as known at the end of 2025: model, US dollars per million tokens of prompt,
/// cached prompt and completion. A config's own price goes before them.
const LIST: &[(&str, f64, Option<f64>, f64)] = &[
    ("gpt-5.2", 1.75, Some(0.175), 14.0),
    ("gpt-5.1", 1.25, Some(0.125), 10.0),
    ("gpt-5", 1.25, Some(0.125), 10.0),
    ("gpt-5-mini", 0.25, Some(0.025), 2.0),
    ("gpt-5-nano", 0.05, Some(0.005), 0.4),
    ("gpt-5-pro", 15.0, None, 120.0),
    ("gpt-4.1", 2.0, Some(0.5), 8.0),
    ("gpt-4.1-mini", 0.4, Some(0.1), 1.6),
    ("gpt-4.1-nano", 0.1, Some(0.025), 0.4),
    ("gpt-4o", 2.5, Some(1.25), 10.0),
    ("gpt-4o-2024-05-13", 5.0, None, 15.0),
    ("gpt-4o-mini", 0.15, Some(0.075), 0.6),
    ("gpt-4-turbo", 10.0, None, 30.0),
    ("gpt-4", 30.0, None, 60.0),
    ("gpt-4-32k", 60.0, None, 120.0),
    ("gpt-3.5-turbo", 0.5, None, 1.5),
    ("gpt-3.5-turbo-1106", 1.0, None, 2.0),
    ("gpt-3.5-turbo-0613", 1.5, None, 2.0),
    ("o1", 15.0, Some(7.5), 60.0),
    ("o1-mini", 1.1, Some(0.55), 4.4),
    ("o1-pro", 150.0, None, 600.0),
    ("o3", 2.0, Some(0.5), 8.0),
    ("o3-mini", 1.1, Some(0.55), 4.4),
    ("o3-pro", 20.0, None, 80.0),
    ("o4-mini", 1.1, Some(0.275), 4.4),
    ("text-embedding-3-small", 0.02, None, 0.0),
    ("text-embedding-3-large", 0.13, None, 0.0),
    ("text-embedding-ada-002", 0.1, None, 0.0),
];

/// The list price of a model, by its name or its name with a date behind it.
pub(super) fn listed(model: &str) -> Option<Price> {
    let fits = |name: &str| model.strip_prefix(name).is_some_and(is_date);
    let row = LIST.iter().filter(|row| fits(row.0)).max_by_key(|row| row.0.len())?;
    let price = Price::per_million(row.1, row.3);
    Some(Price { cached: row.2.map(|dollars| dollars / MILLION), ..price })
}

/// `-2024-08-06`, `-0613` or nothing. Any other ending names another model, whose price is not known.
fn is_date(ending: &str) -> bool {
    ending.is_empty()
        || ending
            .strip_prefix('-')
            .is_some_and(|date| date.len() >= 4 && date.chars().all(|c| c.is_ascii_digit() || c == '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_dated_names_and_nothing_near_by() {
        for (model, prompt) in [
            ("gpt-4o-2024-08-06", Some(2.5)),
            ("gpt-4o-2024-05-13", Some(5.0)),
            ("gpt-4o-mini", Some(0.15)),
            ("gpt-4-0613", Some(30.0)),
            ("gpt-4o-audio-preview", None),
            ("text-embedding-3-small", Some(0.02)),
            ("text-embedding-ada-002", Some(0.1)),
            ("text-embedding-ada-002-v2", None),
            ("gpt-4.5-preview", None),
            ("llama3", None),
        ] {
            let found = listed(model).map(|p| (p.prompt * MILLION * 1000.0).round() / 1000.0);
            assert_eq!(found, prompt, "{model}");
        }
    }

    #[test]
    fn cached_tokens_have_their_own_price() {
        let usage = Usage { prompt: 1_000_000, cached: 500_000, completion: 1_000_000, ..Usage::default() };
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(listed("gpt-4o").unwrap().of(&usage), 1.25 + 0.625 + 10.0));
        assert!(near(Price::per_million(2.0, 3.0).of(&usage), 5.0));
    }
}
