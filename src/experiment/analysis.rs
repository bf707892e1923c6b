//! What an experiment shows so far.
//!
//! Source of the rules: the order is data, sample ratio, burn-in, intervals that may be looked at every day
//! (Waudby-Smith et al., arXiv 2103.06476), guardrails that all must hold, success metrics of which one
//! suffices, at a level divided by their number.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::metric::{Direction, Metric, Role};
use super::phase::Phase;
use crate::stats::{self, Sequential, Split, Spread, Status, float};

/// The level of a verdict.
const ALPHA: f64 = 0.05;
/// Users met more than one arm: more than this share of them is an alarm.
const MIXED: f64 = 0.01;

/// What users of one arm came to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Group {
    spread: Spread,
    /// Whether a value is neither 0 nor 1.
    graded: bool,
}

impl Group {
    /// Takes in what a user's values come to.
    pub fn add(&mut self, value: f64) {
        self.spread.add(value);
        self.graded |= value.to_bits() != 0.0_f64.to_bits() && value.to_bits() != 1.0_f64.to_bits();
    }

    /// How many users.
    pub fn users(&self) -> u64 {
        whole(self.spread.count)
    }

    /// Their mean.
    pub fn mean(&self) -> Option<f64> {
        (self.spread.count > 0.0).then_some(self.spread.mean)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of users")]
fn whole(n: f64) -> u64 {
    n as u64
}

/// What is known of a metric: a group for each arm, in all and by segment.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// By arm, in the order of the phase.
    pub all: Vec<Group>,
    /// The same for each sort of user.
    pub segments: BTreeMap<String, Vec<Group>>,
    /// The same for each stretch of time, by its end, milliseconds since 1970, UTC.
    pub stretches: BTreeMap<u64, Vec<Group>>,
    /// Users of whom it is known, but who were not exposed before, or to several arms.
    pub left_out: u64,
}

impl Measured {
    /// Of nobody yet.
    pub fn new(arms: usize) -> Self {
        Self { all: vec![Group::default(); arms], ..Self::default() }
    }

    /// Takes in a user.
    pub fn add(&mut self, arm: usize, segment: Option<&str>, value: f64) {
        let Some(group) = self.all.get_mut(arm) else { return };
        group.add(value);
        let Some(segment) = segment else { return };
        let arms = self.all.len();
        if !self.segments.contains_key(segment) {
            self.segments.insert(segment.to_owned(), vec![Group::default(); arms]);
        }
        if let Some(group) = self.segments.get_mut(segment).and_then(|groups| groups.get_mut(arm)) {
            group.add(value);
        }
    }
}

impl Measured {
    /// Takes in that a user of an arm came in the stretch of time that ends then.
    pub fn came(&mut self, arm: usize, end_ms: u64, value: f64) {
        let arms = self.all.len();
        let groups = self.stretches.entry(end_ms).or_insert_with(|| vec![Group::default(); arms]);
        if let Some(group) = groups.get_mut(arm) {
            group.add(value);
        }
    }
}

/// All that goes into an analysis.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// What was frozen.
    pub phase: &'a Phase,
    /// Users exposed to each arm, in the order of the phase; nothing where exposures were not logged.
    pub exposed: Option<Vec<u64>>,
    /// Users who met more than one arm.
    pub several: u64,
    /// Each metric of the phase, in its order.
    pub measured: Vec<Measured>,
}

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
    /// Each metric.
    pub metrics: Vec<Result>,
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
    /// Whether it may be said for ever.
    pub fn decides(self) -> bool {
        matches!(self, Self::Better | Self::Worse | Self::GuardFailed)
    }
}

/// A metric of an arm against the control's. Differences are the arm's minus the control's, as they are.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Result {
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
                arm.verdict = *word;
                arm.decided_ms = Some(*at);
            }
        }
        decided.0.len() > before
    }
}

