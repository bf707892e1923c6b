//! What an entry says.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::link::hash_of;
use super::log::Head;
use crate::content::canonical;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A draft became a version.
    #[serde(rename = "release")]
    Release,
    /// A version must not be used any more.
    #[serde(rename = "withdraw")]
    Withdraw,
    /// A label was moved on evidence.
    #[serde(rename = "promote")]
    Promote,
    /// A label was to be moved, and was not.
    #[serde(rename = "promote.denied")]
    Denied,
    /// A label was moved although something was missing.
    #[serde(rename = "promote.override")]
    Override,
    /// A label went back to what was live before.
    #[serde(rename = "rollback")]
    Rollback,
    /// An experiment began, or a stretch of it.
    #[serde(rename = "experiment.start")]
    ExperimentStart,
    /// A running experiment was changed in something that decides about no user.
    #[serde(rename = "experiment.change")]
    ExperimentChange,
    /// An experiment ended with a decision.
    #[serde(rename = "experiment.stop")]
    ExperimentStop,
    /// Two chains became one.
    #[serde(rename = "merge")]
    Merge,
    /// A torn line was taken out of the log and kept here.
    #[serde(rename = "repair")]
    Repair,
    /// Something that a newer version of this tool wrote.
    #[serde(other, rename = "unknown")]
    Unknown,
}

impl Event {
    /// Its word in the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Withdraw => "withdraw",
            Self::Promote => "promote",
            Self::Denied => "promote.denied",
            Self::Override => "promote.override",
            Self::Rollback => "rollback",
            Self::ExperimentStart => "experiment.start",
            Self::ExperimentChange => "experiment.change",
            Self::ExperimentStop => "experiment.stop",
            Self::Merge => "merge",
            Self::Repair => "repair",
            Self::Unknown => "unknown",
        }
    }

    /// Whether labels are moved by it.
    pub fn moves(self) -> bool {
        matches!(self, Self::Promote | Self::Override | Self::Rollback | Self::Merge)
    }
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// UTC, RFC 3339 with milliseconds.
    pub time: String,
    /// What happened.
    pub event: Event,
    /// Who did it.
    #[serde(default)]
    pub actor: Actor,
    /// Who else agreed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<String>,
    /// What it was done to.
    #[serde(flatten)]
    pub change: Change,
    /// What else was changed in the same atomic step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Change>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was missing, where something was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// The version of this tool.
    #[serde(default)]
    pub tool: String,
    /// The state of the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<Commit>,
}

/// Who did something, as far as the machine knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The user of the operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_user: Option<String>,
    /// `Name <email>`, as git would write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_author: Option<String>,
    /// The CI job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ci: Option<Ci>,
}

impl Actor {
    /// The name that a person would look for: who started the CI job, else git's, else the system's.
    pub fn name(&self) -> &str {
        let ci = self.ci.as_ref().and_then(|ci| ci.user.as_deref());
        ci.or(self.git_author.as_deref()).or(self.os_user.as_deref()).unwrap_or("nobody known")
    }
}

/// A CI job, by its environment variables.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ci {
    /// The service.
    pub system: String,
    /// Who started the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The repository or project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The run, as the service counts or addresses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

/// The state of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// The commit's hash.
    pub commit: String,
    /// Whether files differed from it.
    pub dirty: bool,
}

/// What was done to one prompt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The version that was released, withdrawn, or that a label points to now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The version it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Hash of what reaches the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_sha256: Option<String>,
    /// Hash of the file's bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_sha256: Option<String>,
    /// The label that was moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What it pointed to before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What it points to now, or was to point to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Who wrote the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// What the move rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// The stretch of an experiment, as it is frozen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<Value>,
}

/// What a decision rests on, by its hashes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The run.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub run: String,
    /// When it ended, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// SHA-256 of the report's bytes, where a report was the evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_sha256: Option<String>,
    /// Digest of what the cells came to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub results: String,
    /// Digest of the cases.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub test_set: String,
    /// Digest of what they demand.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub assertions: String,
    /// Digest of the gate's policy.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub policy: String,
    /// The providers that were asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<String>,
    /// The run that the version before was judged in, and that version's content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_run: Option<String>,
    /// The content that it was held against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_content_sha256: Option<String>,
    /// The gate's word.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub decision: String,
    /// What an experiment showed on real users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<Shown>,
}

impl Change {
    /// The experiment and its phase, where it is one's.
    pub fn phase(&self) -> Option<String> {
        let phase = self.experiment.as_ref()?;
        Some(format!("{} phase {}", phase["name"].as_str().unwrap_or_default(), phase["phase"]))
    }
}

impl Evidence {
    /// Whether a run was judged: an experiment alone is no gate.
    pub fn is_judged(&self) -> bool {
        !self.run.is_empty()
    }
}

/// What an experiment showed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The experiment.
    pub name: String,
    /// Its phase.
    pub phase: u32,
    /// The arm.
    pub arm: String,
    /// The verdict on it.
    pub verdict: String,
    /// SHA-256 of the analysis, as canonical JSON.
    pub analysis_sha256: String,
}

/// An entry in its place in the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sealed {
    /// Its place, from 0.
    pub seq: u64,
    /// The hash of the entry before it; of the first, 64 zeros.
    pub prev: String,
    /// SHA-256 over the canonical text of all the rest.
    pub hash: String,
    /// Where it stood before two chains became one, the latest place last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rebased: Vec<Place>,
    /// What it says.
    #[serde(flatten)]
    pub entry: Entry,
}

/// A place in a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// From 0.
    pub seq: u64,
    /// The hash of the entry before it.
    pub prev: String,
    /// The entry's hash there.
    pub hash: String,
}

impl Entry {
    /// All that was changed.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        std::iter::once(&self.change).chain(&self.also)
    }

    /// Puts it behind the head of a chain; gives its line, without the line's end.
    ///
    /// # Errors
    /// None that an entry of this type could bring; JSON's own.
    pub fn seal(&self, head: Option<&Head>) -> serde_json::Result<(Vec<u8>, Head)> {
        let Value::Object(fields) = serde_json::to_value(self)? else {
            return Err(serde::ser::Error::custom("no map"));
        };
        Ok(seal(fields, head))
    }
}

/// Puts fields behind the head of a chain.
pub(super) fn seal(mut fields: Map<String, Value>, head: Option<&Head>) -> (Vec<u8>, Head) {
    let (seq, prev) = Head::next(head);
    fields.insert("seq".into(), seq.into());
    fields.insert("prev".into(), prev.into());
    let hash = hash_of(&mut fields);
    fields.insert("hash".into(), hash.clone().into());
    (canonical(&Value::Object(fields)), Head { seq, hash })
}
