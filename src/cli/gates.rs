//! `prompteval gate`, and what gates leave in the ledger.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::{Selection, StoreArgs};
use super::baseline::{LIVE, prompt};
use super::compare::{Format, play, print, share, store};
use super::evidence::{Archive, Evidence};
use super::exit::{ExitStatus, Failure};
use super::keep::failed;
use super::load;
use super::rivals::{Aim, Matched, Rivals};
use super::screen::Screen;
use crate::env::{Clock, Env};
use crate::plan::{Plan, PlanColumn};
use crate::report::{GateReport, comparison};
use crate::stats::Question;
use crate::stats::gate::{Decision, Policy, Verdict};
use crate::store::{GateLine, Store};
use crate::suite::{GateOptions, Options};

#[derive(Debug, clap::Args)]
pub(super) struct GateCommand {
    /// What may ship: a report, a stored run, `latest`, NAME@VERSION; default: the newest run of this config
    #[arg(long, value_name = "RUN")]
    candidate: Option<String>,
    /// What it is held against: the same, or a label
    #[arg(long, value_name = "RUN")]
    baseline: Option<String>,
    /// Take the gate's rules from this file instead of the config
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// How to tell it; `json` has everything
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// The difference that "cases needed" is about, as a share of the scale
    #[arg(long, value_name = "SHARE", default_value_t = 0.02, value_parser = share)]
    detect: f64,
    /// Config file or folder; default: evalconfig.yaml or promptfooconfig.yaml here
    #[arg(short, long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// Unknown keys in the config are warnings
    #[arg(long)]
    lenient: bool,
    #[command(flatten)]
    store: StoreArgs,
}

/// Where the rules and the registry are, and which config the runs are of.
struct Rules {
    policy: Policy,
    registry: PathBuf,
    origin: Option<String>,
    env: Env,
    plan: Option<Arc<Plan>>,
}

pub(super) fn gate(command: &GateCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let rules = rules(command, env, cwd, screen)?;
    let store = store(&command.store, &rules.env, cwd)?;
    let archive = Archive { store: store.as_ref(), registry: &rules.registry, cwd, prompt: None, baseline: false };
    let candidate = candidate(command, &rules, &archive, store.as_ref())?;
    let name = prompt(&candidate.head.columns).map(str::to_owned);
    let archive = Archive { prompt: name.as_deref(), baseline: true, ..archive };
    let question = Question { detect: command.detect, ..Question::default() };
    let aim = Aim { policy: Some(rules.policy.clone()), question, early: false };
    let rivals = rivals(command, &rules.policy, &candidate, &archive, aim)?;
    let named = command.baseline.is_some() || rules.policy.baseline.is_some();
    if rivals.is_empty() || (named && rivals.some_are_alone()) {
        return Err(the_same(&candidate));
    }
    let mut matched = play(rivals, &candidate)?;
    if let Some(plan) = rules.plan.as_ref().filter(|_| command.candidate.is_none()) {
        matched.iter_mut().filter_map(|matched| matched.gate.as_mut()).for_each(|gate| hold_to(plan, gate));
    }
    note(&mut matched, &candidate.head.id, store.as_ref(), env.clock)?;
    if command.format == Format::Json {
        let gates: Vec<_> = matched.iter().filter_map(Matched::gated).collect();
        screen.out(comparison::gate_json(&gates, &rules.env.redactor).trim_end());
    } else {
        print(&matched, command.format, &rules.env, screen);
    }
    if matched.iter().any(|matched| matched.errored > 0) {
        return Ok(ExitStatus::CellsErrored);
    }
    Ok(status(matched.iter().filter_map(|matched| matched.gate.as_ref())))
}

