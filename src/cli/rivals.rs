//! Who is compared with whom, while the candidate's cells come.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::evidence::Evidence;
use super::exit::{ExitStatus, Failure};
use crate::content::Digest;
use crate::plan::Expected;
use crate::record::{Column, Ending, Outcome, RunHead, RunTail};
use crate::report::{Compared, Early, GateReport, Gated};
use crate::stats::gate::{Decision, Facts, Policy, Verdict, decide, foresee};
use crate::stats::{Base, Changed, Comparison, Pairs, Party, Question, Sheet, Versus};

/// How often, in a suite's cases, it is asked whether the rest still matters.
const LOOKS: u64 = 200;

/// What is to be found out.
#[derive(Debug, Clone, Default)]
pub(super) struct Aim {
    /// The gate's rules, where there is a gate.
    pub(super) policy: Option<Policy>,
    pub(super) question: Question,
    /// Whether to stop when the decision can no longer change.
    pub(super) early: bool,
}

/// All comparisons of a run.
pub(super) struct Rivals {
    list: Vec<Rival>,
    aim: Aim,
    head: Arc<RunHead>,
}

/// One candidate.
struct Rival {
    versus: Versus,
    /// The baseline's party, and where its answers are when they are not in the same run.
    baseline: Option<Party>,
    other: Option<(Arc<Evidence>, usize)>,
    /// What the column will hold, where it can be foreseen.
    expected: Option<Expected>,
    decided: bool,
}

/// How the candidate's run ended.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ended {
    pub(super) ending: Option<Ending>,
    pub(super) finished: u64,
    pub(super) unrun: u64,
}

/// One comparison, done.
pub(super) struct Matched {
    /// What the numbers say; nothing without a baseline.
    pub(super) comparison: Option<Comparison>,
    pub(super) changed: Vec<Changed>,
    pub(super) changes: u64,
    pub(super) gate: Option<GateReport>,
    /// Digest of what the cells came to.
    pub(super) results: Digest,
    /// Cells without a verdict, of both where they are in one run.
    pub(super) errored: u64,
}

impl Ended {
    /// What the end of a run says.
    pub(super) fn of(tail: &RunTail) -> Self {
        Self { ending: Some(tail.ending), finished: tail.finished, unrun: tail.unrun }
    }
}

impl Matched {
    /// As reports take it, where there is a baseline.
    pub(super) fn compared(&self) -> Option<Compared<'_>> {
        let comparison = self.comparison.as_ref()?;
        Some(Compared { comparison, changed: &self.changed, changes: self.changes, decision: self.gate.as_ref() })
    }

    /// As reports take it, where there is a gate.
    pub(super) fn gated(&self) -> Option<Gated<'_>> {
        self.gate.as_ref().map(|gate| Gated { gate, comparison: self.comparison.as_ref() })
    }
}

impl Rivals {
    /// For each provider the first of these columns against each other.
    pub(super) fn within(head: Arc<RunHead>, columns: &[usize], aim: Aim) -> Self {
        let policy = &aim.policy;
        let provider = |column: usize| &head.columns[column].provider;
        let mut list = Vec::new();
        for &candidate in columns {
            let mut same = columns.iter().copied().filter(|c| provider(*c) == provider(candidate));
            let first = same.next().filter(|first| *first != candidate);
            let alone = first.is_none() && same.next().is_none();
            let base = match first {
                Some(first) => Base::Column(first),
                // A gate has rules for a first version too.
                None if alone && aim.policy.is_some() => Base::Nothing,
                None => continue,
            };
            let baseline = first.map(|first| Party::of(&head, &head.columns[first]));
            list.push(Rival::new(Versus::new(base, candidate, policy.clone()), baseline, None));
        }
        Self { list, aim, head }
    }

    /// Each of these columns against another run.
    pub(super) fn against(
        head: Arc<RunHead>,
        columns: &[usize],
        other: &Arc<Evidence>,
        aim: Aim,
    ) -> Result<Self, Failure> {
        let policy = &aim.policy;
        let partners = columns.iter().map(|c| partner(other, &head, columns, *c, policy.is_some()).map(|p| (*c, p)));
        let partners: Vec<(usize, usize)> = partners.collect::<Result<_, _>>()?;
        let mut list = Vec::new();
        for ((candidate, column), sheet) in partners.iter().zip(sheets(other, &partners)?) {
            let baseline = Party::of(&other.head, &other.head.columns[*column]);
            let versus = Versus::new(Base::Sheet(Box::new(sheet)), *candidate, policy.clone());
            list.push(Rival::new(versus, Some(baseline), Some((Arc::clone(other), *column))));
        }
        Ok(Self { list, aim, head })
    }

    /// Only these candidates.
    #[must_use]
    pub(super) fn only(mut self, candidates: &[usize]) -> Self {
        self.list.retain(|rival| candidates.contains(&rival.versus.candidate));
        self
    }

