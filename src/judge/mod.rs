//! Answers judged by models: what graders are asked, and what is made of their replies.
//!
//! Nothing is sent from here. A [`Judge`] carries a [`Question`] to a grader on the same lines as every
//! other request, so that graders share cache, rates and budget with everybody. The words that graders
//! read stand in `rubrics/`, a file each.

mod dialogue;
mod grader;
mod reply;
mod rubric;

#[cfg(test)]
mod tests;

pub use dialogue::{Question, ask, embedding, structure};
pub use grader::{Grader, Graders, Grading, Role, Weights};
pub use reply::{Opinion, category, index, marks, opinion, texts, yes_or_no};
pub use rubric::{BuiltIn, Rubric};

use futures::future::BoxFuture;

use crate::record::Response;

/// The way to graders.
pub trait Judge: Send + Sync {
    /// Asks a grader. The error says why there is no answer, for people.
    fn ask(&self, grader: Grader, question: Question) -> BoxFuture<'_, Result<Response, String>>;

    /// Takes note that a reply cannot be used: nobody shall get it from a memory later.
    fn reject(&self, _reply: &Response) {}
}
