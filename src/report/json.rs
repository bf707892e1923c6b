//! Promptfoo's JSON, streamed.
//!
//! `results.results[]` comes first and the sums after it: they are not known before. One result
//! stands on one line, so that two reports can be compared with line tools.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::derived::Derived;
use super::item::Lines;
use super::tally::{Stats, Tally};
use super::{Format, Options, Report, broken, column_of};
use crate::env::{Redactor, Whose, format_time};
use crate::record::{Outcome, RunHead, RunTail};

pub(super) static JSON: Format = Format {
    name: "json",
    endings: &[".json"],
    about: "everything, in promptfoo's shape (results version 3)",
    open: |Options { redactor, .. }| {
        let lines = Lines::new(redactor.clone());
        Box::new(Json { redactor, lines, head: None, columns: Vec::new(), any: false })
    },
};

struct Json {
    redactor: Redactor,
    lines: Lines,
    head: Option<RunHead>,
    columns: Vec<Tally>,
    any: bool,
}

impl Report for Json {
    fn start(&mut self, out: &mut dyn Write, head: &RunHead) -> io::Result<()> {
        self.columns = vec![Tally::default(); head.columns.len()];
        self.head = Some(head.clone());
        let (id, timestamp) = (self.text(json!(head.id))?, self.text(json!(format_time(head.started_ms)))?);
        write!(out, "{{\"evalId\":{id},\n\"results\":{{\"version\":3,\"timestamp\":{timestamp},\"results\":[")
    }

    fn cell(&mut self, out: &mut dyn Write, outcome: &Outcome) -> io::Result<()> {
        let head = self.head.as_ref().ok_or_else(unstarted)?;
        let line = self.lines.of(outcome, column_of(&head.columns, outcome)?)?;
        if let Some(tally) = self.columns.get_mut(outcome.column) {
            tally.add(outcome);
        }
        out.write_all(if std::mem::replace(&mut self.any, true) { b",\n" } else { b"\n" })?;
        out.write_all(line)
    }

    fn finish(&mut self, out: &mut dyn Write, tail: &RunTail) -> io::Result<()> {
        let derived = Derived::of(&self.head()?.config);
        self.columns.iter_mut().for_each(|tally| tally.derive(&derived));
        let head = self.head()?;
        let stats = serde_json::to_value(Stats::of(&self.columns, tail.unrun, tail.duration_ms))?;
        write!(out, "\n],\n\"prompts\":{},\n\"stats\":{}}},\n", self.text(self.prompts(head)?)?, self.text(stats)?)?;
        let config = self.redactor.clean_config(&head.config).to_string();
        writeln!(out, "\"config\":{config},\n\"metadata\":{}}}", self.text(metadata(head, tail))?)
    }
}

impl Json {
    fn head(&self) -> io::Result<&RunHead> {
        self.head.as_ref().ok_or_else(unstarted)
    }

    /// A piece of our own as JSON text, without secrets.
    fn text(&self, value: Value) -> io::Result<String> {
        Ok(serde_json::to_string(&self.redactor.clean_json(value, Whose::Ours))?)
    }

    /// What the columns are and what they add up to.
    fn prompts(&self, head: &RunHead) -> io::Result<Value> {
        let prompts = head.columns.iter().zip(&self.columns).map(|(column, tally)| {
            let mut prompt = json!({
                "provider": column.provider,
                "providerId": column.provider_id,
                "raw": column.raw,
                "label": column.label,
                "id": column.prompt_hash,
            });
            if let Some(version) = &column.version {
                prompt["version"] = json!(version);
            }
            if let Some(identity) = &column.identity {
                prompt["providerIdentity"] = json!(identity);
            }
            prompt["metrics"] = serde_json::to_value(tally)?;
            Ok(prompt)
        });
        prompts.collect()
    }
}

fn unstarted() -> io::Error {
    broken("a report must be started first")
}

fn metadata(head: &RunHead, tail: &RunTail) -> Value {
    json!({
        "promptevalVersion": head.tool_version,
        "evaluationCreatedAt": format_time(head.started_ms),
        "exportedAt": format_time(tail.finished_ms),
        "description": head.description,
        "configPath": head.config_path,
        "ending": tail.ending,
        "cases": head.cases,
        "cells": head.cells,
        "repeat": head.repeat,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{cell, head, options, record};

    fn report(outcomes: Vec<Outcome>, unrun: u64) -> Value {
        let bytes = crate::report::render(&JSON, &record(head(), outcomes, unrun), options()).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn has_promptfoos_shape() {
        let doc = report(vec![cell("a").output("x").done(), cell("a").column(1).fails("no").done()], 1);
        assert_eq!((&doc["evalId"], &doc["results"]["version"]), (&json!("run-1"), &json!(3)));
        assert_eq!(doc["results"]["timestamp"], "2026-11-22T09:00:00.000Z");
        let results = doc["results"]["results"].as_array().unwrap();
        assert_eq!(results.iter().map(|r| r["promptIdx"].as_u64()).collect::<Vec<_>>(), [Some(0), Some(1)]);
        let (stats, prompts) = (&doc["results"]["stats"], &doc["results"]["prompts"]);
        assert_eq!(
            (&stats["successes"], &stats["failures"], &stats["errors"], &stats["unrun"]),
            (&json!(1), &json!(1), &json!(0), &json!(1))
        );
        assert_eq!(
            (&prompts[0]["metrics"]["testPassCount"], &prompts[1]["metrics"]["testFailCount"]),
            (&json!(1), &json!(1))
        );
        assert_eq!((&prompts[0]["version"], prompts[1].get("version")), (&json!("2.1.0"), None));
        assert_eq!(doc["metadata"]["ending"], "interrupted");
    }

    #[test]
    fn a_run_without_cells_is_still_json() {
        assert_eq!(report(vec![], 0)["results"]["results"], json!([]));
    }

    #[test]
    fn sums_tokens_cost_and_time() {
        let doc = report(vec![cell("a").output("x").done(), cell("b").output("y").done()], 0);
        let metrics = &doc["results"]["prompts"][0]["metrics"];
        assert_eq!((&metrics["totalLatencyMs"], &metrics["cost"]), (&json!(2500), &json!(0.5)));
        assert_eq!(doc["results"]["stats"]["tokenUsage"]["total"], 20);
    }
}
