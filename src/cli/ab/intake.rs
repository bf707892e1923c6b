//! Measurements on their way into the store: believed, or refused with a reason.

use std::cell::OnceCell;

use crate::content::ContentId;
use crate::env::{format_time, parse_time};
use crate::experiment::{Aggregate, Arm, Assignment, Metric, Phase};
use crate::registry::{Experiment, Registry};
use crate::store::{Record, reaches};

/// Clocks of other machines may be so much ahead, in milliseconds.
const AHEAD: u64 = 60 * 60 * 1000;
/// Letters of a date without a time of day.
const DAY: usize = "2026-11-23".len();

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
    pub(super) how: How,
}

/// How measurements come.
pub(super) struct How {
    /// What the clock says.
    pub(super) now_ms: u64,
    /// Whether they come as they happen, one by one.
    pub(super) live: bool,
    /// When those happened that have no time.
    pub(super) at: Option<String>,
    /// Whether their users are exposed with them.
    pub(super) expose: bool,
}

impl<'a> Intake<'a> {
    pub(super) fn new(registry: &'a Registry, experiment: &'a Experiment, how: How) -> Self {
        Self { registry, newest: (experiment.since_ms(), experiment), all: OnceCell::new(), how }
    }

    /// The names of what is measured now.
    pub(super) fn metrics(&self) -> impl Iterator<Item = &str> {
        self.newest.1.phase.metrics.iter().map(|metric| metric.name.as_str())
    }

    /// Checks a measurement.
    ///
    /// # Errors
    /// Why it cannot be one.
    pub(super) fn take(&self, given: &Given) -> Result<Taken, String> {
        if given.user.is_empty() {
            return Err("there is no user".into());
        }
        let own = &self.newest.1.phase.name;
        if let Some(other) = given.experiment.as_ref().filter(|said| *said != own) {
            return Err(format!("this belongs to the experiment `{other}`, not to `{own}`"));
        }
        let (at_ms, phase) = self.when(given)?;
        let (metric, value) = measured(phase, given)?;
        if !self.how.live {
            tells_apart(metric, given)?;
        }
        let Some(arm) = arm(phase, given)? else { return Ok(Taken::LeftOut) };
        let event = given.event.clone().unwrap_or_else(|| derived(given));
        let Given { user, metric, segment, .. } = given.clone();
        let record = Record { user, arm: arm.name.clone(), metric, value, event, segment, at_ms };
        Ok(Taken::Record(phase.phase, record))
    }

    /// The time of a measurement, and what decided about users then.
    fn when(&self, given: &Given) -> Result<(u64, &Phase), String> {
        let said = given.at.as_ref().or(self.how.at.as_ref());
        let at_ms = said.map(|text| time(text)).transpose()?.unwrap_or(self.how.now_ms);
        let stretch = self.stretch(at_ms).map_err(|why| match said {
            Some(text) if text.len() <= DAY => format!("{why}; a day alone means its beginning"),
            _ => why,
        })?;
        let number = stretch.phase.phase;
        if said.is_none() && !self.how.live && number > 1 {
            return Err(format!("this has no time, and could belong to a phase before {number}: --at says it of all"));
        }
        match &stretch.stopped {
            Some(stop) if self.how.expose && at_ms > stop.time_ms() => {
                Err(format!("nobody was exposed after the experiment was stopped, at {}", stop.time))
            }
            _ => Ok((at_ms, &stretch.phase)),
        }
    }

    /// What decided about users at a time: what came of one version says nothing of another.
    fn stretch(&self, at_ms: u64) -> Result<&Experiment, String> {
        if at_ms > self.how.now_ms + AHEAD {
            return Err(format!("{} is yet to come", format_time(at_ms)));
        }
        let (since, newest) = self.newest;
        if reaches(at_ms, since) {
            return Ok(newest);
        }
        let found = self.all()?.iter().rfind(|(since, _)| reaches(at_ms, *since));
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

/// The metric and its value.
fn measured<'a>(phase: &'a Phase, given: &Given) -> Result<(&'a Metric, f64), String> {
    let metric = phase.metric(&given.metric).ok_or_else(|| {
        let known: Vec<&str> = phase.metrics.iter().map(|metric| metric.name.as_str()).collect();
        format!("`{}` is no metric of this experiment; it has {}", given.metric, known.join(", "))
    })?;
    let value = number(&given.value).ok_or_else(|| {
        let point = given.value.replace(',', ".");
        let meant = point.parse::<f64>().ok().map(|_| format!(": write {point}")).unwrap_or_default();
        format!("`{}`: `{}` is no number{meant}", metric.name, given.value)
    })?;
    metric.takes(value).map(|()| (metric, value))
}

/// The arm of the user; nobody's of a tester.
fn arm<'a>(phase: &'a Phase, given: &Given) -> Result<Option<&'a Arm>, String> {
    let user = &given.user;
    let arm = match phase.assign(user) {
        Assignment::In { arm, forced: false } => arm,
        Assignment::In { .. } => return Ok(None),
        Assignment::Out(_) => return Err(format!("the user `{user}` is in no arm of this experiment")),
    };
    match given.arm.as_deref().filter(|said| *said != arm.name && *said != arm.version) {
        Some(said) => Err(format!("the user `{user}` is in the arm `{}`, and `{said}` is said here", arm.name)),
        None => Ok(Some(arm)),
    }
}

/// Where each value counts, or only the latest, lines must be told apart.
fn tells_apart(metric: &Metric, given: &Given) -> Result<(), String> {
    let name = &metric.name;
    match metric.aggregate {
        Aggregate::Sum if given.event.is_none() => {
            Err(format!("`{name}` is a sum: without an `event` two equal lines would count once"))
        }
        Aggregate::Last if given.at.is_none() => {
            Err(format!("the last `{name}` counts: without a `time` nobody knows which it is"))
        }
        _ => Ok(()),
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
