//! What a run keeps and what it is given back: the ledger, the cache, a cassette.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use super::args::{RunCommand, StoreArgs};
use super::exit::{ExitStatus, Failure};
use super::screen::{Screen, count};
use crate::env::{Env, git};
use crate::provider::Hook;
use crate::record::{Git, RunHead};
use crate::run::{Past, Settings};
use crate::store::{Cassette, Journal, Memory, Resumed, Spent, Store, StoreError, Trouble};
use crate::suite::Suite;
use crate::transport::{Shared, Stop};

/// The default folder of the store.
const FOLDER: &str = ".prompteval";

/// How long a run waits for git.
const PATIENCE: Duration = Duration::from_secs(5);

/// What stays open during a run.
pub(super) struct Keeping {
    pub(super) store: Option<Store>,
    cassette: Option<Arc<Cassette>>,
    resumed: Option<Resumed>,
    /// The config's full path: what makes two runs runs of one suite.
    origin: String,
}

type Ledger = (Option<Journal>, Past, Spent);

impl StoreArgs {
    /// Where the store is.
    pub(super) fn folder(&self, env: &Env, cwd: &Path) -> PathBuf {
        let named = self.store.clone().or_else(|| env.get("PROMPTEVAL_STORE").map(PathBuf::from));
        cwd.join(named.unwrap_or_else(|| FOLDER.into()))
    }
}

impl Keeping {
    /// Opens what the command asks for.
    pub(super) fn open(command: &RunCommand, suite: &Suite, env: &Env, cwd: &Path) -> Result<Self, Failure> {
        let folder = command.store.folder(env, cwd);
        let store = (!command.no_store).then(|| Store::open(&shorter(&folder, cwd), env.redactor.clone(), env.clock));
        let store = store.transpose().map_err(|error| without(failed(error)))?;
        let cassette = command.cassette.as_ref().map(|path| Cassette::open(path, env.redactor.clone()));
        let cassette = cassette.transpose().map_err(failed)?.map(Arc::new);
        let config = cwd.join(&*suite.plan.config_path);
        let origin = config.canonicalize().unwrap_or(config).display().to_string();
        let resumed = match &store {
            Some(store) if command.resumes() => {
                let id = command.resume.as_deref().filter(|id| !id.is_empty());
                Some(store.find(id, &origin).map_err(failed)?)
            }
            _ => None,
        };
        Ok(Self { store, cassette, resumed, origin })
    }

    /// The beginning of the run, which may have begun earlier.
    pub(super) fn head(&self, suite: &Suite, new_id: &str, git: Option<Git>) -> Arc<RunHead> {
        let (id, started_ms) = match &self.resumed {
            Some(run) => (run.name.as_str(), run.started_ms),
            None => (new_id, suite.env.clock.now_millis()),
        };
        Arc::new(RunHead { git, ..suite.plan.head(id, started_ms) })
    }

    /// Enters the run, or goes on with one.
    pub(super) fn settings(
        &self,
        command: &RunCommand,
        suite: &Suite,
        head: Arc<RunHead>,
        screen: &Screen,
    ) -> Result<Settings, Failure> {
        let clock = suite.env.clock;
        let memory = self.memory(command, suite)?;
        let (journal, past, spent) = self.ledger(command, &head, screen)?;
        let mut shared = Shared::new(clock, Stop::default()).with_caps(suite.caps, spent);
        if let Some(memory) = memory {
            shared = shared.with_memory(memory, command.cache_only);
        }
        Ok(Settings { head, clock, shared: Arc::new(shared), journal, past, hook: Hook::new(&suite.env) })
    }

    /// The run's journal, what an earlier go left, and what it has spent.
    fn ledger(&self, command: &RunCommand, head: &RunHead, screen: &Screen) -> Result<Ledger, Failure> {
        let Some(store) = &self.store else { return Ok((None, Past::default(), Spent::default())) };
        let trouble = |error| failed(store.or_aside(error));
        let Some(run) = &self.resumed else {
            let journal = store.begin(head, &self.origin).map_err(trouble)?;
            return Ok((Some(journal), Past::default(), Spent::default()));
        };
        let (journal, kept) = store.resume(run, head).map_err(trouble)?;
        if !screen.quiet {
            screen.err(&told(head, kept.len() as u64));
        }
        let spent = kept.spent().map_err(trouble)?;
        // Cells that a filter leaves out are not gone from the suite.
        let whole = command.selection.filters().is_empty();
        Ok((Some(journal), Past::of(kept, command.retry_errors, whole), spent))
    }

    fn memory(&self, command: &RunCommand, suite: &Suite) -> Result<Option<Arc<dyn Memory>>, Failure> {
        if let Some(cassette) = &self.cassette {
            return Ok(Some(Arc::clone(cassette) as Arc<dyn Memory>));
        }
        let Some(store) = &self.store else { return Ok(None) };
        if command.no_cache || (!suite.cache.on && !command.cache_only) {
            return Ok(None);
        }
        // What is replayed has no age.
        let ttl_ms = suite.cache.ttl_ms.filter(|_| !command.cache_only);
        let cache = store.cache(ttl_ms).map_err(|e| failed(store.or_aside(e)))?;
        Ok(Some(Arc::new(cache)))
    }

    /// Writes what was recorded.
    pub(super) fn close(&self, screen: &Screen) -> Result<(), Failure> {
        let Some(cassette) = &self.cassette else { return Ok(()) };
        let idle = cassette.save().map_err(failed)?;
        if idle > 0 {
            let answers = count(idle as u64, "answer");
            screen.warning(&format!(
                "no cell asked for {answers} on the cassette; record into a new file to leave them out"
            ));
        }
        Ok(())
    }

    /// Why the store failed during a run, with the damaged file put aside.
    pub(super) fn trouble(&self, error: StoreError) -> Failure {
        failed(match &self.store {
            Some(store) => store.or_aside(error),
            None => error,
        })
    }
}

/// The state of a repository, asked for while something else is done.
pub(super) struct Repository(Receiver<Option<(String, bool)>>);

impl Repository {
    /// Asks about the repository that a folder is in.
    pub(super) fn ask(folder: PathBuf) -> Self {
        let (answer, answers) = channel();
        // Where no thread can be had, nothing is known.
        let _ = thread::Builder::new().name("git".into()).spawn(move || answer.send(git(&folder)));
        Self(answers)
    }

    /// Its state, when it is known within a moment: no run waits for a sick repository.
    pub(super) fn state(&self) -> Option<Git> {
        let (commit, dirty) = self.0.recv_timeout(PATIENCE).ok().flatten()?;
        Some(Git { commit: commit.into(), dirty })
    }
}

fn told(head: &RunHead, kept: u64) -> String {
    format!("going on with run {}: {} kept, {} planned", head.id, count(kept, "cell"), count(head.cells, "cell"))
}

/// A path as a person would write it in the working folder.
pub(super) fn shorter(path: &Path, cwd: &Path) -> PathBuf {
    path.strip_prefix(cwd).unwrap_or(path).to_owned()
}

/// A run does not need a store.
fn without(mut failure: Failure) -> Failure {
    if let Some(hint) = failure.hint.as_mut().filter(|hint| hint.contains("--store")) {
        *hint += ", or run with --no-store";
    }
    failure
}

pub(super) fn failed(error: StoreError) -> Failure {
    let status = if error.trouble == Trouble::Unknown { ExitStatus::Usage } else { ExitStatus::Failed };
    Failure::new(status, error.message).maybe_hint(error.hint)
}
