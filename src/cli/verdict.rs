//! Comparisons and decisions on the terminal.

use super::grid::Grid;
use super::rivals::Matched;
use super::screen::{Ink, Screen, count};
use super::table::name;
use crate::record::Outcome;
use crate::report::{GateReport, Piece, diff_words};
use crate::stats::gate::Verdict;
use crate::stats::words::{amount, percent, points, quantity, signed};
use crate::stats::{Better, Changed, Comparison, Estimate, MetricResult, Party, words};

/// Changed cases that are shown; the counts go on.
const SHOWN: usize = 12;
/// Case ids that are listed.
const LISTED: usize = 10;

/// One comparison: what changed, what the numbers say, what the gate decided.
pub(super) fn show(matched: &Matched, screen: &Screen) {
    if let Some(comparison) = &matched.comparison {
        let line = format!("{} against {}", party(&comparison.candidate, screen), party(&comparison.baseline, screen));
        screen.out(&screen.paint(Ink::Strong, &line));
        changes(matched, screen);
        numbers(comparison, screen);
        if matched.changes > SHOWN as u64 {
            let pass = comparison.metric("pass");
            ids("broken", pass.map(|pass| &*pass.broken).unwrap_or_default(), screen);
            ids("fixed", pass.map(|pass| &*pass.fixed).unwrap_or_default(), screen);
        }
    }
    if let Some(gate) = &matched.gate {
        decision(gate, screen);
    }
    screen.out("");
}

fn party(party: &Party, screen: &Screen) -> String {
    screen.line(&party.prompt, 60)
}

/// The changed cases, the broken ones first.
fn changes(matched: &Matched, screen: &Screen) {
    let mut list: Vec<&Changed> = matched.changed.iter().collect();
    list.sort_by_key(|changed| changed.better);
    list.sort_by_key(|changed| changed.better != Some(false));
    for changed in list.iter().take(SHOWN) {
        let (word, ink) = match changed.better {
            Some(true) => ("fixed ", Ink::Good),
            Some(false) => ("broken", Ink::Bad),
            None => ("unsure", Ink::Odd),
        };
        let name = name(&changed.case, 0, screen.width.saturating_sub(28), screen);
        let place = screen.paint(Ink::Dim, &screen.line(&changed.case.at.to_string(), 60));
        screen.out(&format!("  {}  {name}  {place}", screen.paint(ink, word)));
        if let Some(before) = &changed.before {
            difference(before, &changed.after, screen);
        }
    }
    let hidden = matched.changes.saturating_sub(list.len().min(SHOWN) as u64);
    if hidden > 0 {
        screen.out(&format!("  and {}; --format html or json shows them", count(hidden, "more changed case")));
    }
}

/// The two answers one below the other, what differs in colour.
fn difference(before: &Outcome, after: &Outcome, screen: &Screen) {
    let text = |outcome: &Outcome| match &outcome.response {
        Some(response) => screen.line(&response.output.text(), 4000),
        None => screen.line(outcome.reason().unwrap_or("no answer"), 4000),
    };
    let pieces = diff_words(&text(before), &text(after));
    let most = screen.width.saturating_sub(12);
    for (mark, ink, removed) in [("-", Ink::Bad, true), ("+", Ink::Good, false)] {
        let own = pieces.iter().filter_map(|piece| match piece {
            Piece::Same(words) => Some((Ink::Dim, words)),
            Piece::Removed(words) => removed.then_some((Ink::Bad, words)),
            Piece::Added(words) => (!removed).then_some((Ink::Good, words)),
        });
        screen.out(&format!("          {} {}", screen.paint(ink, mark), side_of(own, most, screen)));
    }
}

/// One side's words, the changed ones in sight.
fn side_of<'a>(pieces: impl Iterator<Item = (Ink, &'a String)>, most: usize, screen: &Screen) -> String {
    let (mut out, mut room) = (String::new(), most);
    for (ink, words) in pieces {
        let words = if matches!(ink, Ink::Dim) { elided(words) } else { words.clone() };
        if room == 0 {
            break;
        }
        let short = console::truncate_str(&words, room, "…");
        room -= console::measure_text_width(&short).min(room);
        out += &screen.paint(ink, &short);
    }
    out
}

/// Same words without those far from a change.
fn elided(words: &str) -> String {
    const NEAR: usize = 30;
    let count = words.chars().count();
    if count <= 2 * NEAR + 3 {
        return words.to_owned();
    }
    let head: String = words.chars().take(NEAR).collect();
    let tail: String = words.chars().skip(count - NEAR).collect();
    format!("{head}…{tail}")
}

/// The metrics in a table, and in a sentence what they say of passing.
fn numbers(comparison: &Comparison, screen: &Screen) {
    let mut grid = Grid::default();
    let of = |cell: &dyn Fn(&MetricResult) -> String| comparison.metrics.iter().map(cell).collect::<Vec<String>>();
    grid.words("metric", of(&|m| screen.line(&m.name, 24)));
    if comparison.metrics.iter().any(|m| m.n != comparison.n_paired) {
        grid.numbers("cases", of(&|m| m.n.to_string()));
    }
    grid.numbers("baseline", of(&|m| side(m, &m.baseline)));
    grid.numbers("candidate", of(&|m| side(m, &m.candidate)));
    grid.numbers("difference", of(&change));
    grid.words("interval", of(&interval));
    grid.numbers(
        "p, Holm",
        of(&|m| m.p_adjusted.map_or_else(String::new, |p| words::p_value(p).replace("p = ", "").replace("p ", ""))),
    );
    grid.words("", of(&|m| verdict(m, screen)));
    if grid.width() + 2 > screen.width {
        grid.without("p, Holm");
    }
    grid.show_with("  ", screen);
    if let Some(pass) = comparison.metric("pass") {
        screen.wrapped("  ", "  ", &words::metric(pass, comparison));
    }
    dropped(comparison, screen);
}

