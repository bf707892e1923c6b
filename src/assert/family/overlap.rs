//! Kinds that count the words an output shares with a reference: `rouge-n`, `bleu`, `gleu`, `meteor`.

mod bleu;
mod gleu;
mod meteor;
mod ngrams;
mod porter;
mod rouge;
#[cfg(test)]
mod tests;
mod treebank;
mod words;

use std::borrow::Cow;

use self::meteor::Weights;
use crate::assert::kind::{Check, Example, Finding, Kind, Sentence, Spec, Subject, Turned};
use crate::assert::show::{self, ItIs, Quoted};
use crate::assert::value::Text;
use crate::diag::{Problem, Problems};
use crate::yaml::{Kind as Form, Node};

const THRESHOLD: &str = "the lowest score that passes, from 0 to 1";
const VALUE: &str = "text or a list of texts";

/// The family's rows.
pub static KINDS: &[Kind] = &[
    Kind {
        name: "rouge-n",
        about: "the output shares enough words with the text, in any order and case (ROUGE-1)",
        value: "text",
        threshold: THRESHOLD,
        score: "the F1 of shared words (Penn Treebank tokens), 0 to 1; with `not-` what is missing to 1",
        default_threshold: Some(0.75),
        negatable: true,
        passes: Example::new("The cat sat down", "{type: rouge-n, value: the cat sat there}"),
        fails: Example::new("The dog ran away", "{type: rouge-n, value: the cat sat there}"),
        compile: |spec, problems| compile(spec, Metric::Rouge, problems),
    },
    Kind {
        name: "bleu",
        about: "the output shares enough runs of 1 to 4 words with its texts, in any case (BLEU-4)",
        value: VALUE,
        threshold: THRESHOLD,
        score: "BLEU, 0 to 1; with `not-` what is missing to 1",
        default_threshold: Some(0.5),
        negatable: true,
        passes: Example::new("the cat sat on the mat", "{type: bleu, value: [a dog ran, the cat sat on the rug]}"),
        fails: Example::new("the mat sat on the cat", "{type: bleu, value: [a dog ran, the cat sat on the rug]}"),
        compile: |spec, problems| compile(spec, Metric::Bleu, problems),
    },
    Kind {
        name: "gleu",
        about: "the output and a text share enough of their runs of 1 to 4 words, in any case (Google's GLEU)",
        value: VALUE,
        threshold: THRESHOLD,
        score: "the lesser of precision and recall, 0 to 1; with `not-` what is missing to 1",
        default_threshold: Some(0.5),
        negatable: true,
        passes: Example::new("The cat sat on the mat.", "{type: gleu, value: the cat sat on the rug}"),
        fails: Example::new("The cat is on the mat.", "{type: gleu, value: the cat sat on the rug}"),
        compile: |spec, problems| compile(spec, Metric::Gleu, problems),
    },
    Kind {
        name: "meteor",
        about: "the output shares enough words or their stems (English) with a text, in few pieces; no synonyms",
        value: VALUE,
        threshold: THRESHOLD,
        score: "METEOR, 0 to 1, by `alpha` (0.9), `beta` (3) and `gamma` (0.5); with `not-` what is missing to 1",
        default_threshold: Some(0.5),
        negatable: true,
        passes: Example::new("running dogs jumped", "{type: meteor, value: a dog runs and jumps, threshold: 0.3}"),
        fails: Example::new("sleeping cats", "{type: meteor, value: a dog runs and jumps, threshold: 0.3}"),
        compile: compile_meteor,
    },
];

#[derive(Debug, Clone, Copy)]
enum Metric {
    Rouge,
    Bleu,
    Gleu,
    Meteor(Weights),
}

impl Metric {
    fn name(self) -> &'static str {
        match self {
            Self::Rouge => "a ROUGE-1 F1",
            Self::Bleu => "a BLEU score",
            Self::Gleu => "a GLEU score",
            Self::Meteor(_) => "a METEOR score",
        }
    }

    /// The score of an output with its references, of which there is one at least.
    fn score(self, output: &str, references: &[&str]) -> Result<f64, String> {
        match self {
            Self::Rouge => Ok(references.iter().map(|text| rouge::rouge_1(output, text)).fold(0.0, f64::max)),
            Self::Bleu => Ok(bleu::bleu(output, references)),
            Self::Gleu => gleu::gleu(output, references),
            Self::Meteor(weights) => meteor::meteor(output, references, weights),
        }
    }
}

