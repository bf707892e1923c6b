//! The closing words.

use std::path::PathBuf;

use super::screen::{Ink, Screen, count, dollars, thousands};
use super::table::name;
use crate::record::{Column, Ending, RunTail, Spent};
use crate::report::Derived;
use crate::stats::{Rounds, Tally, Total};

/// Metrics that are listed.
const METRICS: usize = 8;
/// Flaky cases that are listed.
const FLAKY: usize = 10;

/// One block a column: pass rate with its interval, score, tokens, cost, latency.
pub(super) fn show(columns: &[Column], tally: &Tally, rounds: &[Rounds], derived: &Derived, screen: &Screen) {
    for ((column, total), rounds) in columns.iter().zip(&tally.columns).zip(rounds) {
        let label = screen.line(&column.label, screen.width.saturating_sub(24).max(20));
        screen.out(&format!(
            "{}  {}",
            screen.paint(Ink::Strong, &label),
            screen.paint(Ink::Dim, &screen.line(&column.provider, 40))
        ));
        screen.out(&format!("  {}", judged(total, screen)));
        screen.out(&format!("  {}", spent(total)));
        if let Some(line) = graders(total) {
            screen.out(&format!("  {line}"));
        }
        if let Some(line) = metrics(total, derived, screen) {
            screen.out(&format!("  {line}"));
        }
        repeats(rounds, screen);
    }
    screen.out("");
}

pub(super) fn judged(total: &Total, screen: &Screen) -> String {
    let mut parts = vec![format!("{} of {} passed", thousands(total.passed), thousands(total.judged()))];
    if let Some((rate, (low, high))) = total.pass_rate() {
        parts.push(format!("{} [{}, {}]", percent(rate), percent(low), percent(high)));
    }
    if let Some(score) = total.mean_score() {
        parts.push(format!("score {score:.3}"));
    }
    if total.errored > 0 {
        parts.push(screen.paint(Ink::Odd, &format!("{} without a verdict", thousands(total.errored))));
    }
    if total.unasserted > 0 {
        parts.push(screen.paint(Ink::Odd, &format!("{} without assertions", thousands(total.unasserted))));
    }
    parts.join(" · ")
}

pub(super) fn spent(total: &Total) -> String {
    let mut parts = vec![count(total.usage.total, "token")];
    parts.push(total.cost.map_or_else(|| "cost unknown".to_owned(), dollars));
    if total.cached > 0 {
        parts.push(format!("{} from the cache", thousands(total.cached)));
    }
    if let Some([p50, p95, p99]) = total.latency([0.5, 0.95, 0.99]) {
        parts.push(format!(
            "latency p50 {} · p95 {} · p99 {} ms",
            thousands(p50.into()),
            thousands(p95.into()),
            thousands(p99.into())
        ));
    }
    parts.join(" · ")
}

/// What the judging took, apart from what was judged.
pub(super) fn graders(total: &Total) -> Option<String> {
    let Spent { requests, tokens, cost } = total.grading;
    let cost = cost.map_or_else(|| "cost unknown".to_owned(), dollars);
    let took = format!("{} · {} · {}", count(requests, "request"), count(tokens.total, "token"), cost);
    (requests > 0).then(|| format!("graders: {took}"))
}

/// The means of the metrics, and what is derived from them.
fn metrics(total: &Total, derived: &Derived, screen: &Screen) -> Option<String> {
    let mean = |(name, (sum, weight)): (&String, &(f64, f64))| {
        let mean = if *weight > 0.0 { sum / weight } else { 0.0 };
        format!("{} {mean:.3}", screen.line(name, 30))
    };
    let sums = total.named.iter().map(|(name, (sum, _))| (name.clone(), *sum)).collect();
    let values = derived.values(&sums, total.cells());
    let derived = values.iter().map(|(name, value)| format!("{} {value:.3}", screen.line(name, 30)));
    let all: Vec<String> = total.named.iter().map(mean).chain(derived).collect();
    let shown = all.iter().take(METRICS).cloned().collect::<Vec<_>>().join(" · ");
    let rest = all.len().saturating_sub(METRICS);
    let more = if rest > 0 { format!(" · {rest} more in the report") } else { String::new() };
    (!all.is_empty()).then(|| format!("metrics: {shown}{more}"))
}

