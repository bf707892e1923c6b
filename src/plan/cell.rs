//! One cell of the matrix.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Case, Plan};
use crate::content::{ContentId, content_hash};
use crate::prompts::{Prompt, Rendered};
use crate::record::{CallFailure, Messages, Reason, Request, Usage};
use crate::template::{Scope, TemplateError};

/// A case, a column, a repeat.
#[derive(Debug, Clone)]
pub struct Cell {
    /// Place in plan order, from 0.
    pub index: u64,
    /// Row of the matrix, from 0.
    pub row: u64,
    /// Column of the matrix, from 0.
    pub column: usize,
    /// Which repeat, from 0.
    pub repeat: u32,
    /// The case.
    pub case: Arc<Case>,
    /// Its variables with what earlier cells said, where it reads that.
    pub thread: Option<Arc<Scope>>,
}

/// What a plan would cost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Estimate {
    /// Requests, recorded answers not counted.
    pub requests: u64,
    /// Prompt tokens, at four characters a token.
    pub prompt_tokens: u64,
    /// The most answer tokens that the providers' limits allow; `None` where one has no limit.
    pub completion_tokens: Option<u64>,
    /// US dollars at most; `None` where a price is unknown.
    pub cost: Option<f64>,
}

impl Cell {
    /// Its variables, ready for templates.
    pub fn scope(&self) -> &Scope {
        self.thread.as_deref().unwrap_or(&self.case.scope)
    }

    /// Renders the prompt.
    ///
    /// # Errors
    /// When a template does not fit the case's variables; the message names prompt, case and place.
    pub fn request(&self, plan: &Plan) -> Result<Request, CallFailure> {
        let column = &plan.columns[self.column];
        let rendered = self.render(plan).map_err(|error| {
            CallFailure::new(
                Reason::BadRequest,
                format!(
                    "the prompt `{}` cannot be rendered for case `{}` ({}): {error}",
                    column.prompt.label, self.case.reference.id, self.case.reference.at
                ),
            )
        })?;
        let parameters = if self.case.parameters.is_empty() {
            Arc::clone(&column.prompt.parameters)
        } else {
            let mut merged = (*column.prompt.parameters).clone();
            merged.extend((*self.case.parameters).clone());
            Arc::new(merged)
        };
        Ok(Request {
            text: rendered.text.into(),
            messages: rendered.messages,
            vars: Arc::clone(&self.case.reference.vars),
            parameters,
        })
    }

    fn render(&self, plan: &Plan) -> Result<Rendered, TemplateError> {
        render(&plan.columns[self.column].prompt, &self.case, self.scope(), &plan.environment)
    }

    /// Content id of the question: provider, parameters, rendered request, repeat. It says nothing of
    /// this tool's version nor of the case, so that an answer found under it answers any case that asks
    /// the same.
    pub fn request_id(&self, plan: &Plan, request: &Request) -> Arc<str> {
        let mut id = ContentId::of(&plan.columns[self.column].target.identity).with(&request.text);
        if let Messages::Chat(messages) = &request.messages {
            id = id.with_json(messages);
        }
        if !request.parameters.is_empty() {
            id = id.with(&content_hash(&Value::Object((*request.parameters).clone())));
        }
        id.with_number(self.repeat.into()).hex::<16>()
    }

    /// Content id of the cell: its question and its case.
    pub fn id(&self, request_id: &str) -> Arc<str> {
        ContentId::of(request_id).with(&self.case.reference.id).hex::<10>()
    }
}

/// Renders a prompt for a case. The environment is lent only to prompts that name it.
pub fn render(
    prompt: &Prompt,
    case: &Case,
    scope: &Scope,
    environment: &Arc<Map<String, Value>>,
) -> Result<Rendered, TemplateError> {
    let wrapped;
    let prompt = if case.prefix.is_empty() && case.suffix.is_empty() {
        prompt
    } else {
        wrapped = prompt.wrapped(&case.prefix, &case.suffix)?;
        &wrapped
    };
    if prompt.reads_environment {
        return prompt.render(&scope.with("env", Value::Object((**environment).clone())));
    }
    prompt.render(scope)
}

impl Estimate {
    /// Adds one request.
    pub fn add(&mut self, cell: &Cell, plan: &Plan, request: &Request) {
        if cell.case.recorded.is_some() {
            return;
        }
        let provider = &plan.columns[cell.column].target.provider;
        let first = self.requests == 0;
        let prompt = (request.text.chars().count() as u64).div_ceil(4);
        let given =
            ["max_completion_tokens", "max_tokens"].iter().find_map(|key| request.parameters.get(*key)?.as_u64());
        let limit = given.or(provider.max_tokens());
        let price = provider.price();
        // A free provider costs nothing, however long its answers.
        let limit_of_cost = limit.or_else(|| price.filter(|p| p.completion == 0.0).map(|_| 0));
        self.requests += 1;
        self.prompt_tokens = self.prompt_tokens.saturating_add(prompt);
        let so_far = if first { Some(0) } else { self.completion_tokens };
        self.completion_tokens = so_far.zip(limit).map(|(a, b)| a.saturating_add(b));
        let so_far = if first { Some(0.0) } else { self.cost };
        let usage = limit_of_cost.map(|completion| Usage {
            total: prompt.saturating_add(completion),
            prompt,
            completion,
            ..Usage::default()
        });
        let cost = price.zip(usage).map(|(price, usage)| price.of(&usage));
        self.cost = so_far.zip(cost).map(|(a, b)| a + b);
    }
}
