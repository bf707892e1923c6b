//! The run as a whole.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Event, Outcome};

/// One column of the matrix: a prompt at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    /// The provider's label, or its id.
    pub provider: Arc<str>,
    /// The provider's id, such as `openai:gpt-4o`.
    pub provider_id: Arc<str>,
    /// The prompt's label.
    pub label: Arc<str>,
    /// The prompt's template text.
    pub raw: Arc<str>,
    /// The hash of the prompt's content.
    pub prompt_hash: Arc<str>,
    /// The prompt's name, where it comes from a versioned file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Arc<str>>,
    /// The version, where the prompt comes from a versioned file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Arc<str>>,
    /// Hash of what shapes the provider's answers beside the prompt; nothing in records of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Arc<str>>,
}

/// What is known before the first request.
#[derive(Debug, Clone)]
pub struct RunHead {
    /// An id for people and for the store.
    pub id: Arc<str>,
    /// When it began, milliseconds since 1970, UTC.
    pub started_ms: u64,
    /// The config's description.
    pub description: Option<Arc<str>>,
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// How many cells the plan has.
    pub cells: u64,
    /// How many cases.
    pub cases: u64,
    /// How often each case is asked.
    pub repeat: u32,
    /// The config as it was read.
    pub config: Arc<Value>,
    /// The config's path.
    pub config_path: Arc<str>,
    /// This tool's version.
    pub tool_version: Arc<str>,
    /// The state of the git repository that the config stands in.
    pub git: Option<Git>,
}

/// The state of a git repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Git {
    /// The commit, in full.
    pub commit: Arc<str>,
    /// Whether files under version control differ from it.
    pub dirty: bool,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// Every cell has an outcome.
    Complete,
    /// Somebody stopped it.
    Interrupted,
    /// The budget was used up.
    Budget,
    /// The rest could not change the gate's decision any more, and was not asked.
    Decided,
}

/// What is known after the last answer.
#[derive(Debug, Clone)]
pub struct RunTail {
    /// How it ended.
    pub ending: Ending,
    /// When, milliseconds since 1970, UTC.
    pub finished_ms: u64,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Cells that have an outcome.
    pub finished: u64,
    /// Cells that have none.
    pub unrun: u64,
}

/// The fold of a run's events. Whole in memory: for small runs, tests and re-rendering.
#[derive(Debug, Default)]
pub struct RunRecord {
    /// The beginning.
    pub head: Option<Arc<RunHead>>,
    /// Finished cells in plan order.
    pub outcomes: Vec<Arc<Outcome>>,
    /// The end.
    pub tail: Option<Arc<RunTail>>,
}

impl RunRecord {
    /// Takes one event in.
    pub fn fold(&mut self, event: &Event) {
        match event {
            Event::RunStarted(head) => self.head = Some(Arc::clone(head)),
            Event::CellFinished(outcome) => self.outcomes.push(Arc::clone(outcome)),
            Event::RunFinished(tail) => self.tail = Some(Arc::clone(tail)),
            Event::CellEnded { .. }
            | Event::CellRetried { .. }
            | Event::ProviderClosed { .. }
            | Event::BudgetExhausted { .. } => {}
        }
    }
}
