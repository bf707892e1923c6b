//! The winner of an experiment goes through the gate.

use std::path::Path;

use super::{Found, trial};
use crate::audit::Shown;
use crate::cli::exit::{ExitStatus, Failure};
use crate::cli::promote::{How, PromoteCommand, Proved, promote as gate};
use crate::cli::screen::Screen;
use crate::content::{canonical, sha256};
use crate::env::Env;
use crate::experiment::analysis::{Analysis, Word};
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
        let message = format!("`{arm}` is no arm that was held against the control");
        return Err(Failure::new(ExitStatus::Usage, message));
    };
    let verdict = serde_json::to_value(against.verdict).ok().and_then(|word| word.as_str().map(str::to_owned));
    let text = serde_json::to_value(&analysis).map(|value| canonical(&value)).unwrap_or_default();
    let shown = Shown {
        name: found.phase.name.clone(),
        phase: found.phase.phase,
        arm: arm.clone(),
        verdict: verdict.unwrap_or_default(),
        analysis_sha256: sha256(&text),
    };
    let word =
        |word: Word| serde_json::to_value(word).ok().and_then(|word| word.as_str().map(|word| word.replace('_', " ")));
    let name = &found.phase.name;
    let lacking = match (against.verdict, against.contrary) {
        (Word::Better, None) => None,
        (Word::Better, Some(now)) => {
            let now = word(now).unwrap_or_default();
            Some(format!("the experiment `{name}` showed that {arm} is better, and shows the contrary now: {now}"))
        }
        (other, _) => {
            let said = analysis.invalid.clone().or_else(|| word(other)).unwrap_or_default();
            Some(format!("the experiment `{name}` does not show that {arm} is better: {said}"))
        }
    };
    for check in analysis.ratios.iter().filter(|check| check.left_out > 0) {
        let (out, of) = (thousands(check.left_out), thousands(check.left_out + check.users.iter().sum::<u64>()));
        screen.warning(&format!("{out} of {of} users with `{}` are left out: `ab analyze` says why", check.who));
    }
    if let Some(stop) = &found.stopped {
        let decision = screen.line(&stop.decision, 80);
        screen.warning(&format!("the experiment was stopped at {}: {decision}", stop.time));
    }
    let proved = Proved { shown, lacking };
    let command = PromoteCommand::shown(&found.phase.prompt, &against.version, proved, command.how.clone());
    gate(&command, env, cwd, screen)
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
        _ => {
            let arms: Vec<&str> = analysis.arms.iter().map(|arm| arm.arm.as_str()).collect();
            let failure = Failure::new(ExitStatus::Usage, "the experiment names no single winner");
            Err(failure.hint(format!("say which arm: {}", arms.join(", "))))
        }
    }
}
