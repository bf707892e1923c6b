//! Doing: schedule, ask, grade, emit, stop.
//!
//! One conductor task owns the run's state and is the only one that emits events; each cell is a
//! task of its own and talks only to the conductor.

mod bar;
mod cell;
mod conductor;
mod draft;
mod hook;
mod order;
mod past;
mod row;
mod step;
mod threads;

pub use conductor::{RunError, Settings, run};
pub use past::Past;
