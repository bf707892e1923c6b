//! All the tests of a config, and the cases they make.
//!
//! Rows of large files are not kept: the first walk believes them (checks and counts), later walks
//! read them again. Small suites are kept, so that they are compiled once.

use std::collections::VecDeque;
use std::sync::Arc;

use super::believe;
use super::build::{Builder, Ids};
use super::filter::Filter;
use super::rows::{Row, RowFile, RowFormat, Rows};
use super::vars::Trust;
use crate::diag::{Folder, Found, Problem, Problems, Span, is_script};
use crate::env::Env;
use crate::plan::{Case, CaseError, CaseStream, Cases, Plan};
use crate::yaml::{Kind, Node, file_reference, read_tree};

/// Suites up to this many bytes, as compiled cases, are kept in memory.
const KEPT: usize = 16 << 20;

/// Where tests come from, in order.
pub(super) struct Dataset {
    parts: Vec<Part>,
    builder: Builder,
    filter: Filter,
}

enum Part {
    /// Tests of the config or of a YAML or JSON file; the name is for those without a description.
    Test(Box<Node>, Option<String>),
    /// Rows of a file.
    Rows(RowFile),
}

/// Reads `tests:`.
pub(super) fn load(root: &Node, builder: Builder, env: &Env, filter: &Filter, problems: &mut Problems) -> Arc<Dataset> {
    let delimiter = env.get("PROMPTFOO_CSV_DELIMITER").and_then(|d| d.bytes().next()).unwrap_or(b',');
    let mut parts = Vec::new();
    match root.entry("tests") {
        None => {
            let at = root.span.source().at(0..0);
            problems.push(
                Problem::warning("the config has no `tests`: each prompt is asked once, and nothing is asserted")
                    .at(&at),
            );
            parts.push(Part::Test(Box::new(Node { span: at, kind: Kind::Map(Vec::new()) }), None));
        }
        Some(entry) if entry.value.is_null() || entry.value.one_or_many().is_empty() => {
            problems
                .push(Problem::error("`tests` is empty").at(&entry.at).hint("leave it out to ask each prompt once"));
        }
        Some(tests) => {
            for entry in tests.value.one_or_many() {
                match part(entry, &builder.base, delimiter, tests.value.as_str().is_some()) {
                    Ok(found) => parts.extend(found),
                    Err(problem) => problems.push(problem),
                }
            }
        }
    }
    Arc::new(Dataset { parts, builder, filter: filter.clone() })
}

fn part(entry: &Node, base: &Folder, delimiter: u8, alone: bool) -> Result<Vec<Part>, Problem> {
    if let Some(path) = entry.as_str() {
        return from_files(path, entry, base, delimiter, alone);
    }
    match (entry.get("path"), entry.entries().iter().find(|e| e.key != "path")) {
        (Some(path), None) => from_files(path.as_str().unwrap_or_default(), path, base, delimiter, alone),
        (Some(_), Some(other)) => {
            Err(Problem::error(format!("`{}` beside a `path` is not supported", other.key)).at(&other.at))
        }
        _ => Ok(vec![Part::Test(Box::new(entry.clone()), None)]),
    }
}

fn from_files(path: &str, entry: &Node, base: &Folder, delimiter: u8, alone: bool) -> Result<Vec<Part>, Problem> {
    let path = file_reference(path).unwrap_or(path);
    if is_script(path) {
        let message = format!("tests made by a script (`{path}`) are not available in this version");
        return Err(Problem::error(message).at(&entry.span));
    }
    if path.contains("://") {
        let problem = Problem::error(format!("tests from `{path}` are not available")).at(&entry.span);
        return Err(problem.hint("download them into a CSV or JSONL file"));
    }
    let found = base.expand(path);
    if found.is_empty() {
        return Err(base.missing("file", path, &entry.span));
    }
    let mut parts = Vec::new();
    for file in found {
        parts.extend(from_file(file, entry, delimiter, alone)?);
    }
    Ok(parts)
}

fn from_file(file: Found, entry: &Node, delimiter: u8, alone: bool) -> Result<Vec<Part>, Problem> {
    let rows = |file: Found, format| {
        vec![Part::Rows(RowFile { path: file.path, shown: file.shown.into(), format, at: entry.span.clone() })]
    };
    if file.ends(&["csv"]) {
        return Ok(rows(file, RowFormat::Csv { delimiter }));
    }
    if file.ends(&["jsonl"]) {
        return Ok(rows(file, RowFormat::JsonLines));
    }
    if !file.ends(&["yaml", "yml", "json"]) {
        return Err(Problem::error(format!("`{}` is no kind of dataset", file.shown))
            .at(&entry.span)
            .hint("known endings are csv, json, jsonl, yaml, yml"));
    }
    let named = alone && file.ends(&["json"]);
    let tree = read_tree(&file, &entry.span)?;
    if tree.is_null() || tree.one_or_many().is_empty() {
        return Err(Problem::error(format!("`{}` holds no tests", file.shown)).at(&entry.span));
    }
    let test = |(n, node): (usize, &Node)| Part::Test(Box::new(node.clone()), named.then(|| format!("Row #{}", n + 1)));
    Ok(tree.one_or_many().iter().enumerate().map(test).collect())
}

