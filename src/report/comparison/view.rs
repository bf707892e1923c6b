//! What Markdown and the page say, in words that are clean of secrets and not yet escaped.

use std::sync::Arc;

use super::chart::Chart;
use super::{Compared, Early, GateReport};
use crate::env::Redactor;
use crate::record::{Outcome, Status};
use crate::report::diff::{self, Piece};
use crate::report::redact::Words;
use crate::stats::gate::Verdict;
use crate::stats::words::{amount, cases, metric, p_value, percent, points, quantity, signed, thousands};
use crate::stats::{Better, Changed, Comparison, MetricResult, Party};

/// Case ids that are listed; the counts go on.
const LISTED: usize = 20;
/// Characters of a name that are shown, and of a sentence.
const NAME: usize = 160;
const SENTENCE: usize = 600;
/// What stands for a figure that is not there.
const NONE: &str = "–";

pub(super) struct View {
    /// The candidate.
    pub(super) candidate: String,
    /// What it is held against.
    pub(super) baseline: String,
    pub(super) gate: Option<Gate>,
    /// What `pass` says.
    pub(super) sentence: Option<String>,
    /// What was not compared.
    pub(super) dropped: Option<String>,
    /// The intervals' confidence in percent.
    pub(super) confidence: String,
    pub(super) rows: Vec<Row>,
    pub(super) fixed: Names,
    pub(super) broken: Names,
    /// Those that got worse first.
    pub(super) changed: Vec<Case>,
    /// Changed cases that are not shown.
    pub(super) hidden: u64,
    pub(super) chart: Option<Chart>,
}

/// What the gate said.
pub(super) struct Gate {
    pub(super) verdict: Verdict,
    /// The deciding sentence.
    pub(super) words: String,
    /// What an early end saved.
    pub(super) early: Option<String>,
}

/// One metric.
pub(super) struct Row {
    pub(super) metric: String,
    pub(super) baseline: String,
    pub(super) candidate: String,
    pub(super) difference: String,
    pub(super) interval: String,
    pub(super) p: String,
    pub(super) verdict: Better,
    pub(super) verdict_words: &'static str,
}

/// Ids of cases.
pub(super) struct Names {
    pub(super) all: usize,
    pub(super) listed: Vec<String>,
}

/// A case that ended differently.
pub(super) struct Case {
    pub(super) id: String,
    pub(super) description: Option<String>,
    pub(super) better: Option<bool>,
    /// How it ended, before and now.
    pub(super) ended: (&'static str, &'static str),
    /// What the verdict says that it did not pass with.
    pub(super) reason: Option<String>,
    /// The answers; nothing where the baseline's is not at hand.
    pub(super) pieces: Vec<Piece>,
    pub(super) has_before: bool,
}

impl View {
    pub(super) fn of(compared: &Compared<'_>, redactor: &Redactor) -> Self {
        let comparison = compared.comparison;
        let words = &Words::new(redactor.clone());
        let pass = comparison.metric("pass");
        let names = |list: fn(&MetricResult) -> &Vec<Arc<str>>| Names::of(pass.map_or(&[], |pass| list(pass)), words);
        let mut changed: Vec<Case> =
            compared.changed.iter().map(|changed| Case::of(changed, redactor, words)).collect();
        changed.sort_by_key(|case| case.better.map_or(1, |better| if better { 2 } else { 0 }));
        let (baseline, candidate) = titles(&comparison.baseline, &comparison.candidate);
        Self {
            candidate: name(words, &candidate),
            baseline: name(words, &baseline),
            gate: compared.decision.map(|gate| Gate::of(gate, words)),
            sentence: pass.filter(|pass| has_numbers(pass)).map(|pass| sentence(words, &metric(pass, comparison))),
            dropped: dropped(comparison),
            confidence: percent(comparison.confidence),
            rows: comparison.metrics.iter().map(|metric| Row::of(metric, words)).collect(),
            fixed: names(|pass| &pass.fixed),
            broken: names(|pass| &pass.broken),
            hidden: compared.changes.saturating_sub(changed.len() as u64),
            changed,
            chart: pass.and_then(|pass| Chart::of(pass, margin(compared.decision))),
        }
    }
}

fn name(words: &Words, text: &str) -> String {
    words.line(text, NAME).into_owned()
}

fn sentence(words: &Words, text: &str) -> String {
    words.line(text, SENTENCE).into_owned()
}

