//! `gate:`, in the config or in a file of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::filter::Filter;
use crate::diag::{Folder, Problem, Problems, Source, Span, did_you_mean};
use crate::plan::{Expected, Plan};
use crate::stats::gate::{CONFIDENCE, Guard, Improvement, MARGIN, Policy};
use crate::stats::{BUILT_IN, Metric, OnError};
use crate::yaml::{self, Key, Node, Shape, Table, check, include};

const SHARE: Shape = Shape::Num(0.0, 1.0);
const POSITIVE: Shape = Shape::Num(0.0, f64::INFINITY);
const NAMES: Shape = Shape::OneOf(&[Shape::Text, Shape::List(&Shape::Text)]);

/// The keys of a gate.
pub(super) static GATE: Table = Table {
    name: "the gate",
    open: false,
    keys: &[
        Key::new(
            "baseline",
            Shape::Text,
            "what candidates are held against: NAME@VERSION, a label, a run's id, a report",
        ),
        Key::new("max_regression", SHARE, "how much worse a metric may be, as a share of its scale; default: 0.05"),
        Key::new("confidence", Shape::Num(0.5, 0.9999), "one-sided confidence of every bound; default: 0.95"),
        Key::new("min_cases", Shape::Int(1, u64::MAX), "fewest cases; never fewer than the margins need"),
        Key::new("min_pass_rate", SHARE, "least share of cases that pass"),
        Key::new("must_pass", NAMES, "cases that must pass: ids, descriptions, or key=value of their metadata"),
        Key::new("metrics", Shape::MapOf(&Shape::Object(&GUARD)), "more metrics that must not get worse, by name"),
        Key::new(
            "require_improvement",
            Shape::OneOf(&[NAMES, Shape::Object(&IMPROVEMENT)]),
            "metrics that must get better: all of a list, or `any` of it",
        ),
        Key::new("max_p95_latency_ms", POSITIVE, "highest 95th percentile of the latency"),
        Key::new("max_cost_per_case_usd", POSITIVE, "highest mean cost of an answer, in US dollars"),
        Key::new("on_error", Shape::Text, "what a case without a verdict counts as: `worst` (default) or `drop`"),
        Key::new("deterioration", Shape::Text, "a real drop within the margin: `report` (default) or `block`"),
    ],
};

/// The keys of a guard.
pub(super) static GUARD: Table = Table {
    name: "a metric of the gate",
    open: false,
    keys: &[
        Key::new("max_regression", SHARE, "how much worse it may be, as a share of its scale"),
        Key::new("max_increase", POSITIVE, "for latency, tokens and cost: how much more, as a share of the baseline"),
        Key::new("scale", Shape::List(&Shape::Num(f64::NEG_INFINITY, f64::INFINITY)), "its ends; default: [0, 1]"),
        Key::new("better", Shape::Text, "`higher` (default) or `lower`"),
    ],
};

/// The keys of a required improvement.
pub(super) static IMPROVEMENT: Table = Table {
    name: "require_improvement",
    open: false,
    keys: &[
        Key::new("all", NAMES, "all of these metrics"),
        Key::new("any", NAMES, "one of these metrics; the level is divided by their number"),
        Key::new("by", SHARE, "by more than this share of the scale; default: 0"),
    ],
};

/// What the command line says of the gate.
#[derive(Debug, Default, Clone)]
pub struct GateOptions {
    /// A policy file, instead of the config's section.
    pub policy: Option<PathBuf>,
    /// Whether there is a gate even when the config has none, or none even when it has one.
    pub on: Option<bool>,
}

/// A gate that was read.
#[derive(Debug, Clone)]
pub struct Gate {
    /// Its rules.
    pub policy: Policy,
    at: Span,
}

impl Gate {
    /// Why a column's cases are too few to be decided on, whatever they bring.
    pub fn too_few(&self, column: &Expected) -> Option<Problem> {
        let (units, fewest) = (column.units(), self.policy.fewest_cases());
        if units >= fewest {
            return None;
        }
        let what = match column.cases {
            cases if cases == units => format!("{units} cases"),
            cases => format!("{units} units (clusters of {cases} cases)"),
        };
        let (message, hint) = if self.policy.min_cases == Some(fewest) {
            (format!("{what}, and min_cases asks for {fewest}"), "add cases; --no-gate runs without the gate")
        } else {
            let hint = "add cases, or allow a larger max_regression; --no-gate runs without the gate";
            (format!("{what} cannot open this gate even if nothing changes: {fewest} are needed"), hint)
        };
        Some(Problem::error(message).at(&self.at).hint(hint))
    }
}

