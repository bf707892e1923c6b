//! prompteval: may this prompt version ship?
//!
//! The modules are rooms of a house, and a room imports only lower floors (`tests/law.rs` checks
//! it). `ARCHITECTURE.md` has the tour; the road through the house is
//! `text → Suite → Plan → Cell → Response → Verdict → Outcome → Event → RunRecord → report`.

pub mod assert;
pub mod audit;
pub mod cli;
pub mod content;
pub mod diag;
pub mod env;
pub mod experiment;
pub mod judge;
pub mod plan;
pub mod prompts;
pub mod provider;
pub mod record;
pub mod registry;
pub mod report;
pub mod run;
pub mod script;
pub mod stats;
pub mod store;
pub mod suite;
pub mod template;
pub mod transport;
pub mod yaml;
