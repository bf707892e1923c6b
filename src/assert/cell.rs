//! Assertions in a cell of a table: `contains:refund`, `not-levenshtein(3):kitten`.

use serde_json::Number;

use super::assertion::{Assertion, compile_one, suggest};
use super::{Setup, find, lacking};
use crate::diag::{Problem, Problems, Span};
use crate::yaml::{Entry, Kind as Form, Node};

/// Thresholds of cells that name none, as in promptfoo: a column has no other place for them.
const USUAL: [(&str, f64); 6] = [
    ("answer-relevance", 0.75),
    ("classifier", 0.75),
    ("context-faithfulness", 0.75),
    ("context-recall", 0.75),
    ("context-relevance", 0.75),
    ("similar", 0.8),
];

/// Beginnings that stand for a kind whatever follows.
const BEGINNINGS: [(&str, &str); 6] = [
    ("javascript:", "javascript"),
    ("fn:", "javascript"),
    ("eval:", "javascript"),
    ("python:", "python"),
    ("grade:", "llm-rubric"),
    ("llm-rubric:", "llm-rubric"),
];

/// Compiles one cell; an empty one asserts nothing. `threshold` and `metric` come from columns beside it.
pub fn compile_cell(
    cell: &str,
    at: &Span,
    threshold: Option<f64>,
    metric: Option<&str>,
    setup: &Setup<'_>,
    problems: &mut Problems,
) -> Option<Assertion> {
    if cell.trim().is_empty() {
        return None;
    }
    match read(cell) {
        Ok(parts) => {
            let usual = || USUAL.iter().find(|(kind, _)| *kind == parts.kind).map(|(_, threshold)| *threshold);
            let threshold = threshold.or(parts.threshold).or_else(usual);
            let node = node(&parts, threshold, metric, at);
            compile_one(&node, setup, false, problems)
        }
        Err(problem) => {
            problems.push(problem.at(at));
            None
        }
    }
}

struct Parts<'a> {
    kind: &'a str,
    threshold: Option<f64>,
    value: Option<&'a str>,
}

fn read(cell: &str) -> Result<Parts<'_>, Problem> {
    for (start, kind) in BEGINNINGS {
        if let Some(rest) = cell.strip_prefix(start) {
            let value = if kind == "llm-rubric" { rest } else { rest.trim() };
            return available(kind).map(|kind| Parts { kind, threshold: None, value: Some(value) });
        }
    }
    if let Some(kind) = cell.strip_prefix("file://").and_then(script_kind) {
        return available(kind).map(|kind| Parts { kind, threshold: None, value: Some(cell) });
    }
    let whole = Parts { kind: "equals", threshold: None, value: Some(cell) };
    let head = head(cell);
    let bare = head.strip_prefix("not-").unwrap_or(head);
    if lacking::is_known_elsewhere(bare) && tail(&cell[head.len()..]).is_ok() {
        return Err(lacking::problem(bare));
    }
    if find(bare).is_none() {
        return refuse_near_miss(cell, head, bare).map_or(Ok(whole), Err);
    }
    let (threshold, value) = tail(&cell[head.len()..]).map_err(|rest| {
        Problem::error(format!("`{rest}` does not fit after `{head}`"))
            .hint(format!("write `{head}:value`, `{head}(0.5):value`, or `equals:{cell}` for plain text"))
    })?;
    let keeps_space = matches!(bare, "is-json" | "contains-json");
    Ok(Parts { kind: head, threshold, value: value.map(|v| if keeps_space { v } else { v.trim() }) })
}

fn available(kind: &'static str) -> Result<&'static str, Problem> {
    find(kind).map(|kind| kind.name).ok_or_else(|| lacking::problem(kind))
}

/// The kind of a script file, perhaps with a function after a colon.
fn script_kind(path: &str) -> Option<&'static str> {
    let name = path.split(':').next().unwrap_or(path);
    let ends = |endings: &[&str]| endings.iter().any(|end| name.ends_with(&format!(".{end}")));
    match () {
        () if ends(&["py"]) => Some("python"),
        () if ends(&["js", "cjs", "mjs", "ts"]) => Some("javascript"),
        () => None,
    }
}

/// The word at the start that may be a kind.
fn head(cell: &str) -> &str {
    let end = cell.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).unwrap_or(cell.len());
    &cell[..end]
}

/// What follows the kind: `(threshold)` and `:value`, both optional. `Err` holds what fits neither.
fn tail(rest: &str) -> Result<(Option<f64>, Option<&str>), &str> {
    let (threshold, rest) = match rest.strip_prefix('(').and_then(|r| r.split_once(')')) {
        Some((number, after)) => {
            let number = number.trim().parse::<f64>().ok().filter(|n| n.is_finite());
            (Some(number.ok_or(rest)?), after)
        }
        None => (None, rest),
    };
    match rest.strip_prefix(':') {
        Some(value) => Ok((threshold, Some(value))),
        None if rest.is_empty() => Ok((threshold, None)),
        None => Err(rest),
    }
}

/// `contain:x` is a slip; `Note: x` and plain words are text.
fn refuse_near_miss(cell: &str, head: &str, bare: &str) -> Option<Problem> {
    let rest = &cell[head.len()..];
    let like_a_kind = head.starts_with(|c: char| c.is_ascii_lowercase()) && tail(rest).is_ok() && !rest.is_empty();
    let meant = like_a_kind.then(|| suggest(bare, bare.len() < head.len()))??;
    Some(
        Problem::error(format!("unknown assertion kind `{head}`"))
            .hint(format!("{meant} (for plain text write `equals:{cell}`)")),
    )
}

/// The same assertion as a map, so that cells and lists have one compiler.
fn node(parts: &Parts<'_>, threshold: Option<f64>, metric: Option<&str>, at: &Span) -> Node {
    let mut entries = Vec::with_capacity(4);
    let mut push = |key: &str, kind: Form| {
        entries.push(Entry { key: key.into(), at: at.clone(), value: Node { span: at.clone(), kind } });
    };
    push("type", Form::Str(parts.kind.to_owned()));
    if let Some(value) = parts.value {
        push("value", Form::Str(value.to_owned()));
    }
    if let Some(number) = threshold.and_then(Number::from_f64) {
        push("threshold", Form::Num(number));
    }
    if let Some(metric) = metric.filter(|m| !m.trim().is_empty()) {
        push("metric", Form::Str(metric.to_owned()));
    }
    Node { span: at.clone(), kind: Form::Map(entries) }
}
