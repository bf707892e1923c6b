//! Threads for scripts that may take their time, or never come back.
//!
//! The engine looks at the clock between the steps of a script, not within one step: a single call such as
//! `concat` of a list of billions cannot be interrupted. So such scripts run on threads that can be left
//! behind: the verdict is told, the script is never run again, and the thread ends with the program.

use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::code::Code;
use super::engine::{Arg, Pace, Returned};
use super::trouble::{ScriptError, Trouble};

/// How long after its time a script may still be in its last step.
const GRACE: Duration = Duration::from_secs(1);

/// Threads that wait for work, each with an engine of its own.
static IDLE: Mutex<Vec<mpsc::Sender<Job>>> = Mutex::new(Vec::new());

struct Job {
    code: Code,
    args: Vec<Owned>,
    reply: oneshot::Sender<Result<Returned, ScriptError>>,
}

/// An argument that outlives the call.
enum Owned {
    Text(String),
    Json(String),
    Nothing,
}

impl Owned {
    fn of(arg: &Arg<'_>) -> Self {
        match arg {
            Arg::Text(text) => Self::Text((*text).to_owned()),
            Arg::Json(json) => Self::Json((*json).to_owned()),
            Arg::Nothing => Self::Nothing,
        }
    }

    fn lend(&self) -> Arg<'_> {
        match self {
            Self::Text(text) => Arg::Text(text),
            Self::Json(json) => Arg::Json(json),
            Self::Nothing => Arg::Nothing,
        }
    }
}

impl Job {
    fn work(self) {
        let args: Vec<Arg<'_>> = self.args.iter().map(Owned::lend).collect();
        // Nobody waits any more only when it was given up.
        let _ = self.reply.send(self.code.run(&args, Pace::Patient));
    }
}

/// Runs a script aside.
///
/// # Errors
/// As [`Code::run`]; a script that does not come back in time is given up.
pub(super) async fn run(code: &Code, args: &[Arg<'_>]) -> Result<Returned, ScriptError> {
    let lost = |message: &str| ScriptError::new(Trouble::TimedOut, message);
    let worker = worker().ok_or_else(|| ScriptError::new(Trouble::Died, "no thread could be started for a script"))?;
    let (reply, answer) = oneshot::channel();
    let job = Job { code: code.clone(), args: args.iter().map(Owned::of).collect(), reply };
    worker.send(job).map_err(|_| ScriptError::new(Trouble::Died, "the script's thread ended"))?;
    match timeout(Pace::Patient.limit() + GRACE, answer).await {
        Ok(Ok(result)) => {
            IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
            result
        }
        Ok(Err(_)) => Err(ScriptError::new(Trouble::Died, "the script's thread ended")),
        Err(_) => {
            code.give_up();
            Err(lost("the script took too long and cannot be stopped: it is not run again"))
        }
    }
}

/// A thread that waits, or a new one.
fn worker() -> Option<mpsc::Sender<Job>> {
    if let Some(idle) = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop() {
        return Some(idle);
    }
    let (jobs, inbox) = mpsc::channel::<Job>();
    let work = move || inbox.into_iter().for_each(Job::work);
    thread::Builder::new().name("script".into()).spawn(work).ok().map(|_| jobs)
}