/// A word, and what it goes before.
type Way = (&'static str, fn(&Party) -> &Arc<str>);

/// What tells the two apart.
fn titles(baseline: &Party, candidate: &Party) -> (String, String) {
    let mut all = [baseline, candidate].map(title);
    let differ = |part: fn(&Party) -> &Arc<str>| part(baseline) != part(candidate);
    let ways: [Way; 3] = [("at", |p| &p.provider), ("in run", |p| &p.run), ("with hash", |p| &p.prompt_hash)];
    for (n, (word, part)) in ways.into_iter().enumerate() {
        // The provider is always said where it differs; the rest only where nothing else does.
        if differ(part) && (n == 0 || all[0] == all[1]) {
            for (title, party) in all.iter_mut().zip([baseline, candidate]) {
                *title += &format!(" {word} {}", part(party));
            }
        }
    }
    all.into()
}

/// The label, and the version where the label does not say it.
fn title(party: &Party) -> String {
    match &party.version {
        Some(version) if !party.prompt.contains(&**version) => format!("{} {version}", party.prompt),
        _ => party.prompt.to_string(),
    }
}

fn dropped(comparison: &Comparison) -> Option<String> {
    let dropped = &comparison.dropped;
    let parts = [
        (dropped.baseline_only, "only in the baseline"),
        (dropped.candidate_only, "only in the candidate"),
        (dropped.baseline_errored, "without a verdict in the baseline"),
        (dropped.candidate_errored, "without a verdict in the candidate"),
        (dropped.changed, "with other inputs or assertions"),
    ];
    let said: Vec<String> =
        parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", thousands(n))).collect();
    (!said.is_empty()).then(|| format!("Not compared: {}: {}.", cases(dropped.all()), said.join(", ")))
}

/// The margin of `pass`, negative.
fn margin(gate: Option<&GateReport>) -> Option<f64> {
    let rules = &gate?.decision.rules;
    rules.iter().find(|f| f.rule == "max_regression" && f.metric.as_deref() == Some("pass"))?.limit
}

impl Gate {
    fn of(gate: &GateReport, words: &Words) -> Self {
        let saved = |Early { asked, saved }: Early| {
            format!("Decided after {}; {} more could not have changed it.", cases(asked), thousands(saved))
        };
        Self {
            verdict: gate.decision.decision,
            words: sentence(words, &gate.decision.words),
            early: gate.early.map(saved),
        }
    }

    /// The decision, as it is shouted.
    pub(super) fn word(&self) -> String {
        self.verdict.word().to_uppercase()
    }
}

impl Row {
    fn of(result: &MetricResult, words: &Words) -> Self {
        let style = Style::of(result);
        let side = |mean: Option<f64>| figure(mean, |mean| style.value(mean, result.unit));
        let row = Self {
            metric: name(words, &result.name),
            baseline: side(result.baseline.mean),
            candidate: side(result.candidate.mean),
            difference: figure(result.difference, |x| format!("{}{}", style.change(x), style.unit())),
            interval: interval(result.ci, style),
            p: p(result),
            verdict: result.verdict,
            verdict_words: verdict(result.verdict),
        };
        match result.status {
            None => row,
            Some(status) => row.without_numbers(status.words()),
        }
    }

    fn without_numbers(self, why: &str) -> Self {
        let none = || NONE.to_owned();
        let verdict_words = NONE;
        Self {
            baseline: none(),
            candidate: none(),
            difference: why.into(),
            interval: none(),
            p: none(),
            verdict_words,
            ..self
        }
    }
}

/// How the numbers of a metric are written.
#[derive(Clone, Copy)]
enum Style {
    Pass,
    Score,
    Relative,
}

impl Style {
    fn of(result: &MetricResult) -> Self {
        match (&*result.name, result.scale) {
            ("pass", _) => Self::Pass,
            (_, Some(_)) => Self::Score,
            (_, None) => Self::Relative,
        }
    }

    fn value(self, mean: f64, unit: &str) -> String {
        match self {
            Self::Pass => format!("{} %", points(mean)),
            Self::Score => amount(mean),
            Self::Relative => quantity(mean, unit),
        }
    }

    fn change(self, by: f64) -> String {
        signed(&if matches!(self, Self::Score) { amount(by) } else { points(by) })
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Pass => " pp",
            Self::Score => "",
            Self::Relative => " %",
        }
    }
}

fn figure(value: Option<f64>, words: impl Fn(f64) -> String) -> String {
    value.filter(|value| value.is_finite()).map_or_else(|| NONE.into(), words)
}