/// Says what the evidence shows.
pub fn analyze(evidence: &Evidence<'_>) -> Analysis {
    let phase = evidence.phase;
    let ratios = ratios(evidence);
    let invalid = invalid(evidence, &ratios);
    let control = phase.arms.iter().position(|arm| arm.control).unwrap_or(0);
    let others = (0..phase.arms.len()).filter(|at| *at != control && phase.arms[*at].weight > 0);
    let users = users(evidence);
    let verdict = |metrics: &[Result]| match &invalid {
        Some(_) => Word::Invalid,
        None => verdict(metrics, users >= phase.planned_users),
    };
    let arms = others.map(|at| against(evidence, [control, at], &verdict)).collect();
    Analysis { ratios, several: evidence.several, users, invalid, arms }
}

fn users(evidence: &Evidence<'_>) -> u64 {
    let known = evidence.phase.metrics.iter().zip(&evidence.measured);
    let wins = known.filter(|(metric, _)| metric.role == Role::Success);
    wins.map(|(_, measured)| measured.all.iter().map(Group::users).sum()).max().unwrap_or(0)
}

fn ratios(evidence: &Evidence<'_>) -> Vec<RatioCheck> {
    let phase = evidence.phase;
    // By the places that arms have: under a small coverage rounding makes them others than the weights say.
    let weights: Vec<f64> = (0..phase.arms.len()).map(|arm| f64::from(phase.allocation.size(arm))).collect();
    let check = |who: &str, users: Vec<u64>, left_out: u64| {
        let split = stats::split(&users, &weights).ok();
        let stray = users.iter().zip(&weights).any(|(n, weight)| *n > 0 && *weight == 0.0);
        RatioCheck {
            who: who.to_owned(),
            users,
            p: split.map(|split: Split| split.p),
            alarm: stray || split.is_some_and(|split| split.alarm),
            left_out,
        }
    };
    let exposed = evidence.exposed.iter().map(|users| check("exposed", users.clone(), 0));
    let known = phase.metrics.iter().zip(&evidence.measured).map(|(metric, measured)| {
        check(&metric.name, measured.all.iter().map(Group::users).collect(), measured.left_out)
    });
    exposed.chain(known).collect()
}

fn invalid(evidence: &Evidence<'_>, ratios: &[RatioCheck]) -> Option<String> {
    let exposed: u64 = evidence.exposed.iter().flatten().sum::<u64>() + evidence.several;
    if exposed > 0 && float(evidence.several) > MIXED * float(exposed) {
        return Some(format!("{} of {exposed} users met more than one arm", evidence.several));
    }
    let alarm = ratios.iter().find(|check| check.alarm)?;
    let who = if alarm.who == "exposed" { "exposed users".to_owned() } else { format!("users with `{}`", alarm.who) };
    Some(format!("the {who} are not split as planned"))
}

fn against(evidence: &Evidence<'_>, [control, at]: [usize; 2], verdict: &dyn Fn(&[Result]) -> Word) -> Against {
    let phase = evidence.phase;
    let arm = &phase.arms[at];
    let mut metrics = Vec::new();
    for (metric, measured) in phase.metrics.iter().zip(&evidence.measured) {
        let course = course(phase, metric, measured, [control, at]);
        metrics.push(Result { course, ..result(phase, metric, [&measured.all[control], &measured.all[at]]) });
        metrics.extend(segments(phase, metric, measured, [control, at]));
    }
    let (arm, version, verdict) = (arm.name.clone(), arm.version.clone(), verdict(&metrics));
    Against { arm, version, verdict, decided_ms: None, metrics }
}

/// The interval as it was at the end of each stretch of time.
fn course(phase: &Phase, metric: &Metric, measured: &Measured, [control, at]: [usize; 2]) -> Vec<Step> {
    let (mut a, mut b) = (Spread::default(), Spread::default());
    let mut steps = Vec::new();
    for (at_ms, groups) in &measured.stretches {
        a.merge(&groups[control].spread);
        b.merge(&groups[at].spread);
        let found = stats::sequential(&a, &b, metric.bounds(), alpha(phase, metric), float(phase.planned_users));
        if let Ok(found) = found {
            let interval = [found.interval.0, found.interval.1];
            steps.push(Step { at_ms: *at_ms, users: whole(a.count + b.count), difference: found.difference, interval });
        }
    }
    steps
}

