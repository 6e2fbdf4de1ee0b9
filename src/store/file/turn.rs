//! The turn of a record: the kernel's lock on a file beside it.

use std::{
    fmt,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use crate::private_file::{self, Failure};

/// The turn of one record in a [`FileStore`](super::FileStore); the lock goes with it.
pub struct FileTurn {
    lock: File,
    path: PathBuf,
}

/// None while somebody else has it.
pub(super) fn try_take(path: PathBuf) -> Result<Option<FileTurn>, Failure> {
    let lock = private_file::open_or_create(&path)?;
    match lock.try_lock() {
        // Who had it before may have removed the file: then its name is another's, or nobody's.
        Ok(()) if private_file::has_name(&lock, &path) => Ok(Some(FileTurn { lock, path })),
        Ok(()) | Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(Failure::io(&path, "be locked", error)),
    }
}

pub(super) fn taken(path: &Path) -> Failure {
    let path = path.display();
    Failure::new(format!(
        "another process has the turn of this record, by its lock on {path}; see whether one hangs"
    ))
}

impl FileTurn {
    /// Whether it is the turn of this record still. Where somebody removed the lock's file, others
    /// may have taken it meanwhile.
    pub(super) fn check(&self, path: &Path) -> Result<(), Failure> {
        if self.path == path && private_file::has_name(&self.lock, path) {
            return Ok(());
        }
        let path = path.display();
        Err(Failure::new(format!(
            "the turn was lost: {path} is not the file that was locked; nothing was changed"
        )))
    }

    /// Removes the lock's file as well, where a process that has opened it notices that.
    pub(super) fn leave_nothing(&self, path: &Path) {
        if cfg!(unix) && private_file::has_name(&self.lock, path) {
            let _ = fs::remove_file(path);
        }
    }
}

impl Drop for FileTurn {
    fn drop(&mut self) {
        // A process that is just being started holds the file open too, until its program begins.
        let _ = self.lock.unlock();
    }
}

impl fmt::Debug for FileTurn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileTurn")
            .field("lock", &self.path)
            .finish_non_exhaustive()
    }
}