struct Overlap {
    metric: Metric,
    references: Vec<Text>,
    threshold: f64,
    sentence: Sentence,
}

fn compile(spec: &Spec<'_>, metric: Metric, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let threshold = spec.needs_threshold(problems)?;
    warn_out_of_reach(spec, threshold, problems);
    let references = match spec.value.map(|v| &v.kind) {
        Some(Form::Seq(items)) if !matches!(metric, Metric::Rouge) => read_items(items, spec, problems)?,
        _ => vec![Text::of_value(spec, false, problems)?],
    };
    Some(Box::new(Overlap { metric, references, threshold, sentence: spec.about("the output") }))
}

/// A threshold that no score, or every score, reaches.
pub(super) fn warn_out_of_reach(spec: &Spec<'_>, threshold: f64, problems: &mut Problems) {
    if !(0.0..=1.0).contains(&threshold) {
        let which = if (threshold > 1.0) == spec.negated { "every" } else { "no" };
        let message = format!("{which} answer passes `threshold` {threshold}: the score is from 0 to 1");
        problems.push(Problem::warning(message).at(spec.node.get("threshold").map_or(&spec.node.span, |t| &t.span)));
    }
}

fn read_items(items: &[Node], spec: &Spec<'_>, problems: &mut Problems) -> Option<Vec<Text>> {
    if items.is_empty() {
        problems.push(Problem::error(format!("the list of `{}` has no texts", spec.kind.name)).at(spec.at()));
        return None;
    }
    let texts: Vec<_> = items.iter().filter_map(|item| read_item(item, spec, problems)).collect();
    (texts.len() == items.len()).then_some(texts)
}

fn read_item(item: &Node, spec: &Spec<'_>, problems: &mut Problems) -> Option<Text> {
    let Form::Str(text) = &item.kind else {
        let message = format!("an item of `{}` must be text, found {}", spec.kind.name, item.kind_name());
        problems.push(Problem::error(message).at(&item.span));
        return None;
    };
    Text::read(text, item, spec, problems)
}

fn compile_meteor(spec: &Spec<'_>, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let number = |key, usual| spec.node.get(key).and_then(Node::as_f64).unwrap_or(usual);
    let weights = Weights { alpha: number("alpha", 0.9), beta: number("beta", 3.0), gamma: number("gamma", 0.5) };
    compile(spec, Metric::Meteor(weights), problems)
}

impl Check for Overlap {
    fn check(&self, subject: &Subject<'_>) -> Result<Finding, String> {
        let texts: Result<Vec<Cow<'_, str>>, String> =
            self.references.iter().map(|text| text.render(subject.scope)).collect();
        let texts = texts?;
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        let score = self.metric.score(subject.text, &texts)?;
        let wish = format_args!("have {} of at least {} with {}", self.metric.name(), self.threshold, With(&texts));
        let came = format_args!("it has {}: {}", shown(score, self.threshold), ItIs(subject.text));
        let fixed = self.references.iter().all(|text| text.fixed().is_some());
        let finding = self.sentence.finding(score >= self.threshold, wish, came);
        Ok(Finding { score, turned: Turned::Rest, ..finding }
            .expecting((!fixed).then(|| show::value(&texts.join("\n")))))
    }
}

/// Four decimals, or all where four would hide on which side of the threshold the score is.
fn shown(score: f64, threshold: f64) -> String {
    let short = format!("{score:.4}");
    let honest = short.parse().is_ok_and(|rounded: f64| (rounded >= threshold) == (score >= threshold));
    if honest { short } else { score.to_string() }
}

/// What an output is compared with.
struct With<'a>(&'a [&'a str]);

impl std::fmt::Display for With<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            [one] => write!(f, "{}", Quoted(one)),
            [first, rest @ ..] => write!(f, "{} or one of {} more texts", Quoted(first), rest.len()),
            [] => Ok(()),
        }
    }
}
