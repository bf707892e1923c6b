//! Where an answer comes from, as scripts see it.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

/// A provider by name, with the parameters it asks with.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Origin {
    /// Its id, such as `openai:gpt-4o`.
    pub id: Arc<str>,
    /// What reports call it.
    pub label: Arc<str>,
    /// Its parameters, secrets left out.
    pub config: Value,
}
