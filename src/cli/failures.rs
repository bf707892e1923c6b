//! Why cells failed, each at its line in the config.

use std::collections::VecDeque;
use std::io::BufRead;
use std::sync::Arc;

use serde::Serialize;

use super::screen::{Ink, Screen, count};
use super::table::{name, title};
use crate::diag::Location;
use crate::env::is_redacted;
use crate::record::{Column, Mark, Outcome, Reason, Status, Verdict};

/// How many are explained before the rest is only counted.
const EXPLAINED: usize = 12;
/// How many lines of an expected value are shown.
const VALUE_LINES: usize = 4;

pub(super) fn show(columns: &[Column], unhappy: &VecDeque<Arc<Outcome>>, all: u64, screen: &Screen) {
    let most = if screen.verbose { usize::MAX } else { EXPLAINED };
    let mut told: Vec<String> = Vec::new();
    let mut shown = 0;
    for outcome in unhappy {
        // Cells that were never sent repeat the word of the one that was.
        let unsent = outcome.failure.as_ref().is_some_and(|f| f.reason == Reason::NotSent);
        let message = outcome.failure.as_ref().map(|f| f.message.clone());
        let repeated = message.as_ref().is_some_and(|m| told.contains(m));
        if unsent || repeated || shown >= most {
            continue;
        }
        told.extend(message);
        shown += 1;
        explain(columns, outcome, screen);
    }
    let rest = all - shown as u64;
    if rest > 0 {
        let hint = if screen.verbose { "a report (-o FILE)" } else { "-v or a report (-o FILE)" };
        screen.out(&format!("{} not explained here; {hint} shows them\n", count(rest, "more unhappy cell")));
    }
}

fn explain(columns: &[Column], outcome: &Outcome, screen: &Screen) {
    let (word, ink) = match outcome.status {
        Status::Errored => ("ERROR", Ink::Odd),
        _ => ("FAIL", Ink::Bad),
    };
    let column = &columns[outcome.column];
    let mut head = format!(
        "{}  {}",
        screen.paint(ink, word),
        screen.paint(Ink::Strong, &name(&outcome.case, outcome.repeat, screen.width, screen))
    );
    if columns.len() > 1 {
        head += &format!("  {}", screen.paint(Ink::Dim, &title(columns, column, 40, screen)));
    }
    screen.out(&head);
    let wide = screen.width.saturating_sub(4).max(60) * 3;
    if let Some(failure) = &outcome.failure {
        screen.out(&format!("  {}", screen.line(&failure.message, wide)));
        if let Some(hint) = &failure.hint {
            screen.out(&format!("  {}: {}", screen.paint(Ink::Strong, "hint"), screen.line(hint, wide)));
        }
    }
    if outcome.status == Status::Failed && outcome.reason().is_none() {
        screen.out(&format!("  {}", screen.line(&outcome.too_little(), wide)));
    }
    for verdict in causes(&outcome.verdicts).filter(|v| &*v.kind != "assert-set") {
        let line = (!held_secrets(&(&*outcome.case, verdict))).then(|| source_line(&verdict.at)).flatten();
        explain_verdict(verdict, line.as_deref(), screen, wide);
    }
    if let Some(input) = input(outcome) {
        screen.out(&format!("  {} {}", screen.paint(Ink::Dim, "input "), screen.line(&input, wide)));
    }
    if let Some(response) = &outcome.response {
        screen.out(&format!("  {} {}", screen.paint(Ink::Dim, "output"), screen.line(&response.output.text(), wide)));
    }
    screen.out("");
}

/// Verdicts that are no passes, but for parts of what passes as a whole.
fn causes(verdicts: &[Verdict]) -> impl Iterator<Item = &Verdict> {
    let mut passed = None;
    verdicts.iter().filter(move |verdict| {
        if passed.is_some_and(|depth| verdict.depth > depth) {
            return false;
        }
        passed = (verdict.mark == Mark::Pass).then_some(verdict.depth);
        verdict.mark != Mark::Pass
    })
}

fn explain_verdict(verdict: &Verdict, line: Option<&str>, screen: &Screen, wide: usize) {
    let said = match verdict.mark {
        Mark::Error => format!("cannot be judged: {}", verdict.reason),
        _ => verdict.reason.clone(),
    };
    screen.out(&format!("  {}: {}", screen.paint(Ink::Strong, &verdict.kind), screen.line(&said, wide)));
    screen.out(&format!("    {} {}", screen.paint(Ink::Dim, "-->"), verdict.at));
    if let Some(line) = line {
        let number = verdict.at.line.to_string();
        let bar = screen.paint(Ink::Dim, "|");
        let line = screen.line(line, screen.width.saturating_sub(10 + number.len()));
        screen.out(&format!("    {number} {bar} {line}"));
    }
    if let Some(value) = verdict.unsaid().filter(|value| !line.is_some_and(|line| line.contains(*value))) {
        show_value(value, verdict.at.line.to_string().len(), screen);
    }
}

/// What was expected, where neither the reason nor the line of the config says it.
fn show_value(value: &str, indent: usize, screen: &Screen) {
    let bar = screen.paint(Ink::Dim, "|");
    let all = value.lines().count();
    for (at, text) in value.lines().take(VALUE_LINES).enumerate() {
        let more = if at + 1 == VALUE_LINES && all > VALUE_LINES { " …" } else { "" };
        let text = screen.line(text, screen.width.saturating_sub(12 + indent));
        screen.out(&format!("    {:indent$} {bar} {text}{more}", ""));
    }
}

/// The case's question, where a variable has one of the usual names; else all its variables.
fn input(outcome: &Outcome) -> Option<String> {
    let vars = &outcome.case.vars;
    if vars.is_empty() {
        return None;
    }
    let text = |v: &serde_json::Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let main = ["input", "question", "query", "message", "prompt"].iter().find_map(|key| vars.get(*key));
    Some(
        main.map_or_else(|| vars.iter().map(|(k, v)| format!("{k}: {}", text(v))).collect::<Vec<_>>().join(", "), text),
    )
}

/// Whether secrets were taken out of what a stored run kept. Its file has them still, and who reads the
/// run again may not know them.
fn held_secrets(kept: &impl Serialize) -> bool {
    serde_json::to_string(kept).is_ok_and(|text| is_redacted(&text))
}

/// The line of the file, when it can still be read.
fn source_line(at: &Location) -> Option<String> {
    let file = std::fs::File::open(&*at.file).ok()?;
    let index = usize::try_from(at.line).ok()?.checked_sub(1)?;
    std::io::BufReader::new(file).lines().nth(index)?.ok().map(|line| line.trim().to_owned())
}
