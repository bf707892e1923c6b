//! The folder, and how it is changed: one writer at a time, each change whole or not at all.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use super::pending::{NewFile, Pending, STATE, durable, recover, settle};
use super::trouble::{RegistryError, Trouble};
use crate::audit::{Actor, Commit, Entry, Finding, Head, Kind, Log, Sealed, Tail};
use crate::content::sha256;
use crate::diag::Folder;
use crate::env::{Clock, format_time};
use crate::prompts::{LABELS_FILE, Labels, Sources};

const SEEN: &str = "seen.json";
/// What git has to know: the bytes of these files count, and a log is merged by keeping all lines.
const ATTRIBUTES: &str = "* -text\naudit.jsonl -text merge=union\n";

/// A registry's folder.
#[derive(Debug, Clone)]
pub struct Registry {
    folder: PathBuf,
    sources: Sources,
    /// Releases that were looked up, by name and version.
    pub(super) releases: Arc<Mutex<BTreeMap<(String, String), Sealed>>>,
}

/// Who changes something, and when.
#[derive(Debug, Clone)]
pub struct Who {
    /// As far as the machine knows.
    pub actor: Actor,
    /// The state of the repository.
    pub git: Option<Commit>,
    /// The clock.
    pub clock: Clock,
}

impl Who {
    /// An entry of theirs about nothing yet.
    pub fn entry(&self, event: crate::audit::Event) -> Entry {
        Entry {
            time: format_time(self.clock.now_millis()),
            event,
            actor: self.actor.clone(),
            approvers: Vec::new(),
            change: crate::audit::Change::default(),
            also: Vec::new(),
            reason: None,
            missing: Vec::new(),
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            git: self.git.clone(),
        }
    }
}

/// The right to change a registry, until it is dropped.
#[derive(Debug)]
pub struct Session<'a> {
    pub(super) registry: &'a Registry,
    /// Where the log ends.
    pub head: Option<Head>,
    /// Whether all of it is known to hold.
    sound: bool,
    _hold: Hold,
}

/// Keeps everybody else out until it is dropped, however the process ends.
#[derive(Debug)]
pub(super) struct Hold {
    _lock: File,
}

/// A log as it was when its whole chain held, and the labels were what it said.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    bytes: u64,
    /// When the file was last touched: an edit in the middle leaves size and end as they were.
    touched: (i64, i64),
    head: Head,
    /// Hash of the file of labels.
    labels: String,
}

impl Registry {
    /// The registry of a folder; `cwd` is where paths are shown from.
    pub fn new(folder: PathBuf, cwd: &Path) -> Self {
        let sources = Sources { base: Folder::new(cwd, ""), registry: folder.clone() };
        Self { folder, sources, releases: Arc::default() }
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where prompts are looked for.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Its log.
    pub fn log(&self) -> Log {
        Log::of(&self.folder)
    }

    /// Its labels.
    ///
    /// # Errors
    /// When the file of labels cannot be read.
    pub fn labels(&self) -> Result<Labels, RegistryError> {
        Ok(Labels::read(&self.folder)?)
    }

    /// Waits until nobody else changes anything, and finishes what another process left half done.
    ///
    /// # Errors
    /// When the folder cannot be written, or its log does not end with a whole entry.
    pub fn lock(&self) -> Result<Session<'_>, RegistryError> {
        let hold = self.hold()?;
        let head = self.head()?;
        let mut session = Session { registry: self, head, sound: false, _hold: hold };
        session.sound = session.head.is_some() && self.seen() == session.seen();
        Ok(session)
    }

    /// The same, on a log whose whole chain holds and with the labels that it tells: nothing is to be built
    /// on others.
    ///
    /// # Errors
    /// What [`Registry::lock`] says, and what is wrong with the log or the labels.
    pub fn lock_sound(&self) -> Result<Session<'_>, RegistryError> {
        let mut session = self.lock()?;
        if session.sound {
            return Ok(session);
        }
        if let Some(found) = self.examined(&[])?.findings.first() {
            return Err(unsound(found, &self.folder));
        }
        session.sound = true;
        session.remember();
        Ok(session)
    }

    /// Keeps everybody else out.
    pub(super) fn hold(&self) -> Result<Hold, RegistryError> {
        let state = self.folder.join(STATE);
        let path = state.join("lock");
        let new = !self.log().path().exists();
        let opened = fs::create_dir_all(&state).and_then(|()| OpenOptions::new().create(true).append(true).open(&path));
        let lock =
            opened.and_then(|file| file.lock().map(|()| file)).map_err(|e| RegistryError::io(&e, "lock", &path))?;
        self.furnish(&state, new)?;
        recover(&self.folder)?;
        Ok(Hold { _lock: lock })
    }

    /// Up to where this machine has seen the log hold.
    fn seen(&self) -> Option<Seen> {
        serde_json::from_slice(&fs::read(self.folder.join(STATE).join(SEEN)).ok()?).ok()
    }

    /// Files that git needs. A team may have its own attributes in a registry that has begun.
    fn furnish(&self, state: &Path, new: bool) -> Result<(), RegistryError> {
        let both = [(state.join(".gitignore"), "*\n", true), (self.folder.join(".gitattributes"), ATTRIBUTES, new)];
        for (path, text, wanted) in both {
            if wanted && !path.exists() {
                fs::write(&path, text).map_err(|e| RegistryError::io(&e, "write", &path))?;
            }
        }
        Ok(())
    }

    /// The end of the log.
    fn head(&self) -> Result<Option<Head>, RegistryError> {
        let log = self.log();
        let tail = log.head().map_err(|e| RegistryError::io(&e, "read", log.path()))?;
        tail.map_err(|tail| {
            let shown = log.path().display();
            match tail {
                Tail::Torn => RegistryError::integrity(format!("the last line of `{shown}` is torn"))
                    .hint("`prompteval audit repair` keeps what is left of it in an entry of its own"),
                Tail::Wrong(why) => RegistryError::integrity(format!("the last line of `{shown}` is no entry: {why}"))
                    .hint("`prompteval audit verify` says what was done to the log"),
            }
        })
    }
}