fn interval(ci: Option<[f64; 2]>, style: Style) -> String {
    match ci {
        Some([low, high]) if low.is_finite() && high.is_finite() => {
            format!("[{}, {}]{}", style.change(low), style.change(high), style.unit())
        }
        _ => NONE.into(),
    }
}

/// The p, and the corrected one where it is another.
fn p(result: &MetricResult) -> String {
    let text = |p: f64| p_value(p).trim_start_matches("p ").trim_start_matches("= ").to_owned();
    let plain = figure(result.p, text);
    let corrected = figure(result.p_adjusted, text);
    if plain == corrected { plain } else { format!("{plain} ({corrected})") }
}

fn verdict(better: Better) -> &'static str {
    match better {
        Better::Better => "better",
        Better::Worse => "worse",
        Better::NoClearDifference => "no clear difference",
    }
}

/// Whether a sentence about it says something.
fn has_numbers(result: &MetricResult) -> bool {
    let numbers = [result.difference, result.p, result.p_adjusted, result.baseline.mean, result.candidate.mean];
    let ends = [result.ci, result.baseline.ci, result.candidate.ci];
    numbers
        .into_iter()
        .chain(ends.into_iter().flat_map(|ci| ci.map_or([None; 2], |ci| ci.map(Some))))
        .flatten()
        .all(f64::is_finite)
}

impl Names {
    fn of(ids: &[Arc<str>], words: &Words) -> Self {
        let listed = ids.iter().take(LISTED).map(|id| name(words, id));
        Self { all: ids.len(), listed: listed.collect() }
    }

    /// `and 5 more`, where some are not listed.
    pub(super) fn more(&self) -> Option<String> {
        let more = self.all - self.listed.len();
        (more > 0).then(|| format!("and {} more", thousands(more as u64)))
    }
}

impl Case {
    fn of(changed: &Changed, redactor: &Redactor, words: &Words) -> Self {
        let clean = |text: &str| redactor.clean(text).into_owned();
        let before = changed.before.as_deref();
        let worse = [Some(&*changed.after), before].into_iter().flatten().find_map(Outcome::reason);
        let after = clean(&answer(&changed.after));
        Self {
            id: name(words, &changed.case.id),
            description: changed.case.description.as_deref().map(|text| name(words, text)),
            better: changed.better,
            ended: (before.map_or("not at hand", ended), ended(&changed.after)),
            reason: worse.map(|text| sentence(words, text)),
            pieces: match before {
                Some(before) => diff::words(&clean(&answer(before)), &after),
                None => vec![Piece::Same(after)],
            },
            has_before: before.is_some(),
        }
    }
}

fn ended(outcome: &Outcome) -> &'static str {
    match outcome.status {
        Status::Passed => "passed",
        Status::Failed => "failed",
        Status::Errored => "no verdict",
    }
}

/// What came back; nothing where nothing came.
fn answer(outcome: &Outcome) -> String {
    outcome.response.as_ref().map(|response| response.output.text().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::comparison::fixture::comparison;

    #[test]
    fn titles_tell_the_two_apart() {
        let comparison = comparison();
        let of = |change: fn(&mut Party)| {
            let (old, mut new) = (comparison.baseline.clone(), comparison.candidate.clone());
            new.prompt = Arc::clone(&old.prompt);
            change(&mut new);
            titles(&old, &new)
        };
        let told = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(of(|p| p.version = Some("2.1.0".into())), told("old", "old 2.1.0"));
        assert_eq!(of(|p| p.provider = "other".into()), told("old at mock", "old at other"));
        assert_eq!(of(|p| p.run = "run-2".into()), told("old in run run-1", "old in run run-2"));
        assert_eq!(of(|p| p.prompt_hash = "x".into()), told("old with hash hash-of-old", "old with hash x"));
    }

    #[test]
    fn those_that_got_worse_come_first() {
        let (comparison, changed) = (comparison(), crate::report::comparison::fixture::changed("a", "b"));
        let compared = Compared { comparison: &comparison, changed: &changed, changes: 7, decision: None };
        let view = View::of(&compared, &Redactor::default());
        let order: Vec<_> = view.changed.iter().map(|case| (&*case.id, case.better)).collect();
        assert_eq!(order, [("c3", Some(false)), ("c2", None), ("c0", Some(true)), ("c1", Some(true))]);
        assert_eq!((view.hidden, view.fixed.all, view.fixed.more()), (3, 3, None));
    }
}
