//! What is known of the run, put together.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::ReadReport;
use super::fields::Fields;
use crate::env::parse_time;
use crate::record::{Column, Ending, RunHead};

/// What stands around the results.
#[derive(Debug, Default)]
pub(super) struct Around {
    pub(super) id: Value,
    pub(super) timestamp: Value,
    pub(super) config: Value,
    pub(super) metadata: Value,
    pub(super) prompts: Value,
    pub(super) stats: Value,
    /// Whether there is a list of results at all.
    pub(super) has_results: bool,
}

/// What the results say.
#[derive(Debug)]
pub(super) struct Summary {
    pub(super) finished: u64,
    pub(super) cases: u64,
    pub(super) repeat: u32,
    pub(super) columns: BTreeMap<usize, Column>,
}

impl Around {
    pub(super) fn report(self, path: &Path, summary: Summary) -> ReadReport {
        let (mut metadata, mut stats) = (Fields::of(self.metadata), Fields::of(self.stats));
        let cells = metadata.count("cells");
        let missing = || cells.map(|cells| cells.saturating_sub(summary.finished));
        let unrun = stats.count("unrun").or_else(missing).unwrap_or(0);
        let ending = metadata.take("ending").and_then(|word| serde_json::from_value::<Ending>(word).ok());
        let text = |value: Option<String>| value.unwrap_or_default().into();
        let created = metadata.take("evaluationCreatedAt");
        let described = self.config.get("description").and_then(Value::as_str).map(str::to_owned);
        let head = RunHead {
            id: self.id.as_str().map_or_else(|| stem(path), Into::into),
            started_ms: millis(&self.timestamp).or_else(|| created.as_ref().and_then(millis)).unwrap_or(0),
            description: metadata.text("description").or(described).map(Into::into),
            columns: columns(summary.columns, self.prompts),
            cells: cells.unwrap_or_else(|| summary.finished.saturating_add(unrun)),
            cases: metadata.count("cases").unwrap_or(summary.cases),
            repeat: metadata.small("repeat").unwrap_or(summary.repeat),
            config: Arc::new(self.config),
            config_path: text(metadata.text("configPath")),
            tool_version: text(metadata.text("promptevalVersion")),
            git: None,
        };
        ReadReport { head, ending, finished: summary.finished, unrun }
    }
}

/// The file's name without its ending.
fn stem(path: &Path) -> Arc<str> {
    path.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default().into()
}

fn millis(time: &Value) -> Option<u64> {
    parse_time(time.as_str()?)
}

/// The columns of the results, with what the list of prompts knows besides.
fn columns(mut seen: BTreeMap<usize, Column>, prompts: Value) -> Vec<Column> {
    let mut prompts = match prompts {
        Value::Array(list) => list.into_iter(),
        _ => Vec::new().into_iter(),
    };
    let last = seen.last_key_value().map_or(0, |(last, _)| last + 1);
    let all = last.max(prompts.len().min(super::result::MOST_COLUMNS));
    (0..all).map(|n| with_prompt(seen.remove(&n), Fields::of(prompts.next().unwrap_or_default()))).collect()
}

fn with_prompt(seen: Option<Column>, mut prompt: Fields) -> Column {
    let seen = seen.unwrap_or_else(nothing);
    let or =
        |seen: Arc<str>, other: Option<String>| if seen.is_empty() { other.unwrap_or_default().into() } else { seen };
    let provider = prompt.text("provider");
    Column {
        provider_id: or(seen.provider_id, prompt.text("providerId").or_else(|| provider.clone())),
        provider: or(seen.provider, provider),
        label: or(seen.label, prompt.text("label")),
        raw: or(seen.raw, prompt.text("raw")),
        prompt_hash: or(seen.prompt_hash, prompt.text("id")),
        name: seen.name.or_else(|| prompt.text("name").map(Into::into)),
        version: seen.version.or_else(|| prompt.text("version").map(Into::into)),
        identity: prompt.text("providerIdentity").map(Into::into),
    }
}

fn nothing() -> Column {
    let [provider, provider_id, label, raw, prompt_hash] = std::array::from_fn(|_| Arc::from(""));
    Column { provider, provider_id, label, raw, prompt_hash, name: None, version: None, identity: None }
}
