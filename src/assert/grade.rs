//! From verdicts to one result.

use futures::future::join_all;

use super::assertion::Assertion;
use super::family::contest::Contest;
use super::kind::{Asking, Finding, Subject};
use crate::record::{Mark, Named, Status, Verdict};

/// How an answer did.
#[derive(Debug)]
pub struct Grade {
    /// Passed, failed, or without a verdict.
    pub status: Status,
    /// The weighted mean of the assertions' scores; 1 without assertions, 0 without a verdict.
    pub score: f64,
    /// Means by metric, in order of first appearance.
    pub named: Named,
    /// All verdicts, sets before their members.
    pub verdicts: Vec<Verdict>,
}

/// Judges one answer. With a threshold the weighted mean alone decides; without one every assertion
/// must pass. One that cannot be evaluated leaves the whole without a verdict, and the others their own.
pub async fn grade<'a>(
    assertions: impl IntoIterator<Item = &'a Assertion>,
    threshold: Option<f64>,
    subject: &Subject<'_>,
) -> Grade {
    let assertions: Vec<&Assertion> = assertions.into_iter().collect();
    let found = find_all(&assertions, subject).await;
    fold(&assertions, threshold, subject, found)
}

/// What the assertions find, members in place of their set.
pub type Finds = Vec<Result<Finding, String>>;

/// Asks all assertions for their word. Those that need all answers of a case have none yet.
pub async fn find_all(assertions: &[&Assertion], subject: &Subject<'_>) -> Finds {
    let mut words = Vec::with_capacity(assertions.len());
    for assertion in assertions {
        assertion.words(subject, &mut words);
    }
    settle(words).await
}

/// The assertions that need all answers of a case, and their places among the findings.
pub fn contests<'a>(assertions: &[&'a Assertion]) -> Vec<(usize, &'a dyn Contest)> {
    let mut place = 0;
    let mut all = Vec::new();
    for assertion in assertions {
        all.extend(assertion.as_contest().map(|contest| (place, contest)));
        place += assertion.words_count();
    }
    all
}

/// What a check says: known, or still to come.
pub(super) enum Word<'a> {
    Known(Result<Finding, String>),
    Coming(Asking<'a>),
}

impl Word<'_> {
    pub(super) async fn settle(self) -> Result<Finding, String> {
        match self {
            Self::Known(found) => found,
            Self::Coming(asking) => asking.await,
        }
    }
}

/// What is still to come is waited for together.
async fn settle(words: Vec<Word<'_>>) -> Finds {
    join_all(words.into_iter().map(Word::settle)).await
}

/// Findings in the order of the assertions, members in place of their set.
pub(super) type Findings = std::vec::IntoIter<Result<Finding, String>>;

/// Makes one result of what the assertions found.
pub fn fold(assertions: &[&Assertion], threshold: Option<f64>, subject: &Subject<'_>, found: Finds) -> Grade {
    let mut found = found.into_iter();
    let mut tally = Tally::default();
    let mut verdicts = Vec::new();
    for assertion in assertions {
        assertion.judge_into(subject, &mut found, &mut tally, &mut verdicts);
    }
    if verdicts.is_empty() {
        return Grade { status: Status::Passed, score: 1.0, named: Named::new(), verdicts };
    }
    if tally.errors > 0 {
        return Grade { status: Status::Errored, score: 0.0, named: Named::new(), verdicts };
    }
    let status = if tally.passes(threshold) { Status::Passed } else { Status::Failed };
    Grade { status, score: tally.score(), named: tally.named(), verdicts }
}

/// Sums over assertions that stand side by side.
#[derive(Debug, Default)]
pub struct Tally {
    mean: Mean,
    named: Vec<(String, Mean)>,
    failures: usize,
    /// How many could not be evaluated.
    pub errors: usize,
}

#[derive(Debug, Default, Clone, Copy)]
struct Mean {
    total: f64,
    weight: f64,
    /// The same with every score between 0 and 1: one of 100 must not outvote what failed.
    bounded: f64,
}

impl Mean {
    fn add(&mut self, score: f64, weight: f64) {
        self.total += score * weight;
        self.bounded += score.clamp(0.0, 1.0) * weight;
        self.weight += weight;
    }

    fn bounded(self) -> f64 {
        if self.weight > 0.0 { self.bounded / self.weight } else { 0.0 }
    }

    fn value(self) -> f64 {
        if self.weight > 0.0 { self.total / self.weight } else { 0.0 }
    }
}

impl Tally {
    /// Counts one verdict in.
    pub fn add(&mut self, verdict: &Verdict) {
        self.mean.add(verdict.score, verdict.weight);
        self.failures += usize::from(verdict.mark == Mark::Fail);
        self.errors += usize::from(verdict.mark == Mark::Error);
        if let Some(metric) = &verdict.metric {
            self.metric(metric).add(verdict.score, verdict.weight);
        }
    }

    /// Counts in the scores by name that came with a verdict. Its own metric goes before one of the same name.
    pub fn add_scores(&mut self, verdict: &Verdict, named: &Named) {
        for (name, score) in named.iter().filter(|(name, _)| verdict.metric.as_ref() != Some(name)) {
            self.metric(name).add(*score, verdict.weight);
        }
    }

    /// Counts in what a set's members say by name.
    pub fn add_named(&mut self, inner: &Self) {
        for (name, mean) in &inner.named {
            let own = self.metric(name);
            own.total += mean.total;
            own.weight += mean.weight;
        }
    }

    fn metric(&mut self, name: &str) -> &mut Mean {
        let at = self.named.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.named.push((name.to_owned(), Mean::default()));
            self.named.len() - 1
        });
        &mut self.named[at].1
    }

    /// The weighted mean; 0 when nothing has weight.
    pub fn score(&self) -> f64 {
        self.mean.value()
    }

    /// Whether that is a pass.
    pub fn passes(&self, threshold: Option<f64>) -> bool {
        threshold.map_or(self.failures == 0, |t| {
            let mean = self.score();
            // What one is worth beyond 1 or below 0 does not make up for another.
            if (0.0..=1.0).contains(&t) { mean.min(self.mean.bounded()) >= t } else { mean >= t }
        })
    }

    fn named(self) -> Named {
        self.named.into_iter().map(|(name, mean)| (name, mean.value())).collect()
    }
}
