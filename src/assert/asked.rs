//! What was asked, for those who look beyond the answer: scripts, graders, tool calls.

use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock};

use futures::future::BoxFuture;
use serde_json::{Map, Value, json};

use crate::judge::{Grading, Judge};
use crate::record::{CaseRef, Origin, Output, Response};

/// The question that an answer belongs to.
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
    /// The way to graders.
    pub judge: Option<&'a dyn Judge>,
    /// How the case is graded, where an assertion does not say it.
    pub grading: &'a Grading,
    /// Who carries questions to servers; nobody where nothing may be sent.
    pub post: Option<&'a dyn Post>,
    /// The variables, where earlier cases added to them.
    vars: Option<&'a Map<String, Value>>,
    /// What the provider's own transform made of the answer.
    provided: OnceLock<Output>,
    context: OnceLock<Arc<str>>,
}

impl fmt::Debug for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("prompt", &self.prompt).field("case", &self.case.id).finish_non_exhaustive()
    }
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
        static NONE: LazyLock<Grading> = LazyLock::new(Grading::default);
        let context = OnceLock::new();
        Self {
            prompt,
            case,
            origin,
            parameters,
            response,
            judge: None,
            grading: &NONE,
            post: None,
            vars: None,
            provided: OnceLock::new(),
            context,
        }
    }

    /// The same, graded so.
    #[must_use]
    pub fn graded(self, judge: &'a dyn Judge, grading: &'a Grading) -> Self {
        Self { judge: Some(judge), grading, ..self }
    }

    /// The same with somebody who carries questions to servers.
    #[must_use]
    pub fn with_post(self, post: &'a dyn Post) -> Self {
        Self { post: Some(post), ..self }
    }

    /// Notes what the provider's own transform made of the answer.
    pub fn provide(&self, output: &Output) {
        let _ = self.provided.set(output.clone());
    }

    /// The output as the provider gives it: behind its own transform, before that of the test.
    pub fn provided(&self) -> &Output {
        self.provided.get().unwrap_or(&self.response.output)
    }

    /// The same with variables that earlier cases added to.
    #[must_use]
    pub fn with_vars(self, vars: &'a Map<String, Value>) -> Self {
        Self { vars: Some(vars), ..self }
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
            "vars": self.vars.unwrap_or(&case.vars),
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

/// Somebody who carries questions to servers.
pub trait Post: fmt::Debug + Send + Sync {
    /// Posts JSON and gives the JSON of the reply. `shown` is the address for people, without secrets.
    ///
    /// # Errors
    /// When there is no good reply in time; with the reason as a sentence that quotes no secret.
    fn post<'a>(&'a self, url: &'a str, shown: &'a str, body: String) -> BoxFuture<'a, Result<Value, String>>;
}
