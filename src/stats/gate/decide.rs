//! The decision.

use std::sync::Arc;

use serde::Serialize;

use super::facts::Facts;
use super::guard::{Shown, cases_if_as_good, fewest, guard, ratio_guard};
use super::policy::{Guard, Policy};
use super::words;
use crate::content::{ContentId, Digest};
use crate::stats::pairs::Row;
use crate::stats::{Aim, Bounded, Pairs, Status, mcnemar_improved, norm_ppf};

/// One word about a rule, and about all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It holds; of the whole: the candidate may ship.
    #[serde(rename = "promote")]
    Pass,
    /// The data do not say.
    Inconclusive,
    /// It does not hold.
    Regression,
    /// There is nothing that could be decided on.
    Invalid,
}

impl Verdict {
    /// The word for the whole decision.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "promote",
            Self::Inconclusive => "inconclusive",
            Self::Regression => "regression",
            Self::Invalid => "invalid",
        }
    }
}

/// What is decided on.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The candidate's column.
    pub facts: &'a Facts,
    /// What it is held against; nothing for a first version.
    pub against: Option<Against<'a>>,
}

impl Evidence<'_> {
    /// Digest of the results of both: the same ones again are no other try.
    pub fn results(&self) -> Digest {
        let baseline = self.against.map(|against| against.facts.results).unwrap_or_default();
        ContentId::of("results").with_digest(self.facts.results).with_digest(baseline).digest()
    }
}

/// The baseline, and both on the same cases.
#[derive(Debug, Clone, Copy)]
pub struct Against<'a> {
    /// The baseline's column.
    pub facts: &'a Facts,
    /// The pairs.
    pub pairs: &'a Pairs,
}

/// One rule, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// The rule's key in the policy.
    pub rule: &'static str,
    /// The metric it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<Arc<str>>,
    /// Whether it holds.
    #[serde(serialize_with = "rule_word")]
    pub verdict: Verdict,
    /// What was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Its one-sided bounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounds: Option<[f64; 2]>,
    /// What the policy asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// Cases that would settle it, if the candidate is as good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cases_needed: Option<u64>,
    /// The same in a sentence.
    pub words: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn rule_word<S: serde::Serializer>(verdict: &Verdict, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(if *verdict == Verdict::Pass { "pass" } else { verdict.word() })
}

/// May it ship?
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decision {
    /// The word.
    pub decision: Verdict,
    /// The rule that decided; the margin of `pass` when all hold.
    pub rule: &'static str,
    /// The metric of that rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<Arc<str>>,
    /// The deciding sentence.
    pub words: String,
    /// All rules.
    pub rules: Vec<Finding>,
}

/// Decides.
pub fn decide(policy: &Policy, evidence: &Evidence<'_>) -> Decision {
    let judge = Judge { policy, evidence };
    let mut rules = judge.validity();
    if rules.is_empty() {
        rules.extend(judge.guards());
        rules.extend(judge.improvements());
        rules.extend(judge.absolutes());
    }
    let decision = rules.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Invalid);
    for finding in &mut rules {
        let speaks = finding.metric.as_deref() == Some("pass");
        finding.words = words::close(std::mem::take(&mut finding.words), speaks, finding.verdict, decision);
    }
    // What decided: the first rule that is as bad as the whole.
    let deciding = rules.iter().find(|finding| finding.verdict == decision);
    Decision {
        decision,
        rule: deciding.map_or("no_rule", |finding| finding.rule),
        metric: deciding.and_then(|finding| finding.metric.clone()),
        words: deciding.map(|finding| finding.words.clone()).unwrap_or_default(),
        rules,
    }
}

