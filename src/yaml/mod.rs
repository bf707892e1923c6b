//! The tree of a config file: every key and value with its span.
//!
//! One reader serves YAML and JSON (JSON is read as YAML, so that it has spans too). The schema is
//! YAML 1.2 core plus merge keys; a number is one kind, as in JSON, and an unquoted date is text.
//! [`Shape`] says what a node must look like; the same tables make the errors and the JSON Schema.

mod include;
mod json;
mod node;
mod parse;
mod scalar;
mod schema;
mod shape;

pub use include::{file_reference, include, read_tree};
pub use node::{Entry, Kind, Node};
pub use parse::parse;
pub use scalar::plain_scalar;
pub use schema::json_schema;
pub use shape::{Key, Shape, Table, Use, check};
