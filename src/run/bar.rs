//! The way of one cell to its graders.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use serde_json::{Map, Value, json};

use super::past::Past;
use crate::content::ContentId;
use crate::judge::{Grader, Judge, Question};
use crate::plan::{Plan, Target};
use crate::record::{Aside, CallFailure, Messages, Reason, Request, Response};
use crate::store::{Desk, Paid};
use crate::transport::{Line, Notify, Sent};

/// The graders of a run.
pub(super) struct Seats {
    graders: Vec<Seat>,
    desk: Option<Desk>,
    past: Arc<Past>,
}

struct Seat {
    target: Arc<Target>,
    line: Arc<Line>,
    /// Whether its endpoint refuses to promise a shape of the reply.
    shapeless: AtomicBool,
}

impl Seats {
    /// The graders of a plan. One that is also asked for answers has one line for both.
    pub(super) fn new(plan: &Plan, lines: &[Arc<Line>], open: impl Fn(&Arc<Target>) -> Arc<Line>) -> Self {
        let seat = |target: &Arc<Target>| {
            let same = plan.targets.iter().position(|known| Arc::ptr_eq(known, target));
            let line = same.map_or_else(|| open(target), |at| Arc::clone(&lines[at]));
            // Who was told what shape to answer in is not told another.
            let shapeless =
                AtomicBool::new(target.origin.config.get("response_format").is_some() || target.is_no_chat());
            Seat { target: Arc::clone(target), line, shapeless }
        };
        Self { graders: plan.graders.iter().map(seat).collect(), desk: None, past: Arc::default() }
    }

    /// With what they answered in an earlier go, and where to leave what they answer now.
    pub(super) fn with_ledger(self, desk: Option<Desk>, past: Arc<Past>) -> Self {
        Self { desk, past, ..self }
    }

    /// What was answered to a question in an earlier go.
    fn earlier(&self, question: &str) -> Result<Option<Response>, CallFailure> {
        self.past.opinion(question).map_err(|error| CallFailure::new(Reason::NotSent, error.message))
    }

    fn leave(&self, paid: Paid) {
        if let Some(desk) = &self.desk {
            desk.leave(paid);
        }
    }
}

/// What a cell has of the graders: the way there, and what they answered.
pub(super) struct Bar<'a> {
    seats: &'a Seats,
    notify: Notify<'a>,
    repeat: u32,
    /// Whether what earlier answers took is counted already.
    counted: bool,
    asides: Mutex<Vec<Aside>>,
    stopped: AtomicBool,
}

impl<'a> Bar<'a> {
    pub(super) fn new(seats: &'a Seats, notify: Notify<'a>, repeat: u32, counted: bool) -> Self {
        Self { seats, notify, repeat, counted, asides: Mutex::default(), stopped: AtomicBool::default() }
    }

    /// Whether a grader was not asked because the run stopped.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// All answers that graders gave.
    pub(super) fn asides(self) -> Vec<Arc<Aside>> {
        self.asides.into_inner().unwrap_or_default().into_iter().map(Arc::new).collect()
    }

    async fn put(&self, seat: &Seat, question: &Question, shaped: bool) -> Result<Response, CallFailure> {
        let request = request(question, shaped);
        let id = self.id(seat, &request, question.sample);
        let stopped = || {
            self.stopped.store(true, Ordering::Relaxed);
            CallFailure::new(Reason::NotSent, "the run was stopped, or its budget is used up")
        };
        if let Some(response) = self.seats.earlier(&id)? {
            let attempts = u32::from(!self.counted);
            self.note(seat, id, attempts, Some(response.clone()));
            return Ok(response);
        }
        let turn = seat.line.queue().turn().await.ok_or_else(stopped)?;
        let Sent { result, attempts, .. } =
            seat.line.send(&request, &id, turn, self.notify).await.ok_or_else(stopped)?;
        if let (Ok(response), true) = (&result, attempts > 0) {
            let serves = seat.line.shares();
            let opinion = Paid::Opinion { question: Arc::clone(&id), response: response.clone(), shared: serves };
            self.seats.leave(opinion);
        }
        self.note(seat, id, attempts, result.as_ref().ok().cloned());
        result
    }

    fn note(&self, seat: &Seat, request: Arc<str>, attempts: u32, response: Option<Response>) {
        let aside = Aside { request, grader: Arc::clone(&seat.target.label), response, attempts };
        if let Ok(mut asides) = self.asides.lock() {
            asides.push(aside);
        }
    }

    /// Content id of the question, as a cell's: provider, messages, parameters, and which sample it is.
    fn id(&self, seat: &Seat, request: &Request, sample: u32) -> Arc<str> {
        let id = ContentId::of(&seat.target.identity).with("grader").with(&request.text);
        let id = id.with_json(&[Value::Object((*request.parameters).clone())]);
        id.with_number(self.repeat.into()).with_number(sample.into()).hex::<16>()
    }
}

fn request(question: &Question, shaped: bool) -> Request {
    let mut parameters = Map::new();
    if let Some(schema) = question.schema.as_ref().filter(|_| shaped) {
        let format = json!({"type": "json_schema", "json_schema": {"name": "reply", "strict": true, "schema": schema}});
        parameters.insert("response_format".to_owned(), format);
    }
    let (text, messages) = match &question.messages[..] {
        [] => (question.text.as_str().into(), Messages::User),
        list => (Value::from(list).to_string().into(), Messages::Chat(list.to_vec())),
    };
    Request { text, messages, vars: Arc::default(), parameters: Arc::new(parameters) }
}

impl Judge for Bar<'_> {
    fn reject(&self, reply: &Response) {
        let Ok(asides) = self.asides.lock() else { return };
        let same = |aside: &&Aside| aside.response.as_ref().is_some_and(|r| r.output == reply.output);
        for aside in asides.iter().filter(same) {
            self.seats.leave(Paid::Useless(Arc::clone(&aside.request)));
        }
    }

    fn ask(&self, grader: Grader, question: Question) -> BoxFuture<'_, Result<Response, String>> {
        Box::pin(async move {
            let seat = self.seats.graders.get(grader.0).ok_or("there is no such grader")?;
            let shaped = question.schema.is_some() && !seat.shapeless.load(Ordering::Relaxed);
            let mut result = self.put(seat, &question, shaped).await;
            // An endpoint that does not know the wish for a shape refuses the request; the words ask for it too.
            if shaped && matches!(&result, Err(failure) if failure.reason == Reason::Rejected) {
                seat.shapeless.store(true, Ordering::Relaxed);
                result = self.put(seat, &question, false).await;
            }
            result.map_err(|failure| format!("the grader `{}` gave no answer: {failure}", seat.target.label))
        })
    }
}