/// The decision that `rest` more cases cannot change any more, whatever they bring; `None` while they could.
/// Its rules and sentences are about the cases so far.
pub fn foresee(policy: &Policy, evidence: &Evidence<'_>, rest: u64) -> Option<Decision> {
    let best = imagine(&policy.foreseeable(), evidence, rest, true);
    match best.decision {
        Verdict::Pass => {}
        // Nothing is left that could be foreseen.
        Verdict::Invalid => return None,
        Verdict::Regression | Verdict::Inconclusive => return Some(so_far(policy, evidence, best)),
    }
    // Cases to come may turn out to be no pairs: those so far must be enough.
    let enough = evidence.against.is_none_or(|against| against.pairs.units() >= policy.fewest_cases());
    let worst = (enough && !policy.is_open_ended()).then(|| imagine(policy, evidence, rest, false));
    worst.filter(|worst| worst.decision == Verdict::Pass).map(|worst| so_far(policy, evidence, worst))
}

/// The decision if all cases to come went well, or none did.
fn imagine(policy: &Policy, evidence: &Evidence<'_>, rest: u64, well: bool) -> Decision {
    let facts = evidence.facts.with_rest(rest, well, policy);
    let pairs = evidence.against.map(|against| against.pairs.with_rest(rest, well));
    // The cases to come are the same on both sides.
    let same = facts.without_runs();
    let against = pairs.as_ref().map(|pairs| Against { facts: &same, pairs });
    decide(policy, &Evidence { facts: &facts, against })
}

fn so_far(policy: &Policy, evidence: &Evidence<'_>, certain: Decision) -> Decision {
    let mut now = imagine(policy, evidence, 0, true);
    // Cases to come count as cases, and those that must pass may be among them.
    now.rules.retain(|finding| finding.rule != "min_cases" && finding.verdict != Verdict::Invalid);
    let deciding = now.rules.iter().find(|finding| finding.rule == certain.rule && finding.metric == certain.metric);
    let words = deciding.map_or(certain.words, |finding| finding.words.clone());
    Decision { words, rules: now.rules, ..certain }
}

struct Judge<'a> {
    policy: &'a Policy,
    evidence: &'a Evidence<'a>,
}

