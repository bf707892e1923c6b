//! Kinds that ask a model: rubrics, facts, criteria.

mod context;
mod vectors;

use crate::assert::kind::{Asking, Check, Example, Finding, Kind, Spec, Subject, Turned};
use crate::assert::panel::Panel;
use crate::assert::show;
use crate::assert::value::Text;
use crate::diag::{Problem, Problems};
use crate::judge::{self, BuiltIn, Opinion, Role};
use crate::template::Scope;
use crate::yaml::Kind as Form;

pub use context::KINDS as CONTEXT;
pub use vectors::KINDS as VECTORS;

/// The family's rows.
pub static KINDS: &[Kind] = &[
    Kind {
        name: "llm-rubric",
        about: "a grader finds that the output meets the rubric; with a threshold its score must reach it too",
        value: "text: what the output must be",
        threshold: "the least score that is enough, beside the grader's own `pass`",
        score: "the grader's, from 0 to 1",
        default_threshold: None,
        negatable: true,
        passes: Example::judged(
            "Hello Ann, how can I help?",
            "{type: llm-rubric, value: greets the customer by name}",
            r#"{"reason": "it greets Ann", "pass": true, "score": 1}"#,
        ),
        fails: Example::judged(
            "What do you want?",
            "{type: llm-rubric, value: greets the customer by name}",
            r#"{"reason": "no greeting", "pass": false, "score": 0}"#,
        ),
        compile: |spec, problems| compile(spec, opinion, BuiltIn::LlmRubric, problems),
    },
    factuality("factuality"),
    factuality("model-graded-factuality"),
    Kind {
        name: "model-graded-closedqa",
        about: "a grader finds that the output meets the criterion",
        value: "text: the criterion",
        threshold: "",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::judged("It is 4.", "{type: model-graded-closedqa, value: names a number}", "It names 4.\nY"),
        fails: Example::judged("Who knows.", "{type: model-graded-closedqa, value: names a number}", "None.\nN"),
        compile: |spec, problems| compile(spec, criterion, BuiltIn::ClosedQa, problems),
    },
    Kind {
        name: "g-eval",
        about: "a grader makes steps of the criterion, follows them, and its score reaches the threshold; of several \
                criteria the mean counts",
        value: "text, or a list of texts: the criteria",
        threshold: "the least score, from 0 to 1",
        score: "the grader's 0 to 10, as 0 to 1",
        default_threshold: Some(0.7),
        negatable: true,
        passes: Example::judged(
            "First this, then that.",
            "{type: g-eval, value: the text is coherent}",
            r#"{"steps": ["read it"], "reason": "clear", "score": 9}"#,
        ),
        fails: Example::judged(
            "That before, first then.",
            "{type: g-eval, value: the text is coherent}",
            r#"{"steps": ["read it"], "reason": "unclear", "score": 2}"#,
        ),
        compile: compile_eval,
    },
];

const fn factuality(name: &'static str) -> Kind {
    Kind {
        name,
        about: "a grader compares the facts with those of the expected answer: the same, fewer or more pass, a \
                contradiction fails; `options.factuality` weighs the five categories",
        value: "text: the expected answer",
        threshold: "",
        score: "the weight of the category",
        default_threshold: None,
        negatable: true,
        passes: Example::judged(
            "Paris, on the Seine",
            "{type: factuality, value: The capital of France is Paris}",
            r#"{"reason": "it adds the river", "category": "B"}"#,
        ),
        fails: Example::judged(
            "Lyon",
            "{type: factuality, value: The capital of France is Paris}",
            r#"{"reason": "another town", "category": "D"}"#,
        ),
        compile: |spec, problems| compile(spec, facts, BuiltIn::Factuality, problems),
    }
}

/// Whether a kind asks a grader.
pub fn asks(kind: &Kind) -> bool {
    let all = KINDS.iter().chain(VECTORS).chain(CONTEXT);
    kind.name == "select-best" || all.into_iter().any(|known| known.name == kind.name)
}

/// A question to a grader, and what its reply says.
type Way = for<'a> fn(&'a Graded, &'a Subject<'a>, String) -> Asking<'a>;

struct Graded {
    panel: Panel,
    value: Text,
    threshold: Option<f64>,
    ours: BuiltIn,
    way: Way,
}

fn compile(spec: &Spec<'_>, way: Way, ours: BuiltIn, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let panel = Panel::of(spec, &[Role::Text], problems);
    let value = criterion_text(spec, panel.as_ref().is_some_and(Panel::has_rubric), problems);
    Some(Box::new(Graded { panel: panel?, value: value?, threshold: spec.threshold, ours, way }))
}

