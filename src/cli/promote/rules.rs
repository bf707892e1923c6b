//! What stands in the way whatever was measured.

use super::{Promotion, Wanted};
use crate::audit::Event;
use crate::cli::exit::Failure;

/// When a version was withdrawn, and why.
pub(super) struct Withdrawn {
    /// UTC, RFC 3339.
    pub(super) time: String,
    pub(super) reason: String,
}

/// For each version, whether it is withdrawn.
pub(super) fn withdrawn(promotion: &Promotion<'_>, wanted: &[Wanted]) -> Result<Vec<Option<Withdrawn>>, Failure> {
    let one = |wanted: &Wanted| {
        let (name, version) = (&wanted.frozen.name, &wanted.frozen.version);
        wanted.withdrawn.then(|| withdrawal(promotion, name, version)).transpose()
    };
    wanted.iter().map(one).collect()
}

/// The entry that withdrew a version.
fn withdrawal(promotion: &Promotion<'_>, name: &str, version: &str) -> Result<Withdrawn, Failure> {
    let registry = &promotion.opened.registry;
    let needles = [format!("\"prompt\":\"{name}\""), format!("\"{version}\"")];
    let mut found = registry.entries(&needles)?;
    found.retain(|sealed| {
        let by = |change: &crate::audit::Change| {
            let out = match sealed.entry.event {
                Event::Withdraw => &change.version,
                Event::Rollback => &change.from,
                _ => return false,
            };
            change.prompt.as_deref() == Some(name) && out.as_deref() == Some(version)
        };
        sealed.entry.changes().any(by)
    });
    let last = found.pop().map(|sealed| sealed.entry);
    let (time, reason) = last.map(|entry| (entry.time, entry.reason)).unwrap_or_default();
    Ok(Withdrawn { time, reason: reason.unwrap_or_default() })
}
