//! Kinds that hold all answers of a case against each other: `select-best`, `max-score`.

use std::collections::HashMap;

use futures::future::BoxFuture;
use serde_json::json;

use crate::assert::kind::{Check, Example, Finding, Kind, Spec, Subject};
use crate::assert::panel::Panel;
use crate::assert::show;
use crate::assert::value::Text;
use crate::diag::{Problem, Problems, did_you_mean};
use crate::judge::{self, BuiltIn, Role};
use crate::record::{Mark, Verdict};
use crate::yaml::{self, Node};

/// The family's rows.
pub static KINDS: &[Kind] = &[
    Kind {
        name: "select-best",
        about: "of all answers to this case a grader finds this one the best",
        value: "text: by which criterion",
        threshold: "",
        score: "1 or 0",
        default_threshold: None,
        negatable: false,
        passes: Example::judged("the best", "{type: select-best, value: the clearest}", "0"),
        fails: Example::judged("not the best", "{type: select-best, value: the clearest}", "1"),
        compile: compile_best,
    },
    Kind {
        name: "max-score",
        about: "of all answers to this case this one scores highest in its other assertions; several that score the \
                same all pass",
        value: "nothing, or a map with `method` (average or sum), `weights` by kind and `threshold`",
        threshold: "the least score of a winner",
        score: "1 or 0",
        default_threshold: None,
        negatable: false,
        passes: Example::new("a refund", "{type: max-score}"),
        fails: Example::new("nothing", "{type: max-score, threshold: 0.5}"),
        compile: compile_max,
    },
];

/// One of the answers.
#[derive(Debug)]
pub struct Entry<'a> {
    /// Its output.
    pub text: &'a str,
    /// What its other assertions say.
    pub verdicts: &'a [Verdict],
}

/// A kind that needs all answers of a case.
pub trait Contest: Send + Sync {
    /// Judges all of them: a finding for each.
    fn hold<'a>(
        &'a self,
        subject: &'a Subject<'a>,
        entries: &'a [Entry<'a>],
    ) -> BoxFuture<'a, Result<Vec<Finding>, String>>;
}

struct Best {
    panel: Panel,
    criteria: Text,
}

fn compile_best(spec: &Spec<'_>, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let panel = Panel::of(spec, &[Role::Text], problems);
    let criteria = Text::of_value_not_empty(spec, false, problems)?;
    let panel = panel?;
    if panel.has_rubric() && !panel.rubric_reads("outputs") {
        let problem = Problem::warning("this rubric never reads `outputs`: the grader would not see the answers");
        problems.push(problem.at(&spec.node.span).hint("put {{outputs}} into it: the list of all answers"));
    }
    Some(Box::new(Best { panel, criteria }))
}

impl Check for Best {
    fn as_contest(&self) -> Option<&dyn Contest> {
        Some(self)
    }

    fn panel(&self) -> Option<&Panel> {
        Some(&self.panel)
    }
}

impl Contest for Best {
    fn hold<'a>(
        &'a self,
        subject: &'a Subject<'a>,
        entries: &'a [Entry<'a>],
    ) -> BoxFuture<'a, Result<Vec<Finding>, String>> {
        Box::pin(async move {
            let seat = self.panel.seat(subject, Role::Text)?;
            let criteria = self.criteria.render_some(subject.scope)?;
            let outputs: Vec<&str> = entries.iter().map(|entry| entry.text).collect();
            let scope = subject.scope.with("criteria", criteria.as_ref().into()).with("outputs", json!(outputs));
            let count = entries.len();
            let read = |response: &crate::record::Response| {
                judge::index(response)
                    .filter(|n| *n < count)
                    .ok_or_else(|| format!("it names no output by a number from 0 to {}", count.saturating_sub(1)))
            };
            let rubric = self.panel.rubric(subject, BuiltIn::SelectBest);
            let best = judge::ask(seat, rubric, &scope, 0, read).await?;
            let finding = |at: usize| {
                let came = if at == best { "it is".to_owned() } else { format!("output {} is", best + 1) };
                Finding::new(at == best, format!("expected the output to be the best of {count}, and {came}"))
            };
            Ok((0..count).map(finding).collect())
        })
    }
}

