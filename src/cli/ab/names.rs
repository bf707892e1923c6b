//! Which column of a file is what.

use std::collections::BTreeMap;

use super::intake::Given;
use super::usage;
use crate::cli::exit::Failure;
use crate::diag::nearest;
use crate::experiment::Metric;

/// The names under which columns are looked for.
const COLUMNS: [(&str, &[&str]); 8] = [
    ("user", &["user", "user_id", "userid"]),
    ("metric", &["metric"]),
    ("value", &["value"]),
    ("event", &["event", "event_id"]),
    ("time", &["time", "timestamp", "at"]),
    ("segment", &["segment"]),
    ("arm", &["arm", "variant"]),
    ("experiment", &["experiment"]),
];

/// Which column is what.
pub(super) struct Names {
    columns: BTreeMap<&'static str, Vec<String>>,
    /// Metrics, and the columns that hold them.
    metrics: Vec<(String, String)>,
    /// Columns that were named on the command line.
    mapped: Vec<String>,
    /// Columns that nobody asked for, and what they may have been meant for.
    strange: BTreeMap<String, Option<String>>,
}

/// So many columns that nobody asked for are remembered.
const STRANGE: usize = 100;

impl Names {
    /// The usual names, and what `--map` says.
    pub(super) fn of(map: &[String], metrics: &[Metric]) -> Result<Self, Failure> {
        let usual = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let mut names = Self {
            columns: COLUMNS.iter().map(|(what, names)| (*what, usual(names))).collect(),
            metrics: metrics.iter().map(|metric| (metric.name.clone(), metric.name.clone())).collect(),
            mapped: Vec::new(),
            strange: BTreeMap::new(),
        };
        for pair in map {
            let (what, column) = pair
                .split_once('=')
                .ok_or_else(|| usage(format!("`--map {pair}` names no column")).hint("write --map user=COLUMN"))?;
            names.map(what, column)?;
        }
        Ok(names)
    }

    fn map(&mut self, what: &str, column: &str) -> Result<(), Failure> {
        if let Some(names) = self.columns.get_mut(what) {
            *names = vec![column.to_owned()];
        } else if let Some(metric) = self.metrics.iter_mut().find(|(metric, _)| metric == what) {
            column.clone_into(&mut metric.1);
        } else {
            return Err(usage(format!("`{what}` is neither a column nor a metric"))
                .hint("map user, event, time, segment, arm, experiment, metric, value, or a metric's name"));
        }
        self.mapped.push(column.to_owned());
        Ok(())
    }

    /// Whether a header has what is needed, and what was named.
    pub(super) fn suit(&mut self, header: &[String], shown: &str) -> Result<(), Failure> {
        let has = |name: &String| header.contains(name);
        let lacks = |what: &str| usage(format!("`{shown}` has no column {what}: it has {}", header.join(", ")));
        if let Some(name) = self.mapped.iter().find(|name| !has(name)) {
            return Err(lacks(&format!("`{name}`")));
        }
        let any = |what: &str| self.columns.get(what).is_some_and(|names| names.iter().any(has));
        if !any("user") {
            let mut known = self.columns.get("user").into_iter().flatten().map(String::as_str);
            let meant = header.iter().find_map(|name| nearest(name, &mut known).map(|_| name));
            let hint = match meant {
                Some(name) => format!("--map user={name}, if that is it"),
                None if header.len() == 1 => "cells stand between commas, semicolons or tabs".to_owned(),
                None => "--map user=COLUMN says which it is".to_owned(),
            };
            return Err(lacks("of users").hint(hint));
        }
        if !any("metric") && !self.metrics.iter().any(|(_, column)| has(column)) {
            let hint = match self.metrics.first() {
                Some((metric, _)) => format!("--map {metric}=COLUMN says which it is"),
                None => "the experiment has no metrics".to_owned(),
            };
            return Err(lacks("of any metric").hint(hint));
        }
        let twice = header.iter().enumerate().find(|(at, name)| !name.is_empty() && header[..*at].contains(name));
        if let Some((_, name)) = twice {
            return Err(usage(format!("`{shown}` has two columns `{name}`")).hint("take one of them out"));
        }
        let meant = header.iter().find_map(|name| self.meant(name, &|column| header.iter().any(|own| own == column)));
        meant.map_or(Ok(()), |why| Err(usage(format!("{why} (`{shown}`)")).hint("rename it, or take it out")))
    }

    /// Why a column that nobody asks for is a mistake: it is nearly called as a metric that is not there.
    pub(super) fn meant(&mut self, name: &str, there: &dyn Fn(&str) -> bool) -> Option<String> {
        let known = self.columns.values().flatten().any(|known| known == name);
        if known || self.metrics.iter().any(|(_, column)| column == name) {
            return None;
        }
        if !self.strange.contains_key(name) && self.strange.len() < STRANGE {
            let meant = nearest(name, self.metrics.iter().map(|(_, column)| column.as_str()));
            self.strange.insert(name.to_owned(), meant.map(str::to_owned));
        }
        let meant = self.strange.get(name)?.as_ref().filter(|meant| !there(meant))?;
        Some(format!("`{name}` is neither a column nor a metric: did you mean `{meant}`?"))
    }

    /// The column that users are read from.
    pub(super) fn user(&self, there: &dyn Fn(&str) -> bool) -> Option<&str> {
        self.columns.get("user")?.iter().map(String::as_str).find(|name| there(name))
    }

    /// Columns that were not read.
    pub(super) fn unread(&self) -> impl Iterator<Item = &str> {
        self.strange.keys().map(String::as_str)
    }

    /// The measurements of a line: one under `metric` and `value`, else one for each metric that has a column.
    pub(super) fn given(&self, cell: &dyn Fn(&str) -> Option<String>) -> Result<Vec<Given>, String> {
        let one = |what: &str| {
            let names = self.columns.get(what).map(Vec::as_slice).unwrap_or_default();
            let text = names.iter().find_map(|name| cell(name)).filter(|text| !text.trim().is_empty())?;
            // A user is who they are, blanks included; for anything else they mean nothing.
            Some(if what == "user" { text } else { text.trim().to_owned() })
        };
        let base = Given {
            user: one("user").ok_or("there is no user")?,
            event: one("event"),
            at: one("time"),
            segment: one("segment"),
            arm: one("arm"),
            experiment: one("experiment"),
            ..Given::default()
        };
        if let Some(metric) = one("metric") {
            let value = one("value").ok_or_else(|| format!("`{metric}` has no value"))?;
            let full = |(_, column): &&(String, String)| cell(column).is_some_and(|text| !text.trim().is_empty());
            if let Some((_, column)) = self.metrics.iter().find(full) {
                return Err(format!("there is a `metric`, and a value under `{column}` too: which counts?"));
            }
            return Ok(vec![Given { metric, value, ..base }]);
        }
        let wide = self.metrics.iter().filter_map(|(metric, column)| Some((metric, cell(column)?)));
        let wide = wide.filter(|(_, value)| !value.trim().is_empty());
        let all: Vec<Given> =
            wide.map(|(metric, value)| Given { metric: metric.clone(), value, ..base.clone() }).collect();
        if all.is_empty() { Err("there is no value of any metric".into()) } else { Ok(all) }
    }
}
