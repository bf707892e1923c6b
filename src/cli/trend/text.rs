//! A trend for people: a line a version, and the runs.

use super::Trend;
use crate::cli::figure::figure;
use crate::cli::grid::{Grid, Step};
use crate::cli::history::{hash, when};
use crate::cli::screen::{Ink, Screen, count, thousands};
use crate::stats::Metric;
use crate::stats::trend::{Point, Series, series, version};

/// From the worst of eight steps to the best.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Stands for a run without a value.
const NO_BAR: char = '·';

/// What gives way where the terminal is narrow, in this order.
const STEPS: &[Step] = &[
    |grid, screen| grid.shorten("provider", 12, screen),
    // The id begins with it.
    |grid, _| grid.without("when (UTC)"),
    |grid, screen| grid.shorten("version", 10, screen),
    |grid, screen| grid.shorten("value", 24, screen),
    |grid, _| grid.without("content"),
    |grid, screen| grid.shorten("provider", 6, screen),
    |grid, screen| grid.shorten("run", 8, screen),
    |grid, _| grid.without("provider"),
    |grid, _| grid.without("run"),
    |grid, screen| grid.shorten("value", 12, screen),
];

impl Trend<'_> {
    pub(super) fn show(&self, screen: &Screen) {
        let title = screen.line(&format!("{} · {}", self.name, self.metric), screen.width.saturating_sub(40));
        let way = if Metric::of(self.metric).scale.is_some() { "mean" } else { "geometric mean" };
        let about = screen.paint(Ink::Dim, &format!("{way} over cases, 95 % interval"));
        screen.out(&format!("{}  {about}", screen.paint(Ink::Strong, &title)));
        for series in series(&self.points) {
            self.show_series(&series, screen);
        }
        screen.out("");
        self.grid(screen).fitting(STEPS, screen).show(screen);
    }

    fn show_series(&self, series: &Series<'_>, screen: &Screen) {
        let name = screen.line(series.version(), 30);
        let provider = screen.line(series.provider(), 24);
        let contents = contents(series);
        screen.out(&format!("\n{}  {provider}  {contents}", screen.paint(Ink::Strong, &name)));
        let bars = bars(&series.points, self.scale());
        let most = screen.width.saturating_sub(4);
        let newest: String = bars.chars().skip(bars.chars().count().saturating_sub(most)).collect();
        screen.out(&format!("  {newest}"));
        let (Some(first), Some(last)) = (series.points.first(), series.points.last()) else { return };
        let now = figure(self.metric, &last.measured);
        let way =
            if series.points.len() > 1 { format!("{} → {now}", figure(self.metric, &first.measured)) } else { now };
        screen.out(&format!("  {}", screen.line(&way, screen.width.saturating_sub(2))));
    }

    fn grid(&self, screen: &Screen) -> Grid {
        let cells = |cell: &dyn Fn(&Point) -> String| self.points.iter().map(cell).collect::<Vec<_>>();
        let mut grid = Grid::default();
        grid.words("run", cells(&|point| screen.line(&point.of.run, 40)));
        grid.words("when (UTC)", cells(&|point| when(point.time_ms)));
        grid.words("version", cells(&|point| screen.line(version(point), 30)));
        grid.words("content", cells(&|point| hash(&point.of.prompt_hash)));
        grid.words("provider", cells(&|point| screen.line(&point.of.provider, 30)));
        grid.numbers("n", cells(&|point| thousands(point.measured.cases)));
        grid.numbers("no verdict", cells(&|point| thousands(point.measured.errored)));
        grid.words("value", cells(&|point| figure(self.metric, &point.measured)));
        if self.points.iter().all(|point| point.measured.errored == 0) {
            grid.without("no verdict");
        }
        grid
    }

    /// The scale of the metric; where it has none, from zero to the largest value.
    pub(super) fn scale(&self) -> (f64, f64) {
        let Some(scale) = Metric::of(self.metric).scale else {
            let values = self.points.iter().flat_map(|point| point.measured.value.into_iter().chain(high_end(point)));
            return (0.0, values.fold(0.0, f64::max));
        };
        (scale.low, scale.high)
    }
}

/// The upper end of an interval that is not so wide that nothing else could be seen.
fn high_end(point: &Point) -> Option<f64> {
    let (value, [_, high]) = (point.measured.value?, point.measured.ci?);
    (high < 4.0 * value).then_some(high)
}

/// `content 0123456789ab, 3 runs`; of several contents the newest is shown.
fn contents(series: &Series<'_>) -> String {
    let newest = series.points.last().map(|point| hash(&point.of.prompt_hash)).unwrap_or_default();
    let distinct = |pick: fn(&Point) -> &str| {
        let mut all: Vec<&str> = series.points.iter().map(|point| pick(point)).collect();
        all.sort_unstable();
        all.dedup();
        all.len() as u64
    };
    let runs = count(distinct(|point| &point.of.run), "run");
    match distinct(|point| &point.of.prompt_hash) {
        1 => format!("content {newest}, {runs}"),
        several => format!("content {newest} and {} before, {runs}", count(several - 1, "other")),
    }
}

/// One bar a point.
fn bars(points: &[&Point], scale: (f64, f64)) -> String {
    points.iter().map(|point| point.measured.value.map_or(NO_BAR, |value| bar(value, scale))).collect()
}

fn bar(value: f64, (low, high): (f64, f64)) -> char {
    let share = if high > low { (value - low) / (high - low) } else { 1.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 7")]
    let step = (share * 8.0).clamp(0.0, 7.0) as usize;
    BARS[step]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stand_on_the_scale() {
        let all = [0.0, 0.124, 0.126, 0.5, 0.99, 1.0, 7.0, -1.0];
        assert_eq!(all.map(|value| bar(value, (0.0, 1.0))).iter().collect::<String>(), "▁▁▂▅███▁");
        assert_eq!(bar(0.0, (0.0, 0.0)), '█');
    }
}
