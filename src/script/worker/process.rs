//! A process that runs scripts.

use std::collections::HashSet;
use std::future::pending;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{BufReader, BufWriter};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::foreign::Foreign;
use super::message::{self, Fault, Request};
use super::tail::Tail;
use crate::content::Digest;
use crate::env::Env;
use crate::script::engine::Arg;
use crate::script::trouble::{ScriptError, Trouble};

/// How long a process may take to end once it was told to.
const GRACE: Duration = Duration::from_secs(1);

/// Where scripts run, and what they may use.
#[derive(Debug, Clone)]
pub struct WorkerEnv {
    /// Its variables are those of the processes, over our own.
    pub env: Env,
    /// The working folder: that of the config.
    pub folder: PathBuf,
    /// Bytes of memory that a process may write to, where the system can bound that.
    pub memory: u64,
    /// Bytes that a result may have.
    pub result: u64,
    /// How long a program may take to start, and a script to be loaded with all that it imports.
    pub load: Duration,
}

impl WorkerEnv {
    /// The usual bounds.
    pub fn new(env: Env, folder: impl Into<PathBuf>) -> Self {
        Self { env, folder: folder.into(), memory: 4 << 30, result: 16 << 20, load: Duration::from_secs(60) }
    }

    /// A program that runs in the folder, alone with what it starts: the terminal's interrupt is for us, and
    /// what is left of them is ended together.
    pub(super) fn spawn(&self, program: &Path, args: &[String], input: Stdio) -> Result<(Child, Group), ScriptError> {
        let mut command = Command::new(program);
        let folder = if self.folder.as_os_str().is_empty() { Path::new(".") } else { &self.folder };
        command.args(args).current_dir(folder).envs(self.env.vars());
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let child = command.spawn().map_err(|error| unstarted(program, &error))?;
        let group = Group(child.id());
        Ok((child, group))
    }
}

fn unstarted(program: &Path, error: &io::Error) -> ScriptError {
    let (trouble, hint) = match error.kind() {
        io::ErrorKind::ArgumentListTooLong => (Trouble::TooLarge, ": what it is given is too long for arguments"),
        io::ErrorKind::InvalidInput => (Trouble::NoResult, ": an argument cannot hold a NUL character"),
        _ => (Trouble::Missing, ""),
    };
    ScriptError::new(trouble, format!("cannot start `{}`: {error}{hint}", program.display()))
}

/// A process and those that it started; they end with it.
#[derive(Debug)]
pub(super) struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(pid) = self.0.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw) {
            // Most often nobody is left.
            rustix::process::kill_process_group(pid, rustix::process::Signal::KILL).ok();
        }
    }
}

/// A process that runs one script after the other.
#[derive(Debug)]
pub(super) struct Worker {
    // The group goes before its leader, whose number is its own as long as it is here.
    group: Group,
    child: Child,
    requests: BufWriter<ChildStdin>,
    answers: BufReader<ChildStdout>,
    words: Tail<ChildStderr>,
    most: u64,
    load: Duration,
    known: HashSet<Digest>,
    number: u64,
    /// Whether it owes an answer; then it is of no use to others.
    busy: bool,
    line: Vec<u8>,
}

/// Why a request has no answer.
enum Broken {
    Ended(Option<ExitStatus>),
    TooLarge,
}

impl Worker {
    /// Starts a program with our text.
    pub(super) async fn start(
        program: &Path,
        mut flags: Vec<String>,
        shim: &str,
        env: &WorkerEnv,
    ) -> Result<Self, ScriptError> {
        flags.extend([shim.to_owned(), json!({"memory": env.memory, "result": env.result}).to_string()]);
        let (child, group) = env.spawn(program, &flags, Stdio::piped())?;
        let mut worker = Self::new(child, group, env)?;
        let Ok(started) = timeout(env.load, worker.hello()).await else {
            let message = format!("`{}` did not start within {:?}", program.display(), env.load);
            return Err(ScriptError::new(Trouble::TimedOut, message).saying(worker.words.text()));
        };
        match started {
            Ok(_) => Ok(worker),
            Err(broken) => {
                let error = worker.autopsy("it", broken).await;
                Err(ScriptError {
                    message: format!("`{}` did not start: {}", program.display(), error.message),
                    ..error
                })
            }
        }
    }

    fn new(mut child: Child, group: Group, env: &WorkerEnv) -> Result<Self, ScriptError> {
        let (Some(input), Some(output), Some(words)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(ScriptError::new(Trouble::Died, "a process without pipes"));
        };
        Ok(Self {
            group,
            child,
            requests: BufWriter::new(input),
            answers: BufReader::new(output),
            words: Tail::new(words, &env.env.redactor),
            most: env.result,
            load: env.load,
            known: HashSet::new(),
            number: 0,
            busy: false,
            line: Vec::new(),
        })
    }

