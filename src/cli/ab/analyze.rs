//! What an experiment shows so far.

use std::path::Path;

use serde_json::json;

use super::page::{document, plot};
use super::{Of, trial, usage};
use crate::cli::args::StoreArgs;
use crate::cli::exit::{ExitStatus, Failure};
use crate::cli::keep::failed;
use crate::cli::screen::{Ink, Screen};
use crate::env::{Env, format_time};
use crate::experiment::analysis::{
    Against, Analysis, Decided, Evidence, Finding, Measured, RatioCheck, SEGMENTS, Shows, Word, analyze as reckon,
};
use crate::experiment::{Metric, Phase, Role};
use crate::registry::{Experiment, Stop};
use crate::stats::words::{amount, p_value, points, signed, thousands};
use crate::store::{Person, Trial};

/// Moments at which the interval is shown.
const STRETCHES: u64 = 40;

/// `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Format {
    Text,
    Json,
    Markdown,
    Html,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct AnalyzeCommand {
    #[command(flatten)]
    of: Of,
    /// For people, for programs, for a comment, or a page with the course of the interval
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// An earlier phase; default: the newest
    #[arg(long, value_name = "N")]
    phase: Option<u32>,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn analyze(command: &AnalyzeCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let (opened, mut found) = command.of.find(env, cwd, screen)?;
    if let Some(phase) = command.phase {
        let all = opened.registry.stretches(&found.phase.name)?;
        let last = found.phase.phase;
        found = all.into_iter().find(|one| one.phase.phase == phase).ok_or_else(|| {
            let message = format!("there is no phase {phase} of `{}`", found.phase.name);
            usage(message).hint(format!("the newest is phase {last}"))
        })?;
    }
    let trial = trial(&command.store, &found, env, cwd)?;
    let analysis = settled(&found, &trial, env)?;
    match command.format {
        Format::Json => screen.json(&json!({
            "schema": 1, "experiment": found.phase.name, "phase": found.phase.phase, "since": found.since,
            "plannedUsers": found.phase.planned_users, "analysis": analysis,
        })),
        Format::Text => show(&found, &analysis, screen),
        Format::Markdown => screen.out(document(&found, &analysis).markdown().trim_end()),
        Format::Html => {
            let page = document(&found, &analysis).html();
            let page = page.map_err(|e| Failure::new(ExitStatus::Failed, format!("cannot write the page: {e}")))?;
            screen.out(page.trim_end());
        }
    }
    Ok(if analysis.invalid.is_some() { ExitStatus::GateClosed } else { ExitStatus::Success })
}

/// What the data show, with what was decided before.
pub(super) fn settled(found: &Experiment, trial: &Trial, env: &Env) -> Result<Analysis, Failure> {
    let mut analysis = reckon(&evidence(found, trial)?);
    let written = trial.decided().map_err(failed)?;
    let mut decided: Decided = written.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    if analysis.settle(&mut decided, env.clock.now_millis()) {
        trial.decide(&serde_json::to_string(&decided).unwrap_or_default()).map_err(failed)?;
    }
    Ok(analysis)
}

fn evidence<'a>(found: &'a Experiment, trial: &Trial) -> Result<Evidence<'a>, Failure> {
    let phase = &found.phase;
    let (counts, several) = trial.exposed().map_err(failed)?;
    let of = |name: &str| counts.iter().find(|(arm, _)| arm == name).map_or(0, |(_, n)| *n);
    let exposed = (!counts.is_empty()).then(|| phase.arms.iter().map(|arm| of(&arm.name)).collect());
    let mut measured = Vec::with_capacity(phase.metrics.len());
    for metric in &phase.metrics {
        measured.push(measure(found, metric, trial)?);
    }
    Ok(Evidence { phase, exposed, several, measured })
}

fn measure(found: &Experiment, metric: &Metric, trial: &Trial) -> Result<Measured, Failure> {
    let phase = &found.phase;
    let mut measured = Measured::new(phase.arms.len());
    let (first, last) = trial.span(&metric.name).map_err(failed)?.unwrap_or_default();
    let stretch = ((last - first) / STRETCHES).max(1);
    let mut add = |person: &Person| {
        let Some(arm) = phase.arms.iter().position(|arm| arm.name == person.arm) else { return };
        let value = metric.aggregate.of(&person.values);
        measured.add(arm, person.segment.as_deref(), value);
        let end = first + ((person.first_ms.saturating_sub(first)) / stretch + 1) * stretch;
        measured.came(arm, end.min(last.max(first + 1)), value);
    };
    let end = found.stopped.as_ref().map_or(u64::MAX, Stop::time_ms);
    measured.left_out = trial.people(&metric.name, end, &mut add).map_err(failed)?;
    Ok(measured)
}

fn show(found: &Experiment, analysis: &Analysis, screen: &Screen) {
    let phase = &found.phase;
    let state = match &found.stopped {
        None => format!("runs since {}", found.since),
        Some(stop) => format!("{} to {}: {}", found.since, stop.time, screen.line(&stop.decision, 200)),
    };
    let head = format!("{}  phase {}, {state}", screen.paint(Ink::Strong, &phase.name), phase.phase);
    screen.out(&head);
    for check in &analysis.ratios {
        screen.wrapped("  ", "      ", &ratio(phase, check));
    }
    if analysis.several > 0 {
        screen.out(&format!("  {} users met more than one arm and are left out", thousands(analysis.several)));
    }
    if analysis.crowded {
        screen.warning(&format!("there are more than {SEGMENTS} segments; only {SEGMENTS} are told apart"));
    }
    if let Some(why) = &analysis.invalid {
        screen.out(&format!("\n{} {why}: no effect can be read off these data", screen.paint(Ink::Bad, "INVALID")));
        return;
    }
    for against in &analysis.arms {
        show_arm(phase, analysis, against, screen);
    }
}

