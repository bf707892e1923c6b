//! The words of the road: request, response, verdict, outcome, event, record.
//!
//! Plain owned data that every room may speak. Failure is data here: a cell that failed or could not
//! be judged is an [`Outcome`] like any other.

mod aside;
mod event;
mod failure;
mod origin;
mod outcome;
mod request;
mod response;
mod run;
mod setback;
mod verdict;

pub use aside::{Aside, Spent};
pub use event::Event;
pub use failure::{CallFailure, Reason};
pub use origin::Origin;
pub use outcome::{CaseRef, Named, Outcome, Status};
pub use request::{Messages, Request};
pub use response::{Output, Response, Usage};
pub use run::{Column, Ending, Git, RunHead, RunRecord, RunTail};
pub use setback::Setback;
pub use verdict::{Mark, Verdict};
