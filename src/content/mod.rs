//! What a thing is, as a hash: canonical JSON, content ids, digests.

mod digest;
mod hash;
mod number;

pub use digest::Digest;
pub use hash::{ContentId, canonical, case_hash, content_hash, digest_of, sha256};
pub use number::{js_float, js_number};
