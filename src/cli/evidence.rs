//! What was measured before: stored runs and reports, by the words people have for them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::exit::{ExitStatus, Failure};
use super::keep::{failed, shorter};
use crate::diag::{Folder, Problem};
use crate::prompts::{Reference, Sources, hash_of, labelled};
use crate::record::{Column, Ending, Outcome, RunHead};
use crate::report::{read, read_while};
use crate::stats::Sheet;
use crate::store::{Store, StoreError, StoredRun};

/// Where evidence is looked for.
pub(super) struct Archive<'a> {
    pub(super) store: Option<&'a Store>,
    /// The folder of the prompt registry.
    pub(super) registry: &'a Path,
    pub(super) cwd: &'a Path,
    /// The prompt that labels are of, where a label stands alone.
    pub(super) prompt: Option<&'a str>,
    /// Whether a baseline is looked for, which is held by case.
    pub(super) baseline: bool,
}

/// A run that can be looked at again.
pub(super) struct Evidence {
    pub(super) head: RunHead,
    /// How it ended, where that is known.
    pub(super) ending: Option<Ending>,
    /// When it ended; of a report, which does not say so, when it began. Milliseconds since 1970, UTC.
    pub(super) ended_ms: u64,
    /// How many of its cells have an outcome.
    pub(super) finished: u64,
    /// The columns that are meant.
    pub(super) columns: Vec<usize>,
    source: Source,
    /// What each column did case by case, where it was read along.
    sheets: Mutex<BTreeMap<usize, Sheet>>,
}

enum Source {
    Stored(Store, Box<StoredRun>),
    /// A file; whether the cells of a case stand apart in it, as they do where results came in as they ended.
    Report(PathBuf, bool),
}

impl Archive<'_> {
    /// What a word means: a report, `latest`, `NAME@VERSION`, a label, or a run's id; `#PROMPT` after it
    /// means one prompt of it.
    pub(super) fn find(&self, word: &str) -> Result<Evidence, Failure> {
        let Some((run, prompt)) = word.rsplit_once('#').filter(|_| !self.cwd.join(word).is_file()) else {
            return self.whole(word);
        };
        let mut evidence = self.whole(run)?;
        let all = std::mem::take(&mut evidence.columns);
        evidence.columns = all.iter().copied().filter(|at| is(&evidence.head.columns[*at], prompt)).collect();
        if evidence.columns.is_empty() {
            let names = all.iter().map(|at| evidence.head.columns[*at].label.to_string()).collect::<BTreeSet<_>>();
            let names: Vec<String> = names.into_iter().collect();
            let failure = usage(format!("`{run}` has no prompt `{prompt}`"));
            return Err(failure.hint(format!("it has {}", names.join(", "))));
        }
        Ok(evidence)
    }

    fn whole(&self, word: &str) -> Result<Evidence, Failure> {
        let path = self.cwd.join(word);
        if path.is_file() || [".json", ".jsonl"].iter().any(|end| word.to_lowercase().ends_with(end)) {
            return report(&shorter(&path, self.cwd), word, self.baseline);
        }
        if word.contains('@') {
            let reference = Reference::parse(word).map_err(usage)?;
            return self.version(&reference, word);
        }
        if let Some(version) = self.label(word)? {
            return self.version(&version, word);
        }
        let store = self.store(word)?;
        let run = store.run(Some(word)).map_err(failed)?;
        Ok(Evidence::of_run(store, run))
    }

    fn store(&self, word: &str) -> Result<&Store, Failure> {
        self.store.ok_or_else(|| {
            usage(format!("`{word}` is no report, and there is no store to look it up in"))
                .hint("`prompteval run` makes one; --store names another folder")
        })
    }

    /// The version that a label means, for the prompt at hand.
    fn label(&self, word: &str) -> Result<Option<Reference>, Failure> {
        let Some(name) = self.prompt else { return Ok(None) };
        let version = labelled(self.registry, name, word).map_err(told)?;
        Ok(version.map(|version| Reference { name: name.to_owned(), version }))
    }

    /// The newest run of a version's content.
    pub(super) fn version(&self, reference: &Reference, word: &str) -> Result<Evidence, Failure> {
        let mut reference = reference.clone();
        if let Some(version) = labelled(self.registry, &reference.name, &reference.version).map_err(told)? {
            reference.version = version;
        }
        let base = Folder::new(self.cwd.to_owned(), PathBuf::new());
        let sources = Sources { base, registry: self.registry.to_owned() };
        let hash = hash_of(&reference, &sources).map_err(told)?;
        let store = self.store(word)?;
        let run = store.newest_of(&hash).map_err(failed)?;
        let run = run.ok_or_else(|| {
            usage(format!("no stored run has the content of `{}@{}`", reference.name, reference.version))
                .hint("run it once (`prompteval run --no-gate`); `prompteval history` lists what there is")
        })?;
        let mut evidence = Evidence::of_run(store, run);
        evidence.columns.retain(|column| evidence.head.columns[*column].prompt_hash == hash);
        Ok(evidence)
    }

    /// The newest run of what a label points to, where there is such a label and such a run.
    pub(super) fn labelled(&self, label: &str) -> Result<Option<Evidence>, Failure> {
        self.label(label)?.map(|reference| self.version(&reference, label)).transpose()
    }
}

/// Whether a word means this prompt: its label, its name and version, its version, or the beginning of its
/// content hash.
pub(super) fn is(column: &Column, word: &str) -> bool {
    let named =
        column.name.as_deref().zip(column.version.as_deref()).map(|(name, version)| format!("{name}@{version}"));
    &*column.label == word
        || column.version.as_deref() == Some(word)
        || named.as_deref() == Some(word)
        || (word.len() >= 7 && column.prompt_hash.starts_with(word))
}

