//! Scripts in languages that are not embedded.
//!
//! A language has a few processes, started when calls wait for one, and each runs thousands of scripts. A
//! script that ends or blocks its process costs its own call, and a new process for the next one.

mod foreign;
mod language;
mod message;
mod once;
mod process;
mod tail;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::engine::Arg;
use super::trouble::{ScriptError, Trouble};
pub use foreign::Foreign;
pub use language::{EXECUTABLE, Language, NODE, PYTHON, RUBY};
use language::{LANGUAGES, Start, can_run};
use process::Worker;
pub use process::WorkerEnv;

/// The processes of a run. Cheap to clone; bound to the runtime in which it is first asked.
#[derive(Debug, Clone)]
pub struct Workers(Arc<House>);

#[derive(Debug)]
struct House {
    env: WorkerEnv,
    pools: [Pool; LANGUAGES.len()],
}

/// The processes of a language.
#[derive(Debug)]
struct Pool {
    language: &'static Language,
    program: OnceLock<Result<PathBuf, ScriptError>>,
    /// One for each process there may be. Who waits longest is next.
    seats: Semaphore,
    /// Who has worked last is asked next: it knows most.
    idle: Mutex<Vec<Worker>>,
}

impl Workers {
    /// At most so many processes for each language; none is started yet.
    pub fn new(most: usize, env: WorkerEnv) -> Self {
        let pools = LANGUAGES.map(|language| Pool::new(language, most));
        Self(Arc::new(House { env, pools }))
    }

    /// Runs a script. The limit is for this call alone: not for waiting, starting or importing.
    ///
    /// # Errors
    /// When it comes to no result; then its process may be gone, but not those of others.
    pub async fn call(&self, script: &Foreign, args: &[Arg<'_>], limit: Duration) -> Result<Value, ScriptError> {
        let (pool, env) = (self.pool(script), &self.0.env);
        let _seat = pool.seat().await?;
        script.is_promising()?;
        let result = match pool.language.start {
            Start::Once => once::run(script, args, env, limit).await,
            Start::Worker { .. } => pool.run(script, args, env, limit).await,
        };
        script.went(&result);
        result
    }

    /// Looks for mistakes without running a script; one process for each language is enough for all.
    pub async fn check(&self, scripts: &[Foreign]) -> Vec<Result<(), ScriptError>> {
        let mut found = Vec::with_capacity(scripts.len());
        for script in scripts {
            found.push(self.check_one(script).await);
        }
        found
    }

    async fn check_one(&self, script: &Foreign) -> Result<(), ScriptError> {
        check_file(script)?;
        let (pool, env) = (self.pool(script), &self.0.env);
        let _seat = pool.seat().await?;
        pool.program(env)?;
        if !pool.language.checks {
            return Ok(());
        }
        let mut worker = pool.worker(env).await?;
        let result = worker.check(script).await;
        pool.keep(worker);
        result
    }

    /// Ends all processes. Whoever calls later is told so.
    pub async fn shut_down(&self) {
        for pool in &self.0.pools {
            pool.seats.close();
        }
        let workers = self.0.pools.iter().flat_map(|pool| std::mem::take(&mut *pool.idle()));
        futures::future::join_all(workers.map(Worker::end)).await;
    }

    fn pool(&self, script: &Foreign) -> &Pool {
        let language = script.language();
        let own = self.0.pools.iter().find(|pool| std::ptr::eq(pool.language, language));
        // Every language is in the table; the last row takes what is not.
        own.unwrap_or(&self.0.pools[LANGUAGES.len() - 1])
    }
}

impl Pool {
    fn new(language: &'static Language, most: usize) -> Self {
        let seats = Semaphore::new(most.clamp(1, Semaphore::MAX_PERMITS));
        Self { language, program: OnceLock::new(), seats, idle: Mutex::default() }
    }

    async fn seat(&self) -> Result<SemaphorePermit<'_>, ScriptError> {
        self.seats.acquire().await.map_err(|_| ScriptError::new(Trouble::Died, "the run is over"))
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Worker>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn program(&self, env: &WorkerEnv) -> Result<&PathBuf, ScriptError> {
        self.program.get_or_init(|| self.language.program(&env.env)).as_ref().map_err(Clone::clone)
    }

    async fn run(
        &self,
        script: &Foreign,
        args: &[Arg<'_>],
        env: &WorkerEnv,
        limit: Duration,
    ) -> Result<Value, ScriptError> {
        let mut worker = self.worker(env).await?;
        let result = worker.run(script, args, limit).await;
        self.keep(worker);
        result
    }

    /// A process that waits for work, or a new one. Whoever gives up while it works drops and so ends it.
    async fn worker(&self, env: &WorkerEnv) -> Result<Worker, ScriptError> {
        while let Some(mut worker) = self.next_idle() {
            // It may have ended since, by a thread that a script left behind.
            if worker.lives() {
                return Ok(worker);
            }
        }
        let Start::Worker { flags, shim } = self.language.start else {
            return Err(ScriptError::new(Trouble::Missing, "these scripts have no workers"));
        };
        Worker::start(self.program(env)?, flags(env.memory), shim, env).await
    }

    fn next_idle(&self) -> Option<Worker> {
        self.idle().pop()
    }

    /// Keeps a process that is fit for more.
    fn keep(&self, worker: Worker) {
        if worker.is_free() && !self.seats.is_closed() {
            self.idle().push(worker);
        }
    }
}

/// Whether a script's file is there and, if it is to be run as it is, may be.
fn check_file(script: &Foreign) -> Result<(), ScriptError> {
    let Some(path) = script.path() else { return Ok(()) };
    let missing = |message: String| Err(ScriptError::new(Trouble::Missing, message));
    if !path.is_file() {
        return missing(format!("no file `{}`", script.name()));
    }
    if matches!(script.language().start, Start::Once) && !can_run(path) {
        return missing(format!(
            "`{name}` may not be run: make it executable with `chmod +x {name}`",
            name = script.name()
        ));
    }
    Ok(())
}

/// Looks for mistakes as [`Workers::check`] does, for who reads a config and has no runtime: one process is
/// started for each language.
pub fn check(scripts: &[Foreign], env: &WorkerEnv) -> Vec<Result<(), ScriptError>> {
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok::<_, std::io::Error>(runtime.block_on(async {
            let workers = Workers::new(1, env.clone());
            let found = workers.check(scripts).await;
            workers.shut_down().await;
            found
        }))
    };
    // A thread of its own, since the caller's may belong to a runtime.
    let found = match thread::scope(|scope| scope.spawn(work).join()) {
        Ok(found) => found.map_err(|error| error.to_string()),
        Err(_) => Err("their thread ended".to_owned()),
    };
    found.unwrap_or_else(|reason| {
        let error = ScriptError::new(Trouble::Died, format!("scripts cannot be checked: {reason}"));
        vec![Err(error); scripts.len()]
    })
}

#[cfg(test)]
mod tests;
