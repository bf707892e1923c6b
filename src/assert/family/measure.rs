//! Kinds that measure: `word-count`, `levenshtein`, `latency`, `cost`.

use crate::assert::kind::{Check, Example, Finding, Kind, Sentence, Spec, Subject};
use crate::assert::matcher::commas::is_space;
use crate::assert::matcher::distance::levenshtein;
use crate::assert::prepared::Prepared;
use crate::assert::show::{self, ItIs, Quoted};
use crate::assert::value::Text;
use crate::content::js_number;
use crate::diag::{Problem, Problems, did_you_mean};
use crate::yaml::{Entry, Kind as Form};

/// The family's rows.
pub static KINDS: &[Kind] = &[
    Kind {
        name: "word-count",
        about: "the output has so many words, separated by white space",
        value: "a whole number, or a map with `min`, `max` or both",
        threshold: "",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::new("three short words", "{type: word-count, value: {min: 2, max: 5}}"),
        fails: Example::new("one", "{type: word-count, value: {min: 2, max: 5}}"),
        compile: compile_words,
    },
    Kind {
        name: "levenshtein",
        about: "the output differs from the text by at most `threshold` edits",
        value: "text",
        threshold: "how many edits (UTF-16 units inserted, removed or replaced) are allowed",
        score: "1 or 0",
        default_threshold: Some(5.0),
        negatable: true,
        passes: Example::new("kitten", "{type: levenshtein, value: sitting, threshold: 3}"),
        fails: Example::new("kitten", "{type: levenshtein, value: sitting, threshold: 2}"),
        compile: compile_distance,
    },
    Kind {
        name: "latency",
        about: "the answer took at most `threshold` milliseconds; a cached answer keeps its first time",
        value: "",
        threshold: "milliseconds",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::with("{\"latencyMs\": 800}", "{type: latency, threshold: 1000}"),
        fails: Example::with("{\"latencyMs\": 1200}", "{type: latency, threshold: 1000}"),
        compile: |spec, problems| compile_limit(spec, "the answer", latency, problems),
    },
    Kind {
        name: "cost",
        about: "the answer cost at most `threshold` US dollars; an unknown cost is an error",
        value: "",
        threshold: "US dollars",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::with("{\"cost\": 0.001}", "{type: cost, threshold: 0.002}"),
        fails: Example::with("{\"cost\": 0.003}", "{type: cost, threshold: 0.002}"),
        compile: |spec, problems| compile_limit(spec, "the answer", cost, problems),
    },
];

/// How many words are right, both ends included.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    min: f64,
    max: f64,
}

struct Words {
    bounds: Prepared<Bounds>,
    sentence: Sentence,
}

fn compile_words(spec: &Spec<'_>, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let bounds = match spec.value.map(|v| &v.kind) {
        Some(Form::Num(number)) => {
            let n = number.as_f64()?;
            Prepared::Ready(Bounds { min: n, max: n })
        }
        Some(Form::Str(_)) => {
            let text = Text::of_value_not_empty(spec, false, problems)?;
            Prepared::new(text, exactly, spec, problems)?
        }
        Some(Form::Map(entries)) => Prepared::Ready(range(entries, spec, problems)?),
        _ => {
            problems.push(spec.wrong_value());
            return None;
        }
    };
    Some(Box::new(Words { bounds, sentence: spec.about("the output") }))
}

fn exactly(text: &str) -> Result<Bounds, String> {
    let trimmed = text.trim_matches(is_space);
    let digits = !trimmed.is_empty() && trimmed.bytes().all(|b| b.is_ascii_digit());
    let n = trimmed.parse().ok().filter(|_| digits);
    let n: f64 = n.ok_or_else(|| format!("the number of words must be a whole number, found {}", Quoted(text)))?;
    Ok(Bounds { min: n, max: n })
}

fn range(entries: &[Entry], spec: &Spec<'_>, problems: &mut Problems) -> Option<Bounds> {
    let before = problems.errors();
    let mut bounds = Bounds { min: f64::NEG_INFINITY, max: f64::INFINITY };
    for entry in entries {
        let bound = match entry.key.as_str() {
            "min" => &mut bounds.min,
            "max" => &mut bounds.max,
            other => {
                let message = format!("unknown key `{other}` in the value of `word-count`");
                let hint = did_you_mean(other, ["min", "max"]).unwrap_or_else(|| "known keys are min, max".into());
                problems.push(Problem::error(message).at(&entry.at).hint(hint));
                continue;
            }
        };
        match entry.value.as_f64() {
            Some(n) => *bound = n,
            None if entry.value.is_null() => {}
            None => {
                let found = entry.value.kind_name();
                let message = format!("`{}` of `word-count` must be a number, found {found}", entry.key);
                problems.push(Problem::error(message).at(&entry.value.span));
            }
        }
    }
    if problems.errors() > before {
        return None;
    }
    if bounds.min.is_infinite() && bounds.max.is_infinite() {
        problems.push(Problem::error("`word-count` needs `min`, `max` or both in its map").at(spec.at()));
        return None;
    }
    if bounds.min > bounds.max {
        let message =
            format!("`min` {} of `word-count` is above `max` {}", show_number(bounds.min), show_number(bounds.max));
        problems.push(Problem::error(message).at(spec.at()));
        return None;
    }
    Some(bounds)
}

