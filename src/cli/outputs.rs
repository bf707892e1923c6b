//! Where reports go.

use std::path::{Path, PathBuf};

use super::exit::{ExitStatus, Failure};
use super::screen::Screen;
use crate::report::{Options, Target};

const STDOUT: &str = "/dev/stdout";

/// The paths of the reports that are asked for; `-` means stdout.
pub(super) fn places(named: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
    let place = |path: PathBuf| if path.as_os_str() == "-" { STDOUT.into() } else { path };
    named.into_iter().map(place).collect()
}

/// A report must not destroy what the suite is made of, nor another report.
pub(super) fn refuse_overwriting(paths: &[PathBuf], is_input: impl Fn(&Path) -> bool) -> Result<(), Failure> {
    let usage = |message| Err(Failure::new(ExitStatus::Usage, message));
    for (n, path) in paths.iter().enumerate() {
        if path.canonicalize().is_ok_and(|real| is_input(&real)) {
            return usage(format!(
                "the report `{}` would overwrite a file that the suite is read from",
                path.display()
            ));
        }
        if paths[..n].contains(path) && !path.starts_with("/dev") {
            return usage(format!("the report `{}` is named twice", path.display()));
        }
    }
    Ok(())
}

/// Where a report goes to stdout, people are told on stderr.
pub(super) fn make_way(paths: &[PathBuf], screen: &Screen) {
    let is_stdout =
        |path: &PathBuf| [STDOUT, "/dev/fd/1", "/proc/self/fd/1"].iter().any(|out| path.as_os_str() == *out);
    if paths.iter().any(is_stdout) {
        screen.take_stdout();
    }
}

/// Opens all reports, or none.
pub(super) fn open(paths: &[PathBuf], options: &Options) -> Result<Vec<Target>, Failure> {
    let open = |path: &PathBuf| {
        Target::create(path, options.clone())
            .map_err(|e| Failure::new(ExitStatus::Usage, e.to_string()).maybe_hint(e.hint))
    };
    paths.iter().map(open).collect()
}