impl Dataset {
    /// Checks and counts every case; afterwards the plan's numbers are right.
    pub(super) fn believe(
        self: Arc<Self>,
        mut checks: believe::Checks,
        plan: &mut Plan,
        problems: &mut Problems,
    ) -> Believed {
        let (mut kept, mut weight) = (Some(Vec::new()), 0);
        let mut walk = Walk::new(Arc::clone(&self));
        while let Some((case, at)) = walk.next_case(problems) {
            checks.case(&case, &at, plan, problems);
            weight += case.weight();
            match &mut kept {
                Some(list) if weight <= KEPT => list.push(Arc::new(case)),
                _ => kept = None,
            }
            if problems.errors() >= believe::MOST_PROBLEMS {
                break;
            }
        }
        checks.finish(plan, problems);
        Believed { dataset: self, kept }
    }
}

/// Cases that have been checked.
pub(super) struct Believed {
    dataset: Arc<Dataset>,
    kept: Option<Vec<Arc<Case>>>,
}

impl Cases for Believed {
    fn stream(&self) -> CaseStream {
        match &self.kept {
            Some(list) => list.stream(),
            None => Box::new(Walk::new(Arc::clone(&self.dataset))),
        }
    }
}

/// A walk through all tests.
struct Walk {
    dataset: Arc<Dataset>,
    part: usize,
    rows: Option<Rows>,
    ids: Ids,
    test: u64,
    /// How many tests were taken, and the last of them.
    taken: (u64, Option<u64>),
    ready: VecDeque<(Case, Span)>,
}

impl Walk {
    fn new(dataset: Arc<Dataset>) -> Self {
        Self { dataset, part: 0, rows: None, ids: Ids::default(), test: 0, taken: (0, None), ready: VecDeque::new() }
    }

    fn next_case(&mut self, problems: &mut Problems) -> Option<(Case, Span)> {
        loop {
            if let Some((case, at)) = self.ready.pop_front() {
                if !self.dataset.filter.takes_case(&case) {
                    continue;
                }
                if let Some(first) = self.dataset.filter.first {
                    if self.taken.1 != Some(case.test) {
                        self.taken = (self.taken.0 + 1, Some(case.test));
                    }
                    if self.taken.0 > first {
                        return None;
                    }
                }
                return Some((case, at));
            }
            self.next_test(problems)?;
        }
    }

    /// Puts the cases of the next test into `ready`; `None` at the end of all tests.
    fn next_test(&mut self, problems: &mut Problems) -> Option<()> {
        let dataset = Arc::clone(&self.dataset);
        let draft = if let Some(rows) = &mut self.rows {
            match rows.next(&dataset.builder, problems) {
                Some(Row::Test(draft)) => Some(*draft),
                Some(Row::Broken) => None,
                None => {
                    self.end_file(problems);
                    return Some(());
                }
            }
        } else {
            let part = dataset.parts.get(self.part)?;
            self.part += 1;
            match part {
                Part::Test(node, name) => dataset.builder.draft(node, name.clone(), Trust::Config, problems),
                Part::Rows(file) => {
                    self.rows = file.open(problems);
                    return Some(());
                }
            }
        };
        let test = self.test;
        self.test += 1;
        if let Some(draft) = draft {
            self.ready.extend(dataset.builder.cases(draft, test, &mut self.ids, problems));
        }
        Some(())
    }
}

impl Walk {
    /// A dataset without rows is hardly meant, and beside others nobody would notice.
    fn end_file(&mut self, problems: &mut Problems) {
        let empty = self.rows.take().is_some_and(|rows| rows.number() == 0);
        if let (true, Some(Part::Rows(file))) = (empty, self.dataset.parts.get(self.part - 1)) {
            problems.push(Problem::warning(format!("`{}` has no rows", file.shown)).at(&file.at));
        }
    }
}

impl Iterator for Walk {
    type Item = Result<Arc<Case>, CaseError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut problems = Problems::new();
        let case = self.next_case(&mut problems);
        match problems.iter().find(|p| p.level == crate::diag::Level::Error) {
            Some(problem) => Some(Err(CaseError(format!("a dataset changed during the run: {}", problem.message)))),
            None => case.map(|(case, _)| Ok(Arc::new(case))),
        }
    }
}