/// What repeats come to: how likely one of them passes, how likely all do, and which cases are undecided.
fn repeats(rounds: &Rounds, screen: &Screen) {
    let k = rounds.repeats.least_runs();
    if !rounds.repeats.any() {
        return;
    }
    let mut parts = Vec::new();
    if k > 1 {
        let share = |found: Result<f64, crate::stats::Status>| found.map_or_else(|_| "–".into(), percent);
        parts.push(format!("pass@{k} {}", share(rounds.repeats.pass_at(k))));
        parts.push(format!("pass^{k} {}", share(rounds.repeats.pass_hat(k))));
    }
    parts.push(count(rounds.repeats.flaky(), "flaky case"));
    screen.out(&format!("  {}", parts.join(" · ")));
    for flaky in rounds.flaky.iter().take(FLAKY) {
        let word = if flaky.enough { "enough" } else { "flaky " };
        let ink = if flaky.enough { Ink::Dim } else { Ink::Odd };
        let name = name(&flaky.case, 0, screen.width.saturating_sub(36), screen);
        let place = screen.paint(Ink::Dim, &flaky.case.at.to_string());
        screen.out(&format!("    {} {} of {}  {name}  {place}", screen.paint(ink, word), flaky.passed, flaky.runs));
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// What the last line is made of.
pub(super) struct End<'a> {
    pub(super) tail: &'a RunTail,
    pub(super) all: &'a Total,
    pub(super) retries: u64,
    /// The run that is in the store, as its command line names it: `-c CONFIG --resume ID`.
    pub(super) kept: Option<String>,
}

/// What a person does next, when not all is told.
fn next_step(end: &End<'_>) -> Option<String> {
    let run = end.kept.as_ref()?;
    if end.tail.ending == Ending::Budget {
        return Some(format!("with a larger budget `prompteval run {run}` goes on with it"));
    }
    if !matches!(end.tail.ending, Ending::Complete | Ending::Decided) {
        return Some(format!("`prompteval run {run}` goes on with it"));
    }
    (end.all.errored > 0).then(|| format!("`prompteval run {run} --retry-errors` asks again where there is no verdict"))
}

/// The last line: counts, time, files.
pub(super) fn last_line(end: &End<'_>, screen: &Screen) {
    let all = end.all;
    let part = |ink, n: u64, word: &str| {
        let text = format!("{} {word}", thousands(n));
        if n > 0 { screen.paint(ink, &text) } else { text }
    };
    #[expect(clippy::cast_precision_loss, reason = "seconds for people")]
    let seconds = end.tail.duration_ms as f64 / 1000.0;
    let mut line = format!(
        "{}: {}, {}, {}",
        count(all.cells(), "cell"),
        part(Ink::Good, all.passed, "passed"),
        part(Ink::Bad, all.failed, "failed"),
        part(Ink::Odd, all.errored, "without a verdict"),
    );
    if end.tail.unrun > 0 {
        line += &format!(", {}", part(Ink::Odd, end.tail.unrun, "not run"));
    }
    if end.retries > 0 {
        line += &format!(", {} repeated", count(end.retries, "request"));
    }
    line += &format!(" in {seconds:.1} s");
    screen.out(&line);
    if !matches!(end.tail.ending, Ending::Complete | Ending::Decided) {
        screen.warning("the run did not come to its end; reports hold what was finished");
    }
    if let Some(next) = next_step(end) {
        screen.err(&format!("hint: {next}"));
    }
}

/// Which reports there are.
pub(super) fn wrote(paths: &[PathBuf], screen: &Screen) {
    if screen.quiet {
        return;
    }
    for path in paths.iter().filter(|p| !p.starts_with("/dev")) {
        screen.err(&format!("wrote {}", path.display()));
    }
}
