//! What an experiment measures.

use serde::{Deserialize, Serialize};

use crate::content::js_float;
use crate::stats::{Scale, float};

/// Squares of values beyond that could not be added up.
const LARGEST: f64 = 1e100;

/// What a metric is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// One of them has to improve.
    Success,
    /// None of them may get worse by its margin.
    Guardrail,
}

/// Which way is better.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// More is better.
    #[default]
    Higher,
    /// Less is better.
    Lower,
}

/// What a user's values come to, who counts once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Aggregate {
    /// Their mean.
    #[default]
    Mean,
    /// The greatest: for rates, whether it happened at all.
    Any,
    /// The latest.
    Last,
    /// Their sum.
    Sum,
}

impl Aggregate {
    /// What these come to, in the order in which they happened; 0 where there are none.
    pub fn of(self, values: &[f64]) -> f64 {
        let sum: f64 = values.iter().sum();
        match self {
            Self::Mean => sum / float(values.len().max(1) as u64),
            Self::Any => values.iter().copied().reduce(f64::max).unwrap_or_default(),
            Self::Last => values.last().copied().unwrap_or_default(),
            Self::Sum => sum,
        }
    }
}

/// A metric of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name, as records have it.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Both ends of its scale; without one values are only bounded by being numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<[f64; 2]>,
    /// Which way is better.
    #[serde(default)]
    pub direction: Direction,
    /// What a user's values come to.
    #[serde(default)]
    pub aggregate: Aggregate,
    /// How much worse a guardrail may be, in units of the metric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
}

impl Metric {
    /// Its scale, where it has one. Sums have none: many small values make a large one.
    pub fn bounds(&self) -> Option<Scale> {
        let [low, high] = self.scale?;
        (self.aggregate != Aggregate::Sum).then_some(Scale { low, high })
    }

    /// Whether a value can be one of it.
    ///
    /// # Errors
    /// Why not.
    pub fn takes(&self, value: f64) -> Result<(), String> {
        if !value.is_finite() || value.abs() > LARGEST {
            return Err(format!("`{}`: {} is no number to reckon with", self.name, js_float(value)));
        }
        match self.scale {
            Some([low, high]) if !(low..=high).contains(&value) => {
                let value = js_float(value);
                Err(format!("{value} lies outside the scale of `{}`, {low} to {high}", self.name))
            }
            _ => Ok(()),
        }
    }

    /// Whether all values are 0 or 1, so that a mean is a rate.
    pub fn is_rate(&self) -> bool {
        self.scale == Some([0.0, 1.0]) && self.aggregate != Aggregate::Sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_counts_once_whatever_was_recorded() {
        for (aggregate, expected) in
            [(Aggregate::Mean, 2.0), (Aggregate::Any, 4.0), (Aggregate::Last, 1.0), (Aggregate::Sum, 6.0)]
        {
            assert!((aggregate.of(&[1.0, 4.0, 1.0]) - expected).abs() < 1e-12, "{aggregate:?}");
            assert!(aggregate.of(&[]).abs() < 1e-12, "{aggregate:?} of nothing");
        }
    }
}
