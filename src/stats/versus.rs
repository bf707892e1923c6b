//! A candidate's column against a baseline, while cells come in plan order.

use std::sync::Arc;

use super::gate::{Against, Evidence, Facts, Policy};
use super::pairs::{Pairs, Setup};
use super::sheet::Sheet;
use super::side::{Names, Side};
use crate::record::{CaseRef, Outcome, Status};

/// Changed cases whose answers are kept to be shown; the counts go on.
const KEPT: usize = 20;

/// Where the baseline's verdicts come from.
#[derive(Debug)]
pub enum Base {
    /// Another column of the same run.
    Column(usize),
    /// A stored run or a report.
    Sheet(Box<Sheet>),
    /// There is none: only absolute rules can be held against the candidate.
    Nothing,
}

/// A case that ended differently.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The case.
    pub case: Arc<CaseRef>,
    /// The baseline's answer; nothing until it was looked up, where it is in another run.
    pub before: Option<Arc<Outcome>>,
    /// The candidate's.
    pub after: Arc<Outcome>,
    /// Whether it is better than before; nothing where one of them has no verdict.
    pub better: Option<bool>,
}

/// One candidate against one baseline.
#[derive(Debug)]
pub struct Versus {
    /// The baseline.
    pub base: Base,
    /// The candidate's column.
    pub candidate: usize,
    policy: Option<Policy>,
    /// For looking: cases without a verdict are left out.
    pub pairs: Pairs,
    /// Cases without a verdict of the candidate, and what the baseline did on them.
    errored: Vec<(Arc<CaseRef>, Side)>,
    /// The candidate's facts.
    pub facts: Facts,
    own: Facts,
    /// The first changed cases.
    pub changed: Vec<Changed>,
    /// How many changed.
    pub changes: u64,
    names: Names,
    open: Option<Open>,
}

/// A case whose runs are still coming.
#[derive(Debug)]
struct Open {
    case: Arc<CaseRef>,
    sides: [Side; 2],
    /// The run that speaks for each side: the worst so far.
    worst: [Option<Arc<Outcome>>; 2],
}

impl Versus {
    /// A comparison that has not begun.
    pub fn new(base: Base, candidate: usize, policy: Option<Policy>) -> Self {
        let setup = policy.as_ref().map(Policy::setup);
        let metrics = setup.clone().map(|setup| setup.metrics).unwrap_or_default();
        let timed = policy.as_ref().is_some_and(|policy| policy.max_p95_latency_ms.is_some());
        Self {
            base,
            candidate,
            pairs: Pairs::new(Setup { metrics, ..Setup::comparing() }),
            errored: Vec::new(),
            policy,
            facts: Facts::timed(timed),
            own: Facts::default(),
            changed: Vec::new(),
            changes: 0,
            names: Names::default(),
            open: None,
        }
    }

    /// Takes in a cell. Cells come in plan order; those of other columns are passed by.
    pub fn add(&mut self, outcome: &Arc<Outcome>) {
        let side = match &self.base {
            _ if outcome.column == self.candidate => 1,
            Base::Column(baseline) if outcome.column == *baseline => 0,
            _ => return,
        };
        if self.open.as_ref().is_none_or(|open| open.case.id != outcome.case.id) {
            self.end_case();
            let case = Arc::clone(&outcome.case);
            self.open = Some(Open { case, sides: Default::default(), worst: [None, None] });
        }
        let Some(open) = &mut self.open else { return };
        open.sides[side].add(outcome, &mut self.names);
        let speaks = &mut open.worst[side];
        if speaks.as_ref().is_none_or(|before| badness(outcome.status) > badness(before.status)) {
            *speaks = Some(Arc::clone(outcome));
        }
        if side == 1 { &mut self.facts } else { &mut self.own }.run(outcome);
    }

    /// Nothing more comes.
    pub fn end(&mut self) {
        self.end_case();
        if let Base::Sheet(sheet) = &self.base {
            sheet.unpaired(&mut self.pairs);
        }
    }

