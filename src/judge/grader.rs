//! Who grades.

use std::sync::Arc;

use super::Rubric;
use crate::content::{ContentId, Digest};

/// What a grader is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// An opinion in words.
    Text,
    /// A vector of a text.
    Embedding,
    /// Labels with scores.
    Classification,
    /// Whether a text is harmful.
    Moderation,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Text, Self::Embedding, Self::Classification, Self::Moderation];

    /// Its key in a map of providers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Embedding => "embedding",
            Self::Classification => "classification",
            Self::Moderation => "moderation",
        }
    }
}

/// A grader of a run: its place among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Grader(pub usize);

/// Graders by role.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Graders {
    /// One for each of [`Role::ALL`].
    by_role: [Option<Grader>; 4],
}

impl Graders {
    /// The grader for a role.
    pub fn get(&self, role: Role) -> Option<Grader> {
        self.by_role[role as usize]
    }

    /// Sets the grader for a role.
    pub fn set(&mut self, role: Role, grader: Grader) {
        self.by_role[role as usize] = Some(grader);
    }

    /// These, and where they have none, those of `under`.
    #[must_use]
    pub fn over(self, under: Self) -> Self {
        let by_role = std::array::from_fn(|i| self.by_role[i].or(under.by_role[i]));
        Self { by_role }
    }
}

/// How the answers of a case are graded, where an assertion does not say it itself.
#[derive(Debug, Clone, Default)]
pub struct Grading {
    /// By whom.
    pub graders: Graders,
    /// What graders read instead of our words.
    pub rubric: Option<Arc<Rubric>>,
    /// What the categories of `factuality` are worth.
    pub weights: Weights,
}

impl Grading {
    /// Digest of what differs from the usual: words and weights. Who grades is told apart.
    pub fn digest(&self) -> Option<Digest> {
        let usual = self.rubric.is_none() && self.weights == Weights::default();
        let words = self.rubric.as_ref().map(|rubric| rubric.digest()).unwrap_or_default();
        (!usual).then(|| ContentId::of(&format!("{:?}", self.weights)).with_digest(words).digest())
    }
}

/// What the categories of `factuality` are worth, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// A: the answer says a part of what is known.
    pub subset: f64,
    /// B: it says more, and nothing against it.
    pub superset: f64,
    /// C: it says the same.
    pub agree: f64,
    /// D: it says something else.
    pub disagree: f64,
    /// E: it differs in what does not matter.
    pub differ_but_factual: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self { subset: 1.0, superset: 1.0, agree: 1.0, disagree: 0.0, differ_but_factual: 1.0 }
    }
}

impl Weights {
    /// What a category is worth.
    pub fn of(&self, category: char) -> f64 {
        match category {
            'A' => self.subset,
            'B' => self.superset,
            'C' => self.agree,
            'E' => self.differ_but_factual,
            _ => self.disagree,
        }
    }
}
