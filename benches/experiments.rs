//! The error rates of experiments, by simulation, and how users are dealt out.
//!
//! Experiments without any difference are looked at after every single user: how often does an arm win?
//! A version that is worse by the margin of a guardrail: how often is it waved through?
//! Splits that are not as planned: how often are they noticed? Real differences: how often are they found by
//! the planned end? A million users: does each arm get its share, and do two experiments have nothing in
//! common? Every run draws the same numbers. Ends with status 1 when a rate is not what it should be.

#![expect(clippy::print_stdout, reason = "a bench tells what it found")]

mod harness;

use std::hint::black_box;
use std::process::ExitCode;

use fastrand::Rng;
use prompteval::experiment::{Allocation, place};
use prompteval::stats::{Scale, Spread, chi2_sf, float, sample_ratio, sequential, split, welch};

/// Experiments of each sort.
const EXPERIMENTS: u32 = 2000;
/// Users of each arm, unless an arm wins earlier.
const USERS: u32 = 2500;
const ALPHA: f64 = 0.05;
/// How much worse a guardrail may be.
const MARGIN: f64 = 0.05;
/// Users in all at which the interval is tightest.
const PLANNED: u32 = 1000;
/// Ids that are dealt out.
const IDS: usize = 1_000_000;
const RATING: Scale = Scale { low: 1.0, high: 5.0 };

/// What is measured of a user.
struct Metric {
    name: &'static str,
    scale: Option<Scale>,
    /// A user's value under a true lift.
    draw: fn(&mut Rng, f64) -> f64,
}

const METRICS: [Metric; 5] = [
    Metric { name: "rate of 50 %", scale: Some(Scale::UNIT), draw: |rng, lift| rate(rng, 0.5 + lift) },
    Metric { name: "rate of 10 %", scale: Some(Scale::UNIT), draw: |rng, lift| rate(rng, 0.1 + lift) },
    Metric { name: "rate of 2 %", scale: Some(Scale::UNIT), draw: |rng, lift| rate(rng, 0.02 + lift) },
    Metric { name: "rating from 1 to 5", scale: Some(RATING), draw: rating },
    Metric { name: "latency, no scale", scale: None, draw: latency },
];

/// True lifts by metric, in the order of [`METRICS`], and the least share of them that is to be found.
const LIFTS: [(usize, f64, f64); 6] =
    [(0, 0.05, 0.0), (0, 0.10, 0.5), (0, 0.15, 0.9), (1, 0.05, 0.0), (1, 0.10, 0.9), (3, 0.30, 0.5)];

fn rate(rng: &mut Rng, share: f64) -> f64 {
    f64::from(u8::from(rng.f64() < share))
}

/// Ratings as people give them: many fives, few in the middle.
fn rating(rng: &mut Rng, lift: f64) -> f64 {
    let at = rng.f64();
    let stars = [0.10, 0.15, 0.25, 0.50].iter().filter(|below| at >= **below).count();
    // One star more for those who have room for it, at the rate that lifts the mean.
    let more = stars < 4 && rng.f64() < lift / 0.5;
    f64::from(u8::try_from(stars).unwrap_or(4) + 1 + u8::from(more))
}

/// Seconds, as a sum of waits.
fn latency(rng: &mut Rng, lift: f64) -> f64 {
    let waits: f64 = (0..3).map(|_| -(1.0 - rng.f64()).ln()).sum();
    waits + lift
}

/// How an experiment went that was looked at after every user.
struct Course {
    /// Users in all when an arm won, or a guardrail was held.
    won: Option<u32>,
    /// What somebody sees who looks once, at the planned end.
    once: bool,
}

fn course(metric: &Metric, lift: f64, users: u32, seed: u32, wins: fn(&Metric, &[Spread; 2]) -> bool) -> Course {
    let mut rng = Rng::with_seed(seed.into());
    let mut arms = [Spread::default(); 2];
    let mut course = Course { won: None, once: false };
    for user in 1..=2 * users {
        let arm = usize::from(user % 2 == 0);
        arms[arm].add((metric.draw)(&mut rng, if arm == 1 { lift } else { 0.0 }));
        if user == PLANNED {
            course.once = welch(&arms[0], &arms[1], 1.0 - ALPHA).is_ok_and(|found| found.p < ALPHA);
        }
        if course.won.is_none() && wins(metric, &arms) {
            course.won = Some(user);
        }
        if course.won.is_some() && user >= PLANNED {
            break;
        }
    }
    course
}

fn wins(metric: &Metric, [a, b]: &[Spread; 2]) -> bool {
    let found = sequential(a, b, metric.scale, ALPHA, f64::from(PLANNED));
    found.is_ok_and(|found| found.interval.0 > 0.0 || found.interval.1 < 0.0)
}

/// Whether a guardrail is held, one-sided: an interval at twice the level ends above the margin.
fn holds(metric: &Metric, [a, b]: &[Spread; 2]) -> bool {
    let found = sequential(a, b, metric.scale, 2.0 * ALPHA, f64::from(PLANNED));
    found.is_ok_and(|found| found.interval.0 > -MARGIN)
}

