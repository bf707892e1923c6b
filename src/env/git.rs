//! The state of a git repository.

use std::path::Path;
use std::process::{Command, Stdio};

/// The commit that a folder's repository is at, and whether files under version control differ from it.
/// Nothing where there is no git, no repository or no commit yet: nobody needs one.
pub fn git(folder: &Path) -> Option<(String, bool)> {
    let commit = said(folder, &["rev-parse", "--verify", "HEAD"])?.trim().to_owned();
    let changes = said(folder, &["status", "--porcelain", "--untracked-files=no"])?;
    commit.bytes().all(|b| b.is_ascii_hexdigit()).then_some((commit, !changes.is_empty()))
}

/// `Name <email>`, as git would write it into a commit made here; nothing where nobody told it.
pub fn git_author(folder: &Path) -> Option<String> {
    let said = said(folder, &["var", "GIT_AUTHOR_IDENT"])?;
    // Behind the address come the time and its zone.
    let (person, _) = said.rsplit_once('>')?;
    Some(format!("{person}>"))
}

/// What git says. It waits for nobody's lock and starts no program that the repository names.
fn said(folder: &Path, words: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["-c", "core.fsmonitor=false"])
        .args(words)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_is_no_repository_there_is_no_state() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(git(&folder.path().join("nowhere")), None);
    }
}
