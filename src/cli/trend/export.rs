//! A trend for programs: JSON, CSV, SVG.

use serde_json::{Value, json};

use super::Trend;
use crate::cli::exit::{ExitStatus, Failure};
use crate::cli::figure;
use crate::cli::history::when;
use crate::cli::screen::Screen;
use crate::env::format_time;
use crate::report::{Chart, Line, Mark};
use crate::stats::trend::{Point, Series, series};

const HEAD: [&str; 12] =
    ["time", "run", "label", "version", "hash", "provider", "n", "errored", "value", "low", "high", "status"];
/// Longer texts are cut.
const LONGEST: usize = 200;

impl Trend<'_> {
    pub(super) fn json(&self) -> Value {
        let points: Vec<Value> = self.points.iter().map(|point| figure::json(point).into()).collect();
        json!({"schema": 1, "prompt": self.name, "metric": self.metric, "points": points})
    }

    pub(super) fn csv(&self, screen: &Screen) -> Result<(), Failure> {
        let mut table = csv::Writer::from_writer(Vec::new());
        let mut write = |row: &[String]| table.write_record(row).map_err(|e| broken("CSV", &e));
        write(&HEAD.map(str::to_owned))?;
        self.points.iter().try_for_each(|point| write(&row(point, screen)))?;
        let bytes = table.into_inner().map_err(|e| broken("CSV", &e))?;
        screen.out(String::from_utf8_lossy(&bytes).trim_end());
        Ok(())
    }

    pub(super) fn svg(&self, screen: &Screen) -> Result<(), Failure> {
        let svg = self.chart(screen).svg().map_err(|e| broken("SVG", &e))?;
        screen.out(&svg);
        Ok(())
    }

    fn chart(&self, screen: &Screen) -> Chart {
        let mut runs: Vec<&Point> = self.points.iter().collect();
        runs.dedup_by(|a, b| a.of.run == b.of.run);
        let place = |point: &Point| runs.iter().position(|run| run.of.run == point.of.run).unwrap_or_default();
        let mark = |point: &&Point| self.mark(point, place(point), screen);
        let line = |series: &Series<'_>| Line {
            name: screen.line(&format!("{} · {}", series.version(), series.provider()), 100),
            marks: series.points.iter().filter_map(mark).collect(),
        };
        let scale = self.scale();
        let tick = |part: u8| {
            let value = scale.0 + (scale.1 - scale.0) * f64::from(part) / 4.0;
            (value, figure::value(self.metric, value))
        };
        Chart {
            title: screen.line(&format!("{} · {}", self.name, self.metric), 100),
            scale,
            ticks: (0..=4).map(tick).collect(),
            names: runs.iter().map(|point| when(point.time_ms)).collect(),
            lines: series(&self.points).iter().map(line).collect(),
        }
    }

    /// A point without a value is not drawn.
    fn mark(&self, point: &Point, at: usize, screen: &Screen) -> Option<Mark> {
        let words = figure::figure(self.metric, &point.measured);
        let title = format!("{words}, n = {}, run {}", point.measured.cases, screen.line(&point.of.run, 60));
        Some(Mark { at, value: point.measured.value?, ci: point.measured.ci, title })
    }
}

fn row(point: &Point, screen: &Screen) -> [String; 12] {
    let (of, measured) = (&point.of, &point.measured);
    let text = |text: &str| screen.line(text, LONGEST);
    let number = |number: Option<f64>| number.map(|n| n.to_string()).unwrap_or_default();
    let status = measured.status.and_then(|status| serde_json::to_value(status).ok());
    [
        format_time(point.time_ms),
        text(&of.run),
        text(&of.prompt),
        text(of.version.as_deref().unwrap_or_default()),
        text(&of.prompt_hash),
        text(&of.provider),
        measured.cases.to_string(),
        measured.errored.to_string(),
        number(measured.value),
        number(measured.ci.map(|[low, _]| low)),
        number(measured.ci.map(|[_, high]| high)),
        status.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned(),
    ]
}

fn broken(what: &str, why: &dyn std::fmt::Display) -> Failure {
    Failure::new(ExitStatus::Failed, format!("cannot write the {what}: {why}"))
}
