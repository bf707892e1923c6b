//! Cells of one row that are graded together.

use std::collections::HashMap;

use super::bar::{Bar, Seats};
use super::draft::Draft;
use super::step::Finish;
use crate::assert::{Asked, Entry, Finding, Subject, contests, fold};
use crate::plan::Plan;
use crate::record::Verdict;
use crate::transport::Notify;

/// Rows whose cells wait for each other.
#[derive(Default)]
pub(super) struct Rows {
    waiting: HashMap<u64, Row>,
}

/// The cells of one row.
#[derive(Default)]
pub(super) struct Row {
    drafts: Vec<Draft>,
    ended: usize,
    /// How many cells there are.
    cells: usize,
    /// Whether one of them will not come in this run.
    broken: bool,
}

impl Rows {
    /// A cell of a row has ended, with a draft where it waits for the others, or was `stopped`; gives the row
    /// once all have.
    pub(super) fn end(&mut self, row: u64, cells: usize, draft: Option<Draft>, stopped: bool) -> Option<Row> {
        let waiting = self.waiting.entry(row).or_default();
        waiting.drafts.extend(draft);
        waiting.ended += 1;
        waiting.broken |= stopped;
        waiting.cells = cells;
        if waiting.ended < cells {
            return None;
        }
        self.waiting.remove(&row)
    }

    /// Rows that will not be whole any more.
    pub(super) fn rest(&mut self) -> Vec<Row> {
        self.waiting.drain().map(|(_, row)| row).collect()
    }
}

impl Row {
    /// Whether anybody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.drafts.is_empty()
    }

    /// Grades the cells together.
    pub(super) async fn close(mut self, plan: &Plan, seats: &Seats, notify: Notify<'_>) -> Vec<Finish> {
        // Plan order, whatever came first: an index in a grader's reply must mean the same in every run.
        self.drafts.sort_by_key(|draft| draft.cell.index);
        let places = self.drafts.first().map(|draft| contests(&draft.assertions()).len()).unwrap_or_default();
        for nth in 0..places {
            if self.broken {
                return self.abandon();
            }
            self.hold(nth, plan, seats, notify).await;
        }
        if self.broken {
            return self.abandon();
        }
        for draft in &mut self.drafts {
            draft.score().await;
        }
        self.drafts.into_iter().map(|draft| Finish::alone(draft.close())).collect()
    }

    /// Leaves the cells to a later go: some of the row were never answered or held against each other.
    pub(super) fn abandon(self) -> Vec<Finish> {
        self.drafts.into_iter().map(|draft| Finish::stopped(draft.cell.index)).collect()
    }

    async fn hold(&mut self, nth: usize, plan: &Plan, seats: &Seats, notify: Notify<'_>) {
        let Some(first) = self.drafts.first() else { return };
        if self.drafts.len() < self.cells.max(2) {
            let why = format!("only {} of {} answers to this case came", self.drafts.len(), self.cells);
            return self.enter(nth, &Err(why));
        }
        let bar = Bar::new(seats, notify, first.cell.repeat, first.origin.is_graded());
        let findings = Box::pin(self.findings(nth, plan, &bar)).await;
        self.broken |= bar.is_stopped();
        let asides = bar.asides();
        self.enter(nth, &findings);
        if let Some(first) = self.drafts.first_mut() {
            first.asides.extend(asides);
        }
    }

    async fn findings(&self, nth: usize, plan: &Plan, bar: &Bar<'_>) -> Result<Vec<Finding>, String> {
        let first = self.drafts.first().ok_or("there is no answer")?;
        let response = first.response.as_ref().ok_or("there is no answer")?;
        let case = &first.cell.case;
        let origin = &plan.columns[first.cell.column].target.origin;
        let (prompt, parameters) = match &first.question.request {
            Ok(request) => (&*request.text, &*request.parameters),
            Err(failure) => return Err(failure.message.clone()),
        };
        let asked = Asked::new(prompt, &case.reference, origin, parameters, response).graded(bar, &case.grading);
        let text = response.output.text();
        let subject = Subject { response, text: &text, scope: first.cell.scope(), asked: Some(&asked) };
        let texts: Vec<_> = self.drafts.iter().map(|d| d.response.as_ref().map(|r| r.output.text())).collect();
        let verdicts: Vec<Vec<Verdict>> = self.drafts.iter().map(others).collect();
        let pairs = texts.iter().zip(&verdicts);
        let entries: Vec<Entry<'_>> =
            pairs.map(|(text, verdicts)| Entry { text: text.as_deref().unwrap_or_default(), verdicts }).collect();
        let assertions = first.assertions();
        let (_, contest) = contests(&assertions).into_iter().nth(nth).ok_or("there is no such assertion")?;
        contest.hold(&subject, &entries).await
    }

    /// Writes findings to their place in every draft.
    fn enter(&mut self, nth: usize, findings: &Result<Vec<Finding>, String>) {
        for (at, draft) in self.drafts.iter_mut().enumerate() {
            let place = contests(&draft.assertions()).get(nth).map(|(place, _)| *place);
            let found = match findings {
                Ok(list) => list.get(at).cloned().ok_or_else(|| "it was left out".to_owned()),
                Err(why) => Err(why.clone()),
            };
            if let Some(slot) = place.and_then(|place| draft.finds.get_mut(place)) {
                *slot = found;
            }
        }
    }
}

/// What the other assertions of a cell say.
fn others(draft: &Draft) -> Vec<Verdict> {
    let Some(response) = &draft.response else { return Vec::new() };
    let text = response.output.text();
    let subject = Subject::plain(response, &text, draft.cell.scope());
    let assertions = draft.assertions();
    let grade = fold(&assertions, None, &subject, draft.finds.clone());
    let contests: Vec<&str> =
        assertions.iter().filter(|assertion| assertion.is_contest()).map(|assertion| &**assertion.name()).collect();
    grade.verdicts.into_iter().filter(|verdict| !contests.contains(&&*verdict.kind)).collect()
}
