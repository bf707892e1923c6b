//! `prompteval gate`, and what gates leave in the ledger.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::{Selection, StoreArgs};
use super::baseline::{LIVE, prompt};
use super::compare::{play, share, store};
use super::evidence::{Archive, Evidence};
use super::exit::{ExitStatus, Failure};
use super::keep::failed;
use super::rivals::{Aim, Matched, Rivals};
use super::screen::Screen;
use super::{load, verdict};
use crate::env::{Clock, Env};
use crate::report::{GateReport, comparison};
use crate::stats::Question;
use crate::stats::gate::{Policy, Verdict};
use crate::store::{GateLine, Store};
use crate::suite::{GateOptions, Options};

#[derive(Debug, clap::Args)]
pub(super) struct GateCommand {
    #[command(flatten)]
    selection: Selection,
    /// What may ship: a report, a stored run, `latest`, NAME@VERSION; default: the newest run of this config
    #[arg(long, value_name = "RUN")]
    candidate: Option<String>,
    /// What it is held against: the same, or a label
    #[arg(long, value_name = "RUN")]
    baseline: Option<String>,
    /// Take the gate's rules from this file instead of the config
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// For people, or everything as JSON
    #[arg(long, value_enum, default_value = "text")]
    format: super::args::TextOrJson,
    /// The difference that "cases needed" is about, as a share of the scale
    #[arg(long, value_name = "SHARE", default_value_t = 0.02, value_parser = share)]
    detect: f64,
    #[command(flatten)]
    store: StoreArgs,
}

/// Where the rules and the registry are, and which config the runs are of.
struct Rules {
    policy: Policy,
    registry: PathBuf,
    origin: Option<String>,
    env: Env,
}

pub(super) fn gate(command: &GateCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let rules = rules(command, env, cwd, screen)?;
    let store = store(&command.store, &rules.env, cwd)?;
    let archive = Archive { store: store.as_ref(), registry: &rules.registry, cwd, prompt: None };
    let candidate = candidate(command, &rules, &archive, store.as_ref())?;
    let name = prompt(&candidate.head.columns).map(str::to_owned);
    let archive = Archive { prompt: name.as_deref(), ..archive };
    let question = Question { detect: command.detect, ..Question::default() };
    let aim = Aim { policy: Some(rules.policy.clone()), question, early: false };
    let rivals = rivals(command, &rules.policy, &candidate, &archive, aim)?;
    let mut matched = play(rivals, &candidate)?;
    note(&mut matched, &candidate.head.id, store.as_ref(), env.clock)?;
    if command.format == super::args::TextOrJson::Json {
        screen.out(
            comparison::gate_json(&matched.iter().filter_map(Matched::gated).collect::<Vec<_>>(), &rules.env.redactor)
                .trim_end(),
        );
    } else {
        for matched in &matched {
            verdict::show(matched, screen);
        }
    }
    Ok(status(matched.iter().filter_map(|matched| matched.gate.as_ref())))
}

