//! Where the scripts of a config run.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::Value;
use tokio::runtime::Runtime;

use super::engine::Arg;
use super::runner::{LIMIT, Script};
use super::trouble::{ScriptError, Trouble};
use super::worker::{self, Foreign, Language, NODE, PYTHON, RUBY, WorkerEnv, Workers};
use crate::content::Digest;
use crate::diag::{Folder, Problem, Problems, Span};

/// So many processes each language has at most.
const PROCESSES: usize = 4;

/// The folder, the environment and the processes that scripts of a config have. Cheap to clone.
#[derive(Clone)]
pub struct Home(Arc<House>);

struct House {
    folder: Folder,
    env: WorkerEnv,
    workers: Workers,
    /// Scripts that were read and not yet looked through, and where the config names them.
    fresh: Mutex<Vec<(Foreign, Span)>>,
    seen: Mutex<HashSet<Digest>>,
    believed: AtomicBool,
    /// The processes of scripts that run while the config is read.
    early: Mutex<Option<Early>>,
}

struct Early {
    runtime: Runtime,
    workers: Workers,
}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Home").field(&self.0.env.folder).finish()
    }
}

/// What a place of the config takes for a script.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// The language of code that stands in the config itself.
    pub inline: Option<&'static Language>,
    /// What it is called with.
    pub parameters: &'static [&'static str],
    /// The functions that are looked for in a file where none is named.
    pub defaults: &'static [&'static str],
}

impl Home {
    /// The home of a config in this folder.
    pub fn new(folder: &Folder, env: WorkerEnv) -> Self {
        let workers = Workers::new(PROCESSES, env.clone());
        let (fresh, seen, believed, early) = Default::default();
        Self(Arc::new(House { folder: folder.clone(), env, workers, fresh, seen, believed, early }))
    }

    /// Reads a script: code, or a `file://` of code with a function's name after a colon.
    ///
    /// # Errors
    /// What is wrong with it, without a place.
    pub fn read(&self, text: &str, at: &Span, manner: Manner) -> Result<Script, Problem> {
        let Some(word) = text.trim().strip_prefix("file://") else {
            return match manner.inline {
                None => Script::read(text, manner.parameters).map_err(|error| {
                    let at = at.line(error.line.unwrap_or(0));
                    Problem::error(format!("this is no valid JavaScript: {}", error.message)).at(&at)
                }),
                Some(language) => Ok(self.inline(language, text, at, manner.parameters)),
            };
        };
        let (path, function) = split(word);
        let file = self.0.folder.file(path);
        if !file.path.is_file() {
            return Err(self.0.folder.missing("file", path, at));
        }
        let foreign = Foreign::file(&file.path, file.shown.clone(), function, manner.defaults);
        let known = [&NODE, &PYTHON, &RUBY].iter().any(|language| std::ptr::eq(*language, foreign.language()));
        if !known {
            let hint = "scripts end with .js, .mjs, .cjs, .ts, .py or .rb";
            return Err(Problem::error(format!("`{path}` is no script")).hint(hint));
        }
        Ok(self.foreign(foreign, at))
    }

    fn inline(&self, language: &'static Language, text: &str, at: &Span, names: &'static [&'static str]) -> Script {
        let name = format!("the {} at {}", language.name, at.location());
        self.foreign(Foreign::inline(language, text, name, names), at)
    }

    fn foreign(&self, foreign: Foreign, at: &Span) -> Script {
        // A script that many cases share is looked through once, and none while the run goes on.
        let id = foreign.id();
        if !self.0.believed.load(Ordering::Relaxed) && lock(&self.0.seen).insert(id) {
            lock(&self.0.fresh).push((foreign.clone(), at.clone()));
        }
        Script::Foreign(foreign, self.clone())
    }

    /// Looks through the scripts that were read since, a process for each language: mistakes are told before
    /// anything is requested.
    pub fn believe(&self, problems: &mut Problems) {
        self.end_early();
        self.0.believed.store(true, Ordering::Relaxed);
        let fresh = std::mem::take(&mut *lock(&self.0.fresh));
        if fresh.is_empty() {
            return;
        }
        let scripts: Vec<Foreign> = fresh.iter().map(|(script, _)| script.clone()).collect();
        for ((_, at), found) in fresh.iter().zip(worker::check(&scripts, &self.0.env)) {
            if let Err(error) = found {
                problems.push(Problem::error(error.to_string()).at(at));
            }
        }
    }

    pub(super) async fn call(&self, script: &Foreign, args: &[Arg<'_>]) -> Result<Value, ScriptError> {
        self.0.workers.call(script, args, LIMIT).await
    }

    /// Runs a script while the config is read, for who has no runtime.
    pub(super) fn call_early(&self, script: &Foreign, args: &[Arg<'_>]) -> Result<Value, ScriptError> {
        let died = |message: String| ScriptError::new(Trouble::Died, message);
        let work = || {
            let mut early = lock(&self.0.early);
            if early.is_none() {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime.map_err(|error| died(format!("scripts cannot be run: {error}")))?;
                *early = Some(Early { runtime, workers: Workers::new(1, self.0.env.clone()) });
            }
            let Some(Early { runtime, workers }) = &*early else { return Err(died("scripts cannot be run".into())) };
            runtime.block_on(workers.call(script, args, LIMIT))
        };
        // A thread of its own, since the caller's may belong to a runtime.
        let ended = thread::scope(|scope| scope.spawn(work).join());
        ended.unwrap_or_else(|_| Err(died("the script's thread ended".into())))
    }

    /// Ends the processes that ran while the config was read.
    fn end_early(&self) {
        let Some(Early { runtime, workers }) = lock(&self.0.early).take() else { return };
        let work = || runtime.block_on(workers.shut_down());
        let _ = thread::scope(|scope| scope.spawn(work).join());
    }

    /// Ends all processes.
    pub async fn shut_down(&self) {
        self.end_early();
        self.0.workers.shut_down().await;
    }

    /// The folder that `file://` is relative to.
    pub fn folder(&self) -> &Path {
        &self.0.env.folder
    }
}

/// A path, and the function after its last colon; a drive's colon belongs to the path.
fn split(word: &str) -> (&str, Option<&str>) {
    match word.rsplit_once(':') {
        Some((path, function)) if path.len() > 1 && !function.contains(['/', '\\', '.']) => (path, Some(function)),
        _ => (word, None),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