/// Reads the gate, from where the command line says or the config.
pub(super) fn read(root: &Node, base: &Folder, options: &super::Options, problems: &mut Problems) -> Option<Gate> {
    if options.gate.on == Some(false) {
        return None;
    }
    let before = problems.errors();
    let node = match &options.gate.policy {
        Some(path) => from_file(path, options).map_err(|problem| problems.push(problem)).ok()?,
        None => match root.get("gate") {
            Some(node) => include(node, base).map_err(|problem| problems.push(problem)).ok()?,
            None if options.gate.on == Some(true) => {
                Node { span: root.span.source().at(0..0), kind: yaml::Kind::Map(Vec::new()) }
            }
            None => return None,
        },
    };
    check(&node, &Shape::Object(&GATE), "gate", options.lenient, problems);
    let policy = policy(&node, problems);
    (problems.errors() == before).then_some(Gate { policy, at: node.span })
}

fn from_file(path: &std::path::Path, options: &super::Options) -> Result<Node, Problem> {
    let source = Source::read(&options.cwd.join(path), &path.to_string_lossy()).map_err(Problem::error)?;
    let tree = yaml::parse(&source)?;
    // A whole config may serve as a policy file.
    Ok(tree.get("gate").cloned().unwrap_or(tree))
}

fn policy(node: &Node, problems: &mut Problems) -> Policy {
    let number = |key: &str| node.get(key).and_then(Node::as_f64);
    let margin = number("max_regression").unwrap_or(MARGIN);
    positive(node, "max_regression", problems);
    Policy {
        baseline: node.get("baseline").and_then(Node::as_str).map(Into::into),
        confidence: number("confidence").unwrap_or(CONFIDENCE),
        guards: guards(node, margin, problems),
        require_improvement: improvement(node, problems),
        must_pass: names(node.get("must_pass")),
        min_cases: node.get("min_cases").and_then(Node::as_u64),
        min_pass_rate: number("min_pass_rate"),
        max_p95_latency_ms: number("max_p95_latency_ms"),
        max_cost_per_case_usd: number("max_cost_per_case_usd"),
        on_error: if word(node, "on_error", ["worst", "drop"], problems) { OnError::Drop } else { OnError::Worst },
        block_deterioration: word(node, "deterioration", ["report", "block"], problems),
        ..Policy::default()
    }
}

/// A margin of nothing asks for infinitely many cases.
fn positive(node: &Node, key: &str, problems: &mut Problems) {
    if let Some(zero) = node.get(key).filter(|n| n.as_f64() == Some(0.0)) {
        let hint = "no number of cases shows that nothing at all changed; 0.05 is usual, `require_improvement` asks for better";
        problems.push(Problem::error(format!("`{key}` must be more than 0")).at(&zero.span).hint(hint));
    }
}

/// Whether the second of two words is written.
fn word(node: &Node, key: &str, words: [&str; 2], problems: &mut Problems) -> bool {
    let Some(found) = node.get(key) else { return false };
    let text = found.as_str().unwrap_or_default();
    if !words.contains(&text) {
        let message = format!("`{key}` must be {} or {}, found `{text}`", words[0], words[1]);
        problems.push(Problem::error(message).at(&found.span));
    }
    text == words[1]
}

fn names(node: Option<&Node>) -> Vec<String> {
    let all = node.map(Node::one_or_many).unwrap_or_default();
    all.iter().filter_map(Node::as_str).map(Into::into).collect()
}

fn guards(node: &Node, margin: f64, problems: &mut Problems) -> BTreeMap<String, Guard> {
    let mut all = BTreeMap::from([("pass".to_owned(), Guard::of("pass", margin))]);
    for entry in node.get("metrics").map(Node::entries).unwrap_or_default() {
        all.insert(entry.key.clone(), guard(&entry.key, &entry.at, &entry.value, margin, problems));
    }
    all
}

fn guard(name: &str, at: &Span, node: &Node, margin: f64, problems: &mut Problems) -> Guard {
    let number = |key: &str| node.get(key).and_then(Node::as_f64);
    let lower = word(node, "better", ["higher", "lower"], problems);
    positive(node, "max_regression", problems);
    if Metric::of(name).scale.is_none() {
        let increase = number("max_increase");
        if increase.is_none() {
            let message = format!("`{name}` needs `max_increase`");
            problems.push(Problem::error(message).at(at).hint("0.2 allows a fifth more than the baseline"));
        }
        return Guard::of(name, increase.unwrap_or(margin));
    }
    if let Some(entry) = node.entry("max_increase") {
        let message = format!("`max_increase` is for latency, tokens and cost, not for `{name}`");
        problems.push(Problem::error(message).at(&entry.at).hint("write max_regression, a share of the scale"));
    }
    let scale = scale(name, node, problems);
    Guard { scale, lower_is_better: lower, ..Guard::of(name, number("max_regression").unwrap_or(margin)) }
}