impl Check for Words {
    fn check(&self, subject: &Subject<'_>) -> Result<Finding, String> {
        let bounds = self.bounds.get(subject.scope)?;
        let (bounds, expected) = bounds.parts();
        let words = subject.text.split(is_space).filter(|word| !word.is_empty()).count();
        let count = as_float(words);
        let holds = (bounds.min..=bounds.max).contains(&count);
        let came = format_args!("it has {words}");
        let (min, max) = (show_number(bounds.min), show_number(bounds.max));
        let finding = if min == max {
            self.sentence.finding(holds, format_args!("have {min} words"), came)
        } else if bounds.max.is_infinite() {
            self.sentence.finding(holds, format_args!("have at least {min} words"), came)
        } else if bounds.min.is_infinite() {
            self.sentence.finding(holds, format_args!("have at most {max} words"), came)
        } else {
            self.sentence.finding(holds, format_args!("have {min} to {max} words"), came)
        };
        Ok(finding.expecting(expected))
    }
}

/// A count as a number to reckon with.
#[expect(clippy::cast_precision_loss, reason = "no text has 2^53 words, and no answer takes 2^53 ms")]
pub fn as_float(n: usize) -> f64 {
    n as f64
}

/// A number as JavaScript writes it.
pub fn show_number(n: f64) -> String {
    serde_json::Number::from_f64(n).map_or_else(|| n.to_string(), |n| js_number(&n))
}

struct Distance {
    text: Text,
    threshold: f64,
    sentence: Sentence,
}

fn compile_distance(spec: &Spec<'_>, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let text = Text::of_value(spec, false, problems)?;
    let threshold = spec.needs_threshold(problems)?;
    Some(Box::new(Distance { text, threshold, sentence: spec.about("the output") }))
}

impl Check for Distance {
    fn check(&self, subject: &Subject<'_>) -> Result<Finding, String> {
        let text = self.text.render(subject.scope)?;
        let expected = self.text.fixed().is_none().then(|| show::value(&text));
        // A fraction of an edit does not exist; below zero nothing is near enough.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, as it should")]
        let limit = self.threshold.max(0.0) as usize;
        let distance = levenshtein(subject.text, &text, limit)?;
        let holds = distance.is_some() && self.threshold >= 0.0;
        let wish = format_args!("be within {} edits of {}", show_number(self.threshold), Quoted(&text));
        let finding = match distance {
            Some(distance) => {
                self.sentence.finding(holds, wish, format_args!("it is {distance} away: {}", ItIs(subject.text)))
            }
            None => self.sentence.finding(holds, wish, format_args!("it is further away: {}", ItIs(subject.text))),
        };
        Ok(finding.expecting(expected))
    }
}

/// What was measured, and the words for a limit on it and for itself.
struct Measured {
    amount: f64,
    wish: String,
    came: String,
}

struct Limit {
    threshold: f64,
    measure: fn(&Subject<'_>, f64) -> Result<Measured, String>,
    sentence: Sentence,
}

fn compile_limit(
    spec: &Spec<'_>,
    about: &'static str,
    measure: fn(&Subject<'_>, f64) -> Result<Measured, String>,
    problems: &mut Problems,
) -> Option<Box<dyn Check>> {
    let threshold = spec.needs_threshold(problems)?;
    Some(Box::new(Limit { threshold, measure, sentence: spec.about(about) }))
}

fn latency(subject: &Subject<'_>, threshold: f64) -> Result<Measured, String> {
    let ms = subject.response.latency_ms.ok_or("the latency of this answer is not known: it was not asked for")?;
    Ok(Measured {
        amount: as_float(usize::try_from(ms).unwrap_or(usize::MAX)),
        wish: format!("take at most {} ms", show_number(threshold)),
        came: format!("it took {ms} ms"),
    })
}

fn cost(subject: &Subject<'_>, threshold: f64) -> Result<Measured, String> {
    let Some(amount) = subject.response.cost else {
        return Err("the cost of the answer is not known; give the provider a `price`".into());
    };
    Ok(Measured {
        amount,
        wish: format!("cost at most ${}", show_number(threshold)),
        came: format!("it cost ${}", show_number(amount)),
    })
}

impl Check for Limit {
    fn check(&self, subject: &Subject<'_>) -> Result<Finding, String> {
        let measured = (self.measure)(subject, self.threshold)?;
        Ok(self.sentence.finding(measured.amount <= self.threshold, &measured.wish, &measured.came))
    }
}
