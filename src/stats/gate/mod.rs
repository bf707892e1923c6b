//! May it ship? A policy, what two versions did, and a decision.
//!
//! The gate opens when every guard shows that its metric is not worse by more than the margin
//! (non-inferiority), every required improvement is shown, and every absolute rule holds. Guards need no
//! correction for their number, since all of them must hold.

mod decide;
mod facts;
mod guard;
mod policy;
mod words;

#[cfg(test)]
mod tests;

pub use decide::{Against, Decision, Evidence, Finding, Verdict, decide, foresee};
pub use facts::Facts;
pub use guard::{Shown, guard};
pub use policy::{CONFIDENCE, Guard, Improvement, MARGIN, Policy, means};
