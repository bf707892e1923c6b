//! A report on its way to a file.
//!
//! The bytes go to a temporary file beside the target, which takes the target's name when all of
//! them are on the disk: who reads the target finds the old report or the new one, never half of one.
//! What is no regular file (a pipe, `/dev/stdout`) cannot be replaced and is written to directly.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{FORMATS, Format, Options, Report, broken, format_for, json};
use crate::record::Event;

/// How much is written to a file at once: some dozens of results. A pipe gets less, and sooner.
const AT_ONCE: usize = 64 * 1024;

/// A report that is being written.
pub struct Target {
    path: PathBuf,
    report: Box<dyn Report>,
    sink: Sink,
    whole: bool,
}

/// Why a report cannot be written.
#[derive(Debug)]
pub struct TargetError {
    message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

enum Sink {
    Direct(BufWriter<File>),
    Replace { file: BufWriter<NamedTempFile>, to: PathBuf },
}

impl Target {
    /// Opens the way to `path`; the format follows its name. What has no ending because it is a
    /// device gets JSON.
    ///
    /// # Errors
    /// When nothing could be written there; asked before a run, so that no run is lost to it.
    pub fn create(path: &Path, options: Options) -> Result<Self, TargetError> {
        let existing = existing(path)?;
        let direct = existing.as_ref().is_some_and(|meta| !meta.is_file() || is_descriptor(path));
        let format = format_for(path).or(direct.then_some(&json::JSON)).ok_or_else(|| unknown_format(path))?;
        let sink = if direct { Sink::direct(path)? } else { Sink::replace(path, existing.as_ref())? };
        Ok(Self { path: path.to_owned(), report: (format.open)(options), sink, whole: false })
    }

    /// Takes an event in.
    pub fn event(&mut self, event: &Event) -> io::Result<()> {
        let out = self.sink.out();
        match event {
            Event::RunStarted(head) => self.report.start(out, head),
            Event::CellFinished(outcome) => self.report.cell(out, outcome),
            Event::RunFinished(tail) => {
                self.report.finish(out, tail)?;
                self.whole = true;
                Ok(())
            }
            // The rest is for who watches the run: it leaves no trace in its result.
            _ => Ok(()),
        }
    }

    /// Puts the report in its place.
    ///
    /// # Errors
    /// When the disk refuses, or when the run's end never came: half a report must not look whole.
    pub fn finish(self) -> io::Result<()> {
        if self.whole { self.sink.finish() } else { Err(broken("the report lacks the end of the run")) }
    }

    /// Where it goes.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Sink {
    fn direct(path: &Path) -> Result<Self, TargetError> {
        // Appending, because standard output may be a file that has something in it already.
        let file = File::options().append(true).open(path).map_err(|e| TargetError::io(path, &e))?;
        Ok(Self::Direct(BufWriter::new(file)))
    }

    fn replace(path: &Path, existing: Option<&Metadata>) -> Result<Self, TargetError> {
        // A link stays a link: its file is what is replaced. Where nothing is yet, a slash at the end
        // goes away: it would only fail when the run is over.
        let to = fs::canonicalize(path).unwrap_or_else(|_| path.components().collect());
        let folder = folder_of(&to);
        if !folder.is_dir() {
            let hint = format!("create it first: mkdir -p {}", folder.display());
            return Err(TargetError::new(path, &format!("the folder {} does not exist", folder.display())).hint(hint));
        }
        let mut builder = tempfile::Builder::new();
        give_rights(&mut builder, existing);
        let file = builder.prefix(".prompteval-").suffix(".part").tempfile_in(folder);
        // The error itself speaks of the temporary file, which nobody asked for.
        let file = file.map_err(|e| TargetError::io(path, &e.kind().into()))?;
        Ok(Self::Replace { file: BufWriter::with_capacity(AT_ONCE, file), to })
    }