    /// Whether it owes nobody an answer.
    pub(super) fn is_free(&self) -> bool {
        !self.busy
    }

    /// Whether it is still there.
    pub(super) fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Looks for mistakes in a script without running it.
    pub(super) async fn check(&mut self, script: &Foreign) -> Result<(), ScriptError> {
        self.ask(Request::Check(script), self.load).await.map(drop)
    }

    /// Runs a script within a time limit.
    pub(super) async fn run(
        &mut self,
        script: &Foreign,
        args: &[Arg<'_>],
        limit: Duration,
    ) -> Result<Value, ScriptError> {
        if !self.known.contains(&script.id()) {
            self.ask(Request::Load(script), self.load).await?;
            self.known.insert(script.id());
        }
        self.ask(Request::Call(script, args), limit).await
    }

    /// Ends it in peace: what it has to do at its end it may do.
    pub(super) async fn end(self) {
        let Self { group, mut child, requests, mut words, .. } = self;
        drop(requests);
        tokio::select! {
            _ = timeout(GRACE, child.wait()) => {}
            never = words.drain() => match never {},
        }
        drop(group);
    }

    async fn ask(&mut self, request: Request<'_>, limit: Duration) -> Result<Value, ScriptError> {
        self.number += 1;
        self.busy = true;
        self.words.forget();
        let Ok(answer) = timeout(limit, self.exchange(Some(request))).await else {
            return Err(late(request, limit).saying(self.words.text()));
        };
        match answer {
            Ok(Ok(value)) => {
                self.busy = false;
                Ok(value)
            }
            Ok(Err(fault)) => {
                self.words.until_mark(self.number).await;
                self.busy = false;
                Err(fault.of(request.script()).saying(self.words.text()))
            }
            Err(broken) => Err(self.autopsy("the script", broken).await.at(request.script().name())),
        }
    }

    async fn hello(&mut self) -> Result<Result<Value, Fault>, Broken> {
        self.exchange(None).await
    }

    /// Sends a request, if there is one, and waits for the answer, for the end of the process or for ever;
    /// meanwhile the process can print.
    async fn exchange(&mut self, request: Option<Request<'_>>) -> Result<Result<Value, Fault>, Broken> {
        let Self { child, requests, answers, words, line, number, most, .. } = self;
        let exchange = async {
            match converse(*number, request, requests, *most, answers, line).await {
                Ok(answer) => Ok(answer),
                Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Err(Broken::TooLarge),
                // A process closes its pipes before it ends, and how it ends is yet to be seen.
                Err(_) => pending().await,
            }
        };
        tokio::select! {
            biased;
            answer = exchange => answer,
            status = child.wait() => Err(Broken::Ended(status.ok())),
            never = words.drain() => match never {},
        }
    }

    /// What came of a process, and by whom.
    async fn autopsy(&mut self, who: &str, broken: Broken) -> ScriptError {
        let error = match broken {
            Broken::TooLarge => {
                ScriptError::new(Trouble::TooLarge, format!("{who} returned more than {} bytes", self.most))
            }
            Broken::Ended(status) => {
                self.words.finish().await;
                ScriptError::new(Trouble::Died, ended(who, status))
            }
        };
        error.saying(self.words.text())
    }
}

async fn converse(
    number: u64,
    request: Option<Request<'_>>,
    requests: &mut BufWriter<ChildStdin>,
    most: u64,
    answers: &mut BufReader<ChildStdout>,
    line: &mut Vec<u8>,
) -> io::Result<Result<Value, Fault>> {
    if let Some(request) = request {
        request.write(number, requests).await?;
    }
    message::read(number, most, answers, line).await
}

fn late(request: Request<'_>, limit: Duration) -> ScriptError {
    let message = match request {
        Request::Call(..) => format!("the script took longer than {limit:?} and was stopped"),
        Request::Check(_) | Request::Load(_) => format!("the script took longer than {limit:?} to load"),
    };
    ScriptError::new(Trouble::TimedOut, message).at(request.script().name())
}

/// How people call the end of a process.
pub(super) fn ended(who: &str, status: Option<ExitStatus>) -> String {
    match status.map(|status| (status.code(), status)) {
        None => format!("{who} ended its process"),
        Some((Some(code), _)) => format!("{who} ended its process (exit code {code})"),
        Some((None, status)) => format!("{who} ended its process ({status})"),
    }
}
