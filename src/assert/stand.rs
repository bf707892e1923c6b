//! A question around an answer, for tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::{BoxFuture, ready};
use serde_json::{Map, Value, json};

use super::{Asked, Post};
use crate::judge::{Grader, Grading, Judge, Question, Role};
use crate::record::{CaseRef, Origin, Output, Response};

/// Everything that an [`Asked`] borrows.
pub struct Stand {
    case: CaseRef,
    origin: Origin,
    parameters: Map<String, Value>,
    server: Server,
    canned: Canned,
    grading: Grading,
}

/// A server that gives everybody the same reply.
#[derive(Debug)]
struct Server(Value);

impl Post for Server {
    fn post<'a>(&'a self, _: &'a str, _: &'a str, _: String) -> BoxFuture<'a, Result<Value, String>> {
        Box::pin(ready(Ok(self.0.clone())))
    }
}

/// A grader whose replies are known: JSON documents one after the other, or a text.
struct Canned {
    replies: Vec<Output>,
    asked: AtomicUsize,
}

impl Canned {
    fn new(text: &str) -> Self {
        let documents: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
        let replies = match documents {
            Ok(list) if !list.is_empty() => list.into_iter().map(Output::Json).collect(),
            _ => vec![Output::Text(text.into())],
        };
        Self { replies, asked: AtomicUsize::new(0) }
    }
}

impl Judge for Canned {
    fn ask(&self, _: Grader, question: Question) -> BoxFuture<'_, Result<Response, String>> {
        let turn = self.asked.fetch_add(1, Ordering::Relaxed);
        let output = self.replies[turn.min(self.replies.len() - 1)].clone();
        // The one kind that needs words and vectors.
        let vector = question.messages.is_empty() && output.text().contains("question");
        let output = if vector { Output::Json(json!([1, 0])) } else { output };
        Box::pin(ready(Ok(Response { output, ..Response::default() })))
    }
}

impl Stand {
    /// A provider with these parameters, webhooks with this reply.
    pub fn new(config: Value, reply: Value) -> Self {
        let vars = json!({"query": "Which town?", "context": "It is Paris."});
        let case = CaseRef { vars: Arc::new(vars.as_object().cloned().unwrap_or_default()), ..CaseRef::blank() };
        let mut grading = Grading::default();
        for role in Role::ALL {
            grading.graders.set(role, Grader(0));
        }
        let origin = Origin { config, ..Origin::default() };
        Self { case, origin, parameters: Map::new(), server: Server(reply), canned: Canned::new(""), grading }
    }

    /// The same with a grader who replies so.
    pub fn graded(self, replies: &str) -> Self {
        Self { canned: Canned::new(replies), ..self }
    }

    pub fn vars(&self) -> &Map<String, Value> {
        &self.case.vars
    }

    pub fn asked<'a>(&'a self, response: &'a Response) -> Asked<'a> {
        let asked = Asked::new("hi", &self.case, &self.origin, &self.parameters, response);
        asked.with_post(&self.server).graded(&self.canned, &self.grading)
    }
}
