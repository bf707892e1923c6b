//! How well the called tools agree with the expected ones.

use super::names::{self, Names};
use crate::assert::family::list::read_items;
use crate::assert::kind::{Check, Finding, Sentence, Spec, Subject, Turned};
use crate::assert::matcher::commas::is_space;
use crate::assert::show::{self, Few};
use crate::assert::value::Text;
use crate::diag::{Problem, Problems};
use crate::template::Scope;
use crate::yaml::Kind as Form;

enum Expected {
    Items(Vec<Text>),
    Commas(Text),
}

struct F1 {
    expected: Expected,
    threshold: f64,
    sentence: Sentence,
}

pub fn compile(spec: &Spec<'_>, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let expected = match spec.value.map(|node| &node.kind) {
        Some(Form::Seq(items)) => Expected::Items(read_items(items, spec, problems)?),
        Some(Form::Str(_)) => Expected::Commas(Text::of_value_not_empty(spec, false, problems)?),
        _ => {
            problems.push(spec.wrong_value());
            return None;
        }
    };
    if expected.fixed().is_some_and(|names| names.contains("")) {
        let problem = Problem::warning("one of the expected names is empty, and no call has such a name").at(spec.at());
        problems.push(problem.hint("is there a comma too many?"));
    }
    let threshold = spec.needs_threshold(problems)?;
    Some(Box::new(F1 { expected, threshold, sentence: spec.about("the F1 score of the tool calls") }))
}

impl Expected {
    /// The names, when no variable is needed.
    fn fixed(&self) -> Option<Names> {
        match self {
            Self::Items(items) => items.iter().map(|item| item.fixed().map(str::to_owned)).collect(),
            Self::Commas(text) => text.fixed().map(split),
        }
    }

    fn render(&self, scope: &Scope) -> Result<Names, String> {
        match self {
            Self::Items(items) => items.iter().map(|item| Ok(item.render(scope)?.into_owned())).collect(),
            Self::Commas(text) => match text.render(scope)? {
                text if text.is_empty() => Err("the list of expected tools is empty".into()),
                text => Ok(split(&text)),
            },
        }
    }
}

/// Each field counts, an empty one too.
fn split(text: &str) -> Names {
    text.split(',').map(|name| name.trim_matches(is_space).to_owned()).collect()
}

/// How two sets agree.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Agreement {
    /// Which part of the called was expected.
    precision: f64,
    /// Which part of the expected was called.
    recall: f64,
}

impl Agreement {
    fn between(expected: &Names, called: &Names) -> Self {
        let common = expected.intersection(called).count();
        Self { precision: part(common, called.len()), recall: part(common, expected.len()) }
    }

    /// The harmonic mean of both (C. J. van Rijsbergen, Information Retrieval, 1979), from 0 to 1.
    fn f1(self) -> f64 {
        let sum = self.precision + self.recall;
        if sum > 0.0 { 2.0 * self.precision * self.recall / sum } else { 0.0 }
    }
}

fn part(some: usize, all: usize) -> f64 {
    let float = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    if all == 0 { 0.0 } else { float(some) / float(all) }
}

impl Check for F1 {
    fn check(&self, subject: &Subject<'_>) -> Result<Finding, String> {
        let expected = self.expected.render(subject.scope)?;
        let called = names::called(&subject.response.output);
        let agreement = Agreement::between(&expected, &called);
        let score = agreement.f1();
        let wish = format_args!("be at least {}", self.threshold);
        let finding = self.sentence.finding(score >= self.threshold, wish, came(agreement, &expected, &called));
        let shown = show::expected(&expected.iter().map(String::as_str).collect::<Vec<_>>().join(", "));
        let late = self.expected.fixed().is_none();
        Ok(Finding { score, turned: Turned::Kept, ..finding.expecting(late.then_some(shown)) })
    }
}

fn came(agreement: Agreement, expected: &Names, called: &Names) -> String {
    let thousandths = |x: f64| (x * 1000.0).round() / 1000.0;
    let Agreement { precision, recall } = agreement;
    let (f1, precision, recall) = (thousandths(agreement.f1()), thousandths(precision), thousandths(recall));
    let mut text = format!("it is {f1} (precision {precision}, recall {recall})");
    for (some, others, what) in [(expected, called, "not called"), (called, expected, "not expected")] {
        let names = some.difference(others).map(String::as_str);
        if names.clone().next().is_some() {
            text = format!("{text}; {what}: {}", Few(names));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::collection::btree_set;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn f1_is_symmetric_and_one_only_for_equals(a in btree_set("[a-e]", 1..5), b in btree_set("[a-e]", 0..5)) {
            let f1 = Agreement::between(&a, &b).f1();
            prop_assert!((0.0..=1.0).contains(&f1));
            prop_assert!((f1 - Agreement::between(&b, &a).f1()).abs() < 1e-12);
            prop_assert_eq!(f1 >= 1.0, a == b);
            prop_assert_eq!(f1 <= 0.0, a.is_disjoint(&b));
        }
    }
}