/// The rules: of the policy file, else of the config.
fn rules(command: &GateCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<Rules, Failure> {
    let gate = GateOptions { policy: command.policy.clone(), on: Some(true) };
    let selection = Selection::of(command.config.clone(), command.lenient);
    let options = Options { gate, offline: true, ..selection.options(cwd)? };
    let here = crate::suite::NAMES.iter().any(|name| cwd.join(name).is_file());
    if command.policy.is_some() && command.config.is_none() && !here {
        let policy = crate::suite::policy_of(&options).map_err(|problems| {
            screen.problems(&problems);
            Failure::new(ExitStatus::Usage, "the policy file cannot be used")
        })?;
        screen.learn(env);
        return Ok(Rules { policy, registry: cwd.join("prompts"), origin: None, env: env.clone(), plan: None });
    }
    let (suite, env) = load(&selection, &options, env, cwd, screen)?;
    let config = cwd.join(&*suite.plan.config_path);
    let origin = config.canonicalize().unwrap_or(config).display().to_string();
    let policy = suite.gate.map(|gate| gate.policy).unwrap_or_default();
    Ok(Rules { policy, registry: suite.registry, origin: Some(origin), env, plan: Some(suite.plan) })
}

/// What wants through.
fn candidate(
    command: &GateCommand,
    rules: &Rules,
    archive: &Archive<'_>,
    store: Option<&Store>,
) -> Result<Evidence, Failure> {
    if let Some(word) = &command.candidate {
        let found = archive.find(word)?;
        if found.ending.is_none()
            && word.to_lowercase().split('#').next().is_some_and(|path| path.rsplit('.').next() == Some("jsonl"))
        {
            let message = format!("`{word}` does not say whether its run came to its end");
            let failure = Failure::new(ExitStatus::Usage, message);
            return Err(failure.hint("name the stored run, or its .json report"));
        }
        return Ok(found);
    }
    let none = || {
        Failure::new(ExitStatus::Usage, "there is no stored run of this config to decide about")
            .hint("`prompteval run` makes one; --candidate names another")
    };
    let (Some(store), Some(origin)) = (store, &rules.origin) else { return Err(none()) };
    let run = store.newest_at(origin).map_err(failed)?.ok_or_else(none)?;
    Ok(Evidence::of_run(store, run))
}

/// With the baseline that is named; else the first prompt of the run with every other; else the only one
/// with what is live.
fn rivals(
    command: &GateCommand,
    policy: &Policy,
    candidate: &Evidence,
    archive: &Archive<'_>,
    aim: Aim,
) -> Result<Rivals, Failure> {
    let head = Arc::new(candidate.head.clone());
    let word = command.baseline.as_deref().or(policy.baseline.as_deref());
    if let Some(first) = word.and_then(|word| candidate.named(word)) {
        return Ok(Rivals::within(head, &candidate.led_by(&first), aim).only(&candidate.columns));
    }
    let other = match word {
        Some(word) => Some(archive.find(word)?),
        None if several(candidate) => None,
        None => archive.labelled(LIVE)?,
    };
    match other {
        Some(other) if other.is(candidate) => {
            // A baseline that was named is never left out.
            let first = &other.columns;
            let others: Vec<usize> = candidate.columns.iter().copied().filter(|at| !first.contains(at)).collect();
            Ok(Rivals::within(head, &candidate.led_by(first), aim).only(&others))
        }
        Some(other) => Rivals::against(head, &candidate.columns, &Arc::new(other), aim),
        None => Ok(Rivals::within(head, &candidate.led_by(&[]), aim).only(&candidate.columns)),
    }
}

fn the_same(run: &Evidence) -> Failure {
    let message = format!("baseline and candidate are the same run {}", run.head.id);
    let hint = format!("name a prompt of it, as in --baseline '{}#PROMPT', or another run", run.head.id);
    Failure::new(ExitStatus::Usage, message).hint(hint)
}

/// A run that asked something else than the config does now decides nothing about it.
fn hold_to(plan: &Plan, gate: &mut GateReport) {
    let party = &gate.candidate;
    if gate.decision.rule == "unfinished" {
        return;
    }
    let is = |column: &PlanColumn| column.prompt.label == party.prompt && column.target.label == party.provider;
    let now = plan.columns.iter().position(is);
    let same_prompt = now.is_some_and(|at| plan.columns[at].prompt.hash == party.prompt_hash);
    let expected = now.map(|at| &plan.expected[at]);
    let words = match expected {
        None => format!("the config has no prompt `{}` at {} any more", party.prompt, party.provider),
        Some(_) if !same_prompt => {
            format!("the prompt `{}` is another one now than in the run {}", party.prompt, party.run)
        }
        Some(expected) if (expected.test_set, expected.checks) != (gate.test_set, gate.checks) => {
            format!("the config's tests or assertions are others now than in the run {}", party.run)
        }
        Some(_) => return,
    };
    let words = format!("{words}: run again, or name the run with --candidate to decide about it as it was");
    gate.decision = Decision { decision: Verdict::Invalid, rule: "stale", metric: None, words, rules: Vec::new() };
}

/// Whether a provider has several prompts.
fn several(run: &Evidence) -> bool {
    let columns = &run.head.columns;
    columns.iter().enumerate().any(|(n, column)| columns[..n].iter().any(|before| before.provider == column.provider))
}

/// Open only when every gate is, and there is one.
pub(super) fn status<'a>(mut gates: impl Iterator<Item = &'a GateReport>) -> ExitStatus {
    let mut any = false;
    let open = gates.all(|gate| {
        any = true;
        gate.decision.decision == Verdict::Pass
    });
    if any && open { ExitStatus::Success } else { ExitStatus::GateClosed }
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
        provider: gate.candidate.provider.to_string(),
        results: String::new(),
        policy: gate.policy_digest.to_string(),
        decision: gate.decision.decision.word().to_owned(),
        rule: gate.decision.rule.to_owned(),
        decided_ms: clock.now_millis(),
        body: String::new(),
    }
}
