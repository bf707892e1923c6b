//! Randomness for keys.

use ring::rand::{SecureRandom, SystemRandom};

/// Bytes that nobody can guess; nothing where the system has none.
pub fn random_bytes() -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(bytes)
}
