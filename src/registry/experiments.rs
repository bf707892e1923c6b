//! Experiments begin, change and end: entries of the log, and nothing else.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::session::{Registry, Session, Who};
use super::trouble::{RegistryError, Trouble};
use crate::audit::{Change, Entry, Event, Sealed};
use crate::env::parse_time;
use crate::experiment::{ALGORITHM, Arm, Assignment, Namespace, Outside, PLACES, Phase, Plan, share};

/// An experiment as the log tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// What decides about users.
    pub phase: Phase,
    /// When this stretch began, UTC.
    pub since: String,
    /// When it was last changed in what decides about nobody, UTC.
    pub changed: Option<String>,
    /// When it ended and with what decision, UTC.
    pub stopped: Option<Stop>,
}

/// The end of an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// When, UTC.
    pub time: String,
    /// What was decided.
    pub decision: String,
}

impl Stop {
    /// When, milliseconds since 1970, UTC.
    pub fn time_ms(&self) -> u64 {
        parse_time(&self.time).unwrap_or(u64::MAX)
    }
}

/// What came of a start.
#[derive(Debug, Clone)]
pub struct Started {
    /// What decides about users from now on.
    pub phase: Phase,
    /// What was entered; nothing where all was as planned already.
    pub event: Option<Event>,
    /// How many of all users get another version than before, or none, from 0 to 1.
    pub moved: f64,
}

impl Experiment {
    /// When this stretch began, milliseconds since 1970, UTC.
    pub fn since_ms(&self) -> u64 {
        parse_time(&self.since).unwrap_or_default()
    }

    /// The arm of a user; nobody's after the end.
    pub fn assign(&self, user: &str) -> Assignment<'_> {
        if self.stopped.is_some() { Assignment::Out(Outside::Stopped) } else { self.phase.assign(user) }
    }
}

impl Registry {
    /// The newest stretch of an experiment.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn experiment(&self, name: &str) -> Result<Option<Experiment>, RegistryError> {
        let needle = format!("\"name\":{}", serde_json::Value::from(name));
        Ok(self.phases(&["\"experiment\":{".to_owned(), needle], Some(name))?.pop())
    }

    /// Every stretch of an experiment, oldest first. One that another followed ended with it.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn stretches(&self, name: &str) -> Result<Vec<Experiment>, RegistryError> {
        let all = self.phases(&["\"experiment\":{".to_owned()], None)?;
        let mut own: Vec<Experiment> = all.into_iter().filter(|one| one.phase.name == name).collect();
        for at in 1..own.len() {
            let (time, next) = (own[at].since.clone(), own[at].phase.phase);
            own[at - 1].stopped.get_or_insert(Stop { time, decision: format!("phase {next} followed") });
        }
        Ok(own)
    }

    /// The newest stretch of every experiment, by name.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn experiments(&self) -> Result<BTreeMap<String, Experiment>, RegistryError> {
        let all = self.phases(&["\"experiment\":{".to_owned()], None)?;
        Ok(all.into_iter().map(|one| (one.phase.name.clone(), one)).collect())
    }

    /// What every experiment was at a moment (milliseconds since 1970, UTC) in which it ran, by name.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn experiments_at(&self, millis: u64) -> Result<BTreeMap<String, Experiment>, RegistryError> {
        let all = self.phases(&["\"experiment\":{".to_owned()], None)?;
        let begun = all.into_iter().filter(|one| one.since_ms() <= millis);
        // A later stretch takes the place of an earlier one.
        let newest: BTreeMap<String, Experiment> = begun.map(|one| (one.phase.name.clone(), one)).collect();
        let over = |one: &Experiment| one.stopped.as_ref().is_some_and(|stop| stop.time_ms() <= millis);
        Ok(newest.into_iter().filter(|(_, one)| !over(one)).collect())
    }

    /// Stretches of experiments, oldest first.
    ///
    /// # Errors
    /// When the log cannot be read.
    fn phases(&self, needles: &[String], name: Option<&str>) -> Result<Vec<Experiment>, RegistryError> {
        let log = self.log();
        let mut found = Vec::new();
        // One experiment is told by its entries back to the start of its newest stretch.
        let mut each = |sealed: Sealed| {
            let told = phases_of(&sealed, name);
            let begins = !told.is_empty() && sealed.entry.event == Event::ExperimentStart;
            found.extend(told.into_iter().map(|phase| (sealed.entry.clone(), phase)));
            name.is_none() || !begins
        };
        log.search(needles, &mut each).map_err(|e| RegistryError::io(&e, "read", log.path()))?;
        let mut all: Vec<Experiment> = Vec::new();
        for (entry, phase) in found.into_iter().rev() {
            enter(&mut all, &entry, phase?);
        }
        Ok(all)
    }
}

