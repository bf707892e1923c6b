//! A cell with its answer, before the last word on it is said.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Map;

use super::bar::Bar;
use super::cell::{Bench, Ended, Question};
use crate::assert::{Asked, Assertion, Finding, Finds, Grade, Subject, find_all, fold};
use crate::plan::Cell;
use crate::record::{Aside, CallFailure, Outcome, Reason, Response, Setback, Spent, Status};
use crate::script::Transform;
use crate::store::{Entry, KeptCell};
use crate::transport::Sent;

/// Outputs beyond this many bytes are graded off the workers.
const LARGE: usize = 64 << 10;

/// All that is known of a cell but its grade.
pub(super) struct Draft {
    pub(super) cell: Cell,
    pub(super) question: Question,
    /// The answer as it is judged.
    pub(super) response: Option<Response>,
    pub(super) failure: Option<CallFailure>,
    /// What the assertions found.
    pub(super) finds: Finds,
    /// What the case's own script makes of them.
    scored: Option<Result<Finding, String>>,
    pub(super) asides: Vec<Arc<Aside>>,
    attempts: u32,
    setbacks: Vec<Setback>,
    pub(super) origin: Provenance,
}

/// What the ledger must know of an answer beside what it says.
pub(super) struct Provenance {
    pub(super) kept: Option<KeptCell>,
    /// Whether the answer is that of an earlier go.
    pub(super) reused: bool,
    /// Whether it may serve others.
    pub(super) shared: bool,
    /// Whether the ledger has the answer as a draft.
    pub(super) drafted: bool,
}

impl Provenance {
    /// Whether an earlier go has counted what graders took.
    pub(super) fn is_graded(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.grading != Spent::default())
    }
}

impl Draft {
    /// Lets the assertions look at an answer; nothing when the run stopped while graders were to be asked.
    pub(super) async fn of(
        cell: &Cell,
        question: Question,
        sent: Sent,
        bench: &Bench<'_>,
        origin: Provenance,
    ) -> Option<Self> {
        let bar = Bar::new(bench.seats, bench.notify, cell.repeat, origin.is_graded());
        let Sent { result, attempts, setbacks } = sent;
        let (response, failure, finds) = match result {
            Ok(response) => look(cell, &question, response, bench, &bar).await,
            Err(failure) => (None, Some(failure), Finds::new()),
        };
        if bar.is_stopped() {
            return None;
        }
        let cell = cell.clone();
        let (asides, scored) = (bar.asides(), None);
        let mut draft = Self { cell, question, response, failure, finds, scored, asides, attempts, setbacks, origin };
        if !draft.waits() {
            draft.score().await;
        }
        Some(draft)
    }

    /// Asks the case's own script what all findings come to.
    pub(super) async fn score(&mut self) {
        let Some(scoring) = self.cell.case.scoring.clone() else { return };
        let finds = self.finds.clone();
        let grade = self.grade();
        self.finds = finds;
        self.scored = scoring.find(&grade, self.cell.case.threshold).await;
    }

    /// Whether other answers of its case must be known before it can be graded.
    pub(super) fn waits(&self) -> bool {
        self.failure.is_none() && self.assertions().iter().any(|assertion| assertion.is_contest())
    }

    pub(super) fn assertions(&self) -> Vec<&Assertion> {
        self.cell.case.assertions().collect()
    }

    /// The grade as it stands.
    pub(super) fn grade(&mut self) -> Grade {
        let finds = std::mem::take(&mut self.finds);
        let Some(response) = self.response.as_ref().filter(|_| self.failure.is_none()) else {
            return Grade { status: Status::Errored, score: 0.0, named: Vec::new(), verdicts: Vec::new() };
        };
        let text = response.output.text();
        let subject = Subject::plain(response, &text, self.cell.scope());
        let assertions: Vec<&Assertion> = self.cell.case.assertions().collect();
        fold(&assertions, self.cell.case.threshold, &subject, finds)
    }

