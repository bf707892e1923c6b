//! A/B tests: who gets which version, for how long, and what is measured.
//!
//! An experiment is a file ([`Plan`]). Starting it freezes what decides about users into a [`Phase`], and an
//! [`Assignment`] is a pure function of that and of the user's id.

mod allocation;
pub mod analysis;
mod bucket;
mod file;
mod hash;
mod metric;
mod namespace;
mod phase;
pub mod simulation;

#[cfg(test)]
mod tests;

pub use allocation::{Allocation, Slice};
pub use bucket::{Ranges, choose, ranges};
pub use file::{FOLDER, Plan, PlannedArm};
pub use hash::{PLACES, place, share, thousandth};
pub use metric::{Aggregate, Direction, Metric, Role};
pub use namespace::Namespace;
pub use phase::{ALGORITHM, Arm, Assignment, Outside, Phase};
