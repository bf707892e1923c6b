//! Cases and streams of them.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::Target;
use crate::assert::{Assertion, Scoring};
use crate::judge::Grading;
use crate::prompts::Prompt;
use crate::record::{CaseRef, Output};
use crate::script::Transform;
use crate::template::Scope;

/// One test with its variables chosen: a row of the matrix.
#[derive(Debug)]
pub struct Case {
    /// What the record says about it.
    pub reference: Arc<CaseRef>,
    /// Which test of the config it comes from, from 0 (a test with lists of values makes several cases).
    pub test: u64,
    /// Its variables, ready for templates.
    pub scope: Scope,
    /// Assertions of `defaultTest`.
    pub shared: Arc<[Assertion]>,
    /// Its own assertions.
    pub own: Arc<[Assertion]>,
    /// The weighted mean that suffices, instead of "all must pass".
    pub threshold: Option<f64>,
    /// Text before the prompt.
    pub prefix: String,
    /// Text after the prompt.
    pub suffix: String,
    /// Prompt references it is limited to.
    pub prompts: Option<Arc<[String]>>,
    /// Provider references it is limited to.
    pub providers: Option<Arc<[String]>>,
    /// What it sets over the provider's parameters.
    pub parameters: Arc<Map<String, Value>>,
    /// What makes another output of the answer, before it is judged.
    pub transform: Option<Arc<Transform>>,
    /// A script whose word counts instead of the sum of the assertions.
    pub scoring: Option<Arc<Scoring>>,
    /// The name under which later cases read its output.
    pub store_as: Option<Arc<str>>,
    /// Whether it has no part in conversations.
    pub alone: bool,
    /// How it is graded, where an assertion does not say it.
    pub grading: Arc<Grading>,
    /// A recorded answer: no request is sent.
    pub recorded: Option<Output>,
    /// How often it is asked.
    pub repeat: Option<u32>,
}

impl Case {
    /// Whether it runs with a prompt at a provider.
    pub fn runs_in(&self, prompt: &Prompt, target: &Target) -> bool {
        let prompt_ok = self.prompts.as_ref().is_none_or(|refs| refs.iter().any(|r| prompt.answers_to(r)));
        let provider_ok = self.providers.as_ref().is_none_or(|refs| refs.iter().any(|r| target.answers_to(r)));
        prompt_ok && provider_ok && target.takes(prompt)
    }

    /// About how many bytes it takes in memory.
    pub fn weight(&self) -> usize {
        const CASE: usize = 1024;
        const ASSERTION: usize = 384;
        // Variables stand in the reference and, ready for templates, in the scope.
        let vars: usize = self.reference.vars.values().map(text_len).sum();
        CASE + ASSERTION * self.own.len() + 2 * vars + self.recorded.as_ref().map_or(0, |output| output.text().len())
    }

    /// All assertions, the defaults first.
    pub fn assertions(&self) -> impl Iterator<Item = &Assertion> {
        self.shared.iter().chain(self.own.iter())
    }
}

/// How much text a value holds, in bytes.
fn text_len(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(list) => list.iter().map(text_len).sum::<usize>() + 32 * list.len(),
        Value::Object(map) => map.iter().map(|(key, value)| key.len() + 64 + text_len(value)).sum(),
        _ => 0,
    }
}

/// A source of cases that can be read again from the start.
pub trait Cases: Send + Sync {
    /// Reads from the start.
    fn stream(&self) -> CaseStream;
}

/// Cases one by one.
pub type CaseStream = Box<dyn Iterator<Item = Result<Arc<Case>, CaseError>> + Send>;

/// A dataset that could be read when it was checked and cannot be read now.
#[derive(Debug, Clone)]
pub struct CaseError(pub String);

impl fmt::Display for CaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Cases that are all in memory.
impl Cases for Vec<Arc<Case>> {
    fn stream(&self) -> CaseStream {
        Box::new(self.clone().into_iter().map(Ok))
    }
}
