//! All prompts of a label in one signed file, for applications.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::session::Registry;
use super::trouble::RegistryError;
use crate::audit::{Checkpoint, PublicKey, SigningKey, Standing};
use crate::content::{canonical, content_hash};

/// What a signature begins with, so that it serves for nothing else.
const PURPOSE: &[u8] = b"prompteval bundle v1\n";

/// The file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bundle {
    /// The version of this layout.
    pub format: String,
    /// The label.
    pub label: String,
    /// When it was made, UTC.
    pub created: String,
    /// The prompts by their names.
    pub prompts: BTreeMap<String, Bundled>,
    /// How far the log went.
    pub checkpoint: Checkpoint,
    /// The public key of whoever signed it.
    pub key: String,
    /// Ed25519, over the canonical text of all the rest.
    pub signature: String,
}

/// One prompt of a bundle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bundled {
    /// Its version.
    pub version: String,
    /// Hash of `content`, in canonical JSON.
    pub content_sha256: String,
    /// What reaches the model: `messages` (templates), `input` (whether the caller's `input` follows as the
    /// user's message), `parameters` with the tools, and `template_format`.
    pub content: Value,
    /// The variables that its templates read.
    pub variables: Vec<String>,
}

/// Why a bundle is not to be trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BundleTrouble {
    /// It is no bundle.
    Unreadable(String),
    /// It is not of this key, or something in it was changed.
    Signature,
    /// A prompt whose text has another hash.
    Content(String),
    /// The checkpoint in it is not of its key.
    Checkpoint,
}

impl Bundle {
    /// The prompts that a label points to now.
    ///
    /// # Errors
    /// When there are none, or one was edited after its release.
    pub fn of(registry: &Registry, label: &str, created: String, key: &SigningKey) -> Result<Self, RegistryError> {
        let session = registry.lock_sound()?;
        let labels = session.labels()?;
        registry.look_up_all()?;
        let mut prompts = BTreeMap::new();
        for (name, version) in labels.under(label) {
            let frozen = registry.frozen(name, version)?;
            let bundled = Bundled {
                version: version.to_owned(),
                content_sha256: frozen.content().to_owned(),
                variables: frozen.card.prompt.variables(),
                content: frozen.card.content,
            };
            prompts.insert(name.to_owned(), bundled);
        }
        let Some(head) = session.head.as_ref().filter(|_| !prompts.is_empty()) else {
            let error = RegistryError::usage(format!("no prompt has the label {label}"));
            return Err(error.hint("`prompteval label list` shows what there is"));
        };
        let checkpoint = Checkpoint::new(&registry.origin()?, head, created.clone(), Some(key));
        let mut bundle = Self {
            format: "prompteval/bundle/1".into(),
            label: label.to_owned(),
            created,
            prompts,
            checkpoint,
            key: key.public().to_string(),
            signature: String::new(),
        };
        bundle.signature = key.sign(&message(serde_json::to_value(&bundle).unwrap_or_default()));
        Ok(bundle)
    }

    /// Its text: JSON for people and machines.
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads a bundle and checks every hash and signature in it, with no other file at hand.
    ///
    /// # Errors
    /// Why it is not to be trusted.
    pub fn verify(bytes: &[u8], trusted: Option<&PublicKey>) -> Result<Self, BundleTrouble> {
        let unreadable = |e: serde_json::Error| BundleTrouble::Unreadable(e.to_string());
        let value: Value = serde_json::from_slice(bytes).map_err(unreadable)?;
        let bundle: Self = serde_json::from_slice(bytes).map_err(unreadable)?;
        let own = bundle.key.parse::<PublicKey>().map_err(|e| BundleTrouble::Unreadable(e.0))?;
        let key = trusted.copied().unwrap_or(own);
        // What was signed is all of the file, whether or not this version knows its keys.
        if !key.verifies(&message(value), &bundle.signature) {
            return Err(BundleTrouble::Signature);
        }
        let wrong = bundle.prompts.iter().find(|(_, prompt)| content_hash(&prompt.content) != prompt.content_sha256);
        if let Some((name, prompt)) = wrong {
            return Err(BundleTrouble::Content(format!("{name}@{}", prompt.version)));
        }
        match bundle.checkpoint.standing(Some(&key)) {
            Standing::Trusted => Ok(bundle),
            _ => Err(BundleTrouble::Checkpoint),
        }
    }
}

/// What is signed: the canonical text of all but the signature.
fn message(mut bundle: Value) -> Vec<u8> {
    if let Value::Object(fields) = &mut bundle {
        fields.shift_remove("signature");
    }
    [PURPOSE, &canonical(&bundle)].concat()
}

impl Registry {
    /// The hash of the log's first entry: which log it is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn origin(&self) -> Result<String, RegistryError> {
        let log = self.log();
        let first = log.first().map_err(|e| RegistryError::io(&e, "read", log.path()))?;
        Ok(first.unwrap_or_default())
    }
}
