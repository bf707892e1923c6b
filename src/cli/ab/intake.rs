//! Measurements on their way into the store: believed, or refused with a reason.

use std::cell::OnceCell;

use crate::content::ContentId;
use crate::env::{format_time, parse_time};
use crate::experiment::Assignment;
use crate::registry::{Experiment, Registry};
use crate::store::Record;

/// Clocks of other machines may be so much ahead, in milliseconds.
const AHEAD: u64 = 60 * 60 * 1000;

/// A measurement as somebody wrote it.
#[derive(Debug, Clone, Default)]
pub(super) struct Given {
    pub(super) user: String,
    pub(super) metric: String,
    pub(super) value: String,
    pub(super) event: Option<String>,
    pub(super) at: Option<String>,
    pub(super) segment: Option<String>,
    pub(super) arm: Option<String>,
    pub(super) experiment: Option<String>,
}

/// What becomes of a measurement.
pub(super) enum Taken {
    /// It is of this phase.
    Record(u32, Record),
    /// Of a user who is in no arm by the hash: a tester.
    LeftOut,
}

/// Believes measurements of one experiment.
pub(super) struct Intake<'a> {
    registry: &'a Registry,
    /// The newest stretch, and when it began.
    newest: (u64, &'a Experiment),
    /// All of them, oldest first, once something is older than the newest.
    all: OnceCell<Vec<(u64, Experiment)>>,
    /// What the clock says, for those that have no time.
    pub(super) now_ms: u64,
}

impl<'a> Intake<'a> {
    pub(super) fn new(registry: &'a Registry, experiment: &'a Experiment, now_ms: u64) -> Self {
        Self { registry, newest: (experiment.since_ms(), experiment), all: OnceCell::new(), now_ms }
    }

    /// Checks a measurement.
    ///
    /// # Errors
    /// Why it cannot be one.
    pub(super) fn take(&self, given: &Given) -> Result<Taken, String> {
        let user = &given.user;
        if user.is_empty() {
            return Err("there is no user".into());
        }
        let own = &self.newest.1.phase.name;
        if let Some(other) = given.experiment.as_ref().filter(|said| *said != own) {
            return Err(format!("this belongs to the experiment `{other}`, not to `{own}`"));
        }
        let at_ms = given.at.as_deref().map(time).transpose()?.unwrap_or(self.now_ms);
        let phase = &self.stretch(at_ms)?.phase;
        let metric = phase.metric(&given.metric).ok_or_else(|| {
            let known: Vec<&str> = phase.metrics.iter().map(|metric| metric.name.as_str()).collect();
            format!("`{}` is no metric of this experiment; it has {}", given.metric, known.join(", "))
        })?;
        let value = number(&given.value).ok_or_else(|| format!("`{}` is no number", given.value))?;
        metric.takes(value)?;
        let arm = match phase.assign(user) {
            Assignment::In { arm, forced: false } => arm,
            Assignment::In { .. } => return Ok(Taken::LeftOut),
            Assignment::Out(_) => return Err(format!("the user `{user}` is in no arm of this experiment")),
        };
        if let Some(said) = given.arm.as_deref().filter(|said| *said != arm.name && *said != arm.version) {
            return Err(format!("the user `{user}` is in the arm `{}`, and `{said}` is said here", arm.name));
        }
        let event = given.event.clone().unwrap_or_else(|| derived(given));
        let (user, metric, segment) = (user.clone(), given.metric.clone(), given.segment.clone());
        let record = Record { user, arm: arm.name.clone(), metric, value, event, segment, at_ms };
        Ok(Taken::Record(phase.phase, record))
    }

    /// What decided about users at a time: what came of one version says nothing of another.
    fn stretch(&self, at_ms: u64) -> Result<&Experiment, String> {
        if at_ms > self.now_ms + AHEAD {
            return Err(format!("{} is yet to come", format_time(at_ms)));
        }
        let (since, newest) = self.newest;
        if at_ms >= since {
            return Ok(newest);
        }
        let found = self.all()?.iter().rfind(|(since, _)| *since <= at_ms);
        found.map(|(_, one)| one).ok_or_else(|| {
            let began = self.all().ok().and_then(|all| all.first()).map_or(since, |(since, _)| *since);
            format!("at {} the experiment had not begun: it did at {}", format_time(at_ms), format_time(began))
        })
    }

    fn all(&self) -> Result<&Vec<(u64, Experiment)>, String> {
        if let Some(all) = self.all.get() {
            return Ok(all);
        }
        let all = self.registry.stretches(&self.newest.1.phase.name).map_err(|e| e.message)?;
        Ok(self.all.get_or_init(|| all.into_iter().map(|one| (one.since_ms(), one)).collect()))
    }
}

/// An id made of all that is said: the same said again is the same.
fn derived(given: &Given) -> String {
    let id = ContentId::of(&given.user).with(&given.metric).with(&given.value);
    id.with(given.at.as_deref().unwrap_or_default()).hex::<10>().to_string()
}

/// A number; `true` and `yes` are one, `false` and `no` none.
fn number(text: &str) -> Option<f64> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" => Some(1.0),
        "false" | "no" => Some(0.0),
        text => text.parse().ok(),
    }
}

/// Milliseconds since 1970: RFC 3339, or a number of seconds or milliseconds.
fn time(text: &str) -> Result<u64, String> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        // Seconds have eleven digits from the year 5138 on.
        let millis = if number.abs() < 1e11 { number * 1000.0 } else { number };
        if millis.is_finite() && millis >= 0.0 {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just before")]
            return Ok(millis as u64);
        }
    }
    parse_time(text).ok_or_else(|| format!("`{text}` is no time: write 2026-11-23T09:00:00Z, or seconds since 1970"))
}