impl Registry {
    /// Puts another log in the place of this one, and the labels that it tells.
    pub(super) fn replace(&self, _hold: &Hold, log: &[u8], labels: &Labels) -> Result<(), RegistryError> {
        let trouble = |e: std::io::Error| RegistryError::io(&e, "write into", &self.folder);
        for (name, bytes) in [(crate::audit::FILE, log), (LABELS_FILE, labels.text().as_bytes())] {
            let waiting = self.folder.join(STATE).join(name);
            durable(&waiting, bytes).and_then(|()| settle(&waiting, &self.folder.join(name))).map_err(trouble)?;
        }
        Ok(())
    }
}

/// Why nothing can be built on the log or the labels of a folder.
pub(super) fn unsound(found: &Finding, folder: &Path) -> RegistryError {
    let place = found.line.map(|line| format!(":{line}")).unwrap_or_default();
    let (what, file) = match found.kind {
        Kind::Labels => ("the labels were not moved by promote or rollback", LABELS_FILE),
        _ => ("the log does not hold", crate::audit::FILE),
    };
    let path = folder.join(file);
    let message = format!("{what}: {}{place}: {}: {}", path.display(), found.kind.word(), found.words);
    RegistryError::integrity(message).hint(match found.kind {
        Kind::Labels => {
            "take the edit back (`git checkout`), or let `prompteval audit repair` write the labels that the log tells"
        }
        Kind::Forked => "after a merge of two branches, `prompteval audit rebase` puts one chain behind the other",
        _ => "`prompteval audit verify` says all that is wrong with it; `git log -p` says since when",
    })
}

impl Session<'_> {
    /// The labels, as they are while nobody else can move them.
    ///
    /// # Errors
    /// When the file of labels cannot be read.
    pub fn labels(&self) -> Result<Labels, RegistryError> {
        self.registry.labels()
    }

    /// Makes a change: the entries go into the log, and with them these files appear. Whatever happens in
    /// between, all of it is done or nothing.
    ///
    /// # Errors
    /// When something cannot be written.
    pub(super) fn commit(&mut self, entries: &[Entry], files: Vec<NewFile>) -> Result<Head, RegistryError> {
        let (lines, head) = self.lines(entries)?;
        let trouble = |e: std::io::Error| RegistryError::io(&e, "write into", &self.registry.folder);
        if files.is_empty() {
            self.registry.log().append(lines.as_bytes()).map_err(trouble)?;
        } else {
            let pending = Pending::prepare(&self.registry.folder, lines, files).map_err(trouble)?;
            self.registry.log().append(pending.lines.as_bytes()).map_err(trouble)?;
            pending.finish(&self.registry.folder).map_err(trouble)?;
        }
        self.head = Some(head.clone());
        self.remember();
        Ok(head)
    }

    /// Remembers up to where the log holds. Only a shortcut: without it the log is read once more.
    fn remember(&self) {
        if let Some(seen) = self.seen().filter(|_| self.sound) {
            let path = self.registry.folder.join(STATE).join(SEEN);
            let _ = fs::write(path, serde_json::to_vec(&seen).unwrap_or_default());
        }
    }

    fn seen(&self) -> Option<Seen> {
        let log = fs::metadata(self.registry.log().path()).ok()?;
        let labels = fs::read(self.registry.folder.join(LABELS_FILE)).unwrap_or_default();
        Some(Seen { bytes: log.len(), touched: touched(&log), head: self.head.clone()?, labels: sha256(&labels) })
    }

    /// Enters something that changes no file.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub fn note(&mut self, entry: &Entry) -> Result<Head, RegistryError> {
        self.commit(std::slice::from_ref(entry), Vec::new())
    }

    fn lines(&self, entries: &[Entry]) -> Result<(String, Head), RegistryError> {
        let trouble = |e: serde_json::Error| RegistryError::new(Trouble::Disk, e.to_string());
        let mut lines = String::new();
        let mut head = self.head.clone();
        for entry in entries {
            let (line, next) = entry.seal(head.as_ref()).map_err(trouble)?;
            lines += &String::from_utf8_lossy(&line);
            lines.push('\n');
            head = Some(next);
        }
        head.map(|head| (lines, head)).ok_or_else(|| RegistryError::usage("nothing is to be changed"))
    }
}

/// When a file was last touched, in seconds and nanoseconds.
#[cfg(unix)]
fn touched(file: &fs::Metadata) -> (i64, i64) {
    use std::os::unix::fs::MetadataExt;
    // Unlike the time of modification, nobody sets this one back.
    (file.ctime(), file.ctime_nsec())
}

/// When a file was last touched, in seconds and nanoseconds.
#[cfg(not(unix))]
fn touched(file: &fs::Metadata) -> (i64, i64) {
    let since = file.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let since = since.unwrap_or_default();
    (i64::try_from(since.as_secs()).unwrap_or(0), i64::from(since.subsec_nanos()))
}
