//! Measurements on their way into the store: believed, or refused with a reason.

use crate::content::ContentId;
use crate::experiment::Assignment;
use crate::registry::Experiment;
use crate::store::Record;

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
}

/// What becomes of a measurement.
pub(super) enum Taken {
    Record(Record),
    /// Of a user who is in no arm by the hash: a tester.
    LeftOut,
}

/// Believes measurements of one experiment.
pub(super) struct Intake<'a> {
    pub(super) experiment: &'a Experiment,
    /// What the clock says, for those that have no time.
    pub(super) now_ms: u64,
}

impl Intake<'_> {
    /// Checks a measurement.
    ///
    /// # Errors
    /// Why it cannot be one.
    pub(super) fn take(&self, given: &Given) -> Result<Taken, String> {
        if given.user.is_empty() {
            return Err("there is no user".into());
        }
        let phase = &self.experiment.phase;
        let metric = phase.metric(&given.metric).ok_or_else(|| {
            let known: Vec<&str> = phase.metrics.iter().map(|metric| metric.name.as_str()).collect();
            format!("`{}` is no metric of this experiment; it has {}", given.metric, known.join(", "))
        })?;
        let value = number(&given.value).ok_or_else(|| format!("`{}` is no number", given.value))?;
        metric.takes(value)?;
        let arm = match phase.assign(&given.user) {
            Assignment::In { arm, forced: false } => arm,
            Assignment::In { .. } => return Ok(Taken::LeftOut),
            Assignment::Out(_) => return Err(format!("the user `{}` is in no arm of this experiment", given.user)),
        };
        if let Some(said) = given.arm.as_deref().filter(|said| *said != arm.name && *said != arm.version) {
            return Err(format!("the user `{}` is in the arm `{}`, and `{said}` is said here", given.user, arm.name));
        }
        let at_ms = given.at.as_deref().map(time).transpose()?.unwrap_or(self.now_ms);
        let event = given.event.clone().unwrap_or_else(|| derived(given));
        let (user, metric, segment) = (given.user.clone(), given.metric.clone(), given.segment.clone());
        Ok(Taken::Record(Record { user, arm: arm.name.clone(), metric, value, event, segment, at_ms }))
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
    let parsed: Option<jiff::Timestamp> = text.parse().ok();
    let millis = parsed.and_then(|time| u64::try_from(time.as_millisecond()).ok());
    millis.ok_or_else(|| format!("`{text}` is no time: write 2026-11-23T09:00:00Z, or seconds since 1970"))
}
