//! Kinds that compare vectors or ask for labels: `similar`, `classifier`, `moderation`.

use serde_json::Value;

use super::rest;
use crate::assert::kind::{Asking, Check, Example, Finding, Kind, Spec, Subject};
use crate::assert::panel::Panel;
use crate::assert::show::{self, Quoted};
use crate::assert::value::Text;
use crate::diag::Problems;
use crate::judge::{self, Role};
use crate::yaml::Node;

/// The family's rows.
pub static KINDS: &[Kind] = &[
    similar("similar", |spec, problems| compile_similar(spec, Measure::Cosine, problems)),
    similar("similar:cosine", |spec, problems| compile_similar(spec, Measure::Cosine, problems)),
    similar("similar:dot", |spec, problems| compile_similar(spec, Measure::Dot, problems)),
    Kind {
        name: "similar:euclidean",
        about: "the embeddings of the output and of the text lie at most `threshold` apart; of several texts one is enough",
        value: "text, or a list of texts",
        threshold: "the largest distance",
        score: "1 / (1 + distance)",
        ..similar("", |spec, problems| compile_similar(spec, Measure::Euclidean, problems))
    },
    Kind {
        name: "classifier",
        about: "a classifier gives the label at least the score `threshold`; without a label, any of its labels",
        value: "text: the label, or nothing",
        threshold: "the least score",
        score: "the label's score",
        default_threshold: Some(1.0),
        negatable: true,
        passes: Example::judged(
            "I love it",
            "{type: classifier, value: joy, threshold: 0.8}",
            r#"[{"label": "joy", "score": 0.9}, {"label": "anger", "score": 0.1}]"#,
        ),
        fails: Example::judged(
            "I hate it",
            "{type: classifier, value: joy, threshold: 0.8}",
            r#"[{"label": "joy", "score": 0.1}, {"label": "anger", "score": 0.9}]"#,
        ),
        compile: compile_classifier,
    },
    Kind {
        name: "moderation",
        about: "a moderator does not flag the output; with a list of categories only these count",
        value: "a list of categories, or nothing",
        threshold: "",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::judged("A sunny day.", "{type: moderation}", r#"{"flagged": false, "categories": {}}"#),
        fails: Example::judged(
            "Something vile.",
            "{type: moderation, value: [hate]}",
            r#"{"flagged": true, "categories": {"hate": true, "violence": false}}"#,
        ),
        compile: compile_moderation,
    },
];

const fn similar(name: &'static str, compile: fn(&Spec<'_>, &mut Problems) -> Option<Box<dyn Check>>) -> Kind {
    Kind {
        name,
        about: "the embeddings of the output and of the text are at least `threshold` alike; of several texts one is \
                enough",
        value: "text, or a list of texts",
        threshold: "the least similarity",
        score: "the similarity",
        default_threshold: Some(0.75),
        negatable: true,
        passes: Example::judged("hello", "{type: similar, value: hello, threshold: 0.9}", "[1, 0]"),
        fails: Example::judged("hello", "{type: similar, value: hello, threshold: 1.5}", "[1, 0]"),
        compile,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Cosine,
    Dot,
    Euclidean,
}

struct Similar {
    panel: Panel,
    texts: Vec<Text>,
    threshold: f64,
    measure: Measure,
}

fn compile_similar(spec: &Spec<'_>, measure: Measure, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let panel = Panel::of(spec, &[Role::Embedding], problems);
    let nodes = spec.value.map(Node::one_or_many).unwrap_or_default();
    if nodes.is_empty() || nodes.iter().any(|node| node.as_str().is_none_or(str::is_empty)) {
        problems.push(spec.wrong_value());
        return None;
    }
    let read = |node: &Node| Text::read(node.as_str().unwrap_or_default(), node, spec, problems);
    let texts: Option<Vec<Text>> = nodes.iter().map(read).collect();
    Some(Box::new(Similar { panel: panel?, texts: texts?, threshold: spec.threshold.unwrap_or(0.75), measure }))
}

impl Similar {
    async fn finding(&self, subject: &Subject<'_>) -> Result<Finding, String> {
        let seat = self.panel.seat(subject, Role::Embedding)?;
        let output = judge::embedding(seat, subject.text).await?;
        let mut best: Option<(bool, f64, String)> = None;
        for text in &self.texts {
            let text = text.render_some(subject.scope)?;
            let vector = judge::embedding(seat, &text).await?;
            let (holds, score, words) = self.compare(&output, &vector)?;
            if best.as_ref().is_none_or(|(_, so_far, _)| score > *so_far) {
                best = Some((holds, score, format!("{words} {}", Quoted(&text))));
            }
        }
        let (holds, score, words) = best.ok_or("there is no text to compare with")?;
        Ok(rest(holds, score, format!("expected the output to be {words}")))
    }

    fn compare(&self, a: &[f64], b: &[f64]) -> Result<(bool, f64, String), String> {
        if a.len() != b.len() {
            return Err(format!("the grader gave vectors of {} and of {} numbers", a.len(), b.len()));
        }
        let least = self.threshold;
        if self.measure == Measure::Euclidean {
            let distance = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
            let words = format!("within {least} (it is {distance:.4} away) of");
            return Ok((distance <= least, 1.0 / (1.0 + distance), words));
        }
        let score = if self.measure == Measure::Dot { dot(a, b) } else { cosine(a, b) };
        Ok((score >= least, score, format!("at least {least} alike (it is {score:.4}) to")))
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The cosine of the angle between two vectors; 0 where one of them is nothing.
pub(super) fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let length = dot(a, a).sqrt() * dot(b, b).sqrt();
    if length > 0.0 { dot(a, b) / length } else { 0.0 }
}

impl Check for Similar {
    fn ask<'a>(&'a self, subject: &'a Subject<'a>) -> Option<Asking<'a>> {
        Some(Box::pin(self.finding(subject)))
    }

    fn panel(&self) -> Option<&Panel> {
        Some(&self.panel)
    }
}

