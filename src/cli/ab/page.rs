//! An analysis as a page, and the course of an interval as lines of a terminal.

use super::analyze::{ratio, sentence, verdict};
use crate::env::format_time;
use crate::experiment::analysis::{Analysis, Finding, Step};
use crate::experiment::{Metric, Phase};
use crate::registry::Experiment;
use crate::report::{Block, Chart, Document, Line, Mark};
use crate::stats::words::{amount, points, signed, thousands};

/// Lines and columns of a plot in the terminal.
const LINES: usize = 8;
const WIDTH: usize = 41;
/// And of a line in all.
const PLOT: usize = 2 + 27 + WIDTH;

/// An analysis as a document.
pub(super) fn document(found: &Experiment, analysis: &Analysis) -> Document {
    let phase = &found.phase;
    let mut blocks = vec![Block::Text(format!("Phase {}, since {}.", phase.phase, found.since))];
    if let Some(stop) = &found.stopped {
        blocks.push(Block::Text(format!("Stopped {}: {}", stop.time, stop.decision)));
    }
    blocks.push(Block::List(analysis.ratios.iter().map(|check| ratio(phase, check)).collect()));
    if let Some(why) = &analysis.invalid {
        blocks.push(Block::Text(format!("INVALID: {why}. No effect can be read off these data.")));
    } else {
        for against in &analysis.arms {
            let control = phase.control().map_or("the control", |arm| &arm.name);
            blocks.push(Block::Heading(format!("{} against {control}", against.arm)));
            blocks.push(Block::Text(format!("Verdict: {}.", verdict(phase, analysis, against).1)));
            blocks.push(Block::List(against.metrics.iter().map(|finding| sentence(phase, finding)).collect()));
            let charts = against.metrics.iter().filter(|finding| finding.course.len() > 1);
            blocks.extend(charts.map(|finding| Block::Figure(chart(phase, finding))));
        }
    }
    Document { title: format!("Experiment {}", phase.name), blocks }
}

/// The ends of what a course shows, zero among them.
fn ends(course: &[Step]) -> (f64, f64) {
    let low = course.iter().map(|step| step.interval[0]).fold(0.0, f64::min);
    let high = course.iter().map(|step| step.interval[1]).fold(0.0, f64::max);
    (low, high)
}

fn figure(phase: &Phase, finding: &Finding, value: f64) -> String {
    let rate = phase.metric(&finding.metric).is_some_and(Metric::is_rate);
    signed(&if rate { format!("{} pp", points(value)) } else { amount(value) })
}

fn chart(phase: &Phase, finding: &Finding) -> Chart {
    let scale = ends(&finding.course);
    let mark = |(at, step): (usize, &Step)| {
        let [low, high] = step.interval.map(|value| figure(phase, finding, value));
        let title = format!("{} [{low}, {high}] with {} users", figure(phase, finding, step.difference), step.users);
        Mark { at, value: step.difference, ci: Some(step.interval), title }
    };
    Chart {
        title: format!("{}: difference, and the interval that stays valid however often one looks", finding.metric),
        scale,
        ticks: [scale.0, 0.0, scale.1].map(|value| (value, figure(phase, finding, value))).to_vec(),
        names: finding.course.iter().map(|step| day(step.at_ms)).collect(),
        lines: vec![Line {
            name: finding.metric.clone(),
            marks: finding.course.iter().enumerate().map(mark).collect(),
        }],
    }
}

fn day(at_ms: u64) -> String {
    format_time(at_ms).chars().take(10).collect()
}

/// The course of an interval: a line for each of a few moments, zero as a rule.
pub(super) fn plot(phase: &Phase, finding: &Finding, width: usize) -> Vec<String> {
    let course = &finding.course;
    if course.len() < 2 || width < PLOT {
        return Vec::new();
    }
    let (low, high) = ends(course);
    let every = course.len().div_ceil(LINES);
    // The last moment is always shown.
    let shown = course.iter().rev().step_by(every).collect::<Vec<_>>().into_iter().rev();
    let mut lines: Vec<String> = shown
        .map(|step| format!("{} {:>9} users  {}", day(step.at_ms), thousands(step.users), bar(step, low, high)))
        .collect();
    let (left, right) = (figure(phase, finding, low), figure(phase, finding, high));
    let gap = (WIDTH + 1).saturating_sub(left.chars().count() + right.chars().count());
    lines.push(format!("{:27}{left}{}{right}", "", " ".repeat(gap)));
    lines
}

fn bar(step: &Step, low: f64, high: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to the width")]
    let at = |value: f64| {
        let share = (value - low) / (high - low).max(f64::MIN_POSITIVE);
        (share.clamp(0.0, 1.0) * 40.0).round() as usize
    };
    let (from, to, zero, middle) = (at(step.interval[0]), at(step.interval[1]), at(0.0), at(step.difference));
    let cell = |n: usize| match n {
        n if n == middle => '●',
        n if n == zero => '│',
        n if (from..=to).contains(&n) => '─',
        _ => ' ',
    };
    (0..WIDTH).map(cell).collect::<String>().trim_end().to_owned()
}
