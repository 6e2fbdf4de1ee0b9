//! Removes records that have expired.
//!
//! The lock file of a record says when the record may be removed: it contains that time, or is empty if
//! the record stays until it is removed, as a login does. Only the holder of the turn changes either.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::turn::{self, NOTE_BYTES};
use crate::{clock::Clock, private_file};

/// Writes into a lock file when its record may be removed.
pub(super) fn note(mut lock: &File, end: SystemTime) -> io::Result<()> {
    let seconds = end.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    lock.rewind()?;
    lock.write_all(format!("{seconds:0NOTE_BYTES$}").as_bytes())
}

/// Makes a lock file empty for good: its record is not removed by itself.
pub(super) fn clear_note(lock: &File) -> io::Result<()> {
    if lock.metadata()?.len() > 0 {
        lock.set_len(0)?;
        lock.sync_all()?;
    }
    Ok(())
}

/// Whether the record of a lock file may be removed. A text that is not a whole time says nothing.
fn is_expired(mut lock: &File, now: SystemTime) -> io::Result<bool> {
    let mut text = String::new();
    lock.rewind()?;
    lock.take(NOTE_BYTES as u64 + 1).read_to_string(&mut text)?;
    let is_whole = text.len() == NOTE_BYTES;
    let end = text.parse().ok().filter(|_| is_whole);
    let end = end.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    Ok(end.is_some_and(|end| now.duration_since(end).is_ok_and(|over| over > MARGIN)))
}

/// Removes the expired records of a folder and their lock files. What cannot be removed stays. This takes
/// a moment at most: it begins at a random file, so that a large folder is searched in several calls.
pub(super) fn remove_all(folder: &Path) {
    let clock = Clock::system();
    let (started, now) = (clock.now(), clock.wall());
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut locks: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_lock(path))
        .collect();
    let nanos = now
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos();
    let first = nanos.checked_rem(locks.len() as u128).unwrap_or_default();
    locks.rotate_left(usize::try_from(first).unwrap_or_default());
    for lock in locks {
        if clock.now() - started > MAX_TIME {
            return;
        }
        let _ = remove(&lock, now);
    }
}

/// Removes a record and its lock file under its turn, if it has expired.
fn remove(lock: &Path, now: SystemTime) -> Result<(), Box<dyn std::error::Error>> {
    // A look without the turn, so that those who take the turns of other records need not wait.
    let has_note = fs::symlink_metadata(lock)?.len() == NOTE_BYTES as u64;
    let Some(file) = private_file::open(lock)?.filter(|_| has_note) else {
        return Ok(());
    };
    if !is_expired(&file, now)? {
        return Ok(());
    }
    let Some(turn) = turn::try_take(lock.to_owned())? else {
        return Ok(());
    };
    // Another process may have saved another record meanwhile, or removed both files.
    let record = lock.with_extension("");
    let is_there = private_file::is_own(&record)?;
    if is_there && !is_expired(turn.file(), now)? {
        return Ok(());
    }
    if is_there {
        fs::remove_file(&record)?;
    }
    clear_note(turn.file())?;
    turn.remove_lock_file(lock);
    Ok(())
}

/// Whether this is the name of a lock file of this store.
fn is_lock(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let key = name.and_then(|name| name.strip_suffix(".lock"));
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    key.is_some_and(|key| key.len() == KEY_BYTES && key.bytes().all(is_plain))
}

/// The length of a [`StoreKey`](crate::store::StoreKey).
const KEY_BYTES: usize = 43;

/// How long an expired record stays: clocks differ, and it still shows that the credentials were accepted
/// before.
const MARGIN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

const MAX_TIME: Duration = Duration::from_millis(100);