impl Judge<'_> {
    /// What makes any decision impossible.
    fn validity(&self) -> Vec<Finding> {
        let facts = self.evidence.facts;
        let mut all = Vec::new();
        let mut invalid = |rule, words: String| all.push(Finding::plain(rule, Verdict::Invalid, words));
        if facts.cases == 0 {
            invalid("no_cases", "the candidate has no cases".into());
        }
        let unmet = facts.unmet(self.policy);
        if !unmet.is_empty() {
            invalid("must_pass", format!("must_pass names `{}`, and no case is called so", unmet.join("`, `")));
        }
        match self.evidence.against {
            None if !self.policy.is_absolute() => {
                invalid("baseline", "there is no baseline, and the gate has no rule that needs none".into());
            }
            Some(against) if against.facts.unknown + facts.unknown > 0 => {
                let words = "a report does not say what its cases asked and demanded, so that nobody knows whether they are the same";
                invalid("assertions", words.into());
            }
            Some(against) if against.facts.test_set != facts.test_set => {
                invalid("test_set", words::other_cases(against.facts, facts));
            }
            Some(against) if against.facts.checks != facts.checks => {
                invalid("assertions", "the assertions of the two runs differ".into());
            }
            None | Some(_) => {}
        }
        all
    }

    fn guards(&self) -> Vec<Finding> {
        let Some(against) = self.evidence.against else { return Vec::new() };
        let mut all = Vec::new();
        // `pass` speaks first.
        let others = self.policy.guards.iter().filter(|(name, _)| *name != "pass");
        for (name, rule) in self.policy.guards.get_key_value("pass").into_iter().chain(others) {
            let row = against.pairs.rows.iter().find(|row| &*row.metric.name == name);
            all.push(self.guard(name, rule, row, against.pairs));
        }
        all.extend(self.too_few(against.pairs));
        all
    }

    fn guard(&self, name: &str, rule: &Guard, row: Option<&Row>, pairs: &Pairs) -> Finding {
        let nothing = |status: Status| {
            let words = format!("{name}: {}, so that nothing is shown", status.words());
            Finding { metric: Some(name.into()), ..Finding::plain("max_regression", Verdict::Inconclusive, words) }
        };
        let Some(row) = row else { return nothing(Status::NoData) };
        if let Some(status) = row.trouble {
            return nothing(status);
        }
        let confidence = self.policy.confidence;
        let Some(scale) = row.metric.scale else {
            let shown = ratio_guard(&row.ratios, rule.margin, confidence);
            return shown.map_or_else(nothing, |shown| self.relative(name, rule.margin, &shown));
        };
        let (units, width) = (row.difference.units(), scale.width());
        let margin = rule.margin * width;
        let shown = match guard(&units, scale, margin, confidence) {
            Ok(shown) => self.hardened(shown),
            Err(status) => return nothing(status),
        };
        let aim = Aim { margin, confidence, power: self.policy.power };
        let needed = (shown.verdict == Verdict::Inconclusive).then(|| cases_if_as_good(&units, scale, &aim)).flatten();
        let telling = words::Telling { row, shown: &shown, margin, confidence, needed, worst: pairs.worst };
        Finding {
            metric: Some(name.into()),
            value: Some(shown.difference),
            bounds: Some([shown.lower, shown.upper]),
            limit: Some(-margin),
            cases_needed: needed,
            ..Finding::plain("max_regression", shown.verdict, words::guard(&telling))
        }
    }

    /// A real drop within the margin, where the policy does not let it pass.
    fn hardened(&self, shown: Shown) -> Shown {
        if shown.drop && shown.verdict == Verdict::Pass && self.policy.block_deterioration {
            return Shown { verdict: Verdict::Regression, ..shown };
        }
        shown
    }

    fn relative(&self, name: &str, margin: f64, shown: &Shown) -> Finding {
        let shown = &self.hardened(*shown);
        Finding {
            metric: Some(name.into()),
            value: Some(-shown.difference),
            bounds: Some([-shown.upper, -shown.lower]),
            limit: Some(margin),
            ..Finding::plain("max_increase", shown.verdict, words::ratio(name, margin, shown, self.policy.confidence))
        }
    }

    fn too_few(&self, pairs: &Pairs) -> Option<Finding> {
        let (units, asked) = (pairs.units(), self.policy.fewest_cases());
        if units >= asked {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        let (value, limit) = (Some(units as f64), Some(asked as f64));
        Some(Finding {
            value,
            limit,
            cases_needed: Some(asked),
            ..Finding::plain("min_cases", Verdict::Inconclusive, self.why_too_few(units, asked))
        })
    }

    fn why_too_few(&self, units: u64, asked: u64) -> String {
        let tight = self.policy.guards.iter().find(|(name, guard)| {
            let scale = guard.metric(name).scale;
            scale.is_some() && fewest(guard.margin, 1.0, self.policy.confidence) == asked
        });
        match tight {
            Some((name, guard)) => words::impossible(units, asked, name, guard.margin, self.policy.confidence),
            None => format!("{units} cases, and the policy asks for {asked}"),
        }
    }

    fn improvements(&self) -> Vec<Finding> {
        let (Some(asked), Some(against)) = (&self.policy.require_improvement, self.evidence.against) else {
            return Vec::new();
        };
        #[expect(clippy::cast_precision_loss, reason = "a handful of metrics")]
        let share = if asked.any { (1.0 - self.policy.confidence) / asked.metrics.len().max(1) as f64 } else { 0.0 };
        let confidence = if asked.any { 1.0 - share } else { self.policy.confidence };
        let mut all: Vec<Finding> =
            asked.metrics.iter().map(|(name, least)| improvement(against.pairs, name, *least, confidence)).collect();
        if asked.any && all.iter().any(|finding| finding.verdict == Verdict::Pass) {
            all.retain(|finding| finding.verdict == Verdict::Pass);
        }
        all
    }

    fn absolutes(&self) -> Vec<Finding> {
        let (policy, facts) = (self.policy, self.evidence.facts);
        let mut all = Vec::new();
        if let Some(least) = policy.min_cases.filter(|least| self.evidence.against.is_none() && facts.cases < *least) {
            let words = format!("{} cases, and the policy asks for {least}", facts.cases);
            all.push(Finding::plain("min_cases", Verdict::Inconclusive, words));
        }
        if let Some(least) = policy.min_pass_rate {
            let rate = facts.pass_rate().unwrap_or(0.0);
            let verdict = if rate >= least { Verdict::Pass } else { Verdict::Regression };
            all.push(Finding::limit("min_pass_rate", verdict, rate, least, words::pass_rate(facts, rate, least)));
        }
        if !policy.must_pass.is_empty() {
            let verdict = if facts.failed.is_empty() { Verdict::Pass } else { Verdict::Regression };
            all.push(Finding::plain("must_pass", verdict, words::must_pass(&facts.failed)));
        }
        let highest = [
            ("max_p95_latency_ms", policy.max_p95_latency_ms, facts.p95_latency()),
            ("max_cost_per_case_usd", policy.max_cost_per_case_usd, facts.mean_cost()),
        ];
        for (rule, most, value) in highest {
            let Some(most) = most else { continue };
            all.push(match value {
                Some(value) if value <= most => {
                    Finding::limit(rule, Verdict::Pass, value, most, words::highest(rule, value, most))
                }
                Some(value) => {
                    Finding::limit(rule, Verdict::Regression, value, most, words::highest(rule, value, most))
                }
                None => Finding::plain(rule, Verdict::Inconclusive, format!("{rule}: nothing was measured")),
            });
        }
        all
    }
}

