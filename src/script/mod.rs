//! Scripts of the user: JavaScript inside the binary, other languages in persistent workers.
//!
//! A [`Code`] is JavaScript that is checked when the config is read and runs in the embedded engine: no
//! files, no network, no clock to wait on, and limits on memory and time. A [`Foreign`] is any other script:
//! the processes of [`Workers`] run it.

mod aside;
mod code;
mod engine;
mod formula;
mod home;
mod runner;
mod transform;
mod trouble;
mod worker;

pub use code::Code;
pub use engine::{Arg, Pace, Returned};
pub use formula::Formula;
pub use home::{Home, Manner};
pub use runner::Script;
pub use transform::Transform;
pub use trouble::{ScriptError, Trouble};
pub use worker::{EXECUTABLE, Foreign, Language, NODE, PYTHON, RUBY, WorkerEnv, Workers};
