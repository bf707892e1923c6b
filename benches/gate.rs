//! The gate's error rates, by complete enumeration of all pass/fail results of a suite.
//!
//! For each suite size and margin every count of fixed and broken cases goes through the gate's own
//! decision, weighted with its exact probability: how often a candidate passes that is truly worse by
//! the margin, and how often one that is as good, or better. Ends with status 1 when a rate is not what
//! it should be.

#![expect(clippy::print_stdout, reason = "a bench tells what it found")]

use std::process::ExitCode;

use prompteval::stats::gate::{Verdict, guard};
use prompteval::stats::{Scale, Units, float};

/// The rates at which the candidate alone passes, when it is worse by the margin.
const CANDIDATE_ONLY: [f64; 9] = [0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3];
/// The rates at which each alone passes, when they are as good: columns of the table.
const EQUAL: [f64; 3] = [0.02, 0.05, 0.1];
/// Margin, then by suite size: promoted in percent when equal at 2, 5, 10 % each, and when 5 points better.
const EXPECTED: [(u64, f64, [f64; 4]); 12] = [
    (20, 0.02, [0.5, 3.1, 6.2, 11.5]),
    (50, 0.02, [10.6, 12.0, 9.0, 51.9]),
    (200, 0.02, [36.5, 21.5, 15.6, 96.0]),
    (1000, 0.02, [92.1, 63.1, 40.7, 100.0]),
    (20, 0.05, [4.2, 10.8, 12.6, 29.4]),
    (50, 0.05, [26.7, 24.1, 18.8, 70.3]),
    (200, 0.05, [92.5, 69.5, 46.9, 99.9]),
    (1000, 0.05, [100.0, 99.9, 97.0, 100.0]),
    (20, 0.1, [22.7, 26.6, 21.8, 55.7]),
    (50, 0.1, [85.7, 63.5, 43.7, 96.0]),
    (200, 0.1, [100.0, 99.5, 92.7, 100.0]),
    (1000, 0.1, [100.0, 100.0, 100.0, 100.0]),
];

/// Which results open the gate: by fixed, then by broken.
fn opens(cases: u64, margin: f64) -> Vec<Vec<bool>> {
    let opens = |fixed, broken| {
        let shown = guard(&Units::of_pairs(fixed, broken, cases), Scale::UNIT, margin, 0.95);
        shown.is_ok_and(|shown| shown.verdict == Verdict::Pass)
    };
    (0..=cases).map(|fixed| (0..=cases - fixed).map(|broken| opens(fixed, broken)).collect()).collect()
}

/// The logarithms of the factorials up to `n`.
fn log_factorials(n: u64) -> Vec<f64> {
    let mut all = vec![0.0];
    for k in 1..=n {
        all.push(all[all.len() - 1] + float(k).ln());
    }
    all
}

/// How often the gate opens when each alone passes at these rates.
fn promoted(open: &[Vec<bool>], logs: &[f64], candidate_only: f64, baseline_only: f64) -> f64 {
    let n = open.len() - 1;
    let power = |rate: f64, count: usize| if count == 0 { 0.0 } else { float(count as u64) * rate.ln() };
    let mut sum = 0.0;
    for (fixed, row) in open.iter().enumerate() {
        for (broken, _) in row.iter().enumerate().filter(|(_, open)| **open) {
            let same = n - fixed - broken;
            let ways = logs[n] - logs[fixed] - logs[broken] - logs[same];
            let chance = ways
                + power(candidate_only, fixed)
                + power(baseline_only, broken)
                + power(1.0 - candidate_only - baseline_only, same);
            sum += chance.exp();
        }
    }
    sum
}

fn main() -> ExitCode {
    println!("cases  margin  false promote: worst (mean)   promoted if equal 2+2 / 5+5 / 10+10 %   if +5 pp");
    let (mut wrong, mut rates) = (0, Vec::new());
    for (cases, margin, expected) in EXPECTED {
        let (open, logs) = (opens(cases, margin), log_factorials(cases));
        let worse = |rate: &f64| promoted(&open, &logs, *rate, rate + margin);
        let false_promote: Vec<f64> = CANDIDATE_ONLY.iter().map(worse).collect();
        let highest = false_promote.iter().copied().fold(0.0, f64::max);
        let mean = false_promote.iter().sum::<f64>() / float(false_promote.len() as u64);
        let mut power: Vec<f64> = EQUAL.iter().map(|rate| promoted(&open, &logs, *rate, *rate)).collect();
        power.push(promoted(&open, &logs, 0.07, 0.02));
        let agrees = power.iter().zip(expected).all(|(found, expected)| (100.0 * found - expected).abs() < 0.0501);
        wrong += u32::from(!agrees || highest > 0.060);
        rates.extend(false_promote);
        let percent: Vec<String> = power.iter().map(|p| format!("{:5.1}", 100.0 * p)).collect();
        println!(
            "{cases:5}  {margin:6}  {:6.2} % ({:.2} %)               {} / {} / {} %                    {} %{}",
            100.0 * highest,
            100.0 * mean,
            percent[0],
            percent[1],
            percent[2],
            percent[3],
            if agrees { "" } else { "   <- not what it should be" },
        );
    }
    let mean = rates.iter().sum::<f64>() / float(rates.len() as u64);
    println!("false promotes in the mean of all: {:.2} %", 100.0 * mean);
    if wrong > 0 || mean > 0.0505 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
