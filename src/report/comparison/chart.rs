//! The difference of `pass` and its interval, as places on a line.

use crate::stats::MetricResult;
use crate::stats::words::{points, signed};

/// How wide the drawing is (as a small screen, so that its words stay readable there), and what is left free at its ends.
pub(super) const WIDTH: f64 = 360.0;
const FREE: f64 = 30.0;

/// Places from the left, each with the words for it.
pub(super) struct Chart {
    pub(super) low: Mark,
    pub(super) difference: Mark,
    pub(super) high: Mark,
    pub(super) zero: Mark,
    /// How much worse the gate lets it be.
    pub(super) margin: Option<Mark>,
}

pub(super) struct Mark {
    /// From the left.
    pub(super) x: f64,
    /// Percentage points.
    pub(super) words: String,
}

impl Chart {
    pub(super) fn of(pass: &MetricResult, margin: Option<f64>) -> Option<Self> {
        let (difference, [low, high]) = (pass.difference?, pass.ci?);
        let margin = margin.filter(|margin| margin.is_finite());
        if ![difference, low, high].into_iter().all(f64::is_finite) {
            return None;
        }
        let from = low.min(0.0).min(margin.unwrap_or(0.0));
        let wide = (high.max(0.0) - from).max(0.01);
        let mark =
            |value: f64| Mark { x: FREE + (value - from) / wide * (WIDTH - 2.0 * FREE), words: signed(&points(value)) };
        Some(Self {
            low: mark(low),
            difference: mark(difference),
            high: mark(high),
            zero: mark(0.0),
            margin: margin.map(mark),
        })
    }
}
