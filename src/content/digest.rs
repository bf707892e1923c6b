//! Short content hashes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The first 128 bits of a SHA-256, written as 32 hexadecimal digits. Zero stands for "not known", as in
/// records of older versions.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(u128);

impl Digest {
    /// The digest whose bytes are these.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }

    /// Whether anything was hashed.
    pub fn is_known(self) -> bool {
        self.0 != 0
    }

    /// The digest of a set: it grows by members in any order, so that a set need not be held to be
    /// hashed.
    #[must_use]
    pub fn and(self, member: Self) -> Self {
        Self(self.0.wrapping_add(member.0))
    }

    /// Its bytes.
    pub fn bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(Self)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_through_text_and_back() {
        let digest = Digest::new([7; 16]);
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!(serde_json::to_string(&digest).unwrap(), format!("\"{digest}\""));
        assert!("x".parse::<Digest>().is_err());
    }

    #[test]
    fn the_order_of_members_does_not_matter() {
        let [a, b, c] = [1, 2, 3].map(|n| Digest::new([n; 16]));
        assert_eq!(a.and(b).and(c), c.and(a).and(b));
        assert_ne!(a.and(a), a);
    }
}
