//! A change that is under way, so that it is whole or did not happen wherever it was broken off.
//!
//! First everything that is to be is written where it waits, then the lines go into the log, which makes the
//! change, then the files go to their places. Whoever comes next finishes what has its lines in the log, and
//! forgets what has not.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::trouble::{RegistryError, Trouble};
use crate::audit::{Log, sync_folder};

/// What belongs to this machine alone: the lock, and a change that is under way.
pub(super) const STATE: &str = ".registry";
const PENDING: &str = "pending.json";

/// A file that is to be written: its path below the registry's folder, and its bytes.
pub(super) type NewFile = (PathBuf, Vec<u8>);

/// What is to be in the log, and the files that wait for it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Pending {
    /// The lines of the log, each with its end.
    pub(super) lines: String,
    /// Where each file waits, and where it belongs, both below the registry's folder.
    files: Vec<(PathBuf, PathBuf)>,
}

impl Pending {
    /// Writes the files where they wait, and what they wait for.
    pub(super) fn prepare(folder: &Path, lines: String, files: Vec<NewFile>) -> io::Result<Self> {
        let mut waiting = Vec::with_capacity(files.len());
        for (path, _) in &files {
            let inner = path.parent().filter(|inner| !inner.as_os_str().is_empty()).map(|inner| folder.join(inner));
            if inner.as_ref().is_some_and(|inner| inner.is_symlink()) {
                let message = format!("`{}` is a link out of the registry", inner.unwrap_or_default().display());
                return Err(io::Error::other(message));
            }
        }
        for (n, (path, bytes)) in files.into_iter().enumerate() {
            let from = Path::new(STATE).join(format!("{n}.new"));
            durable(&folder.join(&from), &bytes)?;
            waiting.push((from, path));
        }
        let pending = Self { lines, files: waiting };
        let place = folder.join(STATE).join(PENDING);
        let early = place.with_extension("new");
        durable(&early, &serde_json::to_vec(&pending)?)?;
        settle(&early, &place)?;
        Ok(pending)
    }

    /// Moves the files to their places.
    pub(super) fn finish(&self, folder: &Path) -> io::Result<()> {
        for (from, to) in &self.files {
            settle(&folder.join(from), &folder.join(to))?;
        }
        fs::remove_file(folder.join(STATE).join(PENDING))
    }

    /// Whether it stays in the folder: the file could have been written by somebody else.
    fn stays_inside(&self) -> bool {
        let plain = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
        self.files.iter().all(|(from, to)| plain(from) && plain(to) && from.starts_with(STATE))
    }
}

/// Finishes a change whose lines are in the log, and forgets one whose lines are not.
pub(super) fn recover(folder: &Path) -> Result<(), RegistryError> {
    let path = folder.join(STATE).join(PENDING);
    let Ok(text) = fs::read(&path) else { return Ok(()) };
    let trouble = |e: io::Error| RegistryError::io(&e, "finish the change in", &path);
    let pending = serde_json::from_slice(&text).ok().filter(Pending::stays_inside).ok_or_else(|| {
        let message = format!("`{}` is no change that prompteval began", path.display());
        RegistryError::new(Trouble::Disk, message)
            .hint("take it away; `prompteval audit verify` says whether anything is missing")
    })?;
    let log = Log::of(folder);
    let lines = pending.lines.as_bytes();
    let have = log.overlap(lines).map_err(trouble)?;
    if have > 0 {
        // A torn write is made whole: what was to be written is known.
        log.append(&lines[have..]).map_err(trouble)?;
        return pending.finish(folder).map_err(trouble);
    }
    for (from, _) in &pending.files {
        let _ = fs::remove_file(folder.join(from));
    }
    fs::remove_file(&path).map_err(trouble)
}

/// Writes a file so that it outlives a crash.
pub(super) fn durable(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_data()
}

/// Moves a file to its place, unless that was done before.
pub(super) fn settle(from: &Path, to: &Path) -> io::Result<()> {
    if !from.exists() {
        return Ok(());
    }
    if let Some(folder) = to.parent().filter(|folder| !folder.is_dir()) {
        fs::create_dir_all(folder)?;
        sync_folder(folder)?;
    }
    fs::rename(from, to)?;
    sync_folder(to)
}
