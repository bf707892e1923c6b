//! Kinds about an answer and what it was drawn from: a context, a question, a conversation.

use serde_json::{Value, json};

use super::super::scripted;
use super::vectors::cosine;
use super::{prompt, rest};
use crate::assert::kind::{Asking, Check, Example, Finding, Kind, Spec, Subject};
use crate::assert::panel::Panel;
use crate::assert::show;
use crate::assert::value::Text;
use crate::diag::{Problem, Problems};
use crate::judge::{self, BuiltIn, Role};
use crate::record::Output;
use crate::script::Transform;
use crate::template::Scope;

/// So many questions are made of an answer by `answer-relevance`.
const QUESTIONS: u32 = 3;
/// So many turns of a conversation are looked at together.
const WINDOW: usize = 5;

const FROM_ZERO: &str = "the least share that is enough, from 0 to 1";

/// The family's rows.
pub static KINDS: &[Kind] = &[
    Kind {
        name: "answer-relevance",
        about: "questions that a grader makes of the output are on average like the prompt",
        value: "",
        threshold: "the least mean similarity",
        score: "the mean similarity",
        default_threshold: Some(0.0),
        negatable: true,
        passes: Example::judged("Paris", "{type: answer-relevance, threshold: 0.5}", r#"{"question": "Which town?"}"#),
        fails: Example::judged("Paris", "{type: answer-relevance, threshold: 1.5}", r#"{"question": "Which town?"}"#),
        compile: |spec, problems| {
            compile(spec, &[Role::Text, Role::Embedding], Way { needs: &[], ask: answer_relevance }, problems)
        },
    },
    Kind {
        name: "context-recall",
        about: "the sentences of the known answer can be drawn from the context",
        value: "text: the known answer",
        threshold: FROM_ZERO,
        score: "the share of sentences that can",
        default_threshold: Some(0.0),
        negatable: true,
        passes: Example::judged(
            "Paris",
            "{type: context-recall, value: It is Paris., threshold: 0.5}",
            r#"{"sentences": [{"sentence": "It is Paris.", "attributed": true}]}"#,
        ),
        fails: Example::judged(
            "Paris",
            "{type: context-recall, value: It is Paris., threshold: 0.5}",
            r#"{"sentences": [{"sentence": "It is Paris.", "attributed": false}]}"#,
        ),
        compile: |spec, problems| {
            compile(spec, &[Role::Text], Way { needs: &["context"], ask: context_recall }, problems)
        },
    },
    Kind {
        name: "context-relevance",
        about: "the sentences of the context are needed to answer the question in the variable `query`",
        value: "",
        threshold: FROM_ZERO,
        score: "the share of sentences that are",
        default_threshold: Some(0.0),
        negatable: true,
        passes: Example::judged(
            "Paris",
            "{type: context-relevance, threshold: 0.5}",
            r#"{"sentences": [{"sentence": "It is Paris.", "relevant": true}]}"#,
        ),
        fails: Example::judged(
            "Paris",
            "{type: context-relevance, threshold: 0.5}",
            r#"{"sentences": [{"sentence": "It is Paris.", "relevant": false}]}"#,
        ),
        compile: |spec, problems| {
            compile(spec, &[Role::Text], Way { needs: &["query", "context"], ask: context_relevance }, problems)
        },
    },
    Kind {
        name: "context-faithfulness",
        about: "what the output says can be drawn from the context",
        value: "",
        threshold: FROM_ZERO,
        score: "the share of its statements that can",
        default_threshold: Some(0.0),
        negatable: true,
        passes: Example::judged(
            "Paris",
            "{type: context-faithfulness, threshold: 0.5}",
            r#"{"statements": ["It is Paris."]} {"statements": [{"reason": "", "supported": true}]}"#,
        ),
        fails: Example::judged(
            "Paris",
            "{type: context-faithfulness, threshold: 0.5}",
            r#"{"statements": ["It is Paris."]} {"statements": [{"reason": "", "supported": false}]}"#,
        ),
        compile: |spec, problems| {
            compile(spec, &[Role::Text], Way { needs: &["query", "context"], ask: context_faithfulness }, problems)
        },
    },
    Kind {
        name: "conversation-relevance",
        about: "in each stretch of the conversation (`_conversation`, or the prompt and the output) the reply fits",
        value: "",
        threshold: FROM_ZERO,
        score: "the share of stretches in which it does",
        default_threshold: Some(0.0),
        negatable: true,
        passes: Example::judged("Paris", "{type: conversation-relevance, threshold: 0.5}", r#"{"pass": true}"#),
        fails: Example::judged("Paris", "{type: conversation-relevance, threshold: 0.5}", r#"{"pass": false}"#),
        compile: |spec, problems| {
            compile(spec, &[Role::Text], Way { needs: &[], ask: conversation_relevance }, problems)
        },
    },
];

/// How a kind asks, and the variables that it reads.
struct Way {
    needs: &'static [&'static str],
    ask: for<'a> fn(&'a Drawn, &'a Subject<'a>) -> Asking<'a>,
}

struct Drawn {
    panel: Panel,
    value: Option<Text>,
    threshold: f64,
    context: Option<Transform>,
    window: usize,
    way: Way,
}

fn compile(spec: &Spec<'_>, roles: &'static [Role], way: Way, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let drawn = spec.node.get("contextTransform").is_some();
    let needs = way.needs.iter().copied().filter(|name| !(drawn && *name == "context"));
    let panel = Panel::of(spec, roles, problems).map(|panel| panel.needing(needs.collect()));
    let value = match spec.kind.value {
        "" => None,
        _ => Some(Text::of_value_not_empty(spec, false, problems)?),
    };
    if let Some(node) = spec.node.get("rubricPrompt") {
        problems.push(Problem::error(format!("`{}` has no `rubricPrompt`", spec.kind.name)).at(&node.span));
    }
    let context = match spec.node.get("contextTransform") {
        Some(node) => Some(scripted::transform(node, "contextTransform", spec.setup.home, problems)?),
        None => None,
    };
    let window = spec.node.get("config").and_then(|config| config.get("windowSize")?.as_u64());
    let window = window.and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0).unwrap_or(WINDOW);
    let threshold = spec.threshold.unwrap_or(0.0);
    if threshold <= 0.0 && !spec.negated {
        let message = format!("`{}` without a `threshold` above 0 passes whatever comes", spec.kind.name);
        problems.push(
            Problem::warning(message).at(&spec.node.span).hint("write how much is enough, such as threshold: 0.8"),
        );
    }
    Some(Box::new(Drawn { panel: panel?, value, threshold, context, window, way }))
}

impl Check for Drawn {
    fn ask<'a>(&'a self, subject: &'a Subject<'a>) -> Option<Asking<'a>> {
        Some((self.way.ask)(self, subject))
    }

    fn can_fail(&self) -> bool {
        self.threshold > 0.0
    }

    fn panel(&self) -> Option<&Panel> {
        Some(&self.panel)
    }
}

