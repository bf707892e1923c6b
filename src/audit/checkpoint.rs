//! Checkpoints: how far the log went at a moment, signed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::key::{PublicKey, SigningKey};
use super::log::Head;
use crate::content::canonical;

/// What a signature begins with, so that it serves for nothing else.
const PURPOSE: &[u8] = b"prompteval checkpoint v1\n";

/// How far a log went. One kept where the log's writer cannot change it shows a cut tail and a rewritten
/// log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The hash of the log's first entry: which log it is.
    pub origin: String,
    /// How many entries there were.
    pub size: u64,
    /// The hash of the last.
    pub head: String,
    /// When it was made, UTC.
    pub time: String,
    /// The public key of whoever signed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Ed25519, over the canonical text of all the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// What a checkpoint's signature is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is of the key that was asked for.
    Trusted,
    /// It is right, of a key that nobody vouched for.
    Signed(String),
    /// It has none.
    Unsigned,
    /// It is not of that key, or something was changed after signing.
    Forged,
}

impl Checkpoint {
    /// A checkpoint behind this head, signed where there is a key.
    pub fn new(origin: &str, head: &Head, time: String, key: Option<&SigningKey>) -> Self {
        let mut checkpoint = Self {
            origin: origin.to_owned(),
            size: head.seq + 1,
            head: head.hash.clone(),
            time,
            key: key.map(|key| key.public().to_string()),
            signature: None,
        };
        checkpoint.signature = key.map(|key| key.sign(&checkpoint.message()));
        checkpoint
    }

    /// The checkpoints in a text, one a line; other lines of a log that they were printed into are passed over.
    pub fn all_in(text: &str) -> Vec<Self> {
        let line = |line: &str| serde_json::from_str(line.trim().get(line.trim().find('{')?..)?).ok();
        if let Ok(one) = serde_json::from_str(text) {
            return vec![one];
        }
        text.lines().filter_map(line).collect()
    }

    /// One line of canonical JSON.
    pub fn line(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or(Value::Null);
        String::from_utf8(canonical(&value)).unwrap_or_default()
    }

    /// What its signature is worth to somebody who trusts this key.
    pub fn standing(&self, trusted: Option<&PublicKey>) -> Standing {
        let (Some(said), Some(signature)) = (&self.key, &self.signature) else {
            return if trusted.is_some() { Standing::Forged } else { Standing::Unsigned };
        };
        let own = said.parse::<PublicKey>().ok();
        let Some(key) = trusted.copied().or(own) else { return Standing::Forged };
        if !key.verifies(&self.message(), signature) {
            return Standing::Forged;
        }
        if trusted.is_some() { Standing::Trusted } else { Standing::Signed(said.clone()) }
    }

    fn message(&self) -> Vec<u8> {
        let unsigned = Self { signature: None, ..self.clone() };
        let value = serde_json::to_value(unsigned).unwrap_or(Value::Null);
        [PURPOSE, &canonical(&value)].concat()
    }
}
