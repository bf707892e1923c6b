//! Measured figures in words and as JSON.

use serde_json::{Map, Value, json};

use crate::env::format_time;
use crate::stats::trend::{Measured, Point};
use crate::stats::words::{amount, points, quantity};
use crate::stats::{Metric, Status};

/// Stands for what is not known.
const UNKNOWN: &str = "–";

/// A metric's value, and the ends of its interval, with unit and digits: `92.0 %`, `0.873`, `812 ms`.
pub(super) fn value(metric: &str, value: f64) -> String {
    let metric = Metric::of(metric);
    match metric.scale {
        _ if metric.is_pass() => format!("{} %", points(value)),
        Some(_) => amount(value),
        None => quantity(value, metric.unit()),
    }
}

/// `92.0 % [81.2, 96.8]`; without an interval why there is none.
pub(super) fn figure(metric: &str, measured: &Measured) -> String {
    let Some(mean) = measured.value else { return format!("{UNKNOWN} ({})", why(measured.status)) };
    let Some(ends) = measured.ci else { return format!("{} ({})", value(metric, mean), why(measured.status)) };
    let [low, high] = ends.map(|end| bare(metric, end));
    format!("{} [{low}, {high}]", value(metric, mean))
}

/// The same number without its unit.
fn bare(metric: &str, number: f64) -> String {
    let text = value(metric, number);
    text.trim_start_matches('$').split(' ').next().unwrap_or_default().to_owned()
}

fn why(status: Option<Status>) -> &'static str {
    status.map_or("no interval", Status::words)
}

/// A point as JSON.
pub(super) fn json(point: &Point) -> Map<String, Value> {
    let (of, measured) = (&point.of, &point.measured);
    let value = json!({
        "time": format_time(point.time_ms),
        "run": of.run,
        "label": of.prompt,
        "version": of.version,
        "hash": of.prompt_hash,
        "provider": of.provider,
        "n": measured.cases,
        "errored": measured.errored,
        "value": measured.value,
        "ci": measured.ci,
    });
    let Value::Object(mut map) = value else { return Map::new() };
    map.extend(measured.status.map(|status| ("status".to_owned(), json!(status))));
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_their_unit_and_interval() {
        let measured = Measured { cases: 50, errored: 0, value: Some(0.92), ci: Some([0.812, 0.968]), status: None };
        assert_eq!(figure("pass", &measured), "92.0 % [81.2, 96.8]");
        assert_eq!(figure("tone", &measured), "0.920 [0.812, 0.968]");
        let slow = Measured { value: Some(812.4), ci: Some([700.0, 900.0]), ..measured };
        assert_eq!(figure("latency", &slow), "812 ms [700, 900]");
        assert_eq!(figure("cost", &slow), "$812.400000 [700.000000, 900.000000]");
        let lone = Measured { ci: None, status: Some(Status::InsufficientData), ..slow };
        assert_eq!(figure("tokens", &lone), "812 tokens (too little data)");
        assert_eq!(figure("pass", &Measured { value: None, status: None, ..lone }), "– (no interval)");
    }
}
