//! What an experiment would show, before it begins: the same rules on users that were made up.

use fastrand::Rng;

use super::analysis::{Evidence, Measured, Word, analyze};
use super::metric::{Direction, Metric, Role};
use super::phase::{Assignment, Phase};

/// How often one looks at an experiment until its planned end.
const LOOKS: u64 = 100;
/// The steps of a scale that is not made of a few whole numbers.
const STEPS: u32 = 20;

/// What is supposed of users.
#[derive(Debug, Clone)]
pub struct Supposed<'a> {
    /// The experiment.
    pub phase: &'a Phase,
    /// The mean of each metric in the control arm, in the order of the phase.
    pub means: Vec<f64>,
    /// How much better the first success metric is in the other arms, in units of the metric.
    pub effect: f64,
    /// Users in all.
    pub users: u64,
}

/// What became of many experiments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// How many there were.
    pub runs: u64,
    /// In which an arm was found better.
    pub better: u64,
    /// Or worse.
    pub worse: u64,
    /// In which a guardrail was found worse than it may be.
    pub guarded: u64,
    /// In which the data were called invalid.
    pub invalid: u64,
    /// The user with whom it was decided, in each that was, in ascending order.
    pub decided: Vec<u64>,
}

/// One made-up measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// The arm's place.
    pub arm: usize,
    /// A value of each metric.
    pub values: Vec<f64>,
}

impl Supposed<'_> {
    /// Many experiments, each looked at a hundred times; the same seed makes the same ones.
    pub fn run(&self, runs: u64, seed: u64) -> Outcomes {
        let mut outcomes = Outcomes { runs, ..Outcomes::default() };
        for n in 0..runs {
            let mut rng = Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(n));
            let Some((word, user)) = self.one(&mut rng) else { continue };
            match word {
                Word::Better => outcomes.better += 1,
                Word::Worse => outcomes.worse += 1,
                Word::GuardFailed => outcomes.guarded += 1,
                _ => {
                    outcomes.invalid += 1;
                    continue;
                }
            }
            outcomes.decided.push(user);
        }
        outcomes.decided.sort_unstable();
        outcomes
    }

    /// One experiment until it is decided: how, and with which user.
    fn one(&self, rng: &mut Rng) -> Option<(Word, u64)> {
        let arms = self.phase.arms.len();
        let mut measured = vec![Measured::new(arms); self.phase.metrics.len()];
        let every = (self.users / LOOKS).max(1);
        let mut evidence = Evidence { phase: self.phase, exposed: None, several: 0, measured: Vec::new() };
        for user in 1..=self.users {
            let drawn = self.draw(self.arm(rng), rng);
            for (measured, value) in measured.iter_mut().zip(&drawn.values) {
                measured.add(drawn.arm, None, *value);
            }
            if user % every != 0 && user != self.users {
                continue;
            }
            evidence.measured = measured;
            let analysis = analyze(&evidence);
            measured = evidence.measured;
            evidence.measured = Vec::new();
            if analysis.invalid.is_some() {
                return Some((Word::Invalid, user));
            }
            if let Some(arm) = analysis.arms.iter().find(|arm| arm.verdict.decides()) {
                return Some((arm.verdict, user));
            }
        }
        None
    }

    /// An arm, as likely as its weight says.
    fn arm(&self, rng: &mut Rng) -> usize {
        let weights = self.phase.arms.iter().map(|arm| arm.weight);
        let mut at = rng.u32(..weights.clone().sum::<u32>().max(1));
        for (arm, weight) in weights.enumerate() {
            if at < weight {
                return arm;
            }
            at -= weight;
        }
        0
    }

    /// What is measured of a user of an arm.
    pub fn draw(&self, arm: usize, rng: &mut Rng) -> Drawn {
        let first = self.phase.metrics.iter().position(|metric| metric.role == Role::Success);
        let lifted = !self.phase.arms.get(arm).is_some_and(|arm| arm.control);
        let value = |(at, (metric, mean)): (usize, (&Metric, &f64)), rng: &mut Rng| {
            let better = if lifted && Some(at) == first { self.effect } else { 0.0 };
            let sign = if metric.direction == Direction::Higher { 1.0 } else { -1.0 };
            draw(metric, mean + sign * better, rng)
        };
        let values = self.phase.metrics.iter().zip(&self.means).enumerate().map(|one| value(one, rng)).collect();
        Drawn { arm, values }
    }

    /// The arm of a user by the experiment's own rule.
    pub fn place_of(&self, user: &str) -> Option<usize> {
        match self.phase.assign(user) {
            Assignment::In { arm, .. } => self.phase.arms.iter().position(|known| known.name == arm.name),
            Assignment::Out(_) => None,
        }
    }
}

/// A value with this mean: of a scale a binomial over its steps, else an exponential.
fn draw(metric: &Metric, mean: f64, rng: &mut Rng) -> f64 {
    let Some([low, high]) = metric.scale else {
        return -mean * (1.0 - rng.f64()).ln();
    };
    let width = high - low;
    let whole = low.fract() == 0.0 && high.fract() == 0.0 && width <= f64::from(STEPS);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to 20, and whole")]
    let steps = if whole { width as u32 } else { STEPS };
    let share = ((mean - low) / width).clamp(0.0, 1.0);
    let hits = (0..steps).filter(|_| rng.f64() < share).count();
    low + width * crate::stats::float(hits as u64) / f64::from(steps)
}
