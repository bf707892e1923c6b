//! A file that is run for each call.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::process::Child;
use tokio::time::timeout;

use super::foreign::Foreign;
use super::process::{WorkerEnv, ended};
use super::tail::Tail;
use crate::script::engine::Arg;
use crate::script::trouble::{ScriptError, Trouble};

/// Runs an executable file. What it is given are its arguments, values as JSON; what it prints is the result,
/// without the line breaks at its end.
pub(super) async fn run(
    script: &Foreign,
    args: &[Arg<'_>],
    env: &WorkerEnv,
    limit: Duration,
) -> Result<Value, ScriptError> {
    let Some(path) = script.path() else {
        return Err(ScriptError::new(Trouble::Missing, "only a file can be run").at(script.name()));
    };
    let failed = |error: ScriptError| error.at(script.name());
    start(path, args, env, limit).await.map_err(failed)
}

async fn start(path: &Path, args: &[Arg<'_>], env: &WorkerEnv, limit: Duration) -> Result<Value, ScriptError> {
    let args: Vec<String> = args.iter().map(word).collect();
    let (mut child, _group) = env.spawn(path, &args, Stdio::null())?;
    let Some(words) = child.stderr.take() else {
        return Err(ScriptError::new(Trouble::Died, "a process without pipes"));
    };
    let mut words = Tail::new(words, &env.env.redactor);
    let run = tokio::select! {
        biased;
        run = timeout(limit, output(&mut child, env.result)) => run,
        never = words.drain() => match never {},
    };
    let result = run.unwrap_or_else(|_| {
        let message = format!("the script took longer than {limit:?} and was stopped");
        Err(ScriptError::new(Trouble::TimedOut, message))
    });
    if matches!(&result, Err(error) if error.trouble == Trouble::Died) {
        words.finish().await;
    }
    result.map_err(|error| error.saying(words.text()))
}

fn word(arg: &Arg<'_>) -> String {
    match arg {
        Arg::Text(text) | Arg::Json(text) => (*text).to_owned(),
        Arg::Nothing => "null".to_owned(),
    }
}

/// What it prints until it ends well.
async fn output(child: &mut Child, most: u64) -> Result<Value, ScriptError> {
    let mut bytes = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        // What cannot be read is not there; how it ended tells more.
        stdout.take(most + 1).read_to_end(&mut bytes).await.ok();
    }
    if bytes.len() as u64 > most {
        return Err(ScriptError::new(Trouble::TooLarge, format!("the script returned more than {most} bytes")));
    }
    let status = child.wait().await.ok();
    if !status.is_some_and(|status| status.success()) {
        return Err(ScriptError::new(Trouble::Died, ended("the script", status)));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).into()),
        Err(_) => Err(ScriptError::new(Trouble::NoResult, "what it printed is no UTF-8")),
    }
}
