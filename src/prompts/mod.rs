//! Prompts: where their texts come from, and how they become messages.
//!
//! An entry of `prompts:` is a text, a file, a glob or a reference into the registry; each file type
//! is a row of [`files::FORMATS`]. A prompt is compiled once and rendered once a cell.

mod files;
mod given;
mod prompt;
mod registry;
mod source;
mod version;

pub use given::Sources;
pub use prompt::{Prompt, Rendered};
pub use source::load;