fn report(path: &Path, word: &str, sheeted: bool) -> Result<Evidence, Failure> {
    let (mut order, mut sheets) = (Order::default(), BTreeMap::<usize, Sheet>::new());
    let mut each = |outcome: Arc<Outcome>| {
        order.add(&outcome);
        if sheeted {
            sheets.entry(outcome.column).or_default().add(&outcome);
        }
    };
    let found = read(path, &mut each).map_err(|error| usage(error.message).maybe_hint(error.hint))?;
    if found.finished == 0 {
        return Err(usage(format!("`{word}` has no results")));
    }
    Ok(Evidence {
        columns: (0..found.head.columns.len()).collect(),
        ended_ms: found.head.started_ms,
        head: found.head,
        ending: found.ending,
        finished: found.finished,
        source: Source::Report(path.to_owned(), order.scattered),
        sheets: Mutex::new(sheets),
    })
}

impl Evidence {
    /// A stored run, all of it.
    pub(super) fn of_run(store: &Store, run: StoredRun) -> Self {
        Self {
            columns: (0..run.head.columns.len()).collect(),
            head: run.head.clone(),
            ended_ms: run.tail.as_ref().map_or(run.head.started_ms, |tail| tail.finished_ms),
            ending: Some(run.tail.as_ref().map_or(Ending::Interrupted, |tail| tail.ending)),
            finished: run.finished,
            source: Source::Stored(store.clone(), Box::new(run)),
            sheets: Mutex::default(),
        }
    }

    /// Its outcomes in plan order.
    pub(super) fn replay(&self, each: &mut dyn FnMut(Arc<Outcome>)) -> Result<(), Failure> {
        match &self.source {
            Source::Stored(store, run) => {
                let mut each = |outcome| {
                    each(outcome);
                    Ok::<(), StoreError>(())
                };
                store.replay(run, &mut each).map_err(failed)
            }
            Source::Report(path, false) => read(path, each).map(drop).map_err(|error| usage(error.message)),
            Source::Report(path, true) => {
                let (mut order, mut all) = (Order::default(), Vec::new());
                let found = read(path, &mut |outcome| all.push((order.add(&outcome), outcome)));
                found.map_err(|error| usage(error.message))?;
                all.sort_by_key(|(place, _)| *place);
                for (_, outcome) in all {
                    each(outcome);
                }
                Ok(())
            }
        }
    }

    /// The columns of one of its prompts, by the words for it.
    pub(super) fn named(&self, prompt: &str) -> Option<Vec<usize>> {
        let columns = self.head.columns.iter().enumerate();
        let found: Vec<usize> = columns.filter(|(_, column)| is(column, prompt)).map(|(at, _)| at).collect();
        (!found.is_empty()).then_some(found)
    }

    /// All its columns, these first.
    pub(super) fn led_by(&self, first: &[usize]) -> Vec<usize> {
        let rest = (0..self.head.columns.len()).filter(|at| !first.contains(at));
        first.iter().copied().chain(rest).collect()
    }

    /// What a column did case by case, read along when the report was opened; given once.
    pub(super) fn sheet(&self, column: usize) -> Option<Sheet> {
        self.sheets.lock().ok()?.remove(&column)
    }

    /// Looks through its outcomes for those of these cases.
    pub(super) fn search(&self, wanted: &[Arc<str>], each: &mut dyn FnMut(Arc<Outcome>)) -> Result<(), Failure> {
        let Source::Report(path, false) = &self.source else { return self.replay(each) };
        let mut seen: HashSet<Arc<str>> = HashSet::new();
        let found = read_while(path, &mut |outcome| {
            let is = wanted.contains(&outcome.case.id);
            if is {
                seen.insert(Arc::clone(&outcome.case.id));
                each(outcome);
            }
            // The cells of a case stand together.
            is || seen.len() < wanted.len()
        });
        found.map(drop).map_err(|error| usage(error.message))
    }

    /// The report's file, where it is one.
    pub(super) fn file(&self) -> Option<&Path> {
        match &self.source {
            Source::Stored(..) => None,
            Source::Report(path, _) => Some(path),
        }
    }

    /// For each provider the first column whose prompt has this content.
    pub(super) fn with_content(&self, hash: &str) -> Vec<usize> {
        let mut providers = HashSet::new();
        let columns = self.head.columns.iter().enumerate();
        let own = columns.filter(|(_, column)| &*column.prompt_hash == hash && providers.insert(&column.provider));
        own.map(|(at, _)| at).collect()
    }

    /// Whether two are the same run.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (&self.source, &other.source) {
            (Source::Stored(_, one), Source::Stored(_, another)) => one.head.id == another.head.id,
            (Source::Report(one, _), Source::Report(other, _)) => one == other,
            _ => false,
        }
    }

    /// Cells that have no outcome.
    pub(super) fn unrun(&self) -> u64 {
        self.head.cells.saturating_sub(self.finished)
    }
}

/// In which order cases first came.
#[derive(Default)]
struct Order {
    places: HashMap<Arc<str>, usize>,
    last: Option<Arc<str>>,
    /// Whether a case came again after another.
    scattered: bool,
}

impl Order {
    /// The place of an outcome's case.
    fn add(&mut self, outcome: &Outcome) -> usize {
        let id = &outcome.case.id;
        let next = self.places.len();
        let place = *self.places.entry(Arc::clone(id)).or_insert(next);
        self.scattered |= place < next && self.last.as_ref() != Some(id);
        self.last = Some(Arc::clone(id));
        place
    }
}

fn usage(message: impl Into<String>) -> Failure {
    Failure::new(ExitStatus::Usage, message)
}

/// A problem as a command's failure.
pub(super) fn told(problem: Problem) -> Failure {
    usage(problem.message).maybe_hint(problem.hint)
}