/// The rules: of the policy file, else of the config.
fn rules(command: &GateCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<Rules, Failure> {
    let gate = GateOptions { policy: command.policy.clone(), on: Some(true) };
    let options = Options { gate, offline: true, ..command.selection.options(cwd)? };
    let here = crate::suite::NAMES.iter().any(|name| cwd.join(name).is_file());
    if command.policy.is_some() && !command.selection.names_config() && !here {
        let policy = crate::suite::policy_of(&options).map_err(|problems| {
            screen.problems(&problems);
            Failure::new(ExitStatus::Usage, "the policy file cannot be used")
        })?;
        screen.learn(env);
        return Ok(Rules { policy, registry: cwd.join("prompts"), origin: None, env: env.clone() });
    }
    let (suite, env) = load(&command.selection, &options, env, cwd, screen)?;
    let config = cwd.join(&*suite.plan.config_path);
    let origin = config.canonicalize().unwrap_or(config).display().to_string();
    let policy = suite.gate.map(|gate| gate.policy).unwrap_or_default();
    Ok(Rules { policy, registry: suite.registry, origin: Some(origin), env })
}

/// What wants through.
fn candidate(
    command: &GateCommand,
    rules: &Rules,
    archive: &Archive<'_>,
    store: Option<&Store>,
) -> Result<Evidence, Failure> {
    if let Some(word) = &command.candidate {
        return archive.find(word);
    }
    let none = || {
        Failure::new(ExitStatus::Usage, "there is no stored run of this config to decide about")
            .hint("`prompteval run` makes one; --candidate names another")
    };
    let (Some(store), Some(origin)) = (store, &rules.origin) else { return Err(none()) };
    let run = store.newest_at(origin).map_err(failed)?.ok_or_else(none)?;
    Ok(Evidence::of_run(store, run))
}

/// With the baseline that is named; else the first prompt with every other; else the only one with what is
/// live.
fn rivals(
    command: &GateCommand,
    policy: &Policy,
    candidate: &Evidence,
    archive: &Archive<'_>,
    aim: Aim,
) -> Result<Rivals, Failure> {
    let head = Arc::new(candidate.head.clone());
    let word = command.baseline.as_deref().or(policy.baseline.as_deref());
    let other = match word {
        Some(word) => Some(archive.find(word)?),
        None if several(candidate) => None,
        None => archive.labelled(LIVE)?,
    };
    match other {
        Some(other) if other.is(candidate) => {
            let mut columns = other.columns.clone();
            columns.extend(candidate.columns.iter().filter(|c| !other.columns.contains(c)));
            Ok(Rivals::within(head, &columns, aim))
        }
        Some(other) => Rivals::against(head, &candidate.columns, &Arc::new(other), aim),
        None => Ok(Rivals::within(head, &candidate.columns, aim)),
    }
}

/// Whether a provider has several prompts.
fn several(run: &Evidence) -> bool {
    let provider = |at: &usize| &run.head.columns[*at].provider;
    run.columns.iter().enumerate().any(|(n, at)| run.columns[..n].iter().any(|before| provider(before) == provider(at)))
}

/// Open only when every gate is.
pub(super) fn status<'a>(mut gates: impl Iterator<Item = &'a GateReport>) -> ExitStatus {
    let open = gates.all(|gate| gate.decision.decision == Verdict::Pass);
    if open { ExitStatus::Success } else { ExitStatus::GateClosed }
}

/// Enters decisions into the ledger, and learns which try each was.
pub(super) fn note(matched: &mut [Matched], run: &str, store: Option<&Store>, clock: Clock) -> Result<(), Failure> {
    let Some(store) = store else { return Ok(()) };
    for matched in matched {
        let comparison = matched.comparison.as_ref();
        let Some(gate) = &mut matched.gate else { continue };
        let mut line = line(gate, run, clock);
        line.results = matched.results.to_string();
        gate.attempt = Some(store.tries(&line).map_err(failed)?);
        let body = serde_json::json!({"gate": &*gate, "comparison": comparison});
        line.body = body.to_string();
        store.note_gate(&line).map_err(failed)?;
    }
    Ok(())
}

fn line(gate: &GateReport, run: &str, clock: Clock) -> GateLine {
    GateLine {
        run: run.to_owned(),
        candidate: gate.candidate.prompt_hash.to_string(),
        baseline: gate.baseline.as_ref().map(|baseline| baseline.prompt_hash.to_string()).unwrap_or_default(),
        test_set: gate.test_set.to_string(),
        checks: gate.checks.to_string(),
        results: String::new(),
        policy: gate.policy_digest.to_string(),
        decision: gate.decision.decision.word().to_owned(),
        rule: gate.decision.rule.to_owned(),
        decided_ms: clock.now_millis(),
        body: String::new(),
    }
}