fn ids(word: &str, ids: &[std::sync::Arc<str>], screen: &Screen) {
    if ids.is_empty() {
        return;
    }
    let list: Vec<String> = ids.iter().take(LISTED).map(|id| screen.line(id, 40)).collect();
    let more = ids.len().saturating_sub(LISTED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    screen.out(&screen.paint(Ink::Dim, &format!("  {word}: {}{more}", list.join(", "))));
}

fn side(metric: &MetricResult, estimate: &Estimate) -> String {
    let Some(mean) = estimate.mean else { return "–".into() };
    match (&*metric.name, metric.scale) {
        ("pass", _) => format!("{} %", points(mean)),
        (_, Some(_)) => amount(mean),
        (_, None) => quantity(mean, metric.unit),
    }
}

fn change(metric: &MetricResult) -> String {
    let Some(difference) = metric.difference else { return "–".into() };
    match (&*metric.name, metric.scale) {
        ("pass", _) => format!("{} pp", signed(&points(difference))),
        (_, Some(_)) => signed(&amount(difference)),
        (_, None) => format!("{} %", signed(&points(difference))),
    }
}

fn interval(metric: &MetricResult) -> String {
    let Some(ends) = metric.ci else { return metric.status.map_or("–", crate::stats::Status::words).into() };
    let scaled = metric.scale.is_some() && &*metric.name != "pass";
    let [low, high] = ends.map(|end| signed(&if scaled { amount(end) } else { points(end) }));
    format!("[{low}, {high}]")
}

fn verdict(metric: &MetricResult, screen: &Screen) -> String {
    match metric.verdict {
        Better::Better => screen.paint(Ink::Good, "better"),
        Better::Worse => screen.paint(Ink::Bad, "worse"),
        Better::NoClearDifference => screen.paint(Ink::Dim, "no clear difference"),
    }
}

fn dropped(comparison: &Comparison, screen: &Screen) {
    let d = &comparison.dropped;
    let parts: Vec<String> = [
        (d.baseline_only, "only in the baseline"),
        (d.candidate_only, "only in the candidate"),
        (d.baseline_errored, "without a verdict in the baseline"),
        (d.candidate_errored, "without a verdict in the candidate"),
        (d.changed, "with other inputs or assertions"),
    ]
    .iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, why)| format!("{n} {why}"))
    .collect();
    if !parts.is_empty() {
        screen.out(&format!("  {}: {}", screen.paint(Ink::Odd, "not compared"), parts.join(", ")));
    }
}

/// What the gate decided, rule by rule.
pub(super) fn decision(gate: &GateReport, screen: &Screen) {
    let decision = &gate.decision;
    let (word, ink) = match decision.decision {
        Verdict::Pass => ("open", Ink::Good),
        Verdict::Regression => ("closed: regression", Ink::Bad),
        Verdict::Inconclusive if gate.early.is_some() => ("closed: it can no longer open", Ink::Bad),
        Verdict::Inconclusive => ("closed: not enough evidence", Ink::Odd),
        Verdict::Invalid => ("closed: nothing to decide on", Ink::Bad),
    };
    let try_of = gate.attempt.map_or_else(String::new, |n| if n > 1 { format!(" (try {n})") } else { String::new() });
    let against = match &gate.baseline {
        Some(baseline) => format!("{} against {}", party(&gate.candidate, screen), party(baseline, screen)),
        None => format!("{}, without a baseline: absolute rules only", party(&gate.candidate, screen)),
    };
    screen.out(&format!(
        "{} {}{try_of}  {}",
        screen.paint(Ink::Strong, "gate"),
        screen.paint(ink, word),
        screen.paint(Ink::Dim, &against)
    ));
    if let Some(early) = &gate.early {
        let (asked, saved) = (early.asked, early.saved);
        let open = decision.decision == Verdict::Pass;
        let even = if open { "failed" } else { "passed" };
        let cases = count(asked + saved, "case");
        screen.out(&format!("  decided after {asked} of {cases}: the same even if all {saved} others {even}"));
    }
    if decision.rules.is_empty() {
        screen.wrapped("  ", "  ", &screen.line(&decision.words, 400));
    }
    for finding in &decision.rules {
        let (mark, ink) = match finding.verdict {
            Verdict::Pass => ("holds ", Ink::Good),
            Verdict::Inconclusive => ("unsure", Ink::Odd),
            Verdict::Regression | Verdict::Invalid => ("closed", Ink::Bad),
        };
        let mark = format!("  {}  ", screen.paint(ink, mark));
        screen.wrapped(&mark, "          ", &screen.line(&finding.words, 600));
    }
    if gate.attempt.is_some_and(|n| n > 1) {
        let tries = gate.attempt.unwrap_or(1);
        // One try lets 4.8 % through.
        let chance = 1.0 - 0.952_f64.powi(i32::try_from(tries).unwrap_or(i32::MAX));
        let chance = percent((100.0 * chance).round() / 100.0);
        screen.out(&format!(
            "  {tries} tries on the same cases: of candidates that are truly at the limit about {chance} % get through"
        ));
    }
}
