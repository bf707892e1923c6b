//! The key that checkpoints and bundles are signed with, and what is done with checkpoints.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::exit::{ExitStatus, Failure};
use super::screen::{Ink, Screen};
use crate::audit::{Checkpoint, Head, PublicKey, SigningKey};
use crate::diag::io_reason;
use crate::env::{Env, format_time};
use crate::registry::Registry;

/// The key itself, as CI has it among its secrets.
const KEY: &str = "PROMPTEVAL_SIGNING_KEY";
/// A file with the key.
const KEY_FILE: &str = "PROMPTEVAL_SIGNING_KEY_FILE";

/// The key of whoever works here; one is made where there is none.
pub(super) fn key(env: &Env, screen: &Screen) -> Result<SigningKey, Failure> {
    let failed = |what: String| Failure::new(ExitStatus::Failed, what);
    if let Some(text) = env.get(KEY) {
        env.hide(text);
        return SigningKey::parse(text)
            .map_err(|e| failed(format!("{KEY}: {}", e.0)).hint("`openssl rand -base64 32` makes one"));
    }
    let Some(path) = place(env) else {
        let failure = failed("there is no place for a signing key: neither HOME nor XDG_CONFIG_HOME is set".into());
        return Err(failure.hint(format!("set {KEY} to 32 random bytes in base64, or {KEY_FILE} to a file")));
    };
    if env.get(KEY_FILE).is_some() && !path.exists() {
        let failure = failed(format!("{KEY_FILE} names `{}`: no such file", path.display()));
        return Err(
            failure.hint("`openssl rand -base64 32` makes a key; without the variable one is made for this user")
        );
    }
    let (key, new) = SigningKey::at(&path).map_err(|e| {
        failed(format!("the signing key cannot be used: {}", e.0)).hint(format!("set {KEY} or {KEY_FILE}"))
    })?;
    if new && !screen.quiet {
        screen.err(&format!("made a signing key: {}", path.display()));
        screen.err(&format!("  give its public key to whoever verifies: {}", key.public()));
    }
    Ok(key)
}

fn place(env: &Env) -> Option<PathBuf> {
    if let Some(path) = env.get(KEY_FILE) {
        return Some(PathBuf::from(path));
    }
    let home = |name: &str, below: &str| env.get(name).map(|home| Path::new(home).join(below));
    let folder = home("XDG_CONFIG_HOME", "").or_else(|| home("HOME", ".config")).or_else(|| home("APPDATA", ""));
    folder.map(|folder| folder.join("prompteval").join("signing.key"))
}

/// Prints a checkpoint of the log as it is now, and appends it to a file.
pub(super) fn checkpoint(
    registry: &Registry,
    head: &Head,
    key: Option<&SigningKey>,
    file: Option<&Path>,
    (env, screen): (&Env, &Screen),
) -> Result<(), Failure> {
    let time = format_time(env.clock.now_millis());
    let checkpoint = Checkpoint::new(&registry.origin()?, head, time, key);
    let line = checkpoint.line();
    screen.out(&format!("{} {line}", screen.paint(Ink::Dim, "checkpoint")));
    let Some(path) = file else { return Ok(()) };
    let append = || -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
        writeln!(file, "{line}")?;
        file.sync_data()
    };
    append().map_err(|e| {
        let message = format!(
            "the label was moved, and the checkpoint cannot be written to `{}`: {}",
            path.display(),
            io_reason(&e)
        );
        Failure::new(ExitStatus::Failed, message).hint("keep the line above: it is the checkpoint")
    })
}

/// A public key: itself, or a file that holds it.
pub(super) fn public(word: &str, cwd: &Path) -> Result<PublicKey, Failure> {
    let text = std::fs::read_to_string(cwd.join(word)).unwrap_or_else(|_| word.to_owned());
    text.parse().map_err(|e: crate::audit::KeyError| {
        Failure::new(ExitStatus::Usage, e.0).hint("`prompteval audit key` prints the key that this machine signs with")
    })
}