    /// What the columns will hold, so that it can be known when the rest no longer matters.
    #[must_use]
    pub(super) fn expecting(mut self, expected: &[Expected]) -> Self {
        for rival in &mut self.list {
            rival.expected = expected.get(rival.versus.candidate).cloned();
        }
        self
    }

    /// Whether a candidate has no baseline.
    pub(super) fn some_are_alone(&self) -> bool {
        self.list.iter().any(|rival| rival.baseline.is_none())
    }

    /// Whether there is nobody.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The columns that are held against another run, and what is known of that.
    pub(super) fn baselines(&self) -> impl Iterator<Item = (usize, &Facts)> {
        self.list.iter().filter_map(|rival| match &rival.versus.base {
            Base::Sheet(sheet) => Some((rival.versus.candidate, &sheet.facts)),
            Base::Column(_) | Base::Nothing => None,
        })
    }

    /// Whether a candidate has a baseline.
    pub(super) fn has_baseline(&self) -> bool {
        self.list.iter().any(|rival| rival.baseline.is_some())
    }

    /// Takes in a cell. Comes back with true once no gate's decision can change any more.
    pub(super) fn add(&mut self, outcome: &Arc<Outcome>) -> bool {
        for rival in &mut self.list {
            rival.versus.add(outcome);
        }
        let Some(policy) = self.aim.policy.as_ref().filter(|_| self.aim.early) else { return false };
        for rival in self.list.iter_mut().filter(|rival| !rival.decided) {
            rival.look(policy);
        }
        !self.list.is_empty() && self.list.iter().all(|rival| rival.decided)
    }

    /// What came of it.
    pub(super) fn finish(self, ended: Ended) -> Result<Vec<Matched>, Failure> {
        let Self { list, aim, head } = self;
        list.into_iter().map(|rival| rival.finish(&aim, &head, ended)).collect()
    }
}

impl Rival {
    fn new(versus: Versus, baseline: Option<Party>, other: Option<(Arc<Evidence>, usize)>) -> Self {
        Self { versus, baseline, other, expected: None, decided: false }
    }

    /// Whether the rest still matters.
    fn look(&mut self, policy: &Policy) {
        let Some(rest) = self.rest() else { return };
        let all = self.versus.facts.cases + rest;
        if rest > 0 && self.versus.facts.cases.is_multiple_of((all / LOOKS).max(1)) {
            let gated = self.versus.gated();
            self.decided = foresee(policy, &self.versus.evidence(&gated), rest).is_some();
        }
    }

    /// How many cases are to come, where that can be foreseen: those of a cluster cannot, nor can those
    /// that the baseline does not have.
    fn rest(&self) -> Option<u64> {
        let expected = self.expected.as_ref().filter(|expected| !expected.is_clustered())?;
        if let Base::Sheet(sheet) = &self.versus.base
            && (sheet.facts.test_set != expected.test_set || sheet.facts.checks != expected.checks)
        {
            return None;
        }
        Some(expected.cases.saturating_sub(self.versus.facts.cases))
    }

    fn finish(mut self, aim: &Aim, head: &RunHead, ended: Ended) -> Result<Matched, Failure> {
        self.versus.end();
        self.look_up()?;
        let candidate = Party::of(head, &head.columns[self.versus.candidate]);
        let gated = self.versus.gated();
        let gate = aim.policy.as_ref().map(|policy| self.rule(policy, candidate.clone(), &gated, ended));
        let comparison = self.baseline.as_ref();
        let comparison =
            comparison.map(|baseline| Comparison::of(&self.versus.pairs, baseline.clone(), candidate, &aim.question));
        let evidence = self.versus.evidence(&gated);
        let results = evidence.results();
        let own = matches!(self.versus.base, Base::Column(_));
        let baseline = evidence.against.filter(|_| own).map_or(0, |against| against.facts.errored_runs);
        let errored = evidence.facts.errored_runs + baseline;
        Ok(Matched { comparison, changed: self.versus.changed, changes: self.versus.changes, gate, results, errored })
    }

    /// Whether the candidate is held against itself: the same content at the same provider.
    fn is_itself(&self, candidate: &Party) -> bool {
        let same = |one: &Party| one.prompt_hash == candidate.prompt_hash && one.provider == candidate.provider;
        !candidate.prompt_hash.is_empty() && self.baseline.as_ref().is_some_and(same)
    }

    /// Finds the baseline's answers of changed cases, when they are in another run.
    fn look_up(&mut self) -> Result<(), Failure> {
        let Some((other, column)) = &self.other else { return Ok(()) };
        if self.versus.changed.is_empty() {
            return Ok(());
        }
        let wanted: Vec<Arc<str>> = self.versus.changed.iter().map(|changed| Arc::clone(&changed.case.id)).collect();
        other.search(&wanted, &mut |outcome| {
            if outcome.column == *column && wanted.contains(&outcome.case.id) {
                self.versus.show(&outcome);
            }
        })
    }

