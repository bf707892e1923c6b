//! `--dry-run`: the plan, and about what it would cost.

use std::sync::Arc;

use super::exit::{ExitStatus, Failure};
use super::screen::{Ink, Screen, count, dollars, thousands};
use crate::assert::Assertion;
use crate::plan::{Cell, Estimate, Plan};

pub(super) fn show(plan: &Arc<Plan>, screen: &Screen) -> Result<ExitStatus, Failure> {
    let mut estimates = vec![Estimate::default(); plan.columns.len()];
    let mut cells = vec![0_u64; plan.columns.len()];
    let mut graded = 0;
    for cell in plan.iter() {
        let failed = |message: String| Failure::new(ExitStatus::Failed, message);
        let cell = cell.map_err(|e| failed(e.to_string()))?;
        let request = cell.request(plan).map_err(|e| Failure::new(ExitStatus::Usage, e.message))?;
        cells[cell.column] += 1;
        graded += cell.case.assertions().map(|assertion| graded_for(assertion, &cell)).sum::<u64>();
        estimates[cell.column].add(&cell, plan, &request);
    }
    screen.out(&format!(
        "{}: {} × {} × {}, {} in all; nothing was requested\n",
        plan.config_path,
        count(plan.prompts.len() as u64, "prompt"),
        count(plan.targets.len() as u64, "provider"),
        count(plan.case_count, "case"),
        count(plan.cells, "cell"),
    ));
    for ((column, estimate), cells) in plan.columns.iter().zip(&estimates).zip(cells) {
        let label = screen.line(&column.prompt.label, screen.width.saturating_sub(24).max(20));
        screen.out(&format!("{}  {}", screen.paint(Ink::Strong, &label), screen.paint(Ink::Dim, &column.target.label)));
        screen.out(&format!("  {}", describe(estimate, cells)));
    }
    let requests: u64 = estimates.iter().map(|e| e.requests).sum();
    let cost = estimates.iter().map(|e| if e.requests == 0 { Some(0.0) } else { e.cost }).sum::<Option<f64>>();
    let cost = cost.map_or_else(|| "cost unknown".to_owned(), |c| format!("at most {}", dollars(c)));
    screen.out(&format!("\n{}, {cost}; repeated requests not counted", count(requests, "request")));
    if graded > 0 {
        screen.out(&format!("{} by graders, at least a request each, not counted either", count(graded, "verdict")));
    }
    Ok(ExitStatus::Success)
}

/// The verdicts of graders on a cell. What holds all answers of a case against each other asks once for them.
fn graded_for(assertion: &Assertion, cell: &Cell) -> u64 {
    if assertion.is_contest() && cell.column > 0 { 0 } else { assertion.graded() }
}

fn describe(estimate: &Estimate, cells: u64) -> String {
    let mut parts = vec![count(cells, "cell"), count(estimate.requests, "request")];
    parts.push(format!("about {} prompt tokens", thousands(estimate.prompt_tokens)));
    if let Some(tokens) = estimate.completion_tokens {
        parts.push(format!("at most {} answer tokens", thousands(tokens)));
    }
    if let Some(cost) = estimate.cost {
        parts.push(format!("at most {}", dollars(cost)));
    }
    parts.join(" · ")
}
