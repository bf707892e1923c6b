//! What is frozen while an experiment runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::allocation::Allocation;
use super::file::{Plan, PlannedArm};
use super::hash::{place, share};
use super::metric::Metric;
use super::namespace::Namespace;

/// The way from a user's id to a place.
pub const ALGORITHM: &str = "growthbook-v2";

/// One stretch of an experiment, in which nothing that decides about users changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// The experiment's name.
    pub name: String,
    /// Which stretch, from 1.
    pub phase: u32,
    /// The way from a user's id to a place.
    pub algorithm: String,
    /// What tells this experiment's dealing from that of others.
    pub seed: String,
    /// The prompt.
    pub prompt: String,
    /// Its versions.
    pub arms: Vec<Arm>,
    /// The places of each arm.
    pub allocation: Allocation,
    /// How many of all users take part, in basis points.
    pub coverage: u32,
    /// The part of a shared space that it has for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Namespace>,
    /// Users that take part in nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdout: Option<Namespace>,
    /// Users whose arm is said, for testers. They are never analysed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub forced: BTreeMap<String, String>,
    /// What is measured.
    pub metrics: Vec<Metric>,
    /// Users in all, over all arms, at which the interval is to be tightest.
    pub planned_users: u64,
}

/// One version of the prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arm {
    /// Its name in the experiment.
    pub name: String,
    /// The released version.
    pub version: String,
    /// Hash of what reaches the model.
    pub content_sha256: String,
    /// Its share of those who take part, in basis points.
    pub weight: u32,
    /// Whether the others are held against it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub control: bool,
}

/// Why a user is in no arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outside {
    /// Nobody is named.
    NoId,
    /// They take part in nothing.
    HeldOut,
    /// Another experiment of the namespace may have them.
    OtherExperiment,
    /// The experiment does not cover them.
    NotCovered,
    /// The experiment was stopped.
    Stopped,
}

/// What becomes of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assignment<'a> {
    /// They belong to an arm, by the hash or because somebody said so.
    In {
        /// The arm.
        arm: &'a Arm,
        /// Whether somebody said so.
        forced: bool,
    },
    /// They do not take part.
    Out(Outside),
}

impl Phase {
    /// What a plan says, with the content of each of its versions.
    pub fn of(plan: &Plan, phase: u32, contents: &[String]) -> Self {
        let arm = |(arm, content): (&PlannedArm, &String)| Arm {
            name: arm.name.clone(),
            version: arm.version.clone(),
            content_sha256: content.clone(),
            weight: arm.weight,
            control: arm.control,
        };
        let arms: Vec<Arm> = plan.arms.iter().zip(contents).map(arm).collect();
        let weights: Vec<u32> = arms.iter().map(|arm| arm.weight).collect();
        Self {
            name: plan.name.clone(),
            phase,
            algorithm: ALGORITHM.to_owned(),
            seed: plan.key.clone(),
            prompt: plan.prompt.clone(),
            allocation: Allocation::new(&weights, plan.coverage),
            arms,
            coverage: plan.coverage,
            namespace: plan.namespace.clone(),
            holdout: plan.holdout.clone(),
            forced: plan.forced.clone(),
            metrics: plan.metrics.clone(),
            planned_users: plan.planned_users,
        }
    }

    /// The arm of a user. The same on every machine, for ever.
    pub fn assign(&self, user: &str) -> Assignment<'_> {
        if user.is_empty() {
            return Assignment::Out(Outside::NoId);
        }
        if let Some(arm) = self.forced.get(user).and_then(|name| self.arm(name)) {
            return Assignment::In { arm, forced: true };
        }
        self.dealt(user).map_or_else(Assignment::Out, |arm| Assignment::In { arm, forced: false })
    }

    /// The arm of a user by the hash alone.
    ///
    /// # Errors
    /// Why they are in none.
    pub fn dealt(&self, user: &str) -> Result<&Arm, Outside> {
        if self.holdout.as_ref().is_some_and(|holdout| holdout.holds(user)) {
            return Err(Outside::HeldOut);
        }
        if self.namespace.as_ref().is_some_and(|namespace| !namespace.holds(user)) {
            return Err(Outside::OtherExperiment);
        }
        let arm = self.allocation.arm(place(&self.seed, user)).and_then(|at| self.arms.get(at));
        arm.ok_or(Outside::NotCovered)
    }

    /// How many of all users could be in it, from 0 to 1.
    pub fn part(&self) -> f64 {
        Namespace::without(self.namespace.as_ref(), self.holdout.as_ref())
    }

    /// How many of all users an arm has, from 0 to 1.
    pub fn share(&self, arm: usize) -> f64 {
        share(self.allocation.size(arm)) * self.part()
    }

    /// An arm by its name.
    pub fn arm(&self, name: &str) -> Option<&Arm> {
        self.arms.iter().find(|arm| arm.name == name)
    }

    /// The arm that the others are held against.
    pub fn control(&self) -> Option<&Arm> {
        self.arms.iter().find(|arm| arm.control)
    }

    /// A metric by its name.
    pub fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.name == name)
    }

    /// Whether everything that decides about users or about the outcome is the same.
    pub fn decides_as(&self, other: &Self) -> bool {
        let bare = |phase: &Self| Self {
            phase: 0,
            forced: BTreeMap::new(),
            allocation: Allocation::new(&[], 0),
            ..phase.clone()
        };
        bare(self) == bare(other)
    }
}
