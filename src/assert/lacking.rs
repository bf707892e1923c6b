//! Kinds that promptfoo has and this version lacks: an honest "not available" instead of "unknown".

use crate::diag::Problem;

/// Their names, without `not-`.
const NAMES: &[&str] = &["agent-rubric", "human", "pi", "search-rubric", "skill-used"];
/// Beginnings of whole families.
const FAMILIES: &[&str] = &["trajectory:", "trace-", "promptfoo:redteam:"];

/// The problem of asking for one.
pub fn problem(name: &str) -> Problem {
    let bare = name.strip_prefix("not-").unwrap_or(name);
    Problem::error(format!("assertion kind `{name}` is not available in this version")).hint(way_around(bare))
}

/// What comes nearest to a kind that is not here.
fn way_around(name: &str) -> &'static str {
    match name {
        "agent-rubric" | "search-rubric" | "pi" => "llm-rubric asks a model of your choice",
        _ => "`prompteval explain` lists the kinds of this version",
    }
}

/// Whether promptfoo knows the kind.
pub fn is_known_elsewhere(name: &str) -> bool {
    NAMES.contains(&name) || FAMILIES.iter().any(|start| name.starts_with(start))
}
