//! Comparisons and decisions on the terminal.

use super::grid::{Grid, Step};
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
/// What gives way where the terminal is narrow, in this order.
const STEPS: &[Step] = &[
    |grid, _| grid.without("p, Holm"),
    |grid, _| grid.rewrite("", |cell| cell.replace("no clear difference", "–")),
    |grid, _| grid.without("cases"),
    |grid, _| grid.without("baseline"),
    |grid, screen| grid.shorten("metric", 8, screen),
    |grid, _| grid.without("candidate"),
];

/// One comparison: what changed, what the numbers say, what the gate decided. Quiet, only the last word.
pub(super) fn show(matched: &Matched, screen: &Screen) {
    if let Some(comparison) = matched.comparison.as_ref().filter(|_| !screen.quiet) {
        let line = against(&comparison.candidate, Some(&comparison.baseline), screen);
        screen.out(&screen.paint(Ink::Strong, &line));
        changes(matched, screen);
        numbers(comparison, screen);
        if matched.changes > SHOWN as u64 {
            let pass = comparison.metric("pass");
            ids("broken", pass.map(|pass| &*pass.broken).unwrap_or_default(), screen);
            ids("fixed", pass.map(|pass| &*pass.fixed).unwrap_or_default(), screen);
        }
    }
    match (&matched.gate, &matched.comparison) {
        (Some(gate), _) => decision(gate, screen),
        (None, Some(comparison)) if screen.quiet => sentence(comparison, screen),
        (None, _) => {}
    }
    if !screen.quiet {
        screen.out("");
    }
}

/// Who is held against whom: with what tells them apart where their prompts have one name.
fn against(candidate: &Party, baseline: Option<&Party>, screen: &Screen) -> String {
    let name = |party: &Party| screen.line(&party.prompt, 60);
    let at = screen.line(&candidate.provider, 40);
    let Some(baseline) = baseline else {
        return format!("{}, without a baseline: absolute rules only", name(candidate));
    };
    let short = |hash: &str| hash.chars().take(12).collect::<String>();
    let tell = |party: &Party| match () {
        () if baseline.prompt != candidate.prompt => String::new(),
        () if baseline.prompt_hash != candidate.prompt_hash => format!(" ({})", short(&party.prompt_hash)),
        () => format!(" ({})", screen.line(&party.run, 40)),
    };
    let place = |party: &Party| {
        if baseline.provider == candidate.provider {
            return String::new();
        }
        format!(" at {}", screen.line(&party.provider, 40))
    };
    let both = format!("{}{}{}", name(candidate), tell(candidate), place(candidate));
    let other = format!("{}{}{}", name(baseline), tell(baseline), place(baseline));
    let same = if baseline.provider == candidate.provider { format!("  at {at}") } else { String::new() };
    format!("{both} against {other}{same}")
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
        screen.out(&format!(
            "  and {}; `prompteval compare` with --format html shows more",
            count(hidden, "more changed case")
        ));
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
    if !comparison.metrics.is_empty() {
        grid.fitting(STEPS, screen).show_with("  ", screen);
        sentence(comparison, screen);
    }
    dropped(comparison, screen);
}

/// What the numbers say of passing.
fn sentence(comparison: &Comparison, screen: &Screen) {
    if let Some(pass) = comparison.metric("pass") {
        screen.wrapped("  ", "  ", &words::metric(pass, comparison));
    }
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

/// The gate's word, and who is meant.
pub(super) fn headline(gate: &GateReport, screen: &Screen) -> String {
    let absolute = !matches!(gate.decision.rule, "max_regression" | "max_increase");
    let (word, ink) = match gate.decision.decision {
        Verdict::Pass => ("open", Ink::Good),
        Verdict::Regression if absolute => ("closed: a rule does not hold", Ink::Bad),
        Verdict::Regression => ("closed: regression", Ink::Bad),
        Verdict::Inconclusive if gate.early.is_some() => ("closed: it can no longer open", Ink::Bad),
        Verdict::Inconclusive => ("closed: not enough evidence", Ink::Odd),
        Verdict::Invalid => ("closed: nothing to decide on", Ink::Bad),
    };
    let tries = gate.attempt.filter(|n| *n > 1).map(|n| format!(" (try {n})")).unwrap_or_default();
    let who = against(&gate.candidate, gate.baseline.as_ref(), screen);
    format!(
        "{} {}{tries}  {}",
        screen.paint(Ink::Strong, "gate"),
        screen.paint(ink, word),
        screen.paint(Ink::Dim, &who)
    )
}

/// What the gate decided, rule by rule; quiet, only what does not hold.
pub(super) fn decision(gate: &GateReport, screen: &Screen) {
    let decision = &gate.decision;
    screen.out(&headline(gate, screen));
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
    for finding in decision.rules.iter().filter(|finding| !screen.quiet || finding.verdict != Verdict::Pass) {
        let (mark, ink) = match finding.verdict {
            Verdict::Pass => ("holds ", Ink::Good),
            Verdict::Inconclusive => ("unsure", Ink::Odd),
            Verdict::Regression | Verdict::Invalid => ("closed", Ink::Bad),
        };
        let mark = format!("  {}  ", screen.paint(ink, mark));
        screen.wrapped(&mark, "          ", &screen.line(&finding.words, 600));
    }
    if let Some(tries) = gate.attempt.filter(|n| *n > 1) {
        // One try lets 4.8 % through.
        let chance = 1.0 - 0.952_f64.powi(i32::try_from(tries).unwrap_or(i32::MAX));
        let chance = percent((100.0 * chance).round() / 100.0);
        let said = format!(
            "{tries} tries on the same cases: of candidates that are truly at the limit about {chance} % get through"
        );
        screen.wrapped("  ", "  ", &said);
    }
}
