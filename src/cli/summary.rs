//! The closing words.

use std::path::PathBuf;

use super::screen::{Ink, Screen, count, dollars, thousands};
use super::table::{name, title};
use crate::record::{Column, Ending, RunTail, Status};
use crate::stats::{Changes, Tally, Total};

/// One block a column: pass rate with its interval, score, tokens, cost, latency.
pub(super) fn show(columns: &[Column], tally: &Tally, screen: &Screen) {
    for (column, total) in columns.iter().zip(&tally.columns) {
        let label = screen.line(&column.label, screen.width.saturating_sub(24).max(20));
        screen.out(&format!(
            "{}  {}",
            screen.paint(Ink::Strong, &label),
            screen.paint(Ink::Dim, &screen.line(&column.provider, 40))
        ));
        screen.out(&format!("  {}", judged(total, screen)));
        screen.out(&format!("  {}", spent(total)));
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

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// Which cases changed from the first prompt to each other.
pub(super) fn changes(columns: &[Column], all: &[Changes], screen: &Screen) {
    for changes in all.iter().filter(|c| c.pairs + c.unpaired > 0) {
        let (from, to) = (&columns[changes.baseline], &columns[changes.candidate]);
        let same = changes.pairs - changes.fixed - changes.broken;
        let mut parts = vec![
            screen.paint(Ink::Good, &format!("{} fixed", changes.fixed)),
            screen.paint(if changes.broken > 0 { Ink::Bad } else { Ink::Dim }, &format!("{} broken", changes.broken)),
            format!("{} as before", thousands(same)),
        ];
        if changes.unpaired > 0 {
            parts.push(screen.paint(Ink::Odd, &format!("{} not comparable", changes.unpaired)));
        }
        let line = format!("{} against {}", title(columns, to, 40, screen), title(columns, from, 40, screen));
        screen.out(&format!("{}: {}", screen.paint(Ink::Strong, &line), parts.join(", ")));
        for change in &changes.list {
            let (word, ink) = match (change.before, change.after) {
                (Status::Failed, Status::Passed) => ("fixed ", Ink::Good),
                (Status::Passed, Status::Failed) => ("broken", Ink::Bad),
                _ => ("unsure", Ink::Odd),
            };
            let name = name(&change.case, change.repeat, screen.width.saturating_sub(28), screen);
            screen.out(&format!(
                "  {}  {name}  {}",
                screen.paint(ink, word),
                screen.paint(Ink::Dim, &change.case.at.to_string())
            ));
        }
        let hidden = changes.changed.saturating_sub(changes.list.len() as u64);
        if hidden > 0 {
            screen.out(&format!("  and {}", count(hidden, "more changed case")));
        }
        screen.out("");
    }
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
    if end.tail.ending != Ending::Complete {
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
    if end.tail.ending != Ending::Complete {
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
