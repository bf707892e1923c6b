//! `derivedMetrics`: formulas that are tried before anything is requested.

use std::collections::BTreeMap;

use crate::diag::{Problem, Problems, did_you_mean};
use crate::plan::Plan;
use crate::script::Formula;
use crate::yaml::Node;

/// Tries every formula with the metrics that the assertions have.
pub(super) fn believe(root: &Node, plan: &Plan, problems: &mut Problems) {
    let Some(list) = root.get("derivedMetrics") else { return };
    let mut known: BTreeMap<String, f64> = plan.metrics.iter().flatten().map(|name| (name.clone(), 1.0)).collect();
    known.insert("__count".to_owned(), 1.0);
    let all_known = !plan.metrics.contains(&None);
    for entry in list.items() {
        let text = |key: &str| entry.get(key).and_then(Node::as_str);
        let (Some(name), Some(formula), Some(at)) = (text("name"), text("value"), entry.get("value")) else {
            problems.push(Problem::error("a derived metric needs a `name` and a `value`").at(&entry.span));
            continue;
        };
        if let Err(problem) = attempt(formula, &known, all_known) {
            problems.push(problem.at(&at.span));
        }
        known.insert(name.to_owned(), 1.0);
    }
}

fn attempt(text: &str, known: &BTreeMap<String, f64>, all_known: bool) -> Result<(), Problem> {
    let formula =
        Formula::new(text).map_err(|error| Problem::error(format!("this formula cannot be read: {error}")))?;
    let Err(error) = formula.value(known) else { return Ok(()) };
    let missing = error.message.split(" is not defined").next().and_then(|start| start.split(": ").nth(1));
    let missing = missing.filter(|_| all_known && error.message.contains("is not defined"));
    let Some(name) = missing else { return Ok(()) };
    let name = name.trim_matches('\'');
    let hint = did_you_mean(name, known.keys().map(String::as_str))
        .unwrap_or_else(|| "metrics are named with `metric` beside an assertion".to_owned());
    Err(Problem::error(format!("the formula reads `{name}`, which is no metric of this suite")).hint(hint))
}