/// The share of the experiments of which something is true.
fn share(of: impl Fn(u32) -> bool) -> f64 {
    f64::from((0..EXPERIMENTS).map(|n| u32::from(of(n))).sum::<u32>()) / f64::from(EXPERIMENTS)
}

/// Tells whether a figure is as it should be, and prints it.
fn told(what: &str, figure: &str, good: bool) -> bool {
    println!("{what:<58} {figure}{}", if good { "" } else { "   <- not what it should be" });
    good
}

fn percent(share: f64) -> String {
    format!("{:6.2} %", 100.0 * share)
}

/// No difference, looked at after every user.
fn false_winners() -> bool {
    METRICS.iter().fold(true, |good, metric| {
        let won = share(|n| course(metric, 0.0, USERS, n, wins).won.is_some());
        told(&format!("false winners, {}", metric.name), &percent(won), won <= ALPHA) && good
    })
}

/// Worse by exactly the margin, looked at after every user.
fn false_guards() -> bool {
    METRICS[..2].iter().fold(true, |good, metric| {
        let held = share(|n| course(metric, -MARGIN, USERS, n, holds).won.is_some());
        told(&format!("guardrails held in vain, {}", metric.name), &percent(held), held <= ALPHA) && good
    })
}

/// A true difference, looked at after every user up to the planned end.
fn winners() -> bool {
    LIFTS.iter().fold(true, |good, &(metric, lift, least)| {
        let metric = &METRICS[metric];
        let all: Vec<Course> = (0..EXPERIMENTS).map(|n| course(metric, lift, PLANNED / 2, n, wins)).collect();
        let part = |count: usize| float(count as u64) / f64::from(EXPERIMENTS);
        let mut won: Vec<u32> = all.iter().filter_map(|course| course.won).collect();
        won.sort_unstable();
        let (found, once) = (part(won.len()), part(all.iter().filter(|course| course.once).count()));
        let middle = won.get(won.len() / 2).map_or_else(|| "-".to_owned(), u32::to_string);
        let figure =
            format!("{}  half of them by user {middle}; one look at the end: {}", percent(found), percent(once));
        told(&format!("found by user {PLANNED}, {} {lift:+.2}", metric.name), &figure, found >= least) && good
    })
}

/// Ten thousand users, some of whom are lost before they are counted.
fn splits() -> bool {
    let alarms = |first: f64, users: u32| {
        share(|n| {
            let mut rng = Rng::with_seed(n.into());
            let a = (0..users).filter(|_| rng.f64() < first).count() as u64;
            split(&[a, u64::from(users) - a], &[0.5, 0.5]).is_ok_and(|split| split.alarm)
        })
    };
    let (planned, few, wrong) = (alarms(0.5, 10_000), alarms(0.5, 15), alarms(0.48, 10_000));
    // Ten alarms or more of 2,000 at a true rate of 0.1 % are no accident.
    let good = told("alarms, 10,000 users split 50/50", &percent(planned), planned <= 0.0045);
    let good = told("alarms, 15 users split 50/50 (exact)", &percent(few), few <= 0.0045) && good;
    told("alarms, 10,000 users split 48/52", &percent(wrong), wrong >= 0.7) && good
}

/// A million ids that follow each other.
fn dealing() -> bool {
    let weights = [1000, 2500, 6500];
    let allocation = Allocation::new(&weights, 10_000);
    let ids: Vec<String> = (0..IDS).map(|n| format!("user-{n}")).collect();
    let arm = |seed: &str, id: &String| allocation.arm(place(seed, id)).unwrap_or(0);
    let mut both = [[0_u64; 3]; 3];
    for id in &ids {
        both[arm("checkout-tone", id)][arm("greeting", id)] += 1;
    }
    let users = both.map(|row| row.iter().sum());
    let p = sample_ratio(&users, &weights.map(f64::from)).map_or(0.0, |split| split.p);
    let good = told("a million ids over 10/25/65 %", &format!("{users:?}, p = {p:.3}"), p > 0.001);
    let p = independence(&both);
    let good = told("two experiments on a million ids", &format!("p = {p:.3}"), p > 0.001) && good;
    let nanos = harness::each(IDS, || {
        for id in &ids {
            black_box(arm("checkout-tone", id));
        }
    });
    harness::row("put a user into an arm", nanos, "user");
    good
}

/// Pearson's p of a table whose rows and columns have nothing to do with each other.
fn independence(table: &[[u64; 3]; 3]) -> f64 {
    let total = float(table.as_flattened().iter().sum());
    let mut chi2 = 0.0;
    for row in table {
        for (column, found) in row.iter().enumerate() {
            let expected = float(row.iter().sum()) * float(table.iter().map(|row| row[column]).sum()) / total;
            chi2 += (float(*found) - expected).powi(2) / expected;
        }
    }
    chi2_sf(chi2, 4.0)
}

fn main() -> ExitCode {
    println!("{EXPERIMENTS} experiments each, {USERS} users an arm, looked at after every user");
    let good = [false_winners(), false_guards(), winners(), splits(), dealing()];
    if good.iter().all(|good| *good) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
