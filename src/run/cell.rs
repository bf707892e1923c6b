//! The life of one cell: let in, the request, the answer, the verdicts.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Map;

use super::bar::{Bar, Panel};
use super::past::Past;
use crate::assert::{Asked, Grade, Subject, grade};
use crate::plan::{Cell, Plan};
use crate::record::{CallFailure, Outcome, Reason, Request, Response, Spent, Status};
use crate::script::Transform;
use crate::store::{Entry, KeptCell, StoreError};
use crate::transport::{Line, Notify, Sent, Ticket, Turn};

/// Outputs beyond this many bytes are graded off the workers.
const LARGE: usize = 64 << 10;

/// What a cell works with.
pub(super) struct Bench<'a> {
    pub(super) plan: &'a Plan,
    pub(super) line: &'a Line,
    pub(super) panel: &'a Panel,
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
    let mut outcome = judge(cell, question, sent, bench).await;
    outcome.grading += kept.as_ref().map(|kept| kept.grading).unwrap_or_default();
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

/// What the answer came to: judged, or why it could not be.
struct Judged {
    response: Option<Response>,
    failure: Option<CallFailure>,
    grade: Grade,
}

impl Judged {
    fn without_verdict(response: Option<Response>, failure: CallFailure) -> Self {
        let grade = Grade { status: Status::Errored, score: 0.0, named: Vec::new(), verdicts: Vec::new() };
        Self { response, failure: Some(failure), grade }
    }
}

async fn judge(cell: &Cell, question: Question, sent: Sent, bench: &Bench<'_>) -> Outcome {
    let bar = Bar::new(bench.panel, bench.notify, cell.repeat);
    let Judged { response, failure, grade } = match sent.result {
        Ok(response) => verdicts(cell, &question, response, (bench.plan, &bar)).await,
        Err(failure) => Judged::without_verdict(None, failure),
    };
    let asides = bar.asides();
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
        grading: Spent::on(&asides),
        asides,
    }
}

async fn verdicts(cell: &Cell, question: &Question, response: Response, (plan, bar): (&Plan, &Bar<'_>)) -> Judged {
    let none = Map::new();
    let (prompt, parameters) =
        question.request.as_ref().map_or(("", &none), |request| (&*request.text, &*request.parameters));
    let target = &plan.columns[cell.column].target;
    let asked = Asked::new(prompt, &cell.case.reference, &target.origin, parameters, &response);
    let asked = asked.graded(bar, &cell.case.grading);
    let transforms = target.transform.as_ref().into_iter().chain(cell.case.transform.as_deref());
    let judged = match transformed(&response, transforms, &asked).await {
        Ok(judged) => judged,
        Err(message) => {
            drop(asked);
            return Judged::without_verdict(Some(response), CallFailure::new(Reason::Transform, message));
        }
    };
    let text = judged.output.text();
    let subject = Subject { response: &judged, text: &text, scope: &cell.case.scope, asked: Some(&asked) };
    let grade = unhurried(text.len(), grade(cell.case.assertions(), cell.case.threshold, &subject)).await;
    Judged { response: Some(judged.into_owned()), failure: None, grade }
}

/// The answer with the output that is judged; what came stays beside it.
async fn transformed<'a>(
    response: &'a Response,
    transforms: impl Iterator<Item = &Transform>,
    asked: &Asked<'_>,
) -> Result<Cow<'a, Response>, String> {
    let mut response = Cow::Borrowed(response);
    for transform in transforms {
        let output = transform.apply(&response.output, asked.context()).await?;
        let before = std::mem::replace(&mut response.to_mut().output, output);
        response.to_mut().raw.get_or_insert(before);
    }
    Ok(response)
}

/// Grading a large output can take a while: the other cells must not wait for it. For small ones
/// handing over the worker would cost more than the grading.
async fn unhurried(length: usize, grading: impl Future<Output = Grade>) -> Grade {
    if length <= LARGE {
        return grading.await;
    }
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| runtime.block_on(grading))
}
