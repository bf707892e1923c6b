//! Compiled schemas of arguments. The same few serve every cell of a run.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::assert::matcher::schema::Schema;
use crate::content::{Digest, digest_of};

/// How many are kept; more than any suite has tools, unless its cases bring their own.
const MOST: usize = 256;

/// A schema, or why it is none.
pub type Compiled = Arc<Result<Schema, String>>;

static KEPT: Mutex<Vec<(Digest, Compiled)>> = Mutex::new(Vec::new());

/// The schema in a value, or why it is none.
pub fn compiled(parameters: &Value) -> Compiled {
    let digest = digest_of(parameters);
    if let Some(compiled) = kept(digest) {
        return compiled;
    }
    let compiled = Arc::new(Schema::new(parameters.clone()));
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() >= MOST {
        kept.remove(0);
    }
    kept.push((digest, Arc::clone(&compiled)));
    compiled
}

fn kept(digest: Digest) -> Option<Compiled> {
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.iter().find(|(known, _)| *known == digest).map(|(_, compiled)| Arc::clone(compiled))
}
