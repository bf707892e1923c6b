//! The life of one cell: let in, the request, the answer, the verdicts.

use std::sync::Arc;

use serde_json::Map;

use super::past::Past;
use crate::assert::{Asked, Grade, Subject, grade};
use crate::plan::{Cell, Plan};
use crate::record::{CallFailure, Outcome, Request, Response, Status};
use crate::store::{Entry, KeptCell, StoreError};
use crate::transport::{Line, Notify, Sent, Ticket, Turn};

/// Outputs beyond this many bytes are graded off the workers.
const LARGE: usize = 64 << 10;

/// What a cell works with.
pub(super) struct Bench<'a> {
    pub(super) plan: &'a Plan,
    pub(super) line: &'a Line,
    pub(super) past: &'a Past,
    pub(super) notify: Notify<'a>,
}

/// A cell that has ended.
pub(super) struct Ended {
    pub(super) entry: Entry,
    /// Whether the ledger has it already, word for word.
    pub(super) known: bool,
}

/// The question of a cell, and its ids.
struct Question {
    request: Result<Request, CallFailure>,
    request_id: Arc<str>,
    cell_id: Arc<str>,
}

/// Runs a cell; `None` when the run stopped before it had an answer.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn run(cell: &Cell, bench: &Bench<'_>, ticket: Option<Ticket>) -> Result<Option<Ended>, StoreError> {
    let mut turn = None;
    if let Some(ticket) = ticket {
        let Some(given) = ticket.turn().await else { return Ok(None) };
        turn = Some(given);
    }
    let question = Question::of(cell, bench.plan);
    let mut kept = bench.past.take(&question.cell_id)?;
    let reused = kept.as_ref().is_some_and(|kept| kept.result.is_some());
    let Some(sent) = answer(cell, &question, &mut kept, turn, bench).await else { return Ok(None) };
    let outcome = judge(cell, question, sent, bench.plan).await;
    let known = reused && kept.as_ref().is_some_and(|kept| kept.says(&outcome));
    // Only what was asked for now may serve others from now on.
    let shared = bench.line.shares() && !reused && cell.case.recorded.is_none();
    let response = kept.as_ref().filter(|_| reused).and_then(|kept| kept.response);
    let entry = Entry { outcome: Arc::new(outcome), replaces: kept.map(|kept| kept.row), response, shared };
    Ok(Some(Ended { entry, known }))
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

async fn judge(cell: &Cell, question: Question, sent: Sent, plan: &Plan) -> Outcome {
    let (response, failure, grade) = match sent.result {
        Ok(response) => {
            let grade = verdicts(cell, &question, &response, plan).await;
            (Some(response), None, grade)
        }
        Err(failure) => {
            let grade = Grade { status: Status::Errored, score: 0.0, named: Vec::new(), verdicts: Vec::new() };
            (None, Some(failure), grade)
        }
    };
    Outcome {
        index: cell.index,
        cell: question.cell_id,
        request: question.request_id,
        row: cell.row,
        column: cell.column,
        repeat: cell.repeat,
        case: Arc::clone(&cell.case.reference),
        prompt: question.request.map_or_else(|_| "".into(), |request| request.text),
        status: grade.status,
        score: grade.score,
        named: grade.named,
        verdicts: grade.verdicts,
        response,
        failure,
        attempts: sent.attempts,
        setbacks: sent.setbacks,
    }
}

/// Grading a large output can take a while: the other cells must not wait for it. For small ones
/// handing over the worker would cost more than the grading.
async fn verdicts(cell: &Cell, question: &Question, response: &Response, plan: &Plan) -> Grade {
    let none = Map::new();
    let (prompt, parameters) =
        question.request.as_ref().map_or(("", &none), |request| (&*request.text, &*request.parameters));
    let origin = &plan.columns[cell.column].target.origin;
    let asked = Asked::new(prompt, &cell.case.reference, origin, parameters, response);
    let text = response.output.text();
    let subject = Subject { response, text: &text, scope: &cell.case.scope, asked: Some(&asked) };
    let judging = grade(cell.case.assertions(), cell.case.threshold, &subject);
    if text.len() > LARGE {
        let runtime = tokio::runtime::Handle::current();
        return tokio::task::block_in_place(|| runtime.block_on(judging));
    }
    judging.await
}