struct Highest {
    sum: bool,
    weights: HashMap<String, f64>,
    threshold: Option<f64>,
}

fn compile_max(spec: &Spec<'_>, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let mut highest = Highest { sum: false, weights: HashMap::new(), threshold: spec.threshold };
    let before = problems.errors();
    if let Some(node) = spec.value.filter(|node| !node.is_null() && !node.is_map()) {
        problems.push(spec.wrong_value());
        return node.as_bool().and(None);
    }
    for entry in spec.value.map(Node::entries).unwrap_or_default() {
        let known = match entry.key.as_str() {
            "method" => match entry.value.as_str() {
                Some("average" | "sum") => {
                    highest.sum = entry.value.as_str() == Some("sum");
                    true
                }
                _ => false,
            },
            "weights" => {
                let weights = entry.value.entries().iter().map(|e| Some((e.key.clone(), e.value.as_f64()?)));
                for entry in entry.value.entries() {
                    unknown_kind(entry, problems);
                }
                let weights: Option<HashMap<_, _>> = weights.collect();
                let fine = weights.as_ref().is_some_and(|map| map.values().all(|weight| *weight >= 0.0));
                highest.weights = weights.unwrap_or_default();
                fine && entry.value.is_map()
            }
            "threshold" => {
                highest.threshold = entry.value.as_f64().or(highest.threshold);
                entry.value.as_f64().is_some()
            }
            _ => false,
        };
        if !known {
            let hint = "known are `method: average` or `sum`, `weights` (a map from kind to number) and `threshold`";
            let message = format!("`{}` cannot stand so in the value of `max-score`", entry.key);
            problems.push(Problem::error(message).at(&entry.at).hint(hint));
        }
    }
    (problems.errors() == before).then(|| Box::new(highest) as Box<dyn Check>)
}

/// A weight for a kind that there is not would count for nothing.
fn unknown_kind(entry: &yaml::Entry, problems: &mut Problems) {
    let bare = entry.key.strip_prefix("not-").unwrap_or(&entry.key);
    if crate::assert::find(bare).is_none() {
        let hint = did_you_mean(bare, crate::assert::kinds().map(|kind| kind.name));
        problems
            .push(Problem::error(format!("`{}` is no kind of assertion", entry.key)).at(&entry.at).maybe_hint(hint));
    }
}

impl Highest {
    fn score(&self, entry: &Entry<'_>) -> Option<f64> {
        let judged = entry.verdicts.iter().filter(|v| v.depth == 0 && v.mark != Mark::Error);
        let (mut total, mut weight) = (0.0, 0.0);
        for verdict in judged {
            let own = self.weights.get(&*verdict.kind).copied().unwrap_or(1.0);
            total += verdict.score * own;
            weight += own;
        }
        (weight > 0.0).then(|| if self.sum { total } else { total / weight })
    }
}

impl Check for Highest {
    fn as_contest(&self) -> Option<&dyn Contest> {
        Some(self)
    }
}

impl Contest for Highest {
    fn hold<'a>(&'a self, _: &'a Subject<'a>, entries: &'a [Entry<'a>]) -> BoxFuture<'a, Result<Vec<Finding>, String>> {
        let scores: Option<Vec<f64>> = entries.iter().map(|entry| self.score(entry)).collect();
        let Some(scores) = scores else {
            let why = "no other assertion of weight says how good the answers are".to_owned();
            return Box::pin(async { Err(why) });
        };
        let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let finding = |score: &f64| {
            let wins = *score >= highest;
            let enough = self.threshold.is_none_or(|least| *score >= least);
            let least = self.threshold.filter(|_| wins && !enough);
            let least = least.map(|least| format!(", below the threshold {least}")).unwrap_or_default();
            let wish = format!("expected the highest score of {} answers", entries.len());
            Finding::new(wins && enough, show::reason(&format!("{wish} ({highest}), and it is {score}{least}")))
        };
        let findings = scores.iter().map(finding).collect();
        Box::pin(async { Ok(findings) })
    }
}
