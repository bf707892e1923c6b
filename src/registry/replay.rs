//! The labels as the log tells them.

use crate::audit::{Entry, Event};
use crate::prompts::Labels;

/// The labels after these entries.
pub fn replay<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Labels {
    let mut labels = Labels::default();
    for entry in entries {
        apply(&mut labels, entry);
    }
    labels
}

/// What an entry does to the labels.
pub(super) fn apply(labels: &mut Labels, entry: &Entry) {
    for change in entry.changes() {
        let Some(prompt) = change.prompt.as_deref() else { continue };
        if entry.event.moves()
            && let Some(label) = change.label.as_deref()
        {
            labels.set(prompt, label, change.to.as_deref());
        }
        match entry.event {
            Event::Withdraw => labels.withdraw(prompt, change.version.as_deref().unwrap_or_default(), true),
            Event::Rollback => labels.withdraw(prompt, change.from.as_deref().unwrap_or_default(), true),
            // Whoever has passed again is not withdrawn any more.
            Event::Promote | Event::Override => {
                labels.withdraw(prompt, change.to.as_deref().unwrap_or_default(), false);
            }
            // What one of two branches had withdrawn.
            Event::Merge if change.label.is_none() => {
                labels.withdraw(prompt, change.version.as_deref().unwrap_or_default(), true);
            }
            _ => {}
        }
    }
}