impl Drawn {
    /// What the answer was drawn from: what `contextTransform` finds in it, or the variable `context`.
    async fn scope(&self, subject: &Subject<'_>) -> Result<Scope, String> {
        let mut scope = subject.scope.with("output", subject.text.into());
        if let Some(transform) = &self.context {
            let context = scripted::context(subject, None);
            // Not what the test's own transform left: that is often the answer without its context.
            let provided = subject.asked.map_or(&subject.response.output, |asked| asked.provided());
            let found = transform.apply(provided, &context).await?;
            scope = scope.with("context", joined(&found).into());
        } else if let Some(list @ Value::Array(_)) = scope.vars().get("context") {
            let context = joined(&Output::Json(list.clone()));
            scope = scope.with("context", context.into());
        }
        match self.way.needs.iter().find(|name| blank(scope.vars().get(**name))) {
            Some(name) => Err(format!("this needs the variable `{name}`, and the case has none")),
            None => Ok(scope),
        }
    }

    fn share(&self, part: usize, all: usize, what: &str) -> Result<Finding, String> {
        if all == 0 {
            return Err("the grader found nothing to count".into());
        }
        let of = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
        let score = of(part) / of(all);
        let least = self.threshold;
        let reason = format!("expected a share of at least {least} {what}, and it is {part} of {all}");
        Ok(rest(score >= least, score, reason))
    }
}

fn blank(value: Option<&Value>) -> bool {
    value.is_none_or(|value| value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()))
}

fn joined(output: &Output) -> String {
    match output {
        Output::Json(Value::Array(list)) => {
            list.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).collect::<Vec<_>>().join("\n")
        }
        other => other.text().into_owned(),
    }
}