/// The value as text: a map is its JSON. With a rubric of its own an assertion needs none.
fn criterion_text(spec: &Spec<'_>, may_lack: bool, problems: &mut Problems) -> Option<Text> {
    match spec.value.map(|node| &node.kind) {
        Some(Form::Map(_)) => Some(Text::Fixed(spec.value?.to_json().to_string())),
        Some(Form::Seq(_)) => Text::template(&spec.value?.to_json().to_string(), spec.value?, problems),
        None | Some(Form::Null) if may_lack => Some(Text::Fixed(String::new())),
        _ => Text::of_value_not_empty(spec, false, problems),
    }
}

impl Check for Graded {
    fn ask<'a>(&'a self, subject: &'a Subject<'a>) -> Option<Asking<'a>> {
        Some(match self.value.render(subject.scope) {
            Ok(value) if value.trim().is_empty() && !self.panel.has_rubric() => {
                Box::pin(async { Err("the value is empty, so that there is nothing to grade by".to_owned()) })
            }
            Ok(value) => {
                let shown = self.value.fixed().is_none().then(|| show::value(&value));
                let asking = (self.way)(self, subject, value.into_owned());
                Box::pin(async move { Ok(asking.await?.expecting(shown)) })
            }
            Err(error) => Box::pin(async { Err(error) }),
        })
    }

    fn panel(&self) -> Option<&Panel> {
        Some(&self.panel)
    }
}

/// The variables of a case, and what the rubric reads beside them.
fn scope_with(subject: &Subject<'_>, more: &[(&str, &str)]) -> Scope {
    let mut scope = subject.scope.with("output", subject.text.into());
    for (name, value) in more {
        scope = scope.with(name, (*value).into());
    }
    scope
}

fn prompt<'a>(subject: &Subject<'a>) -> &'a str {
    subject.asked.map_or("", |asked| asked.prompt)
}

fn opinion<'a>(check: &'a Graded, subject: &'a Subject<'a>, rubric: String) -> Asking<'a> {
    Box::pin(async move {
        let seat = check.panel.seat(subject, Role::Text)?;
        let scope = scope_with(subject, &[("rubric", &rubric)]);
        let custom = check.panel.is_custom(subject);
        let threshold = check.threshold;
        // A threshold beyond 1 shows that the user's rubric has a scale of its own.
        let own_scale = threshold.is_some_and(|least| least > 1.0);
        let read = |response: &_| {
            let opinion = judge::opinion(response)?;
            match opinion {
                Opinion { pass: None, .. } if threshold.is_none() => Err("it has no `pass`".to_owned()),
                Opinion { score, .. } if !((0.0..=1.0).contains(&score) || (custom && own_scale)) => {
                    Err(format!("`score` is {score}, and must be from 0 to 1"))
                }
                opinion => Ok(opinion),
            }
        };
        let rubric = check.panel.rubric(subject, check.ours);
        let opinion = judge::ask(seat, rubric, &scope, 0, read).await?;
        Ok(of_opinion(&opinion, threshold))
    })
}

/// A pass with the score 0, or one below the threshold, is none.
fn of_opinion(opinion: &Opinion, threshold: Option<f64>) -> Finding {
    let Opinion { pass, score, reason } = opinion;
    let (said, score) = (pass.unwrap_or(true), *score);
    let enough = threshold.map_or(score > 0.0, |least| score >= least);
    let words = match (said, enough, threshold) {
        (true, false, Some(least)) => format!(" (its score {score} is below the threshold {least})"),
        (true, false, None) => " (but its score is 0)".to_owned(),
        _ => String::new(),
    };
    let verdict = if said { "that it passes" } else { "that it fails" };
    let reason = if reason.is_empty() { verdict.to_owned() } else { show::reason(reason) };
    let finding = rest(said && enough, score, format!("the grader says: {reason}{words}"));
    // A pass that is worth nothing contradicts itself: it holds for neither side.
    let void = said && !enough && threshold.is_none();
    if void { Finding { turned: Turned::Void, ..finding } } else { finding }
}

