//! The plan: all that reading and doing share.
//!
//! A [`Plan`] is the matrix prompt × provider × case × repeat, kept lazily: columns are in memory,
//! cases come from a stream and are rendered cell by cell, so a million cells do not sit in memory.

mod case;
mod cell;
mod column;
mod expected;

pub use case::{Case, CaseError, CaseStream, Cases};
pub use cell::{Cell, Estimate, render};
use column::columns;
pub use column::{CONVERSATION, Target};
pub use expected::Expected;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::prompts::Prompt;
use crate::record::{Column, RunHead};
use crate::script::Home;

/// What a run will do.
pub struct Plan {
    /// The config's description.
    pub description: Option<Arc<str>>,
    /// The prompts.
    pub prompts: Vec<Arc<Prompt>>,
    /// The providers.
    pub targets: Vec<Arc<Target>>,
    /// Who grades, by number; providers of the config may be among them.
    pub graders: Vec<Arc<Target>>,
    /// Whether cases read what earlier ones answered, by name.
    pub stores: bool,
    /// Where scripts run.
    pub scripts: Option<Home>,
    /// The columns, providers outside, prompts inside.
    pub columns: Vec<PlanColumn>,
    /// The cases.
    pub cases: Arc<dyn Cases>,
    /// How often each case is asked, where the case does not say.
    pub repeat: u32,
    /// How many cells there are, counted while the config was checked.
    pub cells: u64,
    /// How many cases.
    pub case_count: u64,
    /// How many cells are judged without any assertion.
    pub unasserted: u64,
    /// What each column will hold.
    pub expected: Vec<Expected>,
    /// The named metrics of its assertions; `None` stands for one whose name is a template.
    pub metrics: BTreeSet<Option<String>>,
    /// Names that the gate asked for, and for which a case was found.
    pub named: BTreeSet<String>,
    /// The environment, for prompts that read `env`.
    pub environment: Arc<Map<String, Value>>,
    /// The config as it was read.
    pub config: Arc<Value>,
    /// The config's path.
    pub config_path: Arc<str>,
}

/// A prompt at a provider.
#[derive(Clone)]
pub struct PlanColumn {
    /// The prompt.
    pub prompt: Arc<Prompt>,
    /// The provider.
    pub target: Arc<Target>,
    /// Index of the provider in [`Plan::targets`].
    pub target_index: usize,
    /// Whether the prompt reads the earlier turns of its conversation.
    pub converses: bool,
}

impl Plan {
    /// A plan without cases yet: these prompts at these providers.
    pub fn of(prompts: Vec<Arc<Prompt>>, targets: Vec<Arc<Target>>) -> Self {
        Self {
            description: None,
            columns: columns(&prompts, &targets),
            prompts,
            targets,
            graders: Vec::new(),
            stores: false,
            scripts: None,
            cases: Arc::new(Vec::new()),
            repeat: 1,
            cells: 0,
            case_count: 0,
            unasserted: 0,
            expected: Vec::new(),
            metrics: BTreeSet::new(),
            named: BTreeSet::new(),
            environment: Arc::default(),
            config: Arc::default(),
            config_path: "".into(),
        }
    }

    /// The columns as the record has them.
    pub fn record_columns(&self) -> Vec<Column> {
        let column = |c: &PlanColumn| Column {
            provider: Arc::clone(&c.target.label),
            provider_id: Arc::clone(&c.target.id),
            label: Arc::clone(&c.prompt.label),
            raw: Arc::clone(&c.prompt.raw),
            prompt_hash: Arc::clone(&c.prompt.hash),
            name: c.prompt.name.clone(),
            version: c.prompt.version.clone(),
            identity: Some(c.target.judged_identity()),
        };
        self.columns.iter().map(column).collect()
    }

    /// What is known of a run of this plan before its first request.
    pub fn head(&self, id: &str, started_ms: u64) -> RunHead {
        RunHead {
            id: id.into(),
            started_ms,
            description: self.description.clone(),
            columns: self.record_columns(),
            cells: self.cells,
            cases: self.case_count,
            repeat: self.repeat,
            config: Arc::clone(&self.config),
            config_path: Arc::clone(&self.config_path),
            tool_version: env!("CARGO_PKG_VERSION").into(),
            git: None,
        }
    }

    /// The cells in plan order: case, then repeat, then column.
    pub fn iter(self: &Arc<Self>) -> Cells {
        Cells { cases: self.cases.stream(), plan: Arc::clone(self), current: None, index: 0, row: 0 }
    }

    /// Baseline and candidate: for each provider with several prompts the first against each other.
    pub fn rivals(&self) -> Vec<(usize, usize)> {
        let first = |column: &PlanColumn| self.columns.iter().position(|c| c.target_index == column.target_index);
        let pairs = self.columns.iter().enumerate().filter_map(|(at, column)| Some((first(column)?, at)));
        pairs.filter(|(baseline, candidate)| baseline != candidate).collect()
    }

    /// Of these names of cases, those that no case answers to.
    pub fn unmet<'a>(&self, names: &'a [String]) -> Vec<&'a str> {
        names.iter().map(String::as_str).filter(|name| !self.named.contains(*name)).collect()
    }

    /// The columns a case runs in.
    pub fn columns_of(&self, case: &Case) -> impl Iterator<Item = usize> {
        self.columns.iter().enumerate().filter(|(_, c)| case.runs_in(&c.prompt, &c.target)).map(|(i, _)| i)
    }
}

/// The cells of a plan, made one by one.
pub struct Cells {
    plan: Arc<Plan>,
    cases: CaseStream,
    current: Option<Row>,
    index: u64,
    row: u64,
}

/// A case and where the walk through its repeats and columns stands.
struct Row {
    case: Arc<Case>,
    columns: Vec<usize>,
    repeats: u32,
    repeat: u32,
    next: usize,
}

impl Iterator for Cells {
    type Item = Result<Cell, CaseError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(row) = &mut self.current else {
                match self.cases.next()? {
                    Err(error) => return Some(Err(error)),
                    Ok(case) => self.begin(case),
                }
                continue;
            };
            if let Some(&column) = row.columns.get(row.next) {
                row.next += 1;
                let cell = Cell {
                    index: self.index,
                    row: self.row,
                    column,
                    repeat: row.repeat,
                    case: Arc::clone(&row.case),
                    thread: None,
                };
                self.index += 1;
                return Some(Ok(cell));
            }
            self.row += u64::from(!row.columns.is_empty());
            row.repeat += 1;
            row.next = 0;
            if row.repeat >= row.repeats || row.columns.is_empty() {
                self.current = None;
            }
        }
    }
}

impl Cells {
    fn begin(&mut self, case: Arc<Case>) {
        let columns = self.plan.columns_of(&case).collect();
        let repeats = case.repeat.unwrap_or(self.plan.repeat).max(1);
        self.current = Some(Row { case, columns, repeats, repeat: 0, next: 0 });
    }
}
