//! What was asked, for those who look beyond the answer: scripts, graders, tool calls.

use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value, json};

use crate::record::{CaseRef, Origin, Response};

/// The question that an answer belongs to.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The prompt as it was sent.
    pub prompt: &'a str,
    /// The case.
    pub case: &'a CaseRef,
    /// Who was asked.
    pub origin: &'a Origin,
    /// What the prompt or the test set over the provider's parameters.
    pub parameters: &'a Map<String, Value>,
    /// The answer as it came, before any transform.
    pub response: &'a Response,
    context: OnceLock<Arc<str>>,
}

impl<'a> Asked<'a> {
    /// A question and its answer.
    pub fn new(
        prompt: &'a str,
        case: &'a CaseRef,
        origin: &'a Origin,
        parameters: &'a Map<String, Value>,
        response: &'a Response,
    ) -> Self {
        Self { prompt, case, origin, parameters, response, context: OnceLock::new() }
    }

    /// A parameter that was asked with, such as `tools`.
    pub fn parameter(&self, name: &str) -> Option<&Value> {
        self.parameters.get(name).or_else(|| self.origin.config.get(name))
    }

    /// What scripts call `context`, as JSON. It is made once for all scripts of a cell.
    pub fn context(&self) -> &Arc<str> {
        self.context.get_or_init(|| self.describe().to_string().into())
    }

    fn describe(&self) -> Value {
        let case = self.case;
        let log_probs = serde_json::to_value(self.response).ok().and_then(|r| r.get("logProbs").cloned());
        let metadata = self.response.metadata.clone().unwrap_or_else(|| json!({}));
        json!({
            "prompt": self.prompt,
            "vars": &*case.vars,
            "test": {
                "id": &case.id,
                "description": &case.description,
                "vars": &*case.vars,
                "metadata": &*case.metadata,
            },
            "provider": self.origin,
            "providerResponse": self.response,
            "metadata": metadata,
            "logProbs": log_probs,
        })
    }
}