    fn end_case(&mut self) {
        let Some(open) = self.open.take() else { return };
        let [before, after] = &open.sides;
        let came = |side: usize| open.worst[side].is_some();
        let gated = self.policy.as_ref();
        if let Some(policy) = gated.filter(|_| came(1)) {
            self.facts.case(&open.case, after, &policy.must_pass);
        }
        let errors = self.pairs.dropped.candidate_errored;
        let changed = self.pairs.dropped.changed;
        let mut judged = None;
        match &mut self.base {
            Base::Sheet(sheet) => judged = sheet.pair(&open.case, after, &mut self.pairs).cloned(),
            Base::Nothing => {}
            Base::Column(_) => {
                if gated.is_some() && came(0) {
                    self.own.case(&open.case, before, &[]);
                }
                match (came(0), came(1)) {
                    (true, true) => self.pairs.pair(&open.case, before, after),
                    (true, false) => self.pairs.dropped.baseline_only += 1,
                    (false, _) => self.pairs.dropped.candidate_only += 1,
                }
            }
        }
        if gated.is_some() && self.pairs.dropped.candidate_errored > errors {
            self.errored.push((Arc::clone(&open.case), judged.unwrap_or_else(|| before.clone())));
        }
        // A case that asks or demands something else now is no better and no worse.
        if self.pairs.dropped.changed == changed {
            self.keep(open);
        }
    }

    /// Keeps a case that ended differently.
    fn keep(&mut self, open: Open) {
        let before = match &self.base {
            Base::Column(_) => Some(&open.sides[0]),
            Base::Sheet(sheet) => sheet.side(&open.case.id),
            Base::Nothing => None,
        };
        let Some(before) = before.map(share) else { return };
        let after = share(&open.sides[1]);
        if before == after {
            return;
        }
        let [mut worst_before, mut worst_after] = open.worst;
        let Some(after_outcome) = worst_after.take() else { return };
        self.changes += 1;
        if self.changed.len() < KEPT {
            let better = before.zip(after).map(|(before, after)| after > before);
            self.changed.push(Changed { case: open.case, before: worst_before.take(), after: after_outcome, better });
        }
    }

    /// The pairs as the policy has them: what a gate decides on.
    pub fn gated(&self) -> Pairs {
        let setup = self.policy.as_ref().map_or_else(Setup::comparing, Policy::setup);
        self.pairs.decided_by(setup, &self.errored)
    }

    /// What a gate decides on.
    pub fn evidence<'a>(&'a self, gated: &'a Pairs) -> Evidence<'a> {
        let facts = match &self.base {
            Base::Column(_) => Some(&self.own),
            Base::Sheet(sheet) => Some(&sheet.facts),
            Base::Nothing => None,
        };
        Evidence { facts: &self.facts, against: facts.map(|facts| Against { facts, pairs: gated }) }
    }

    /// Whether an answer of another run is wanted, to be shown.
    pub fn wants(&self, case: &str) -> bool {
        self.changed.iter().any(|changed| changed.before.is_none() && &*changed.case.id == case)
    }

    /// Takes in an answer of the baseline's run, to be shown.
    pub fn show(&mut self, outcome: &Arc<Outcome>) {
        for changed in self.changed.iter_mut().filter(|changed| changed.case.id == outcome.case.id) {
            let worse = changed.before.as_ref().is_none_or(|b| badness(outcome.status) > badness(b.status));
            if worse {
                changed.before = Some(Arc::clone(outcome));
            }
        }
    }
}

/// The share of runs that passed; nothing without a verdict.
fn share(side: &Side) -> Option<f64> {
    side.is_judged().then(|| f64::from(side.passed) / f64::from(side.runs))
}

fn badness(status: Status) -> u8 {
    match status {
        Status::Passed => 0,
        Status::Failed => 1,
        Status::Errored => 2,
    }
}
