//! The log as a file.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use memchr::{memchr, memmem, memrchr};
use serde::{Deserialize, Serialize};

use super::Sealed;
use super::link::{Broken, link};

/// Its name in the registry's folder.
pub const FILE: &str = "audit.jsonl";

/// What the first entry has before it.
const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// How much is read at once from the end on.
const CHUNK: u64 = 1 << 18;

/// The last entry of a chain: its place and its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Its place, from 0.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
}

impl Head {
    /// Place and `prev` of the entry after it.
    pub fn next(head: Option<&Self>) -> (u64, String) {
        head.map_or_else(|| (0, NOTHING.to_owned()), |head| (head.seq + 1, head.hash.clone()))
    }
}

/// The log of a folder.
#[derive(Debug, Clone)]
pub struct Log {
    path: PathBuf,
}

impl Log {
    /// The log of a registry's folder, whether or not there is one yet.
    pub fn of(registry: &Path) -> Self {
        Self { path: registry.join(FILE) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All of it; nothing when there is none yet.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn bytes(&self) -> io::Result<Vec<u8>> {
        match std::fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            read => read,
        }
    }

    /// The last entry, when its own hash is right; `Err` inside for a last line that is torn or wrong.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn head(&self) -> io::Result<Result<Option<Head>, Tail>> {
        let tail = self.tail()?;
        if tail.is_empty() {
            return Ok(Ok(None));
        }
        let Some(line) = tail.strip_suffix(b"\n") else { return Ok(Err(Tail::Torn)) };
        Ok(match link(line) {
            Ok(last) => Ok(Some(last.head)),
            Err(Broken::Short) => Err(Tail::Wrong("it ends too early")),
            Err(Broken::Wrong(why)) => Err(Tail::Wrong(why)),
        })
    }

    /// The hash of the first entry.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn first(&self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => io::BufReader::new(opened?).read_until(b'\n', &mut line)?,
        };
        Ok(link(line.strip_suffix(b"\n").unwrap_or(&line)).ok().map(|link| link.head.hash))
    }

    /// The last line with its end, when it has one.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn tail(&self) -> io::Result<Vec<u8>> {
        let mut tail = Vec::new();
        self.pieces(&mut |piece| {
            let lines = piece.strip_suffix(b"\n").unwrap_or(piece);
            tail = piece[memrchr(b'\n', lines).map_or(0, |at| at + 1)..].to_vec();
            tail.is_empty()
        })?;
        Ok(tail)
    }

    /// Whether the last line is a whole entry, with or without its end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn ends_whole(&self) -> io::Result<bool> {
        let tail = self.tail()?;
        Ok(link(tail.strip_suffix(b"\n").unwrap_or(&tail)).is_ok())
    }

    /// Appends lines, each with its end, durably. What a failed write left is taken away again.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&self, lines: &[u8]) -> io::Result<()> {
        let new = !self.path.exists();
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        let before = file.metadata()?.len();
        let written = file.write_all(lines).and_then(|()| file.sync_data());
        if let Err(error) = written {
            let _ = file.set_len(before);
            return Err(error);
        }
        if new { sync_folder(&self.path) } else { Ok(()) }
    }

    /// How many bytes of these lines the log ends with: all when they were written, none when they were not,
    /// some when writing them was broken off.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn overlap(&self, lines: &[u8]) -> io::Result<usize> {
        let mut file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            opened => opened?,
        };
        let size = file.metadata()?.len();
        let most = size.min(u64::try_from(lines.len()).unwrap_or(u64::MAX));
        file.seek(SeekFrom::Start(size - most))?;
        let mut end = Vec::new();
        file.read_to_end(&mut end)?;
        // The lines begin at the start of one of the log's.
        let starts = std::iter::once(0).filter(|_| most == size || end.len() == lines.len());
        let starts = starts.chain(memchr::memchr_iter(b'\n', &end).map(|at| at + 1));
        Ok(starts.map(|at| &end[at..]).find(|rest| lines.starts_with(rest)).map_or(0, <[u8]>::len))
    }

    /// The entries that mention all of these, the newest first, until `each` has enough. The first needle should
    /// be the rarest: only lines that hold it are looked at, so a log of hundreds of megabytes is searched in
    /// a moment.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn search(&self, needles: &[String], each: &mut dyn FnMut(Sealed) -> bool) -> io::Result<()> {
        let finders: Vec<_> = needles.iter().map(|needle| memmem::Finder::new(needle.as_bytes())).collect();
        let Some((rarest, others)) = finders.split_first() else { return Ok(()) };
        self.pieces(&mut |piece| {
            let hits: Vec<usize> = rarest.find_iter(piece).collect();
            let mut before = piece.len() + 1;
            for hit in hits.into_iter().rev() {
                let start = memrchr(b'\n', &piece[..hit]).map_or(0, |at| at + 1);
                let end = memchr(b'\n', &piece[hit..]).map_or(piece.len(), |at| hit + at);
                // A line may hold it twice.
                let again = std::mem::replace(&mut before, start) == start;
                let line = &piece[start..end];
                if again || !others.iter().all(|finder| finder.find(line).is_some()) {
                    continue;
                }
                if serde_json::from_slice::<Sealed>(line).is_ok_and(|sealed| !each(sealed)) {
                    return false;
                }
            }
            true
        })
    }

    /// Pieces of whole lines from the end on, until `each` has enough.
    fn pieces(&self, each: &mut dyn FnMut(&[u8]) -> bool) -> io::Result<()> {
        let mut file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened?,
        };
        let mut place = file.seek(SeekFrom::End(0))?;
        let mut buffer = Vec::new();
        // The end of a line whose beginning lies before what was read.
        let mut rest: Vec<u8> = Vec::new();
        while place > 0 {
            let size = CHUNK.min(place);
            place -= size;
            file.seek(SeekFrom::Start(place))?;
            buffer.clear();
            Read::by_ref(&mut file).take(size).read_to_end(&mut buffer)?;
            buffer.append(&mut rest);
            let whole = if place == 0 { Some(0) } else { memchr(b'\n', &buffer).map(|at| at + 1) };
            let Some(whole) = whole else {
                rest.append(&mut buffer);
                continue;
            };
            if !each(&buffer[whole..]) {
                return Ok(());
            }
            rest.extend_from_slice(&buffer[..whole]);
        }
        Ok(())
    }
}

/// What is wrong with the end of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// The last line has no end.
    Torn,
    /// The last line is no entry, and why.
    Wrong(&'static str),
}

/// Makes a new name durable.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    // Windows has no handle on a folder that could be synced.
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}