/// The phases that an entry tells of, of one experiment or of all.
fn phases_of(sealed: &Sealed, name: Option<&str>) -> Vec<Result<Phase, RegistryError>> {
    let told = sealed.entry.changes().filter_map(|change| change.experiment.as_ref());
    let told = told.filter(|told| name.is_none_or(|name| told["name"] == name));
    told.map(|told| known(told, sealed.seq)).collect()
}

/// Users must never be dealt out by guesswork.
fn known(told: &serde_json::Value, seq: u64) -> Result<Phase, RegistryError> {
    let phase = Phase::deserialize(told).ok().filter(|phase| phase.algorithm == ALGORITHM);
    phase.ok_or_else(|| {
        let message = format!("entry {seq} of the log tells of an experiment that this version cannot run");
        RegistryError::new(Trouble::Integrity, message).hint("a newer prompteval wrote it: update this one")
    })
}

fn enter(all: &mut Vec<Experiment>, entry: &Entry, phase: Phase) {
    let time = entry.time.clone();
    let same = all.iter_mut().rfind(|one| one.phase.name == phase.name);
    match (entry.event, same) {
        // Two branches that both changed it left nobody knowing who gets what.
        (Event::Merge, Some(one)) => {
            one.stopped.get_or_insert(Stop { time, decision: "two branches changed it, and were merged".into() });
        }
        (Event::ExperimentStop, Some(one)) => {
            one.stopped = Some(Stop { time, decision: entry.reason.clone().unwrap_or_default() });
        }
        (Event::ExperimentChange, Some(one)) => *one = Experiment { phase, changed: Some(time), ..one.clone() },
        _ => all.push(Experiment { phase, since: time, changed: None, stopped: None }),
    }
}

