//! Providers as the plan knows them, and the columns they make with prompts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::PlanColumn;
use crate::content::ContentId;
use crate::diag::Span;
use crate::prompts::Prompt;
use crate::provider::Provider;
use crate::record::Origin;
use crate::script::Transform;

/// The variable that holds the earlier turns of a conversation.
pub const CONVERSATION: &str = "_conversation";

/// A configured provider.
pub struct Target {
    /// Its id, such as `openai:gpt-4o`.
    pub id: Arc<str>,
    /// What reports call it.
    pub label: Arc<str>,
    /// What scripts may know of it.
    pub origin: Arc<Origin>,
    /// The provider.
    pub provider: Arc<dyn Provider>,
    /// Hash of what shapes its answers, without secrets.
    pub identity: Arc<str>,
    /// How many requests may be under way at once.
    pub width: usize,
    /// How often a request is repeated after failures that may pass.
    pub retries: u32,
    /// How long to wait after each request.
    pub delay: Duration,
    /// Requests a minute.
    pub rpm: Option<u64>,
    /// Tokens a minute.
    pub tpm: Option<u64>,
    /// Whether the config says how long to wait for an answer.
    pub has_timeout: bool,
    /// Where the config names it.
    pub at: Span,
    /// What makes another output of its answers.
    pub transform: Option<Transform>,
    /// Prompt references it is limited to.
    pub prompts: Option<Vec<String>>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("id", &self.id).field("label", &self.label).finish_non_exhaustive()
    }
}

impl Target {
    /// Whether a reference means this provider: its label, its id, or the part of its id after a `:`.
    pub fn answers_to(&self, reference: &str) -> bool {
        let ends = |name: &str| name.strip_suffix(reference).is_some_and(|rest| rest.ends_with(':'));
        &*self.label == reference || &*self.id == reference || ends(&self.id)
    }

    /// What shapes what is judged of it: its identity, and its transform.
    pub fn judged_identity(&self) -> Arc<str> {
        let Some(transform) = &self.transform else { return Arc::clone(&self.identity) };
        ContentId::of(&self.identity).with_digest(transform.digest()).hex::<16>()
    }

    /// Whether it is asked with texts instead of conversations.
    pub fn is_no_chat(&self) -> bool {
        self.origin.config.get("model").is_none() || !self.id.starts_with("openai")
    }

    /// Whether it may be asked this prompt.
    pub fn takes(&self, prompt: &Prompt) -> bool {
        self.prompts.as_ref().is_none_or(|refs| refs.iter().any(|r| prompt.answers_to(r)))
    }
}

/// The columns: for each provider its prompts, in the order of the config.
pub fn columns(prompts: &[Arc<Prompt>], targets: &[Arc<Target>]) -> Vec<PlanColumn> {
    let mut all = Vec::new();
    for (target_index, target) in targets.iter().enumerate() {
        for prompt in prompts.iter().filter(|p| target.takes(p)) {
            let converses = prompt.reads(CONVERSATION);
            all.push(PlanColumn { prompt: Arc::clone(prompt), target: Arc::clone(target), target_index, converses });
        }
    }
    all
}
