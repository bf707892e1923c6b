//! Who works on a run.

use std::fs::{self, File, TryLockError};
use std::path::PathBuf;

use super::{Store, StoreError, Trouble};

/// A file that is locked while a process works on a run; the system lets go of it when the process ends,
/// however it ends. It stays until the run is pruned: a lock whose file is gone locks nothing.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Takes the file away with the run.
    pub(super) fn remove(self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl Store {
    pub(super) fn lock(&self, name: &str) -> Result<Lock, StoreError> {
        let folder = self.folder().join("locks");
        let path = folder.join(name);
        let file = fs::create_dir_all(&folder).and_then(|()| File::create(&path));
        let file = file.map_err(|e| StoreError::io(&e, "make the lock file", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { path, _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::new(
                Trouble::Locked,
                format!("another process is working on the run {name}"),
                "wait for it, or stop it",
            )),
            Err(TryLockError::Error(e)) => Err(StoreError::io(&e, "lock", &path)),
        }
    }

    /// Whether a process works on a run.
    pub fn is_under_way(&self, run: &str) -> bool {
        File::open(self.folder().join("locks").join(run)).is_ok_and(|file| file.try_lock().is_err())
    }

    /// Whether a process works on any run.
    pub(super) fn is_in_use(&self) -> bool {
        let files = fs::read_dir(self.folder().join("locks")).into_iter().flatten().flatten();
        files.filter_map(|entry| File::open(entry.path()).ok()).any(|file| file.try_lock().is_err())
    }
}
