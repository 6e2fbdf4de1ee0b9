//! The turn of a record: a kernel lock on a file next to it.

use std::{
    fmt,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    process,
};

use crate::private_file::{self, Failure};

/// The turn of one record in a [`FileStore`](super::FileStore). Dropping it releases the lock.
///
/// A process that was forked while it existed has a copy that neither changes the record nor releases
/// the lock.
pub struct FileTurn {
    lock: File,
    path: PathBuf,
    /// The process that took the turn.
    process: u32,
}

/// Returns `None` while another holder has the turn.
pub(super) fn try_take(path: PathBuf) -> Result<Option<FileTurn>, Failure> {
    // What others may have written there removes a record at most, which they can do in such a folder.
    let is_lock = |file: &File| {
        let length = file.metadata().map(|about| about.len());
        length.is_ok_and(|length| length == 0 || length == NOTE_BYTES as u64)
    };
    let lock = private_file::open_or_create_narrowed(&path, is_lock)?;
    match lock.try_lock() {
        // The former holder may have removed the file, and its name may belong to another one.
        Ok(()) if private_file::has_name(&lock, &path) => Ok(Some(FileTurn {
            lock,
            path,
            process: process::id(),
        })),
        Ok(()) | Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(Failure::io(&path, "be locked", error)),
    }
}

pub(super) fn held_elsewhere(path: &Path) -> Failure {
    let path = path.display();
    Failure::new(format!(
        "another process has the turn of this record, by its lock on {path}; check whether one hangs"
    ))
}

impl FileTurn {
    /// Returns the lock file.
    pub(super) fn file(&self) -> &File {
        &self.lock
    }

    /// Checks that this is still the turn of the record. If the lock's file was removed, another
    /// process may have the turn.
    pub(super) fn check(&self, path: &Path) -> Result<(), Failure> {
        if self.process != process::id() {
            return Err(Failure::new(format!(
                "the turn of {} belongs to the process that this one was forked from; nothing was \
                 changed",
                path.display()
            )));
        }
        if self.path == path && private_file::has_name(&self.lock, path) {
            return Ok(());
        }
        let path = path.display();
        Err(Failure::new(format!(
            "the turn was lost: {path} is not the file that was locked; nothing was changed"
        )))
    }

    /// Removes the lock's file where another process that has it open can notice that.
    pub(super) fn remove_lock_file(&self, path: &Path) {
        if cfg!(unix) && private_file::has_name(&self.lock, path) {
            let _ = fs::remove_file(path);
        }
    }
}

impl Drop for FileTurn {
    fn drop(&mut self) {
        // The lock belongs to the open file, which a forked process shares.
        if self.process == process::id() {
            // A child process that is being started holds the file open until its program begins.
            let _ = self.lock.unlock();
        }
    }
}

impl fmt::Debug for FileTurn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileTurn")
            .field("lock", &self.path)
            .finish_non_exhaustive()
    }
}

/// The length of what a lock file contains when its record may be removed: the time in seconds, with zeros
/// in front.
pub(super) const NOTE_BYTES: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    /// A second handle of the open file stands for that of a forked process.
    #[test]
    fn copy_in_a_forked_process_neither_unlocks_nor_writes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let turn = try_take(path.clone()).unwrap().unwrap();
        let copy = FileTurn {
            lock: turn.lock.try_clone().unwrap(),
            path: path.clone(),
            process: turn.process + 1,
        };
        let error = copy.check(&path).unwrap_err().to_string();
        assert!(error.contains("forked"), "{error}");
        drop(copy);
        assert!(try_take(path.clone()).unwrap().is_none());
        turn.check(&path).unwrap();
        drop(turn);
        assert!(try_take(path).unwrap().is_some());
    }
}
