//! What is known of a stored run without looking at its cells, in words and as JSON.

use serde_json::{Map, Value, json};

use crate::cli::screen::Screen;
use crate::env::format_time;
use crate::record::{Column, Git};
use crate::stats::wilson;
use crate::store::{GateLine, RunLine};

/// Stands for what is not known.
pub(super) const UNKNOWN: &str = "–";
/// How many digits of a hash are enough for people.
const DIGITS: usize = 12;

/// The time to the minute, UTC.
pub(in crate::cli) fn when(millis: u64) -> String {
    format_time(millis).chars().take(16).collect::<String>().replace('T', " ")
}

/// The beginning of a commit, with a mark when files differ from it.
pub(super) fn git(git: Option<&Git>) -> String {
    git.map_or_else(|| UNKNOWN.to_owned(), |git| cut(&git.commit, 7) + if git.dirty { "*" } else { "" })
}

/// A hash for people.
pub(in crate::cli) fn hash(text: &str) -> String {
    cut(text, DIGITS)
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// `92.0 % [81.2, 96.8]`: the share that passed, with its 95 % interval.
pub(super) fn pass_rate(passed: u64, failed: u64) -> String {
    let Some((rate, low, high)) = rate(passed, failed) else { return UNKNOWN.to_owned() };
    format!("{:.1} % [{:.1}, {:.1}]", rate * 100.0, low * 100.0, high * 100.0)
}

fn rate(passed: u64, failed: u64) -> Option<(f64, f64, f64)> {
    let (low, high) = wilson(passed, passed + failed)?;
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    Some((passed as f64 / (passed + failed) as f64, low, high))
}

/// The newest decision about each pair of prompts, oldest first.
pub(super) fn standing(gates: &[GateLine]) -> Vec<&GateLine> {
    let same = |a: &GateLine, b: &GateLine| a.candidate == b.candidate && a.baseline == b.baseline;
    let newest = gates.iter().enumerate().filter(|(n, gate)| !gates[n + 1..].iter().any(|later| same(gate, later)));
    newest.map(|(_, gate)| gate).collect()
}

/// The newest decisions in a word or two.
pub(super) fn decision(gates: &[GateLine], screen: &Screen) -> String {
    let mut words: Vec<&str> = standing(gates).iter().map(|gate| gate.decision.as_str()).collect();
    words.dedup();
    if words.is_empty() { UNKNOWN.to_owned() } else { screen.line(&words.join("/"), 24) }
}

/// A run as JSON.
pub(super) fn json(line: &RunLine, under_way: bool) -> Map<String, Value> {
    let unrun = unrun(line);
    let value = json!({
        "id": line.name,
        "startedAt": format_time(line.started_ms),
        "ending": line.ending,
        "underWay": under_way,
        "configPath": line.config_path,
        "description": line.description,
        "toolVersion": line.tool_version,
        "git": line.git,
        "cells": line.cells,
        "passed": line.passed,
        "failed": line.failed,
        "errored": line.errored,
        "unrun": unrun,
        "passRate": rate_json(line.passed, line.failed),
        "costUsd": line.summary.and_then(|summary| summary.cost_usd),
        "tokens": line.summary.map(|summary| summary.tokens),
        "requests": line.summary.map(|summary| summary.requests),
        "prompts": prompts(&line.columns),
        "gates": line.gates.iter().map(gate).collect::<Vec<_>>(),
    });
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Cells that have no outcome.
pub(super) fn unrun(line: &RunLine) -> u64 {
    line.cells.saturating_sub(line.passed + line.failed + line.errored)
}

/// A pass rate as JSON; `null` where nothing was judged.
pub(super) fn rate_json(passed: u64, failed: u64) -> Value {
    rate(passed, failed).map_or(Value::Null, |(value, low, high)| json!({"value": value, "low": low, "high": high}))
}

/// The prompts, each once.
fn prompts(columns: &[Column]) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    for column in columns {
        let prompt = prompt(column);
        if !all.contains(&prompt) {
            all.push(prompt);
        }
    }
    all
}

/// A column's prompt as JSON.
pub(super) fn prompt(column: &Column) -> Value {
    json!({
        "label": column.label,
        "name": column.name,
        "version": column.version,
        "contentHash": column.prompt_hash,
    })
}

/// A decision as JSON.
pub(super) fn gate(gate: &GateLine) -> Value {
    json!({
        "decision": gate.decision,
        "rule": gate.rule,
        "decidedAt": format_time(gate.decided_ms),
        "candidate": gate.candidate,
        "baseline": gate.baseline,
        "testSet": gate.test_set,
        "checks": gate.checks,
        "policy": gate.policy,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_come_with_their_interval() {
        assert_eq!(pass_rate(46, 4), "92.0 % [81.2, 96.8]");
        assert_eq!(pass_rate(0, 0), UNKNOWN);
        assert_eq!(rate_json(0, 0), Value::Null);
    }

    #[test]
    fn the_newest_decision_of_a_pair_stands() {
        let gate = |candidate: &str, word: &str| GateLine {
            candidate: candidate.into(),
            decision: word.into(),
            ..GateLine::default()
        };
        let gates = [gate("a", "closed"), gate("b", "closed"), gate("a", "open")];
        let words: Vec<&str> = standing(&gates).iter().map(|gate| gate.decision.as_str()).collect();
        assert_eq!(words, ["closed", "open"]);
    }
}
