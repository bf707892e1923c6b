//! `assert-set`: assertions that count as one.

use super::assertion::{Assertion, compile_members};
use super::grade::{Findings, Tally};
use super::kind::{Check, Example, Finding, Kind, Spec, Subject};
use crate::diag::{Problem, Problems};
use crate::record::{Mark, Verdict};

/// The family's rows.
pub static KINDS: &[Kind] = &[Kind {
    name: "assert-set",
    about: "all assertions under `assert` pass; with a threshold, their weighted mean reaches it",
    value: "",
    threshold: "the weighted mean of the members' scores that is enough",
    score: "the weighted mean of the members' scores",
    default_threshold: None,
    negatable: false,
    passes: Example::new(
        "a refund by Friday",
        "{type: assert-set, threshold: 0.5, assert: [{type: contains, value: refund}, {type: contains, value: Monday}]}",
    ),
    fails: Example::new(
        "a refund by Friday",
        "{type: assert-set, assert: [{type: contains, value: refund}, {type: contains, value: Monday}]}",
    ),
    compile,
}];

/// The compiled members of an assert-set.
#[derive(Debug)]
pub struct Set {
    members: Vec<Assertion>,
    threshold: Option<f64>,
}

fn compile(spec: &Spec<'_>, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let Some(list) = spec.node.get("assert") else {
        let problem = Problem::error("an `assert-set` needs a list of assertions under `assert`").at(&spec.node.span);
        problems.push(problem);
        return None;
    };
    if list.is_seq() && list.items().is_empty() {
        problems.push(Problem::error("this `assert-set` is empty: it would pass whatever came").at(&list.span));
        return None;
    }
    let members = compile_members(list, spec.setup, problems);
    Some(Box::new(Set { members, threshold: spec.threshold }))
}

impl Set {
    /// Whether any answer could make it fail.
    pub fn can_fail(&self) -> bool {
        self.threshold.is_none_or(|t| t > 0.0) && self.members.iter().any(Assertion::counts)
    }

    /// The members.
    pub fn members_list(&self) -> &[Assertion] {
        &self.members
    }

    /// The set's own verdict and those of its members, in this order.
    pub fn judge(
        &self,
        own: &Assertion,
        subject: &Subject<'_>,
        found: &mut Findings,
        tally: &mut Tally,
        verdicts: &mut Vec<Verdict>,
    ) {
        let (mut inner, mut members) = (Tally::default(), Vec::new());
        self.members.iter().for_each(|m| m.judge(subject, 1, found, &mut inner, &mut members));
        let mut verdict = own.verdict(subject, 0, Ok(self.finding(&inner, &members)));
        if inner.errors > 0 {
            verdict.mark = Mark::Error;
        }
        tally.add(&verdict);
        tally.add_named(&inner);
        verdicts.push(verdict);
        verdicts.extend(members);
    }

    fn finding(&self, inner: &Tally, members: &[Verdict]) -> Finding {
        let score = inner.score();
        let passed = members.iter().filter(|v| v.mark == Mark::Pass).count();
        let all = members.len();
        let reason = match self.threshold {
            _ if inner.errors > 0 => format!("{} of the set's {all} assertions could not be evaluated", inner.errors),
            None => format!("expected all of the set's {all} assertions to pass, and {passed} did"),
            Some(least) => {
                format!(
                    "expected the set's {all} assertions to score at least {least}, and they score {score} ({passed} passed)"
                )
            }
        };
        Finding::scored(inner.passes(self.threshold), score, reason)
    }
}

impl Check for Set {
    fn as_set(&self) -> Option<&Set> {
        Some(self)
    }
}
