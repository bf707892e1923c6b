//! Keys: Ed25519 (RFC 8032).

use std::fmt;
use std::io::Write;
use std::path::Path;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::env::random_bytes;

const PREFIX: &str = "ed25519:";

/// What is wrong with a key, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyError(pub String);

/// Signs. It cannot be printed.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// A key from its seed: 32 bytes in base64.
    ///
    /// # Errors
    /// When it is none. The text is not quoted: it may be a secret.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let bad = || KeyError("it is no signing key: 32 bytes in base64 are expected".into());
        let text = text.trim();
        let seed = STANDARD.decode(text.strip_prefix(PREFIX).unwrap_or(text)).map_err(|_| bad())?;
        Ed25519KeyPair::from_seed_unchecked(&seed).map(Self).map_err(|_| bad())
    }

    /// The text of a new key.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate() -> Result<String, KeyError> {
        let seed = random_bytes().ok_or_else(|| KeyError("the system gives no random bytes".into()))?;
        Ok(format!("{PREFIX}{}", STANDARD.encode(seed)))
    }

    /// The key in a file; a new one where there is no file, readable by its owner only. The truth value
    /// says whether it is new.
    ///
    /// # Errors
    /// When it cannot be read or written, or is none.
    pub fn at(path: &Path) -> Result<(Self, bool), KeyError> {
        let trouble = |e: std::io::Error| KeyError(format!("`{}`: {}", path.display(), crate::diag::io_reason(&e)));
        if path.exists() {
            let text = std::fs::read_to_string(path).map_err(trouble)?;
            return Self::parse(&text)
                .map(|key| (key, false))
                .map_err(|e| KeyError(format!("`{}`: {}", path.display(), e.0)));
        }
        let text = Self::generate()?;
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(trouble)?;
        match whole(folder, &text).and_then(|file| file.persist_noclobber(path).map_err(|e| e.error)) {
            // Somebody else made one at the same time: there is one key.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Self::at(path),
            made => made.map_err(trouble).and_then(|_| Self::parse(&text).map(|key| (key, true))),
        }
    }

    /// The key that tells whether a signature is its.
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.0.public_key().as_ref());
        PublicKey(bytes)
    }

    /// A signature, in base64.
    pub fn sign(&self, message: &[u8]) -> String {
        STANDARD.encode(self.0.sign(message))
    }
}

/// A new file that only its owner can read, with the whole text before it has its name: whoever dies in
/// between leaves no key that is none.
fn whole(folder: &Path, text: &str) -> std::io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(file, "{text}")?;
    file.as_file().sync_data()?;
    Ok(file)
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the signing key of {}", self.public())
    }
}

/// Tells whether a signature is genuine. Written `ed25519:` and 32 bytes in base64.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Whether a signature (in base64) of a message is of this key.
    pub fn verifies(&self, message: &[u8], signature: &str) -> bool {
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, &signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", STANDARD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX).unwrap_or(text)).ok();
        let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        bytes.map(Self).ok_or_else(|| {
            KeyError(format!("`{text}` is no public key: `{PREFIX}` and 32 bytes in base64 are expected"))
        })
    }
}