/// Whether a metric got better by more than a share of its scale.
fn improvement(pairs: &Pairs, name: &str, least: f64, confidence: f64) -> Finding {
    let plain =
        |verdict, words| Finding { metric: Some(name.into()), ..Finding::plain("require_improvement", verdict, words) };
    let row = pairs.rows.iter().find(|row| &*row.metric.name == name && row.trouble.is_none());
    let Some(row) = row else { return plain(Verdict::Inconclusive, format!("{name}: no data, so no improvement")) };
    let z = norm_ppf(confidence);
    let (shown, difference, lower) = match row.metric.scale {
        Some(scale) => {
            let units = row.difference.units();
            let test = Bounded::new(&units, scale.of_differences());
            let exact = row.metric.is_pass() && pairs.single && !pairs.is_clustered() && least == 0.0;
            let (fixed, broken) = row.changes();
            let sure = !exact || mcnemar_improved(fixed, broken) < 1.0 - confidence;
            let asked = least * scale.width();
            let shown = sure && test.statistic(asked) > z;
            (shown, units.mean().unwrap_or(0.0), test.lower(z))
        }
        None => match ratio_guard(&row.ratios, 0.0, confidence) {
            Ok(found) => (found.lower > least, found.difference, found.lower),
            Err(status) => return plain(Verdict::Inconclusive, format!("{name}: {}", status.words())),
        },
    };
    let verdict = if shown { Verdict::Pass } else { Verdict::Inconclusive };
    let words = words::improvement(row, shown, difference, lower, least, confidence);
    Finding { value: Some(difference), bounds: None, limit: Some(least), ..plain(verdict, words) }
}

impl Finding {
    fn plain(rule: &'static str, verdict: Verdict, words: String) -> Self {
        Self { rule, metric: None, verdict, value: None, bounds: None, limit: None, cases_needed: None, words }
    }

    fn limit(rule: &'static str, verdict: Verdict, value: f64, limit: f64, words: String) -> Self {
        Self { value: Some(value), limit: Some(limit), ..Self::plain(rule, verdict, words) }
    }
}
