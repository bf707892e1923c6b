//! The repeats of cases, column by column: what they come to together.

use std::sync::Arc;

use super::{Names, Repeats, Side};
use crate::record::{CaseRef, Outcome, Status};

/// Flaky cases that are kept by name; the counts go on.
const KEPT: usize = 50;

/// A case that passed sometimes and failed sometimes.
#[derive(Debug, Clone)]
pub struct Flaky {
    /// The case.
    pub case: Arc<CaseRef>,
    /// Runs that passed.
    pub passed: u32,
    /// Runs that were judged.
    pub runs: u32,
    /// Whether so many passes are enough for it.
    pub enough: bool,
}

/// The cases of one column, folded over their repeats.
#[derive(Debug, Default)]
pub struct Rounds {
    /// How the repeats went.
    pub repeats: Repeats,
    /// The first flaky cases.
    pub flaky: Vec<Flaky>,
    /// Failed cells of cases that passed often enough all the same.
    pub forgiven: u64,
    open: Option<(Arc<CaseRef>, Side)>,
    names: Names,
}

impl Rounds {
    /// Takes in a cell. The repeats of a case come one after the other.
    pub fn add(&mut self, outcome: &Outcome) {
        if self.open.as_ref().is_none_or(|(case, _)| case.id != outcome.case.id) {
            self.end();
            self.open = Some((Arc::clone(&outcome.case), Side::default()));
        }
        if let Some((_, side)) = &mut self.open
            && outcome.status != Status::Errored
        {
            side.add(outcome, &mut self.names);
        }
    }

    /// Nothing more comes.
    pub fn end(&mut self) {
        let Some((case, side)) = self.open.take() else { return };
        self.repeats.add(side.runs.into(), side.passed.into());
        let enough = side.passes(case.min_pass);
        if enough {
            self.forgiven += u64::from(side.runs - side.passed);
        }
        if side.is_flaky() && self.flaky.len() < KEPT {
            self.flaky.push(Flaky { case, passed: side.passed, runs: side.runs, enough });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::fixture::{case, outcome};

    #[test]
    fn enough_passes_forgive_the_failures() {
        let mut rounds = Rounds::default();
        let mut run = |id: &str, min_pass, passes: &[bool]| {
            let case = Arc::new(CaseRef { min_pass, ..case(id) });
            for pass in passes {
                rounds.add(&outcome(&case, 0, if *pass { Status::Passed } else { Status::Failed }));
            }
        };
        run("a", Some(2), &[true, false, true]);
        run("b", Some(2), &[false, false, true]);
        run("c", None, &[true, true, true]);
        rounds.end();
        assert_eq!((rounds.forgiven, rounds.flaky.len(), rounds.repeats.flaky()), (1, 2, 2));
        assert_eq!(rounds.flaky.iter().map(|f| f.enough).collect::<Vec<_>>(), [true, false]);
    }
}