    fn out(&mut self) -> &mut dyn Write {
        match self {
            Self::Direct(file) => file,
            Self::Replace { file, .. } => file,
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Direct(mut file) => file.flush(),
            Self::Replace { file, to } => {
                let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.as_file().sync_all()?;
                file.persist(to)?;
                Ok(())
            }
        }
    }
}

/// What stands at the path now, when it is something a report may take the place of.
fn existing(path: &Path) -> Result<Option<Metadata>, TargetError> {
    match fs::metadata(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(TargetError::io(path, &e)),
        Ok(meta) if meta.is_dir() => {
            let hint = format!("name a file in it: {}", path.join("report.json").display());
            Err(TargetError::new(path, "it is a folder").hint(hint))
        }
        Ok(meta) if meta.is_file() && meta.permissions().readonly() => {
            Err(TargetError::new(path, "the file there is read-only")
                .hint("make it writable, or choose another name".to_owned()))
        }
        Ok(meta) => Ok(Some(meta)),
    }
}

/// A name for something this process has open: even where it is a regular file, others write to it
/// under that name, and a new file in its place would not be the one they have.
fn is_descriptor(path: &Path) -> bool {
    ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc/self/fd"].iter().any(|known| path.starts_with(known))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// The old report's rights, or those of a file that any editor would make: temporary files are
/// otherwise their owner's alone.
#[cfg(unix)]
fn give_rights(builder: &mut tempfile::Builder<'_, '_>, existing: Option<&Metadata>) {
    use std::os::unix::fs::PermissionsExt;
    let ordinary = || fs::Permissions::from_mode(0o666);
    builder.permissions(existing.map_or_else(ordinary, Metadata::permissions));
}

#[cfg(not(unix))]
fn give_rights(_: &mut tempfile::Builder<'_, '_>, _: Option<&Metadata>) {}

fn unknown_format(path: &Path) -> TargetError {
    let endings: Vec<_> = FORMATS.iter().flat_map(|format: &&Format| format.endings).copied().collect();
    TargetError::new(path, "its ending names no report format")
        .hint(format!("endings with a format: {}", endings.join(", ")))
}

impl TargetError {
    fn new(path: &Path, why: &str) -> Self {
        Self { message: format!("cannot write the report {}: {why}", path.display()), hint: None }
    }

    fn io(path: &Path, error: &io::Error) -> Self {
        let denied = error.kind() == ErrorKind::PermissionDenied;
        let hint = format!("choose a folder you may write to, or allow it: chmod u+w {}", folder_of(path).display());
        Self { hint: denied.then_some(hint), ..Self::new(path, &error.to_string()) }
    }

    fn hint(self, hint: String) -> Self {
        Self { hint: Some(hint), ..self }
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TargetError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{cell, head, options, tail};
    use std::sync::Arc;

    fn play(target: &mut Target) {
        target.event(&Event::RunStarted(Arc::new(head()))).unwrap();
        target.event(&Event::CellFinished(Arc::new(cell("a").done()))).unwrap();
        target.event(&Event::RunFinished(Arc::new(tail(0)))).unwrap();
    }

    fn refusal(path: &Path) -> (String, String) {
        let error = Target::create(path, options()).err().unwrap();
        (error.to_string(), error.hint.unwrap_or_default())
    }

    fn names_in(dir: &Path) -> Vec<String> {
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn the_old_report_stands_until_the_new_one_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.json");
        fs::write(&path, "old").unwrap();
        let mut target = Target::create(&path, options()).unwrap();
        play(&mut target);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        target.finish().unwrap();
        assert!(fs::read_to_string(&path).unwrap().starts_with("{\"evalId\""));
        assert_eq!(names_in(dir.path()), ["r.json"]);
    }

    #[test]
    fn a_report_that_is_given_up_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.xml");
        drop(Target::create(&path, options()).unwrap());
        let mut half = Target::create(&path, options()).unwrap();
        half.event(&Event::RunStarted(Arc::new(head()))).unwrap();
        assert!(half.finish().is_err());
        assert!(names_in(dir.path()).is_empty());
    }

    #[test]
    fn what_cannot_be_written_is_said_before_the_run() {
        let dir = tempfile::tempdir().unwrap();
        let (message, hint) = refusal(&dir.path().join("no/such/r.json"));
        assert!(
            message.contains("no/such/r.json") && message.contains("does not exist") && hint.contains("mkdir -p"),
            "{message} {hint}"
        );
        let (message, hint) = refusal(dir.path());
        assert!(message.contains("is a folder") && hint.contains("report.json"), "{message} {hint}");
        let (message, hint) = refusal(&dir.path().join("r.toml"));
        assert!(message.contains("r.toml") && hint.contains(".junit.xml"), "{message} {hint}");
        let locked = dir.path().join("locked.json");
        fs::write(&locked, "").unwrap();
        let mut rights = fs::metadata(&locked).unwrap().permissions();
        rights.set_readonly(true);
        fs::set_permissions(&locked, rights).unwrap();
        assert!(refusal(&locked).0.contains("read-only"));
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_written_to_and_stays_a_device() {
        let mut target = Target::create(Path::new("/dev/null"), options()).unwrap();
        play(&mut target);
        target.finish().unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_a_file_keeps_its_rights() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("real.json"), dir.path().join("link.json"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let mut target = Target::create(&link, options()).unwrap();
        play(&mut target);
        target.finish().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_ne!(fs::read_to_string(&file).unwrap(), "old");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
