//! The real binary against a loopback server: no network, and no sleeping but where time is the matter.

#![expect(clippy::unwrap_used, reason = "a test may stop where it fails")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says why")]

mod config;
mod documented;
mod drafts;
mod endpoint;
mod example;
mod experiments;
mod faults;
mod gate;
mod graders_wire;
mod judging;
mod languages;
mod ledger;
mod project;
mod registry;
mod reports;
mod scripting;
mod secrets;
mod selection;
mod server;
mod stored;
mod story;
mod threads;
mod tls;
mod transforming;
mod trend;
mod webhook;
