//! Spaces that experiments share.

use serde::{Deserialize, Serialize};

use super::hash::{PLACES, thousandth};

/// A part of a space that experiments share: users from one place up to another, in basis points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespace {
    /// The space.
    pub name: String,
    /// The first place.
    pub from: u32,
    /// The place behind the last.
    pub to: u32,
}

impl Namespace {
    /// Whether a user stands in this part, by GrowthBook's rule for namespaces.
    pub fn holds(&self, user: &str) -> bool {
        let place = thousandth(&format!("__{}", self.name), user) * (PLACES / 1000);
        (self.from..self.to).contains(&place)
    }
}
