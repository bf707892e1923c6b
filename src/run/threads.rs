//! Cells that read what earlier ones answered: conversations, and outputs under a name.
//!
//! In each column the cells of one conversation are asked one after the other; where outputs are kept
//! under names, so are all cells of a column. Columns never wait for each other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

use super::draft::Draft;
use crate::plan::{CONVERSATION, Cell, Plan};
use crate::record::{CallFailure, Output, Reason};
use crate::template::Scope;

/// What a cell has in common with those it waits for.
type Key = (usize, u32, String);

/// The threads of a run.
#[derive(Default)]
pub(super) struct Threads {
    /// Who was begun last in each thread: its place is free once the other end is dropped.
    last: Mutex<HashMap<Key, oneshot::Receiver<()>>>,
    known: Mutex<HashMap<Key, Known>>,
}

/// What a thread has said.
#[derive(Default)]
struct Known {
    turns: Vec<Value>,
    named: Map<String, Value>,
    /// Why nothing can follow any more.
    broken: Option<String>,
}

/// A cell's place in its thread; the next may come when it is dropped.
pub(super) struct Place {
    key: Key,
    before: Option<oneshot::Receiver<()>>,
    _done: oneshot::Sender<()>,
}

impl Threads {
    /// A cell's place, in plan order; nothing for cells that wait for nobody.
    pub(super) fn place(&self, cell: &Cell, plan: &Plan) -> Option<Place> {
        let key = key(cell, plan)?;
        let (done, next) = oneshot::channel();
        let before = self.last.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), next);
        Some(Place { key, before, _done: done })
    }

    /// The cell with what its thread has said so far.
    ///
    /// # Errors
    /// When an earlier cell of the thread has no answer: what followed would be about something else.
    pub(super) fn continue_with(&self, cell: &Cell, place: &Place) -> Result<Cell, CallFailure> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let none = Known::default();
        let known = known.get(&place.key).unwrap_or(&none);
        if let Some(why) = &known.broken {
            return Err(CallFailure::new(Reason::NotSent, format!("not asked: {why}")));
        }
        let mut vars = known.named.clone();
        vars.extend((*cell.case.reference.vars).clone());
        let scope = Scope::new(&vars).with(CONVERSATION, known.turns.clone().into());
        Ok(Cell { thread: Some(Arc::new(scope)), ..cell.clone() })
    }

    /// Takes in what a cell came to.
    pub(super) fn take(&self, draft: &Draft, place: &Place) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.entry(place.key.clone()).or_default();
        let case = &draft.cell.case;
        let Some(response) = draft.response.as_ref().filter(|_| draft.failure.is_none()) else {
            let name = case.reference.description.as_deref().unwrap_or(&case.reference.id);
            known.broken.get_or_insert_with(|| format!("the earlier case `{name}` has no answer"));
            return;
        };
        let output = match &response.output {
            Output::Text(text) => Value::from(text.as_str()),
            Output::Json(value) => value.clone(),
        };
        if let Some(name) = &case.store_as {
            known.named.insert(name.to_string(), output.clone());
        }
        let prompt = draft.question.request.as_ref().map_or("", |request| &*request.text);
        known.turns.push(turn(prompt, &output, &case.reference.metadata));
    }
}

impl Place {
    /// Waits for the cell before.
    pub(super) async fn come(&mut self) {
        if let Some(before) = self.before.take() {
            // Its end is dropped when it is done, or when the run stops.
            let _ = before.await;
        }
    }
}

fn key(cell: &Cell, plan: &Plan) -> Option<Key> {
    if plan.stores {
        return Some((cell.column, cell.repeat, String::new()));
    }
    let reads = plan.columns[cell.column].converses && !cell.case.alone;
    let id = cell.case.reference.metadata.get("conversationId");
    let id = id.map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned)).unwrap_or_default();
    reads.then_some((cell.column, cell.repeat, id))
}

/// One exchange, as prompts read it: `input` is the last message where the prompt is a list of them.
fn turn(prompt: &str, output: &Value, metadata: &Map<String, Value>) -> Value {
    let parsed: Option<Value> = serde_json::from_str(prompt).ok().filter(|value: &Value| value.is_array());
    let last = parsed.as_ref().and_then(|list| list.as_array()?.last()?.get("content").cloned());
    let prompt = parsed.unwrap_or_else(|| prompt.into());
    let input = last.unwrap_or_else(|| prompt.clone());
    json!({"prompt": prompt, "input": input, "output": output, "metadata": metadata})
}
