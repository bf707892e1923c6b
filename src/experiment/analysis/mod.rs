//! What an experiment shows so far.
//!
//! Source of the rules: the order is data, sample ratio, burn-in, intervals that may be looked at every day
//! (Waudby-Smith et al., arXiv 2103.06476), guardrails that all must hold, success metrics of which one
//! suffices, at a level divided by their number.

mod evidence;
mod finding;
#[cfg(test)]
mod tests;

pub use evidence::{Evidence, Group, Measured, SEGMENTS};
pub use finding::{Against, Analysis, Decided, Finding, RatioCheck, Shows, Step, Word};

use self::evidence::whole;
use super::metric::{Direction, Metric, Role};
use super::phase::Phase;
use crate::stats::{self, Sequential, Split, Spread, float};

/// The level of a verdict.
const ALPHA: f64 = 0.05;
/// Users met more than one arm: more than this share of them is an alarm.
const MIXED: f64 = 0.01;

/// Says what the evidence shows.
pub fn analyze(evidence: &Evidence<'_>) -> Analysis {
    let phase = evidence.phase;
    let ratios = ratios(evidence);
    let invalid = invalid(evidence, &ratios);
    let control = phase.arms.iter().position(|arm| arm.control).unwrap_or(0);
    let others = (0..phase.arms.len()).filter(|at| *at != control && phase.arms[*at].weight > 0);
    let users = users(evidence);
    let verdict = |metrics: &[Finding]| match &invalid {
        Some(_) => Word::Invalid,
        None => verdict(metrics, users >= phase.planned_users),
    };
    let arms = others.map(|at| against(evidence, [control, at], &verdict)).collect();
    let crowded = evidence.measured.iter().any(|measured| measured.crowded);
    Analysis { ratios, several: evidence.several, users, crowded, invalid, arms }
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

fn against(evidence: &Evidence<'_>, [control, at]: [usize; 2], verdict: &dyn Fn(&[Finding]) -> Word) -> Against {
    let phase = evidence.phase;
    let arm = &phase.arms[at];
    let mut metrics = Vec::new();
    for (metric, measured) in phase.metrics.iter().zip(&evidence.measured) {
        let course = course(phase, metric, measured, [control, at]);
        metrics.push(Finding { course, ..finding(phase, metric, [&measured.all[control], &measured.all[at]]) });
        metrics.extend(segments(phase, metric, measured, [control, at]));
    }
    let (arm, version, verdict) = (arm.name.clone(), arm.version.clone(), verdict(&metrics));
    Against { arm, version, verdict, decided_ms: None, contrary: None, metrics }
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
fn segments(phase: &Phase, metric: &Metric, measured: &Measured, [control, at]: [usize; 2]) -> Vec<Finding> {
    let one = |(segment, groups): (&String, &Vec<Group>)| Finding {
        segment: Some(segment.clone()),
        ..finding(phase, metric, [&groups[control], &groups[at]])
    };
    let mut all: Vec<Finding> = measured.segments.iter().map(one).collect();
    let known: Vec<f64> = all.iter().filter_map(|finding| finding.p).collect();
    let mut adjusted = stats::holm(&known).into_iter();
    for finding in all.iter_mut().filter(|finding| finding.p.is_some()) {
        finding.p = adjusted.next();
        if matches!(finding.shows, Shows::Better | Shows::Worse) && finding.p.is_none_or(|p| p >= ALPHA) {
            finding.shows = Shows::Nothing;
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

fn finding(phase: &Phase, metric: &Metric, [a, b]: [&Group; 2]) -> Finding {
    let alpha = alpha(phase, metric);
    let found = stats::sequential(&a.spread, &b.spread, metric.bounds(), alpha, float(phase.planned_users));
    let known = found.ok();
    Finding {
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

fn verdict(metrics: &[Finding], planned: bool) -> Word {
    let whole = || metrics.iter().filter(|finding| finding.segment.is_none());
    let any = |role: Role, shows: Shows| whole().any(|finding| finding.role == role && finding.shows == shows);
    let guarded =
        whole().filter(|finding| finding.role == Role::Guardrail).all(|finding| finding.shows == Shows::Holds);
    match () {
        () if any(Role::Guardrail, Shows::Worse) => Word::GuardFailed,
        () if any(Role::Success, Shows::Worse) => Word::Worse,
        () if any(Role::Success, Shows::Better) && guarded => Word::Better,
        () if planned && !any(Role::Success, Shows::Better) => Word::NoDifference,
        () => Word::KeepCollecting,
    }
}