impl Session<'_> {
    /// Starts an experiment, or a new stretch of it where something else than before is to decide. Arms are
    /// released versions that are not withdrawn.
    ///
    /// # Errors
    /// When an arm is no released version, or the disk refuses.
    pub fn start_experiment(&mut self, plan: &Plan, reason: Option<&str>, who: &Who) -> Result<Started, RegistryError> {
        let before = self.registry.experiment(&plan.name)?;
        let running = before.as_ref().filter(|before| before.stopped.is_none()).map(|before| &before.phase);
        // Two branches that were merged may have had phases of the same number.
        let last = self.registry.stretches(&plan.name)?.iter().map(|one| one.phase.phase).max();
        let mut phase = self.frozen_phase(plan, last.map_or(1, |last| last + 1))?;
        let mut event = Some(Event::ExperimentStart);
        if let Some(old) = running {
            if phase.decides_as(old) {
                phase.phase = old.phase;
                phase.allocation.clone_from(&old.allocation);
                event = (phase != *old).then_some(Event::ExperimentChange);
            } else if same_arms(&phase, old) {
                let weights: Vec<u32> = phase.arms.iter().map(|arm| arm.weight).collect();
                phase.allocation = old.allocation.ramped(&weights, phase.coverage);
            }
        }
        let moved = running.map_or(0.0, |old| moved(old, &phase));
        self.keep_apart(&phase)?;
        all_have_places(&phase)?;
        if let Some(event) = event {
            self.note(&entry(&phase, event, reason, who))?;
        }
        Ok(Started { phase, event, moved })
    }

    /// Ends an experiment.
    ///
    /// # Errors
    /// When it does not run, or the disk refuses.
    pub fn stop_experiment(&mut self, name: &str, decision: &str, who: &Who) -> Result<Experiment, RegistryError> {
        let running = self.registry.experiment(name)?.filter(|found| found.stopped.is_none());
        let Some(mut running) = running else {
            let error = RegistryError::usage(format!("no experiment `{name}` runs"));
            return Err(error.hint("`prompteval ab list` shows what there is"));
        };
        let entry = entry(&running.phase, Event::ExperimentStop, Some(decision), who);
        self.note(&entry)?;
        running.stopped = Some(Stop { time: entry.time, decision: decision.to_owned() });
        Ok(running)
    }

    /// Experiments of one namespace share no users, and those that share users do not deal them out alike.
    fn keep_apart(&self, phase: &Phase) -> Result<(), RegistryError> {
        let others = self.registry.experiments()?;
        for (name, other) in others.iter().filter(|(name, other)| **name != phase.name && other.stopped.is_none()) {
            let spaces = phase.namespace.as_ref().zip(other.phase.namespace.as_ref());
            match spaces.filter(|(own, space)| own.name == space.name) {
                Some((own, space)) if space.from < own.to && own.from < space.to => {
                    let Namespace { name: shared, from, to } = space;
                    let message = format!("`{name}` runs on places {from} to {to} of the namespace `{shared}` already");
                    return Err(RegistryError::usage(message).hint("give this one another part, or stop the other"));
                }
                None if other.phase.seed == phase.seed => {
                    let message = format!("`{name}` runs with the key `{}` too, and deals users out alike", phase.seed);
                    return Err(RegistryError::usage(message).hint("give this one a `key` of its own"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn frozen_phase(&self, plan: &Plan, phase: u32) -> Result<Phase, RegistryError> {
        let labels = self.labels()?;
        let mut contents = Vec::with_capacity(plan.arms.len());
        for arm in &plan.arms {
            let frozen = self.registry.frozen(&plan.prompt, &arm.version).map_err(|error| error.at(&arm.at))?;
            if labels.is_withdrawn(&plan.prompt, &arm.version) {
                let error = RegistryError::usage(format!("{}@{} is withdrawn", plan.prompt, arm.version));
                return Err(error.hint("an arm is a version that may be used: release another one").at(&arm.at));
            }
            contents.push(frozen.content().to_owned());
        }
        Ok(Phase::of(plan, phase, &contents))
    }
}

/// An arm that is to have users must have a place.
fn all_have_places(phase: &Phase) -> Result<(), RegistryError> {
    if phase.part() <= 0.0 {
        let error = RegistryError::usage("nobody could be in any arm: the holdout takes everybody");
        return Err(error.hint("make the holdout smaller, or the namespace larger"));
    }
    let empty = |(at, arm): &(usize, &Arm)| arm.weight > 0 && phase.allocation.size(*at) == 0;
    let Some((_, arm)) = phase.arms.iter().enumerate().find(empty) else { return Ok(()) };
    let message =
        format!("the arm `{}` would have nobody: its share of the coverage is below a ten-thousandth", arm.name);
    Err(RegistryError::usage(message).hint("raise its weight, or the coverage"))
}

/// Whether the arms are the same versions under the same names, so that users may stay where they are.
fn same_arms(one: &Phase, other: &Phase) -> bool {
    let names = |phase: &Phase| -> Vec<(String, String)> {
        phase.arms.iter().map(|arm| (arm.name.clone(), arm.content_sha256.clone())).collect()
    };
    one.seed == other.seed && names(one) == names(other)
}

/// How many of all users have another content than before, from 0 to 1. Where places are others, so many
/// made-up users tell as there are places.
fn moved(old: &Phase, new: &Phase) -> f64 {
    let space = |phase: &Phase| (phase.seed.clone(), phase.namespace.clone(), phase.holdout.clone());
    let same = space(old) == space(new);
    let content = |phase: &Phase, n: u32| {
        let arm = if same {
            phase.allocation.arm(n).and_then(|at| phase.arms.get(at)).cloned()
        } else {
            phase.dealt(&format!("user-{n}")).ok().cloned()
        };
        arm.map(|arm| arm.content_sha256)
    };
    let differs = |n: &u32| {
        let before = content(old, *n);
        before.is_some() && before != content(new, *n)
    };
    let found = share(u32::try_from((0..PLACES).filter(differs).count()).unwrap_or(PLACES));
    if same { found * old.part() } else { found }
}

fn entry(phase: &Phase, event: Event, reason: Option<&str>, who: &Who) -> Entry {
    let change = Change {
        prompt: Some(phase.prompt.clone()),
        experiment: serde_json::to_value(phase).ok(),
        ..Change::default()
    };
    Entry { change, reason: reason.map(str::to_owned), ..who.entry(event) }
}