    fn rule(&self, policy: &Policy, candidate: Party, gated: &Pairs, ended: Ended) -> GateReport {
        let evidence = self.versus.evidence(gated);
        let mut early = None;
        let decision = match ended.ending {
            _ if self.is_itself(&candidate) => itself(&candidate),
            Some(Ending::Complete) | None if ended.unrun == 0 => decide(policy, &evidence),
            Some(Ending::Decided) => match self.rest() {
                Some(rest) => {
                    early = Some(Early { asked: self.versus.facts.cases, saved: rest });
                    foresee(policy, &evidence, rest).unwrap_or_else(|| unfinished(ended))
                }
                None => unfinished(ended),
            },
            _ => unfinished(ended),
        };
        GateReport {
            decision,
            baseline: self.baseline.clone(),
            candidate,
            test_set: self.expected.as_ref().map_or(self.versus.facts.test_set, |expected| expected.test_set),
            checks: self.expected.as_ref().map_or(self.versus.facts.checks, |expected| expected.checks),
            policy: serde_json::to_value(policy).unwrap_or_default(),
            policy_digest: policy.digest(),
            attempt: None,
            early,
        }
    }
}

/// A run that was broken off decides nothing.
fn unfinished(ended: Ended) -> Decision {
    let all = ended.finished + ended.unrun;
    let how = if ended.ending == Some(Ending::Decided) { "was stopped early" } else { "did not come to its end" };
    let words = format!("the run {how}: {} of {all} cells have an outcome", ended.finished);
    Decision { decision: Verdict::Invalid, rule: "unfinished", metric: None, words, rules: Vec::new() }
}

/// A retry of what was refused must not pass because it is no worse than itself.
fn itself(candidate: &Party) -> Decision {
    let hash: String = candidate.prompt_hash.chars().take(12).collect();
    let words = format!("baseline and candidate are the same prompt: `{}`, content {hash}", candidate.prompt);
    Decision { decision: Verdict::Invalid, rule: "same_prompt", metric: None, words, rules: Vec::new() }
}

/// The column of another run that one is held against.
fn partner(
    other: &Evidence,
    head: &RunHead,
    columns: &[usize],
    candidate: usize,
    gated: bool,
) -> Result<usize, Failure> {
    let column = &head.columns[candidate];
    let there = |at: usize| &other.head.columns[at];
    let all = || other.columns.iter().copied();
    let mut found: Vec<usize> = all().filter(|at| there(*at).provider == column.provider).collect();
    if found.is_empty() {
        found = all().filter(|at| there(*at).provider_id == column.provider_id).collect();
    }
    // Two models can be looked at side by side, but a gate is about prompts.
    if found.is_empty() && !gated && one_provider(&other.head, &other.columns) && one_provider(head, columns) {
        found.clone_from(&other.columns);
    }
    if found.len() > 1 {
        let alike = |at: &usize| there(*at).label == column.label;
        let named: Vec<usize> = found.iter().copied().filter(alike).collect();
        found = if named.len() == 1 { named } else { found };
    }
    match found[..] {
        [one] => Ok(one),
        [] => Err(ambiguous(format!("the run {} has nothing at `{}`", other.head.id, column.provider), other)),
        _ => Err(ambiguous(format!("the run {} has several prompts at `{}`", other.head.id, column.provider), other)),
    }
}

fn ambiguous(message: String, other: &Evidence) -> Failure {
    let names: BTreeSet<String> = other.columns.iter().map(|at| title(&other.head.columns[*at])).collect();
    let names: Vec<String> = names.into_iter().collect();
    let hint = format!("name one of its prompts, as in {}#PROMPT; it has {}", other.head.id, names.join(", "));
    Failure::new(ExitStatus::Usage, message).hint(hint)
}

fn title(column: &Column) -> String {
    format!("`{}` at {}", column.label, column.provider)
}

fn one_provider(head: &RunHead, columns: &[usize]) -> bool {
    columns.windows(2).all(|two| head.columns[two[0]].provider == head.columns[two[1]].provider)
}

/// The columns that are held against, each by case, in the order of their candidates.
fn sheets(other: &Evidence, partners: &[(usize, usize)]) -> Result<Vec<Sheet>, Failure> {
    let known: Vec<Sheet> = partners.iter().map_while(|(_, column)| other.sheet(*column)).collect();
    let mut sheets = known;
    if sheets.len() == partners.len() {
        sheets.iter_mut().for_each(Sheet::end);
        return Ok(sheets);
    }
    sheets = partners.iter().map(|_| Sheet::default()).collect();
    other.replay(&mut |outcome| {
        for (sheet, (_, column)) in sheets.iter_mut().zip(partners) {
            if outcome.column == *column {
                sheet.add(&outcome);
            }
        }
    })?;
    sheets.iter_mut().for_each(Sheet::end);
    Ok(sheets)
}
