//! What an experiment shows, as it is told and kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::experiment::metric::Role;
use crate::stats::Status;

/// What an experiment shows.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Analysis {
    /// Whether users came in the planned proportion; first those who were exposed.
    pub ratios: Vec<RatioCheck>,
    /// Users who met more than one arm; they are left out.
    pub several: u64,
    /// Users of all arms of whom a success metric is known: those that were planned are compared with it.
    pub users: u64,
    /// Whether there are more than [`SEGMENTS`] sorts of users; the others are not told apart.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub crowded: bool,
    /// What makes all of it invalid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invalid: Option<String>,
    /// Every other arm against the control.
    pub arms: Vec<Against>,
}

/// A check of the proportion of users.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RatioCheck {
    /// Who is counted: `exposed`, or those of whom a metric is known.
    pub who: String,
    /// Users of each arm, in the order of the phase.
    pub users: Vec<u64>,
    /// p of the planned proportion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p: Option<f64>,
    /// Whether it is not the planned one.
    pub alarm: bool,
    /// Others of whom the metric is known, who were not exposed before, or to several arms.
    #[serde(skip_serializing_if = "is_none")]
    pub left_out: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// An arm against the control.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Against {
    /// The arm.
    pub arm: String,
    /// Its version.
    pub version: String,
    /// What is to be made of it.
    pub verdict: Word,
    /// When that was decided, milliseconds since 1970, UTC: it stays so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_ms: Option<u64>,
    /// What the data say now, where that is the contrary of what was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contrary: Option<Word>,
    /// Each metric.
    pub metrics: Vec<Finding>,
}

/// What is to be made of an arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// The data cannot be trusted.
    Invalid,
    /// Nothing is shown yet.
    KeepCollecting,
    /// It is better, and nothing else is worse.
    Better,
    /// It is worse.
    Worse,
    /// A guardrail is worse than it may be.
    GuardFailed,
    /// As many users as were planned came, and no difference is shown.
    NoDifference,
}

impl Word {
    /// As reports and the log have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::KeepCollecting => "keep_collecting",
            Self::Better => "better",
            Self::Worse => "worse",
            Self::GuardFailed => "guard_failed",
            Self::NoDifference => "no_difference",
        }
    }

    /// Whether it may be said for ever.
    pub fn decides(self) -> bool {
        matches!(self, Self::Better | Self::Worse | Self::GuardFailed)
    }
}

/// A metric of an arm against the control's. Differences are the arm's minus the control's, as they are.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The metric.
    pub metric: String,
    /// What it is for.
    pub role: Role,
    /// The sort of users, where not all are meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// Users of the control and of the arm of whom it is known.
    pub users: [u64; 2],
    /// Their means.
    pub means: [Option<f64>; 2],
    /// The difference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<f64>,
    /// The interval that stays valid however often one looks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// Its level.
    pub alpha: f64,
    /// Its p; of segments, Holm's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p: Option<f64>,
    /// The interval of somebody who planned to look once, now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_look: Option<[f64; 2]>,
    /// Why there is no interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// What it shows.
    pub shows: Shows,
    /// How the interval went.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub course: Vec<Step>,
}

/// What was known at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Milliseconds since 1970, UTC.
    pub at_ms: u64,
    /// Users of both arms so far.
    pub users: u64,
    /// The difference.
    pub difference: f64,
    /// The interval that stays valid however often one looks.
    pub interval: [f64; 2],
}

/// What a metric shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shows {
    /// Nothing yet.
    Nothing,
    /// The arm is better.
    Better,
    /// The arm is worse; a guardrail, by more than its margin.
    Worse,
    /// A guardrail is no worse than its margin.
    Holds,
}

/// What was decided about arms, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Decided(BTreeMap<String, (Word, u64)>);

impl Analysis {
    /// Lets what was decided before stay decided, and decides what can be now; says whether that is more.
    pub fn settle(&mut self, decided: &mut Decided, now_ms: u64) -> bool {
        let before = decided.0.len();
        for arm in self.arms.iter_mut().filter(|arm| arm.verdict != Word::Invalid) {
            if arm.verdict.decides() {
                decided.0.entry(arm.arm.clone()).or_insert((arm.verdict, now_ms));
            }
            if let Some((word, at)) = decided.0.get(&arm.arm) {
                arm.contrary = Some(arm.verdict).filter(|now| now.decides() && now != word);
                arm.verdict = *word;
                arm.decided_ms = Some(*at);
            }
        }
        decided.0.len() > before
    }
}
