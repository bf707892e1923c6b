//! The winner of an experiment goes through the gate.

use std::path::Path;

use super::{Found, trial, usage};
use crate::audit::Shown;
use crate::cli::exit::{ExitStatus, Failure};
use crate::cli::promote::{How, PromoteCommand, Proved, promote as gate};
use crate::cli::screen::Screen;
use crate::content::{canonical, sha256};
use crate::env::Env;
use crate::experiment::analysis::{Against, Analysis, Word};
use crate::registry::Experiment;
use crate::stats::words::thousands;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct PromoteWinnerCommand {
    /// The experiment
    experiment: String,
    /// The arm; default: the one that is better
    arm: Option<String>,
    #[command(flatten)]
    how: How,
}

pub(super) fn promote(
    command: &PromoteWinnerCommand,
    env: &Env,
    cwd: &Path,
    screen: &Screen,
) -> Result<ExitStatus, Failure> {
    let Found { found, .. } = super::find(&command.experiment, &command.how.registry, env, cwd, screen)?;
    let trial = trial(&command.how.store, &found, env, cwd)?;
    let analysis = super::analyze::settled(&found, &trial, env)?;
    let arm = winner(command, &analysis)?;
    let Some(against) = analysis.arms.iter().find(|against| against.arm == arm) else {
        let failure = usage(format!("`{arm}` is no arm that was held against the control"));
        return Err(failure.hint(format!("say which arm: {}", arms(&analysis))));
    };
    let text = serde_json::to_value(&analysis).map(|value| canonical(&value)).unwrap_or_default();
    let shown = Shown {
        name: found.phase.name.clone(),
        phase: found.phase.phase,
        arm,
        verdict: against.verdict.name().to_owned(),
        analysis_sha256: sha256(&text),
    };
    caution(&found, &analysis, screen);
    let proved = Proved { lacking: lacking(&shown, &analysis, against), shown };
    let command = PromoteCommand::shown(&found.phase.prompt, &against.version, proved, command.how.clone());
    gate(&command, env, cwd, screen)
}

/// Why the experiment is not enough.
fn lacking(shown: &Shown, analysis: &Analysis, against: &Against) -> Option<String> {
    let (name, arm) = (&shown.name, &shown.arm);
    let word = |word: Word| word.name().replace('_', " ");
    match (against.verdict, against.contrary) {
        (Word::Better, None) => None,
        (Word::Better, Some(now)) => {
            let now = word(now);
            Some(format!("the experiment `{name}` showed that {arm} is better, and shows the contrary now: {now}"))
        }
        (other, _) => {
            let said = analysis.invalid.clone().unwrap_or_else(|| word(other));
            Some(format!("the experiment `{name}` does not show that {arm} is better: {said}"))
        }
    }
}

/// What whoever promotes should know of the data.
fn caution(found: &Experiment, analysis: &Analysis, screen: &Screen) {
    for check in analysis.ratios.iter().filter(|check| check.left_out > 0) {
        let (out, of) = (thousands(check.left_out), thousands(check.left_out + check.users.iter().sum::<u64>()));
        screen.warning(&format!("{out} of {of} users with `{}` are left out: `ab analyze` says why", check.who));
    }
    if let Some(stop) = &found.stopped {
        let decision = screen.line(&stop.decision, 80);
        screen.warning(&format!("the experiment was stopped at {}: {decision}", stop.time));
    }
}

fn arms(analysis: &Analysis) -> String {
    analysis.arms.iter().map(|arm| arm.arm.as_str()).collect::<Vec<_>>().join(", ")
}

/// The arm that is meant.
fn winner(command: &PromoteWinnerCommand, analysis: &Analysis) -> Result<String, Failure> {
    if let Some(arm) = &command.arm {
        return Ok(arm.clone());
    }
    let better: Vec<&str> =
        analysis.arms.iter().filter(|arm| arm.verdict == Word::Better).map(|arm| arm.arm.as_str()).collect();
    match (&better[..], &analysis.arms[..]) {
        ([one], _) => Ok((*one).to_owned()),
        ([], [only]) => Ok(only.arm.clone()),
        _ => Err(usage("the experiment names no single winner").hint(format!("say which arm: {}", arms(analysis)))),
    }
}