fn scale(name: &str, node: &Node, problems: &mut Problems) -> Option<[f64; 2]> {
    let written = node.get("scale")?;
    let ends: Vec<f64> = written.items().iter().filter_map(Node::as_f64).collect();
    let good = matches!(ends[..], [low, high] if low < high);
    if !good || BUILT_IN.contains(&name) {
        let message = if good {
            format!("`{name}` has its scale")
        } else {
            "`scale` must be two numbers, the smaller first".into()
        };
        problems.push(Problem::error(message).at(&written.span));
        return None;
    }
    Some([ends[0], ends[1]])
}

fn improvement(node: &Node, problems: &mut Problems) -> Option<Improvement> {
    let written = node.get("require_improvement")?;
    let by = written.get("by").and_then(Node::as_f64).unwrap_or(0.0);
    let with = |names: Vec<String>| names.into_iter().map(|name| (name, by)).collect();
    let lists = [written.get("any"), written.get("all")];
    let one = if written.is_map() { lists.iter().flatten().count() == 1 } else { true };
    let named = lists.iter().flatten().copied().chain((!written.is_map()).then_some(written));
    if !one || named.map(|list| names(Some(list)).len()).sum::<usize>() == 0 {
        let problem = Problem::error("`require_improvement` names no metric, or two lists of them").at(&written.span);
        problems.push(problem.hint("write one metric, a list of them, or either `all` or `any` with a list"));
    }
    if let Some(any) = written.get("any") {
        return Some(Improvement { any: true, metrics: with(names(Some(any))) });
    }
    let all = if written.is_map() { written.get("all") } else { Some(written) };
    Some(Improvement { any: false, metrics: with(names(all)) })
}

/// A metric that no assertion counts for; where some have a template for a name it may still come.
fn no_metric(name: &str, gate: &Gate, plan: &Plan) -> Problem {
    let known = || BUILT_IN.into_iter().chain(plan.metrics.iter().flatten().map(String::as_str));
    let hint = did_you_mean(name, known())
        .unwrap_or_else(|| format!("its metrics are {}", known().collect::<Vec<_>>().join(", ")));
    let message = format!("the gate asks for `{name}`, which is no metric of this suite");
    let problem = if plan.metrics.contains(&None) { Problem::warning(message) } else { Problem::error(message) };
    problem.at(&gate.at).hint(hint)
}

/// What can be known of the gate before the first request.
pub(super) fn believe(gate: &Gate, plan: &Plan, filter: &Filter, problems: &mut Problems) {
    if filter.narrows_tests() {
        let hint = "leave the filter out, or look at a part with --no-gate";
        problems.push(
            Problem::error("the gate judges the whole suite, and a filter leaves tests out").at(&gate.at).hint(hint),
        );
        return;
    }
    if problems.has_errors() {
        return;
    }
    for name in gate.policy.metrics().filter(|name| !BUILT_IN.contains(name)) {
        if !plan.metrics.contains(&Some(name.to_owned())) {
            problems.push(no_metric(name, gate, plan));
        }
    }
    for unmet in plan.unmet(&gate.policy.must_pass) {
        let message = format!("`must_pass` names `{unmet}`, and no test is called so");
        let hint = "write a test's id or description, or key=value of its metadata";
        problems.push(Problem::error(message).at(&gate.at).hint(hint));
    }
    for expected in plan.expected.iter().filter(|_| plan.rivals().is_empty()) {
        let few = gate.policy.min_cases.filter(|least| expected.cases < *least);
        if let Some(least) = few {
            let message = format!("{} cases, and min_cases asks for {least}", expected.cases);
            problems.push(Problem::error(message).at(&gate.at));
        }
    }
    for (baseline, candidate) in plan.rivals() {
        let (one, other) = (&plan.expected[baseline], &plan.expected[candidate]);
        if one.test_set != other.test_set {
            let labels = [baseline, candidate].map(|column| &plan.columns[column].prompt.label);
            let message = format!(
                "the gate compares `{}` with `{}`, and some tests run with one of them only",
                labels[0], labels[1]
            );
            let hint = "take `prompts` out of these tests, or run without the gate (--no-gate)";
            problems.push(Problem::error(message).at(&gate.at).hint(hint));
        } else if let Some(problem) = gate.too_few(other) {
            problems.push(problem);
        }
    }
}