fn answer_relevance<'a>(check: &'a Drawn, subject: &'a Subject<'a>) -> Asking<'a> {
    Box::pin(async move {
        let (text, vectors) = (check.panel.seat(subject, Role::Text)?, check.panel.seat(subject, Role::Embedding)?);
        let scope = check.scope(subject).await?;
        let asked = judge::embedding(vectors, prompt(subject)).await?;
        let read = |response: &_| judge::texts(response, "question");
        let rubric = BuiltIn::AnswerQuestion.rubric();
        let mut sum = 0.0;
        for sample in 0..QUESTIONS {
            let question = judge::ask(text, rubric, &scope, sample, read).await?.concat();
            sum += cosine(&asked, &judge::embedding(vectors, &question).await?);
        }
        let (mean, least) = (sum / f64::from(QUESTIONS), check.threshold);
        let reason = format!("expected the output to be relevant to the prompt by at least {least}, and it is {mean}");
        Ok(rest(mean >= least, mean, reason))
    })
}

fn context_recall<'a>(check: &'a Drawn, subject: &'a Subject<'a>) -> Asking<'a> {
    Box::pin(async move {
        let seat = check.panel.seat(subject, Role::Text)?;
        let known = check.value.as_ref().map(|value| value.render_some(subject.scope)).transpose()?.unwrap_or_default();
        let scope = check.scope(subject).await?.with("groundTruth", known.as_ref().into());
        let read = |response: &_| judge::marks(response, "sentences", "attributed");
        let (part, all) = judge::ask(seat, BuiltIn::ContextRecall.rubric(), &scope, 0, read).await?;
        check.share(part, all, "of the known answer to stand in the context")
    })
}

fn context_relevance<'a>(check: &'a Drawn, subject: &'a Subject<'a>) -> Asking<'a> {
    Box::pin(async move {
        let seat = check.panel.seat(subject, Role::Text)?;
        let scope = check.scope(subject).await?;
        let read = |response: &_| judge::marks(response, "sentences", "relevant");
        let (part, all) = judge::ask(seat, BuiltIn::ContextRelevance.rubric(), &scope, 0, read).await?;
        check.share(part, all, "of the context to be relevant")
    })
}

fn context_faithfulness<'a>(check: &'a Drawn, subject: &'a Subject<'a>) -> Asking<'a> {
    Box::pin(async move {
        let seat = check.panel.seat(subject, Role::Text)?;
        let scope = check.scope(subject).await?;
        let read = |response: &_| judge::texts(response, "statements");
        let statements = judge::ask(seat, BuiltIn::Statements.rubric(), &scope, 0, read).await?;
        if statements.is_empty() {
            return Err("the grader finds no statement in the output".into());
        }
        let count = statements.len();
        let scope = scope.with("statements", json!(statements));
        let read = |response: &_| match judge::marks(response, "statements", "supported")? {
            (part, all) if all == count => Ok((part, all)),
            (_, all) => Err(format!("it judges {all} statements, and there are {count}")),
        };
        let (part, all) = judge::ask(seat, BuiltIn::Faithfulness.rubric(), &scope, 0, read).await?;
        check.share(part, all, "of the statements to stand in the context")
    })
}

fn conversation_relevance<'a>(check: &'a Drawn, subject: &'a Subject<'a>) -> Asking<'a> {
    Box::pin(async move {
        let seat = check.panel.seat(subject, Role::Text)?;
        let turns = turns(subject);
        let mut fits = 0;
        let mut worst = String::new();
        for end in 1..=turns.len() {
            let stretch = &turns[end.saturating_sub(check.window)..end];
            let messages: Vec<&Value> = stretch.iter().flatten().collect();
            let scope = subject.scope.with("turns", json!(messages));
            let opinion = judge::ask(seat, BuiltIn::ConversationRelevance.rubric(), &scope, 0, judge::opinion).await?;
            let pass = opinion.pass.unwrap_or(opinion.score > 0.5);
            fits += usize::from(pass);
            if !pass {
                worst = format!(": {}", show::reason(&opinion.reason));
            }
        }
        let mut finding = check.share(fits, turns.len(), "of the conversation to be relevant")?;
        finding.reason.push_str(&worst);
        Ok(finding)
    })
}

/// What was said: the earlier turns of the conversation, and this one.
fn turns(subject: &Subject<'_>) -> Vec<[Value; 2]> {
    let text = |value: Option<&Value>| match value {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    };
    let turn = |user: String, reply: String| {
        [json!({"role": "user", "content": user}), json!({"role": "assistant", "content": reply})]
    };
    let earlier = subject.scope.vars().get("_conversation").and_then(Value::as_array);
    let mut all: Vec<[Value; 2]> =
        earlier.into_iter().flatten().map(|t| turn(text(t.get("input")), text(t.get("output")))).collect();
    all.push(turn(prompt(subject).to_owned(), subject.text.to_owned()));
    all
}