/// Segments are looked at out of curiosity: no verdict rests on them, and Holm keeps many looks honest.
fn segments(phase: &Phase, metric: &Metric, measured: &Measured, [control, at]: [usize; 2]) -> Vec<Result> {
    let one = |(segment, groups): (&String, &Vec<Group>)| Result {
        segment: Some(segment.clone()),
        ..result(phase, metric, [&groups[control], &groups[at]])
    };
    let mut all: Vec<Result> = measured.segments.iter().map(one).collect();
    let known: Vec<f64> = all.iter().filter_map(|result| result.p).collect();
    let mut adjusted = stats::holm(&known).into_iter();
    for result in all.iter_mut().filter(|result| result.p.is_some()) {
        result.p = adjusted.next();
        if matches!(result.shows, Shows::Better | Shows::Worse) && result.p.is_none_or(|p| p >= ALPHA) {
            result.shows = Shows::Nothing;
        }
    }
    all
}

/// The level of a metric: success metrics share it, since one of them suffices; guardrails are one-sided.
fn alpha(phase: &Phase, metric: &Metric) -> f64 {
    let arms = phase.arms.iter().filter(|arm| arm.weight > 0).count().saturating_sub(1).max(1);
    let wins = phase.metrics.iter().filter(|metric| metric.role == Role::Success).count().max(1);
    match metric.role {
        Role::Success => ALPHA / float((arms * wins) as u64),
        Role::Guardrail => 2.0 * ALPHA,
    }
}

fn result(phase: &Phase, metric: &Metric, [a, b]: [&Group; 2]) -> Result {
    let alpha = alpha(phase, metric);
    let found = stats::sequential(&a.spread, &b.spread, metric.bounds(), alpha, float(phase.planned_users));
    let known = found.ok();
    Result {
        metric: metric.name.clone(),
        role: metric.role,
        segment: None,
        users: [a.users(), b.users()],
        means: [a.mean(), b.mean()],
        difference: a.mean().zip(b.mean()).map(|(a, b)| b - a),
        interval: known.map(|found| [found.interval.0, found.interval.1]),
        alpha,
        p: known.map(|found| found.p),
        one_look: one_look(metric, [a, b]),
        status: found.err(),
        shows: known.map_or(Shows::Nothing, |found| shows(metric, &found)),
        course: Vec::new(),
    }
}

/// What an interval shows, seen from where more is better.
fn shows(metric: &Metric, found: &Sequential) -> Shows {
    let (low, high) = match metric.direction {
        Direction::Higher => found.interval,
        Direction::Lower => (-found.interval.1, -found.interval.0),
    };
    let margin = metric.margin.unwrap_or(0.0);
    match metric.role {
        Role::Success if low > 0.0 => Shows::Better,
        Role::Success if high < 0.0 => Shows::Worse,
        Role::Guardrail if low > -margin => Shows::Holds,
        Role::Guardrail if high < -margin => Shows::Worse,
        _ => Shows::Nothing,
    }
}

fn one_look(metric: &Metric, [a, b]: [&Group; 2]) -> Option<[f64; 2]> {
    if metric.is_rate() && !a.graded && !b.graded {
        let pair = |group: &Group| (whole((group.spread.mean * group.spread.count).round()), group.users());
        return stats::newcombe(pair(a), pair(b), 1.0 - ALPHA).map(|(_, low, high)| [low, high]);
    }
    let found = stats::welch(&a.spread, &b.spread, 1.0 - ALPHA).ok()?;
    Some([found.interval.0, found.interval.1])
}

fn verdict(metrics: &[Result], planned: bool) -> Word {
    let whole = || metrics.iter().filter(|result| result.segment.is_none());
    let any = |role: Role, shows: Shows| whole().any(|result| result.role == role && result.shows == shows);
    let guarded = whole().filter(|result| result.role == Role::Guardrail).all(|result| result.shows == Shows::Holds);
    match () {
        () if any(Role::Guardrail, Shows::Worse) => Word::GuardFailed,
        () if any(Role::Success, Shows::Worse) => Word::Worse,
        () if any(Role::Success, Shows::Better) && guarded => Word::Better,
        () if planned && !any(Role::Success, Shows::Better) => Word::NoDifference,
        () => Word::KeepCollecting,
    }
}