/// `412 users saw A, 398 saw B (planned 50/50; p = 0.62, fine)`.
pub(super) fn ratio(phase: &Phase, check: &RatioCheck) -> String {
    let arms = phase.arms.iter().zip(&check.users).map(|(arm, n)| format!("{} {}", arm.name, thousands(*n)));
    let arms = arms.collect::<Vec<_>>().join(", ");
    let planned = phase.arms.iter().map(|arm| crate::stats::words::percent(f64::from(arm.weight) / 10_000.0));
    let planned = planned.collect::<Vec<_>>().join("/");
    let word = if check.alarm { "not as planned" } else { "fine" };
    let p = check.p.map_or_else(|| "no users".to_owned(), |p| format!("{}, {word}", p_value(p)));
    let left_out = match check.left_out {
        0 => String::new(),
        n => format!("; {} left out: not exposed before, or to several arms, or after the end", thousands(n)),
    };
    format!("{}: {arms} (planned {planned}; {p}){left_out}", check.who)
}

fn show_arm(phase: &Phase, analysis: &Analysis, against: &Against, screen: &Screen) {
    let control = phase.control().map_or("the control", |arm| &arm.name);
    screen.out(&format!("\n{} against {control}", screen.paint(Ink::Strong, &against.arm)));
    for finding in &against.metrics {
        screen.wrapped("  ", "      ", &sentence(phase, finding));
    }
    let first = against.metrics.iter().find(|finding| finding.role == Role::Success && finding.segment.is_none());
    for line in first.map(|finding| plot(phase, finding, screen.width)).unwrap_or_default() {
        screen.out(&format!("  {}", screen.paint(Ink::Dim, &line)));
    }
    let (ink, words) = verdict(phase, analysis, against);
    screen.wrapped("  ", "    ", &format!("{} {words}", screen.paint(ink, "→")));
}

/// A metric in words; its numbers are rates where its scale is 0 to 1.
pub(super) fn sentence(phase: &Phase, finding: &Finding) -> String {
    let rate = phase.metric(&finding.metric).is_some_and(Metric::is_rate);
    let level = |value: f64| if rate { format!("{} %", points(value)) } else { amount(value) };
    let step = |value: f64| signed(&if rate { points(value) } else { amount(value) });
    let unit = if rate { " pp" } else { "" };
    let segment = finding.segment.as_ref().map(|name| format!(" [{name}]")).unwrap_or_default();
    let guard = if finding.role == Role::Guardrail { " (guardrail)" } else { "" };
    let mean = |at: usize| finding.means[at].map_or_else(|| "–".to_owned(), level);
    let mut said = format!("{}{segment}{guard}: {} → {}", finding.metric, mean(0), mean(1));
    said += &format!(" ({} and {} users)", thousands(finding.users[0]), thousands(finding.users[1]));
    if let (Some(difference), Some([low, high])) = (finding.difference, finding.interval) {
        said += &format!(", {}{unit}; valid however often you look [{}, {}]", step(difference), step(low), step(high));
    } else if let Some(status) = finding.status {
        said += &format!("; {}", status.words());
    }
    said += match finding.shows {
        Shows::Better => "; better",
        Shows::Worse => "; worse",
        Shows::Holds => "; holds",
        Shows::Nothing => "",
    };
    if let Some([low, high]) = finding.one_look.filter(|_| finding.interval.is_some() && finding.segment.is_none()) {
        said += &format!(
            ". A one-look interval would say [{}, {}]: valid only had you planned to look once, now",
            step(low),
            step(high)
        );
    }
    said
}

/// What is to be made of an arm, and since when.
pub(super) fn verdict(phase: &Phase, analysis: &Analysis, against: &Against) -> (Ink, String) {
    let words = |word: Word| match word {
        Word::Better => (Ink::Good, "better, and nothing that is guarded is worse".to_owned()),
        Word::Worse => (Ink::Bad, "worse".to_owned()),
        Word::GuardFailed => (Ink::Bad, "a guardrail is worse than it may be".to_owned()),
        Word::NoDifference => (Ink::Odd, "the planned users came, and no difference is shown".to_owned()),
        Word::KeepCollecting => (Ink::Dim, waiting(phase, analysis, against)),
        Word::Invalid => (Ink::Bad, "invalid".to_owned()),
    };
    let (ink, said) = words(against.verdict);
    let since = against.decided_ms.map(|at| format!(" (decided {})", format_time(at))).unwrap_or_default();
    match against.contrary {
        Some(now) => (Ink::Bad, format!("{said}{since}; BUT NOW: {}", words(now).1)),
        None => (ink, said + &since),
    }
}

/// What is still to be shown.
fn waiting(phase: &Phase, analysis: &Analysis, against: &Against) -> String {
    let names = |role: Role, is: fn(Shows) -> bool| {
        let whole = against.metrics.iter().filter(|finding| finding.segment.is_none());
        let names =
            whole.filter(|finding| finding.role == role && is(finding.shows)).map(|finding| finding.metric.as_str());
        names.collect::<Vec<_>>().join(", ")
    };
    let better = names(Role::Success, |shows| shows == Shows::Better);
    let open = names(Role::Guardrail, |shows| shows != Shows::Holds);
    let open =
        if better.is_empty() { String::new() } else { format!(": {better} is better, whether {open} holds is open") };
    format!("keep collecting{open} ({} of {} users)", thousands(analysis.users), thousands(phase.planned_users))
}
