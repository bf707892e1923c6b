//! What graders read.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::content::{Digest, digest_of};
use crate::diag::{Location, Problem, Problems, Source};
use crate::template::{Scope, Template};
use crate::yaml::{self, Kind, Node};

/// Messages to a grader: templates over the variables of the case and what is graded.
#[derive(Debug)]
pub struct Rubric {
    messages: Vec<Message>,
    /// The shape that is asked of the reply, as a JSON Schema.
    schema: Option<Value>,
    /// Digest of the words.
    digest: Digest,
    /// Where it stands; nothing for ours.
    at: Option<Location>,
}

#[derive(Debug)]
struct Message {
    role: String,
    content: Template,
}

/// Our own rubrics, a file each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named after the kind or the step that reads it")]
pub enum BuiltIn {
    LlmRubric,
    Factuality,
    ClosedQa,
    EvalSteps,
    EvalScore,
    SelectBest,
    AnswerQuestion,
    ContextRecall,
    ContextRelevance,
    Statements,
    Faithfulness,
    ConversationRelevance,
}

macro_rules! rubric {
    ($file:literal) => {{
        static RUBRIC: LazyLock<Rubric> = LazyLock::new(|| Rubric::ours(include_str!(concat!("rubrics/", $file))));
        &RUBRIC
    }};
}

impl BuiltIn {
    /// The rubric.
    pub fn rubric(self) -> &'static Rubric {
        match self {
            Self::LlmRubric => rubric!("llm-rubric.yaml"),
            Self::Factuality => rubric!("factuality.yaml"),
            Self::ClosedQa => rubric!("closed-qa.yaml"),
            Self::EvalSteps => rubric!("eval-steps.yaml"),
            Self::EvalScore => rubric!("eval-score.yaml"),
            Self::SelectBest => rubric!("select-best.yaml"),
            Self::AnswerQuestion => rubric!("answer-question.yaml"),
            Self::ContextRecall => rubric!("context-recall.yaml"),
            Self::ContextRelevance => rubric!("context-relevance.yaml"),
            Self::Statements => rubric!("statements.yaml"),
            Self::Faithfulness => rubric!("faithfulness.yaml"),
            Self::ConversationRelevance => rubric!("conversation-relevance.yaml"),
        }
    }
}

impl Rubric {
    /// One of our files; a test reads them all.
    fn ours(text: &str) -> Self {
        let read = yaml::parse(&Source::new("<rubric>", text)).ok().and_then(|node| {
            let messages = node.get("messages")?.items().iter().map(message).collect::<Result<_, _>>().ok()?;
            Some(Self {
                messages,
                schema: node.get("schema").map(Node::to_json),
                digest: digest_of(&node.to_json()),
                at: None,
            })
        });
        read.unwrap_or(Self { messages: Vec::new(), schema: None, digest: Digest::default(), at: None })
    }

    /// The user's: a text, a list of messages, or a text that holds such a list as JSON or YAML.
    ///
    /// # Errors
    /// When it is none of these, or holds a broken template.
    pub fn read(node: &Node) -> Result<Self, Problem> {
        let messages = match &node.kind {
            Kind::Str(text) => match listed(text) {
                Some(list) => list.items().iter().map(message).collect::<Result<_, _>>()?,
                None => vec![Message { role: "user".to_owned(), content: template(text, node)? }],
            },
            Kind::Seq(items) if !items.is_empty() => items.iter().map(message).collect::<Result<_, _>>()?,
            _ => return Err(not_a_rubric(node)),
        };
        Ok(Self { messages, schema: None, digest: digest_of(&node.to_json()), at: Some(node.location()) })
    }

    /// The variables that it reads.
    pub fn names(&self) -> Vec<String> {
        self.messages.iter().flat_map(|message| message.content.names()).collect()
    }

    /// Warns of one whose grader would not see what it judges.
    pub fn warn_if_blind(&self, node: &Node, problems: &mut Problems) {
        if !self.names().iter().any(|name| ["output", "completion", "outputs"].contains(&name.as_str())) {
            let message = "this rubric never reads `output`: the grader would not see what it judges";
            problems.push(Problem::warning(message).at(&node.span).hint("put {{output}} into it"));
        }
    }

    /// Where it stands; nothing for ours.
    pub fn location(&self) -> Option<&Location> {
        self.at.as_ref()
    }

    /// Digest of the words.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The messages with the variables filled in.
    ///
    /// # Errors
    /// When a template cannot be rendered.
    pub fn render(&self, scope: &Scope) -> Result<Vec<Value>, String> {
        let render = |message: &Message| {
            let content = message.content.render(scope).map_err(|e| format!("the rubric cannot be rendered: {e}"))?;
            Ok(json!({"role": message.role, "content": content}))
        };
        self.messages.iter().map(render).collect()
    }

    /// The shape that is asked of the reply.
    pub fn schema(&self) -> Option<&Value> {
        self.schema.as_ref()
    }
}

/// A list of messages that is written inside a text.
fn listed(text: &str) -> Option<Node> {
    let start = text.trim_start();
    if !(start.starts_with('[') || start.starts_with("- role:")) {
        return None;
    }
    let node = yaml::parse(&Source::new("<rubric>", text)).ok()?;
    let all_messages = node.items().iter().all(|item| item.get("role").is_some() && item.get("content").is_some());
    (node.is_seq() && !node.items().is_empty() && all_messages).then_some(node)
}

fn message(node: &Node) -> Result<Message, Problem> {
    let text = |key: &str| node.get(key).and_then(Node::as_str);
    match (text("role"), node.get("content"), text("content")) {
        (Some(role), Some(at), Some(content)) => Ok(Message { role: role.to_owned(), content: template(content, at)? }),
        _ => Err(not_a_rubric(node)),
    }
}

fn template(text: &str, node: &Node) -> Result<Template, Problem> {
    Template::new(text).map_err(|error| {
        Problem::error(format!("this is no valid template: {error}"))
            .at(&node.span)
            .hint("braces that are meant literally go between {% raw %} and {% endraw %}")
    })
}

fn not_a_rubric(node: &Node) -> Problem {
    Problem::error("a `rubricPrompt` is a text, or a list of messages with `role` and `content`").at(&node.span)
}