struct Classifier {
    panel: Panel,
    label: Option<Text>,
    threshold: f64,
}

fn compile_classifier(spec: &Spec<'_>, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let panel = Panel::of(spec, &[Role::Classification], problems);
    let label = match spec.value.filter(|node| !node.is_null()) {
        Some(_) => Some(Text::of_value_not_empty(spec, false, problems)?),
        None => None,
    };
    Some(Box::new(Classifier { panel: panel?, label, threshold: spec.threshold.unwrap_or(1.0) }))
}

impl Classifier {
    async fn finding(&self, subject: &Subject<'_>) -> Result<Finding, String> {
        let seat = self.panel.seat(subject, Role::Classification)?;
        let answer = judge::structure(seat, subject.text).await?;
        let labels = labels(&answer).ok_or("the classifier gave no list of labels with scores")?;
        let least = self.threshold;
        let (label, score) = if let Some(label) = &self.label {
            let label = label.render_some(subject.scope)?;
            // A label that it never gives would make every `not-` pass.
            let found = labels.iter().find(|(name, _)| *name == label);
            let known = labels.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
            let (_, score) = found.ok_or_else(|| {
                format!("the classifier knows no label {}: it gave {}", Quoted(&label), show::expected(&known))
            })?;
            (label.into_owned(), *score)
        } else {
            let best = labels.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
            best.ok_or("the classifier gave no label")?
        };
        let reason = format!("expected the label {} to score at least {least}, and it scores {score}", Quoted(&label));
        Ok(rest(score >= least, score, reason))
    }
}

fn labels(answer: &Value) -> Option<Vec<(String, f64)>> {
    let label = |item: &Value| Some((item.get("label")?.as_str()?.to_owned(), item.get("score")?.as_f64()?));
    match answer {
        Value::Array(list) => list.iter().map(label).collect(),
        Value::Object(map) => map.iter().map(|(name, score)| Some((name.clone(), score.as_f64()?))).collect(),
        _ => None,
    }
}

impl Check for Classifier {
    fn ask<'a>(&'a self, subject: &'a Subject<'a>) -> Option<Asking<'a>> {
        Some(Box::pin(self.finding(subject)))
    }

    fn panel(&self) -> Option<&Panel> {
        Some(&self.panel)
    }
}

struct Moderation {
    panel: Panel,
    categories: Vec<Text>,
}

fn compile_moderation(spec: &Spec<'_>, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let panel = Panel::of(spec, &[Role::Moderation], problems);
    let nodes = spec.value.filter(|node| !node.is_null()).map(Node::one_or_many).unwrap_or_default();
    if nodes.iter().any(|node| node.as_str().is_none_or(str::is_empty)) {
        problems.push(spec.wrong_value());
        return None;
    }
    let read = |node: &Node| Text::read(node.as_str().unwrap_or_default(), node, spec, problems);
    let categories: Option<Vec<Text>> = nodes.iter().map(read).collect();
    Some(Box::new(Moderation { panel: panel?, categories: categories? }))
}

impl Moderation {
    async fn finding(&self, subject: &Subject<'_>) -> Result<Finding, String> {
        let seat = self.panel.seat(subject, Role::Moderation)?;
        let answer = judge::structure(seat, subject.text).await?;
        let flagged = answer.get("flagged").and_then(Value::as_bool).ok_or("the moderator does not say `flagged`")?;
        let categories = answer.get("categories").and_then(Value::as_object);
        let hit = |(name, on): (&String, &Value)| (on == &Value::Bool(true)).then(|| name.clone());
        let hits: Vec<String> = categories.into_iter().flatten().filter_map(hit).collect();
        let mut counted = Vec::new();
        for category in &self.categories {
            let category = category.render_some(subject.scope)?;
            // One that it never names would never be flagged.
            if !categories.is_some_and(|known| known.contains_key(&*category)) {
                return Err(format!("the moderator says nothing of the category {}", Quoted(&category)));
            }
            counted.extend(hits.iter().find(|name| **name == category).map(String::as_str));
        }
        let bad = if self.categories.is_empty() { flagged } else { !counted.is_empty() };
        let named = if self.categories.is_empty() { hits.join(", ") } else { counted.join(", ") };
        let came = if bad { format!("it is flagged ({})", show::expected(&named)) } else { "it is not".to_owned() };
        Ok(Finding::new(!bad, format!("expected the output not to be flagged, and {came}")))
    }
}

impl Check for Moderation {
    fn ask<'a>(&'a self, subject: &'a Subject<'a>) -> Option<Asking<'a>> {
        Some(Box::pin(self.finding(subject)))
    }

    fn panel(&self) -> Option<&Panel> {
        Some(&self.panel)
    }
}
