//! Prompts: where their texts come from, and how they become messages.
//!
//! An entry of `prompts:` is a text, a file, a glob or a reference into the registry; each file type
//! is a row of [`files::FORMATS`]. A prompt is compiled once and rendered once a cell.

mod card;
mod files;
mod freeze;
mod given;
mod import;
mod labels;
mod prompt;
mod registry;
mod sketch;
mod source;
mod version;

pub use card::{Card, Figure, Variation, card};
pub use freeze::{Release, content_of, freeze};
pub use given::Sources;
pub use import::{Found, Imports, Role, Skipped, import};
pub use labels::{LABELS_FILE, Labelled, Labels, label_name, labelled};
pub use prompt::{Prompt, Rendered};
pub use registry::{Reference, hash_of, names, prompt_name, versions, without_v};
pub use sketch::{Format, Sketch};
pub use source::load;
