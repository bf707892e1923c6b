//! `prompteval.yaml`: what a label asks of whatever is to be moved under it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::trouble::RegistryError;
use crate::diag::{Problem, Problems, Source, did_you_mean};
use crate::prompts::label_name;
use crate::yaml::{self, Key, Node, Shape, Table, check};

/// The file, in the folder that commands are given in.
pub const PROJECT_FILE: &str = "prompteval.yaml";

/// Evidence may be as old as this when nobody says otherwise: 30 days, in milliseconds.
const MAX_AGE_MS: u64 = 30 * 24 * 3_600_000;

static PROJECT: Table = Table {
    name: PROJECT_FILE,
    open: false,
    keys: &[
        Key::new("registry", Shape::Text, "folder of the prompts; default: that of the suite's config, else `prompts`"),
        Key::new("checkpoints", Shape::Text, "file that every move appends a signed checkpoint to"),
        Key::new("labels", Shape::MapOf(&Shape::Object(&LABEL)), "what each label asks for"),
    ],
};

static LABEL: Table = Table {
    name: "a label",
    open: false,
    keys: &[
        Key::new("gated", Shape::Bool, "whether it asks for evidence; default: true"),
        Key::new("suite", Shape::Text, "the config whose cases and gate count; default: evalconfig.yaml here"),
        Key::new("gate", Shape::Text, "a file with the gate's rules, instead of the suite's"),
        Key::new("approvers", Shape::Int(0, 100), "how many people have to agree; default: 0"),
        Key::new(
            "self_approval",
            Shape::Bool,
            "whether the author, or who promotes, may be one of them; default: false",
        ),
        Key::new("max_age", Shape::Text, "how old evidence may be, such as 12h, 7d, 4w; default: 30d"),
    ],
};

/// The project's file, read.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// The registry's folder, when it is named.
    pub registry: Option<PathBuf>,
    /// Where checkpoints are appended to.
    pub checkpoints: Option<PathBuf>,
    labels: BTreeMap<String, LabelPolicy>,
}

/// What a label asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelPolicy {
    /// Whether it asks for evidence.
    pub gated: bool,
    /// The config whose cases and gate count.
    pub suite: Option<PathBuf>,
    /// A file with the gate's rules.
    pub gate: Option<PathBuf>,
    /// How many people have to agree.
    pub approvers: usize,
    /// Whether the author, or who promotes, may be one of them.
    pub self_approval: bool,
    /// How old evidence may be, in milliseconds.
    pub max_age_ms: u64,
}

impl Default for LabelPolicy {
    fn default() -> Self {
        Self { gated: true, suite: None, gate: None, approvers: 0, self_approval: false, max_age_ms: MAX_AGE_MS }
    }
}

impl Project {
    /// Reads the file of a folder; without one, nothing is set and every label is gated.
    ///
    /// # Errors
    /// When it is there and cannot be read, or something in it is wrong.
    pub fn read(cwd: &Path) -> Result<Self, RegistryError> {
        let path = cwd.join(PROJECT_FILE);
        if !path.exists() {
            return Ok(Self::default());
        }
        let source = Source::read(&path, PROJECT_FILE).map_err(Problem::error)?;
        let tree = yaml::parse(&source)?;
        if tree.is_null() {
            return Ok(Self::default());
        }
        let mut problems = Problems::new();
        check(&tree, &Shape::Object(&PROJECT), PROJECT_FILE, false, &mut problems);
        if let Some(problem) = problems.iter().next() {
            return Err(problem.clone().into());
        }
        Ok(Self::of(&tree)?)
    }

    fn of(tree: &Node) -> Result<Self, Problem> {
        let path = |node: &Node, key: &str| node.get(key).and_then(Node::as_str).map(PathBuf::from);
        let mut labels = BTreeMap::new();
        for entry in tree.get("labels").map(Node::entries).unwrap_or_default() {
            label_name(&entry.key).map_err(|why| Problem::error(why).at(&entry.at))?;
            let (node, usual) = (&entry.value, LabelPolicy::default());
            let truth = |key: &str| node.get(key).and_then(Node::as_bool);
            let approvers = node.get("approvers").and_then(Node::as_u64).unwrap_or(0);
            let policy = LabelPolicy {
                gated: truth("gated").unwrap_or(usual.gated),
                suite: path(node, "suite"),
                gate: path(node, "gate"),
                approvers: usize::try_from(approvers).unwrap_or(usize::MAX),
                self_approval: truth("self_approval").unwrap_or(usual.self_approval),
                max_age_ms: node.get("max_age").map(age).transpose()?.unwrap_or(usual.max_age_ms),
            };
            labels.insert(entry.key.clone(), policy);
        }
        Ok(Self { registry: path(tree, "registry"), checkpoints: path(tree, "checkpoints"), labels })
    }

    /// What a label asks for.
    pub fn label(&self, label: &str) -> LabelPolicy {
        self.labels.get(label).cloned().unwrap_or_default()
    }

    /// The label that was probably meant by one that nobody set up, in a project that set up others.
    pub fn meant(&self, label: &str) -> Option<String> {
        if self.labels.contains_key(label) {
            return None;
        }
        did_you_mean(label, self.labels.keys().map(String::as_str))
    }
}

/// Reads `12h`, `7d`, `4w`: milliseconds.
fn age(node: &Node) -> Result<u64, Problem> {
    let text = node.as_str().unwrap_or_default();
    let units = [("s", 1000), ("min", 60_000), ("h", 3_600_000), ("d", 24 * 3_600_000), ("w", 7 * 24 * 3_600_000)];
    let one = |(unit, ms): (&str, u64)| text.strip_suffix(unit)?.trim().parse::<u64>().ok()?.checked_mul(ms);
    units.into_iter().find_map(one).filter(|ms| *ms > 0).ok_or_else(|| {
        Problem::error(format!("`{text}` is no age"))
            .at(&node.span)
            .hint("write a number and s, min, h, d or w, such as 7d")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Project, RegistryError> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(PROJECT_FILE), text).unwrap();
        Project::read(dir.path())
    }

    #[test]
    fn labels_ask_for_what_is_written_and_the_others_for_evidence() {
        let project =
            read("labels: {production: {approvers: 2, max_age: 12h, suite: s.yaml}, staging: {gated: false}}").unwrap();
        let production = project.label("production");
        assert_eq!((production.approvers, production.max_age_ms, production.gated), (2, 43_200_000, true));
        assert!(!project.label("staging").gated);
        assert_eq!(project.label("beta"), LabelPolicy::default());
        assert_eq!(project.meant("prodction").as_deref(), Some("did you mean `production`?"));
        assert!(read("").unwrap().label("production").gated);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, says) in [
            ("label: {}", "unknown key `label`"),
            ("labels: {production: {aprovers: 1}}", "unknown key `aprovers`"),
            ("labels: {production: {max_age: soon}}", "`soon` is no age"),
            ("labels: {latest: {}}", "reserved"),
            ("labels: {production: {gated: 'no'}}", "must be true or false"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.message.contains(says), "{text}: {}", error.message);
        }
    }
}
