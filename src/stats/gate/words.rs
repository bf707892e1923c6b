//! The gate in sentences.

use std::sync::Arc;

use super::decide::Verdict;
use super::facts::Facts;
use super::guard::{Shown, blind_spot};
use crate::stats::pairs::Row;
use crate::stats::words::{amount, cases, percent, points, signed, thousands};

/// What a guard's sentence is made of.
pub(super) struct Telling<'a> {
    pub(super) row: &'a Row,
    pub(super) shown: &'a Shown,
    pub(super) margin: f64,
    pub(super) confidence: f64,
    pub(super) needed: Option<u64>,
    /// Cases that count as the worst because they have no verdict.
    pub(super) worst: u64,
}

/// How many cases went which way, how large the difference is, what it could be, and what is allowed.
pub(super) fn guard(t: &Telling<'_>) -> String {
    let pass = t.row.metric.is_pass();
    let say = |value: f64| if pass { signed(&points(value)) } else { signed(&amount(value)) };
    let size = |value: f64| if pass { format!("{} pp", points(value.abs())) } else { amount(value.abs()) };
    let (up, down) = if pass { ("fixed", "broken") } else { ("better", "worse") };
    let head = if pass { String::new() } else { format!("{}: ", t.row.metric.name) };
    let mut text = format!(
        "{head}{}: {} {up}, {} {down}. Difference {}{}; ",
        cases(t.row.cases),
        thousands(t.row.fixed.len() as u64),
        thousands(t.row.broken.len() as u64),
        say(t.shown.difference),
        if pass { " pp" } else { "" },
    );
    let sure = format!("at {} % confidence", percent(t.confidence));
    let limit = if pass { points(t.margin) } else { amount(t.margin) };
    match t.shown.verdict {
        Verdict::Pass if t.shown.lower > 0.0 => text += &format!("{sure} at least {} better", size(t.shown.lower)),
        Verdict::Pass => text += &format!("{sure} at most {} worse; limit {limit}", size(t.shown.lower)),
        Verdict::Regression => text += &format!("{sure} at least {} worse", size(t.shown.upper)),
        _ => text += &format!("could be up to {} worse; limit {limit}", size(t.shown.lower)),
    }
    text.push('.');
    if t.worst > 0 {
        let count = if t.worst == 1 { "counts" } else { "count" };
        text += &format!(" {} without a verdict {count} as the worst.", cases(t.worst));
    }
    if t.shown.drop && t.shown.verdict == Verdict::Pass {
        text += " A small but real drop.";
    }
    if t.shown.verdict == Verdict::Inconclusive {
        text += " NOT SHOWN.";
        text += &outlook(t);
    }
    text
}

/// Whether more cases would help.
fn outlook(t: &Telling<'_>) -> String {
    let Some(needed) = t.needed else { return String::new() };
    let number = thousands(needed);
    if t.row.cases >= needed {
        return format!(
            " An equally good candidate passes 4 times in 5 from about {number} cases on, so this size should have \
             been enough: take it as a warning."
        );
    }
    format!(" About {number} cases would show it 4 times in 5 if it is really as good.")
}

/// A sentence's last word, which depends on the whole where the sentence speaks for it.
pub(super) fn close(mut text: String, speaks: bool, own: Verdict, whole: Verdict) -> String {
    if !text.ends_with('.') {
        return text;
    }
    match (own, whole) {
        (Verdict::Pass, Verdict::Pass) if speaks => text += " PROMOTE.",
        (Verdict::Pass, _) => text += " HOLDS.",
        (Verdict::Regression, _) => text += " REGRESSION.",
        _ => {}
    }
    text
}

/// A metric without a scale.
pub(super) fn ratio(name: &str, margin: f64, shown: &Shown, confidence: f64) -> String {
    let change = |value: f64| format!("{} %", signed(&points(-value)));
    let sure = format!("at {} % confidence", percent(confidence));
    let limit = points(margin);
    let head = format!("{name}: {}. Change {}; ", cases_of(shown.units), change(shown.difference));
    match shown.verdict {
        Verdict::Pass => format!("{head}{sure} at most {}; limit +{limit}.", change(shown.lower)),
        Verdict::Regression => format!("{head}{sure} at least {}; limit +{limit}.", change(shown.upper)),
        _ => format!("{head}could be up to {}; limit +{limit}. NOT SHOWN.", change(shown.lower)),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
fn cases_of(units: f64) -> String {
    cases(units as u64)
}

/// A suite that is too small for its margin, whatever happens.
pub(super) fn impossible(units: u64, asked: u64, metric: &str, margin: f64, confidence: f64) -> String {
    let blind = blind_spot(crate::stats::float(units), 1.0, confidence);
    let limit = percent(margin);
    let (of, unit) = if metric == "pass" { (String::new(), "pp") } else { (format!(" of {metric}"), "%") };
    format!(
        "{} cannot show a {limit} {unit} limit{of} even if nothing changes (could be up to {} {unit} worse): {} needed.",
        cases(units),
        points(blind),
        thousands(asked),
    )
}

/// Two runs that did not judge the same cases.
pub(super) fn other_cases(baseline: &Facts, candidate: &Facts) -> String {
    format!("the test sets of the two runs differ: {} there, {} here", cases(baseline.cases), cases(candidate.cases))
}

/// A share of cases that pass.
pub(super) fn pass_rate(facts: &Facts, rate: f64, least: f64) -> String {
    let errored = match facts.errored {
        0 => String::new(),
        n => format!(" ({} without a verdict)", thousands(n)),
    };
    format!("pass rate {} %{errored}; at least {} % asked", points(rate), percent(least))
}

/// Cases that must pass.
pub(super) fn must_pass(failed: &[Arc<str>]) -> String {
    const SHOWN: usize = 5;
    if failed.is_empty() {
        return "all cases that must pass do".into();
    }
    let names: Vec<&str> = failed.iter().take(SHOWN).map(|id| &**id).collect();
    let more = failed.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("must pass, and does not: {}{more}", names.join(", "))
}

/// A figure with an upper limit.
pub(super) fn highest(rule: &str, value: f64, most: f64) -> String {
    match rule {
        "max_p95_latency_ms" => format!("p95 latency {value:.0} ms; at most {most:.0} ms asked"),
        _ => format!("mean cost ${value:.6}; at most ${most:.6} asked"),
    }
}

/// A metric that must get better.
pub(super) fn improvement(row: &Row, shown: bool, difference: f64, lower: f64, least: f64, confidence: f64) -> String {
    let points_of = |value: f64| {
        let text = if row.metric.is_pass() || row.metric.scale.is_none() { points(value) } else { amount(value) };
        let unit = match (row.metric.is_pass(), row.metric.scale.is_none()) {
            (true, _) => " pp",
            (_, true) => " %",
            _ => "",
        };
        signed(&text) + unit
    };
    let word = if shown { "better" } else { "NOT SHOWN to be better" };
    let asked = if least > 0.0 { format!("; more than {} asked", points_of(least)) } else { String::new() };
    format!(
        "{}: {word}: difference {}, at {} % confidence at least {}{asked}",
        row.metric.name,
        points_of(difference),
        percent(confidence),
        points_of(lower),
    )
}
