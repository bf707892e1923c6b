//! What the columns of a run are held against.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::RunCommand;
use super::evidence::{Archive, Evidence};
use super::exit::{ExitStatus, Failure};
use super::rivals::{Aim, Rivals};
use crate::record::{Column, RunHead};
use crate::stats::Question;
use crate::store::Store;
use crate::suite::{Gate, GateOptions, Suite};

/// What the label is called whose version a candidate without a baseline is held against.
pub(super) const LIVE: &str = "production";

/// What a run says of comparing and deciding.
#[derive(Debug, clap::Args)]
pub(super) struct RivalArgs {
    /// Compare with this: a report, a stored run, `latest`, NAME@VERSION or a label
    #[arg(long, value_name = "RUN")]
    pub(super) baseline: Option<String>,
    /// Decide by the gate, with its defaults where the config has none
    #[arg(long, conflicts_with = "no_gate")]
    gate: bool,
    /// Leave the config's gate out
    #[arg(long)]
    no_gate: bool,
    /// Take the gate's rules from this file
    #[arg(long, value_name = "FILE", conflicts_with = "no_gate")]
    policy: Option<PathBuf>,
    /// Stop as soon as the gate's decision can no longer change, whatever the rest brings
    #[arg(long, conflicts_with = "no_gate")]
    early_stop: bool,
}

impl RivalArgs {
    /// What it says of the gate.
    pub(super) fn options(&self) -> GateOptions {
        let on = match (self.gate || self.early_stop, self.no_gate) {
            (_, true) => Some(false),
            (true, _) => Some(true),
            _ => None,
        };
        GateOptions { policy: self.policy.clone(), on }
    }
}

/// Who is compared in a run: with the baseline that is named; else the first prompt with every other; else
/// the only one with what is live.
pub(super) fn rivals(
    command: &RunCommand,
    suite: &Suite,
    store: Option<&Store>,
    cwd: &Path,
    head: &Arc<RunHead>,
) -> Result<Rivals, Failure> {
    let gate = suite.gate.as_ref();
    let policy = gate.map(|gate| gate.policy.clone());
    let aim = Aim { policy, question: Question::default(), early: command.rivals.early_stop };
    let columns: Vec<usize> = (0..head.columns.len()).collect();
    let archive = Archive { store, registry: &suite.registry, cwd, prompt: prompt(&head.columns), baseline: true };
    let named = command.rivals.baseline.as_deref();
    let named = named.or_else(|| gate.and_then(|gate| gate.policy.baseline.as_deref()));
    if let Some(first) = named.and_then(|word| prompts_called(head, word)) {
        let rivals = Rivals::within(Arc::clone(head), &first, aim).expecting(&suite.plan.expected);
        if rivals.some_are_alone() {
            let message = format!("`{}` is not asked at every provider", named.unwrap_or_default());
            return Err(Failure::new(ExitStatus::Usage, message).hint("name a stored run or a version as the baseline"));
        }
        return Ok(rivals);
    }
    let other = match named {
        Some(word) => Some(archive.find(word)?),
        None if suite.plan.rivals().is_empty() && gate.is_some() => archive.labelled(LIVE)?,
        None => None,
    };
    let rivals = match other.map(Arc::new) {
        Some(other) => {
            let rivals = Rivals::against(Arc::clone(head), &columns, &other, aim)?;
            if let Some(gate) = gate {
                comparable(gate, suite, &other, &rivals)?;
            }
            rivals
        }
        None => Rivals::within(Arc::clone(head), &columns, aim),
    };
    if gate.is_some() && !rivals.has_baseline() {
        if command.selection.narrows_columns() {
            let message = "the gate compares prompts, and a filter leaves the baseline out";
            let failure = Failure::new(ExitStatus::Usage, message);
            return Err(failure.hint("name a --baseline, leave the filter out, or look at a part with --no-gate"));
        }
        if gate.is_some_and(|gate| !gate.policy.is_absolute()) {
            return Err(nothing_to_hold());
        }
    }
    Ok(rivals.expecting(&suite.plan.expected))
}

/// The columns with those of this prompt first, when one is called so.
fn prompts_called(head: &RunHead, word: &str) -> Option<Vec<usize>> {
    let is = |at: &usize| super::evidence::is(&head.columns[*at], word);
    let (first, rest): (Vec<usize>, Vec<usize>) = (0..head.columns.len()).partition(|at| is(at));
    (!first.is_empty() && !rest.is_empty()).then(|| first.into_iter().chain(rest).collect())
}

/// The prompt that all columns are versions of, if they are.
pub(super) fn prompt(columns: &[Column]) -> Option<&str> {
    let first = columns.first()?.name.as_deref()?;
    columns.iter().all(|column| column.name.as_deref() == Some(first)).then_some(first)
}

/// What would make the gate's decision impossible is told before anything is paid for.
fn comparable(gate: &Gate, suite: &Suite, other: &Evidence, rivals: &Rivals) -> Result<(), Failure> {
    let refuse = |message: String, hint: &str| Err(Failure::new(ExitStatus::Usage, message).hint(hint));
    for (column, facts) in rivals.baselines() {
        let expected = &suite.plan.expected[column];
        let id = &other.head.id;
        if other.unrun() > 0 {
            let message =
                format!("the baseline {id} did not come to its end: {} of {} cells", other.finished, other.head.cells);
            return refuse(message, "`prompteval run --resume` goes on with a stored run; or name another");
        }
        if let Some(problem) = gate.too_few(expected) {
            return refuse(problem.message, problem.hint.as_deref().unwrap_or_default());
        }
        if facts.test_set != expected.test_set {
            let message =
                format!("the baseline {id} judged other cases: {} there, {} here", facts.cases, expected.cases);
            return refuse(message, "run the baseline on these cases first, or put both prompts into one config");
        }
        if facts.checks != expected.checks {
            let message = format!("the baseline {id} was judged by other assertions");
            return refuse(message, "run the baseline again with these, or put both prompts into one config");
        }
    }
    Ok(())
}

fn nothing_to_hold() -> Failure {
    let message = "there is nothing to hold the candidate against, and the gate has no rule that needs no baseline";
    Failure::new(ExitStatus::Usage, message)
        .hint("name a --baseline, set min_pass_rate for a first version, or run with --no-gate")
}
