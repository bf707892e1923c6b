//! The log for other programs: rows for a spreadsheet, events for a SIEM.

use serde_json::{Value, json};

use super::entry::{Change, Event, Evidence, Sealed};
use crate::env::parse_time;

/// The columns of [`csv_rows`].
pub const CSV_COLUMNS: [&str; 21] = [
    "seq",
    "time",
    "event",
    "flags",
    "actor",
    "ci",
    "approvers",
    "prompt",
    "version",
    "label",
    "from",
    "to",
    "reason",
    "author",
    "content_sha256",
    "run",
    "decision",
    "results",
    "commit",
    "tool",
    "hash",
];

/// A row for each thing that an entry changed.
pub fn csv_rows(sealed: &Sealed) -> Vec<[String; CSV_COLUMNS.len()]> {
    sealed.entry.changes().map(|change| row(sealed, change)).collect()
}

fn row(sealed: &Sealed, change: &Change) -> [String; CSV_COLUMNS.len()] {
    let entry = &sealed.entry;
    let text = |value: &Option<String>| harmless(value.as_deref().unwrap_or_default());
    let evidence = change.evidence.as_ref();
    let ci = entry.actor.ci.as_ref().map(|ci| {
        let parts = [Some(ci.system.as_str()), ci.project.as_deref(), ci.run.as_deref()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    });
    [
        sealed.seq.to_string(),
        entry.time.clone(),
        entry.event.word().to_owned(),
        flags(sealed, change).join(" "),
        harmless(entry.actor.name()),
        text(&ci),
        harmless(&entry.approvers.join("; ")),
        text(&change.prompt),
        text(&change.version),
        change.phase().map_or_else(|| text(&change.label), |phase| harmless(&phase)),
        text(&change.from),
        text(&change.to),
        text(&entry.reason),
        text(&change.author),
        text(&change.content_sha256),
        evidence.map(|evidence| harmless(&evidence.run)).unwrap_or_default(),
        evidence.map(|evidence| evidence.decision.clone()).unwrap_or_default(),
        evidence.map(|evidence| evidence.results.clone()).unwrap_or_default(),
        entry.git.as_ref().map(|git| git.commit.clone()).unwrap_or_default(),
        entry.tool.clone(),
        sealed.hash.clone(),
    ]
}

/// A spreadsheet would take a text that begins so for a formula.
fn harmless(text: &str) -> String {
    let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if risky { format!("'{text}") } else { text.to_owned() }
}

/// What an auditor looks for.
pub fn flags(sealed: &Sealed, change: &Change) -> Vec<&'static str> {
    let entry = &sealed.entry;
    let own = |name: &String| {
        change.author.as_deref().is_some_and(|author| super::same_person(author, name))
            || super::same_person(entry.actor.name(), name)
    };
    let judged = change.evidence.as_ref().is_some_and(Evidence::is_judged);
    let own = !entry.approvers.is_empty() && entry.approvers.iter().all(own);
    let all = [
        (entry.event == Event::Override, "overridden"),
        (entry.event == Event::Rollback, "rolled_back"),
        (entry.event == Event::Denied, "denied"),
        (entry.event == Event::Promote && !judged, "ungated"),
        (change.evidence.as_ref().is_some_and(|evidence| evidence.report_sha256.is_some()), "by_report"),
        (own, "self_approved"),
        (!sealed.rebased.is_empty(), "merged"),
    ];
    all.into_iter().filter_map(|(is, word)| is.then_some(word)).collect()
}

/// An event of the class API Activity (6003) of OCSF 1.7 (<https://schema.ocsf.io/1.7.0/classes/api_activity>).
pub fn ocsf(sealed: &Sealed) -> Value {
    let entry = &sealed.entry;
    let activity = match entry.event {
        Event::Release => 1,
        Event::Unknown => 99,
        _ => 3,
    };
    let denied = entry.event == Event::Denied;
    let resource = |change: &Change| {
        json!({
            "type": "prompt",
            "name": change.prompt,
            "uid": change.content_sha256,
            "version": change.version,
            "data": {
                "label": change.label, "from": change.from, "to": change.to, "evidence": change.evidence,
                "experiment": change.experiment,
            },
        })
    };
    let millis = parse_time(&entry.time).unwrap_or_default();
    json!({
        "class_uid": 6003, "class_name": "API Activity", "category_uid": 6, "category_name": "Application Activity",
        "activity_id": activity, "type_uid": 600_300 + activity, "time": millis,
        "severity_id": severity(entry.event), "status_id": if denied { 2 } else { 1 }, "message": entry.reason,
        "status_detail": (!entry.missing.is_empty()).then(|| entry.missing.join("; ")),
        "metadata": {
            "version": "1.7.0", "uid": sealed.hash, "sequence": sealed.seq, "original_time": entry.time,
            "product": {"name": "prompteval", "vendor_name": "prompteval", "version": entry.tool},
        },
        "actor": {"user": {"name": entry.actor.name()}, "app_name": entry.actor.ci.as_ref().map(|ci| &ci.system)},
        "api": {"operation": entry.event.word(), "service": {"name": "prompt registry"}},
        "src_endpoint": {"name": entry.actor.os_user.as_deref().unwrap_or("unknown")},
        "resources": entry.changes().map(resource).collect::<Vec<_>>(),
        "unmapped": {
            "approvers": entry.approvers, "prev": sealed.prev, "git": entry.git,
            "flags": entry.changes().flat_map(|change| flags(sealed, change)).collect::<Vec<_>>(),
        },
    })
}

fn severity(event: Event) -> u8 {
    match event {
        Event::Override | Event::Rollback | Event::Repair => 3,
        Event::Denied | Event::Withdraw | Event::Merge => 2,
        _ => 1,
    }
}
