//! The life of one cell: let in, the request, the answer, the verdicts.

use std::sync::Arc;

use super::bar::Seats;
use super::draft::{Draft, Provenance};
use super::past::Past;
use super::threads::{Place, Threads};
use crate::plan::{Cell, Plan};
use crate::provider::Hook;
use crate::record::{CallFailure, Request, Response};
use crate::store::{Desk, Entry, KeptCell, Paid, StoreError};
use crate::transport::{Line, Notify, Sent, Ticket, Turn};

/// What a cell works with.
pub(super) struct Bench<'a> {
    pub(super) plan: &'a Plan,
    pub(super) line: &'a Line,
    pub(super) seats: &'a Seats,
    pub(super) desk: Option<&'a Desk>,
    pub(super) past: &'a Past,
    pub(super) notify: Notify<'a>,
    pub(super) hook: &'a Hook,
}

/// A cell that has ended.
pub(super) struct Ended {
    pub(super) entry: Entry,
    /// Whether the ledger has it already, word for word.
    pub(super) known: bool,
}

/// The question of a cell, and its ids.
pub(super) struct Question {
    pub(super) request: Result<Request, CallFailure>,
    pub(super) request_id: Arc<str>,
    pub(super) cell_id: Arc<str>,
}

/// Runs a cell; `None` when the run stopped before it had an answer.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn run(cell: &Cell, bench: &Bench<'_>, ticket: Option<Ticket>) -> Result<Option<Draft>, StoreError> {
    let mut turn = None;
    if let Some(ticket) = ticket {
        let Some(given) = ticket.turn().await else { return Ok(None) };
        turn = Some(given);
    }
    let question = Question::of(cell, bench.plan);
    let mut kept = bench.past.take(&question.cell_id)?;
    let reused = kept.as_ref().is_some_and(|kept| kept.result.is_some());
    let Some(sent) = answer(cell, &question, &mut kept, turn, bench).await else { return Ok(None) };
    // Only what was asked for now may serve others from now on.
    let shared = bench.line.shares() && !reused && cell.case.recorded.is_none();
    // A draft of an earlier go is one still.
    let was_draft = kept.as_ref().is_some_and(|kept| kept.row.is_none());
    let drafted = was_draft || (!reused && leave(cell, &question, &sent, shared, bench));
    let origin = Provenance { kept, reused, shared, drafted };
    // On the heap once it is needed: hundreds of cells wait for their turn, and each is as large as its largest step.
    Ok(Box::pin(Draft::of(cell, question, sent, bench, origin)).await)
}

/// Leaves an answer in the ledger where judging it takes its time.
fn leave(cell: &Cell, question: &Question, sent: &Sent, shared: bool, bench: &Bench<'_>) -> bool {
    let (Some(desk), Ok(response)) = (bench.desk, &sent.result) else { return false };
    let waits = cell.case.assertions().any(|a| a.graded() > 0 || a.is_contest());
    if sent.attempts == 0 || !waits {
        return false;
    }
    desk.leave(Paid::Draft {
        cell: Arc::clone(&question.cell_id),
        request: Arc::clone(&question.request_id),
        response: response.clone(),
        attempts: sent.attempts,
        shared,
    });
    true
}

/// Runs a cell that reads what earlier ones of its thread said, when they have said it.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn run_in_thread(
    cell: &Cell,
    bench: &Bench<'_>,
    threads: &Threads,
    mut place: Place,
) -> Result<Option<Draft>, StoreError> {
    place.come().await;
    let draft = match threads.continue_with(cell, &place) {
        Ok(cell) => {
            let ticket = cell.case.recorded.is_none().then(|| bench.line.queue());
            Box::pin(run(&cell, bench, ticket)).await?
        }
        Err(failure) => {
            let question = Question::of(cell, bench.plan);
            let kept = bench.past.take(&question.cell_id)?;
            let sent = Sent::without_asking(Err(failure));
            let origin = Provenance { kept, reused: false, shared: false, drafted: false };
            Box::pin(Draft::of(cell, question, sent, bench, origin)).await
        }
    };
    if let Some(draft) = &draft {
        threads.take(draft, &place);
    }
    Ok(draft)
}

impl Question {
    fn of(cell: &Cell, plan: &Plan) -> Self {
        let request = cell.request(plan);
        let request_id = request.as_ref().map_or_else(|_| "".into(), |request| cell.request_id(plan, request));
        let cell_id = cell.id(&request_id);
        Self { request, request_id, cell_id }
    }
}

/// Where the answer comes from: the config, an earlier go, or the line.
async fn answer(
    cell: &Cell,
    question: &Question,
    kept: &mut Option<KeptCell>,
    turn: Option<Turn>,
    bench: &Bench<'_>,
) -> Option<Sent> {
    if let Some(output) = &cell.case.recorded {
        let response = Response { output: output.clone(), ..Response::default() };
        return Some(Sent::without_asking(Ok(response)));
    }
    let request = match &question.request {
        Ok(request) => request,
        Err(failure) => return Some(Sent::without_asking(Err(failure.clone()))),
    };
    if let Some(kept) = kept
        && let Some(result) = kept.result.take()
    {
        if let Ok(response) = &result {
            bench.line.note(request, &question.request_id, response);
        }
        return Some(Sent { result, attempts: kept.attempts, setbacks: Vec::new() });
    }
    bench.line.send(request, &question.request_id, turn?, bench.notify).await
}