fn facts<'a>(check: &'a Graded, subject: &'a Subject<'a>, ideal: String) -> Asking<'a> {
    Box::pin(async move {
        let seat = check.panel.seat(subject, Role::Text)?;
        let more = [("input", prompt(subject)), ("ideal", &ideal), ("completion", subject.text), ("rubric", &ideal)];
        let scope = scope_with(subject, &more);
        let rubric = check.panel.rubric(subject, check.ours);
        let (category, reason) = judge::ask(seat, rubric, &scope, 0, judge::category).await?;
        let weights = subject.asked.map(|asked| asked.grading.weights).unwrap_or_default();
        let worth = weights.of(category);
        let meaning = match category {
            'A' => "a part of the expected facts",
            'B' => "the expected facts and more",
            'C' => "the expected facts",
            'E' => "other words, and no other facts",
            _ => "something against the expected facts",
        };
        let said = if reason.is_empty() { String::new() } else { format!(": {}", show::reason(&reason)) };
        Ok(rest(worth > 0.0, worth, format!("the grader finds {meaning} ({category}){said}")))
    })
}

fn criterion<'a>(check: &'a Graded, subject: &'a Subject<'a>, criteria: String) -> Asking<'a> {
    Box::pin(async move {
        let seat = check.panel.seat(subject, Role::Text)?;
        let more = [("input", prompt(subject)), ("criteria", &*criteria), ("completion", subject.text)];
        let scope = scope_with(subject, &more);
        let rubric = check.panel.rubric(subject, check.ours);
        let (yes, said) = judge::ask(seat, rubric, &scope, 0, judge::yes_or_no).await?;
        let word = if yes { "the criterion is met" } else { "the criterion is not met" };
        Ok(rest(yes, f64::from(u8::from(yes)), format!("the grader finds that {word}: {}", show::reason(&said))))
    })
}

/// A finding whose score becomes the rest to 1 when `not-` stands before the kind.
pub(super) fn rest(pass: bool, score: f64, reason: String) -> Finding {
    Finding { turned: Turned::Rest, ..Finding::scored(pass, score, reason) }
}

struct Eval {
    panel: Panel,
    criteria: Vec<Text>,
    threshold: f64,
}

fn compile_eval(spec: &Spec<'_>, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let panel = Panel::of(spec, &[Role::Text], problems);
    let nodes = spec.value.map(crate::yaml::Node::one_or_many).unwrap_or_default();
    if nodes.is_empty() || nodes.iter().any(|node| node.as_str().is_none_or(|text| text.trim().is_empty())) {
        problems.push(spec.wrong_value());
        return None;
    }
    if spec.node.get("rubricPrompt").is_some() {
        let problem = Problem::error("`g-eval` asks in two steps and has no `rubricPrompt`");
        problems.push(problem.at(&spec.node.span).hint("use llm-rubric for a rubric of your own"));
    }
    let read = |node: &crate::yaml::Node| Text::read(node.as_str().unwrap_or_default(), node, spec, problems);
    let criteria: Option<Vec<Text>> = nodes.iter().map(read).collect();
    Some(Box::new(Eval { panel: panel?, criteria: criteria?, threshold: spec.threshold.unwrap_or(0.7) }))
}

impl Eval {
    async fn score(&self, subject: &Subject<'_>, criterion: &Text) -> Result<(f64, String), String> {
        let seat = self.panel.seat(subject, Role::Text)?;
        let criterion = criterion.render_some(subject.scope)?;
        let scope = scope_with(subject, &[("criteria", &criterion), ("input", prompt(subject))]);
        let read = |response: &_| judge::texts(response, "steps");
        let steps = judge::ask(seat, BuiltIn::EvalSteps.rubric(), &scope, 0, read).await?;
        let scope = scope.with("steps", steps.join("\n").into());
        let read = |response: &_| {
            let Opinion { score, reason, .. } = judge::opinion(response)?;
            let inside = (0.0..=10.0).contains(&score);
            if inside { Ok((score / 10.0, reason)) } else { Err(format!("`score` is {score}, and must be 0 to 10")) }
        };
        judge::ask(seat, BuiltIn::EvalScore.rubric(), &scope, 0, read).await
    }
}

impl Check for Eval {
    fn ask<'a>(&'a self, subject: &'a Subject<'a>) -> Option<Asking<'a>> {
        Some(Box::pin(async move {
            let scores = futures::future::try_join_all(self.criteria.iter().map(|c| self.score(subject, c))).await?;
            let count = u32::try_from(scores.len()).unwrap_or(u32::MAX);
            let mean = scores.iter().map(|(score, _)| score).sum::<f64>() / f64::from(count);
            let reasons: Vec<&str> = scores.iter().map(|(_, reason)| reason.as_str()).collect();
            let said = show::reason(&reasons.join(" · "));
            let least = self.threshold;
            Ok(rest(mean >= least, mean, format!("expected the score to reach {least}, and it is {mean}: {said}")))
        }))
    }

    fn panel(&self) -> Option<&Panel> {
        Some(&self.panel)
    }
}