    /// Says the last word.
    pub(super) fn close(mut self) -> Ended {
        let mut grade = self.grade();
        if let (Some(scoring), Some(found)) = (&self.cell.case.scoring, self.scored) {
            grade = scoring.apply(grade, found);
        }
        let Provenance { kept, reused, shared, drafted } = self.origin;
        let earlier = kept.as_ref().map(|kept| kept.grading).unwrap_or_default();
        let mut grading = Spent::on(&self.asides);
        grading += earlier;
        let outcome = Outcome {
            index: self.cell.index,
            cell: self.question.cell_id,
            request: self.question.request_id,
            row: self.cell.row,
            column: self.cell.column,
            repeat: self.cell.repeat,
            case: Arc::clone(&self.cell.case.reference),
            prompt: self.question.request.map_or_else(|_| "".into(), |request| request.text),
            status: grade.status,
            score: grade.score,
            named: grade.named,
            verdicts: grade.verdicts,
            response: self.response,
            failure: self.failure,
            attempts: self.attempts,
            setbacks: self.setbacks,
            grading,
            asides: self.asides,
        };
        let asked = outcome.asides.iter().any(|aside| aside.attempts > 0);
        let known = reused && !asked && kept.as_ref().is_some_and(|kept| kept.says(&outcome));
        let response = kept.as_ref().filter(|_| reused).and_then(|kept| kept.response);
        let replaces = kept.and_then(|kept| kept.row);
        let entry = Entry { outcome: Arc::new(outcome), replaces, response, shared, drafted };
        Ended { entry, known }
    }
}

type Looked = (Option<Response>, Option<CallFailure>, Finds);

/// Transforms an answer and asks the assertions.
async fn look(cell: &Cell, question: &Question, response: Response, bench: &Bench<'_>, bar: &Bar<'_>) -> Looked {
    let none = Map::new();
    let (prompt, parameters) =
        question.request.as_ref().map_or(("", &none), |request| (&*request.text, &*request.parameters));
    let target = &bench.plan.columns[cell.column].target;
    let asked = Asked::new(prompt, &cell.case.reference, &target.origin, parameters, &response);
    let asked = asked.graded(bar, &cell.case.grading).with_post(bench.hook);
    let asked = match &cell.thread {
        Some(scope) => asked.with_vars(scope.vars()),
        None => asked,
    };
    let transforms = [target.transform.as_ref(), cell.case.transform.as_deref()];
    let judged = match transformed(&response, transforms, &asked).await {
        Ok(judged) => judged,
        Err(message) => {
            drop(asked);
            return (Some(response), Some(CallFailure::new(Reason::Transform, message)), Finds::new());
        }
    };
    let text = judged.output.text();
    let subject = Subject { response: &judged, text: &text, scope: cell.scope(), asked: Some(&asked) };
    let assertions: Vec<&Assertion> = cell.case.assertions().collect();
    let finds = unhurried(text.len(), find_all(&assertions, &subject)).await;
    (Some(judged.into_owned()), None, finds)
}

/// The answer with the output that is judged; what came stays beside it.
async fn transformed<'a>(
    response: &'a Response,
    [of_provider, of_test]: [Option<&Transform>; 2],
    asked: &Asked<'_>,
) -> Result<Cow<'a, Response>, String> {
    let mut response = Cow::Borrowed(response);
    for (transform, provides) in of_provider.map(|t| (t, true)).into_iter().chain(of_test.map(|t| (t, false))) {
        let output = transform.apply(&response.output, asked.context()).await?;
        if provides {
            asked.provide(&output);
        }
        let before = std::mem::replace(&mut response.to_mut().output, output);
        response.to_mut().raw.get_or_insert(before);
    }
    Ok(response)
}

/// Looking at a large output can take a while: the other cells must not wait for it. For small ones
/// handing over the worker would cost more than the looking.
async fn unhurried(length: usize, looking: impl Future<Output = Finds>) -> Finds {
    if length <= LARGE {
        return looking.await;
    }
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| runtime.block_on(looking))
}
