//! A sealing key in a file.

use std::{
    fs::{File, TryLockError},
    io::{Read, Write},
    path::Path,
    time::Duration,
};

use zeroize::Zeroizing;

use crate::{
    error::Error,
    outside_text::without_byte_order_mark,
    private_file::{self, Failure},
};

/// Returns the key of `N` bytes in the file. If there is none, a key that `generate` fills is written
/// there first.
pub(super) fn read_or_create<const N: usize>(
    path: &Path,
    generate: impl FnOnce(&mut [u8]) -> Result<(), Error>,
    wait: Duration,
) -> Result<Zeroizing<[u8; N]>, Error> {
    let failure = |failure: Failure| Error::configuration(failure.with_source());
    // A file that can only be read is enough, and must not be created.
    if let Some(file) = private_file::open(path).map_err(failure)? {
        lock(|| file.try_lock_shared(), path, wait).map_err(failure)?;
        if let Some(key) = read(&file, path)? {
            return Ok(key);
        }
    }
    private_file::make_private_folder(folder(path)).map_err(failure)?;
    let file = private_file::open_or_create(path).map_err(failure)?;
    // A second process waits here and then finds the key of the first.
    lock(|| file.try_lock(), path, wait).map_err(failure)?;
    if let Some(key) = read(&file, path)? {
        return Ok(key);
    }
    let mut key = Zeroizing::new([0; N]);
    generate(&mut *key)?;
    write(&file, &*key, path).map_err(failure)?;
    Ok(key)
}

/// Returns `None` if the file is empty because its creator has not written it yet, or never will.
fn read<const N: usize>(file: &File, path: &Path) -> Result<Option<Zeroizing<[u8; N]>>, Error> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(N + 4));
    file.take(N as u64 + 4)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::configuration(Failure::io(path, "be read", error).with_source()))?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let wrong = || {
        let path = path.display();
        Error::configuration(format!(
            "{path} is not a sealing key: a key is {N} random bytes and nothing else; name another \
             file, or remove this one, which loses what was sealed under it"
        ))
    };
    let key = match <[u8; N]>::try_from(&**bytes) {
        Ok(key) => key,
        // What was copied with a tool for texts.
        Err(_) => <[u8; N]>::try_from(without_byte_order_mark(&bytes)).map_err(|_| wrong())?,
    };
    let key = Zeroizing::new(key);
    if is_random(&*key) {
        Ok(Some(key))
    } else {
        Err(wrong())
    }
}

/// Whether the bytes can be random. Of 10^13 random keys one is a text.
pub(super) fn is_random(key: &[u8]) -> bool {
    let is_text = key
        .iter()
        .all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r'));
    let first = key.first();
    !is_text && key.iter().any(|byte| Some(byte) != first)
}

/// Takes a lock, for which another program may make this one wait.
pub(super) fn lock(
    mut try_lock: impl FnMut() -> Result<(), TryLockError>,
    path: &Path,
    wait: Duration,
) -> Result<(), Failure> {
    let mut waited = Duration::ZERO;
    loop {
        match try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(Failure::io(path, "be locked", error)),
            Err(TryLockError::WouldBlock) if waited >= wait => {
                return Err(Failure::new(format!(
                    "{} cannot be read: another program has locked it for {} s; check which one \
                     (lslocks), and whether it hangs",
                    path.display(),
                    wait.as_secs()
                )));
            }
            Err(TryLockError::WouldBlock) => pause(),
        }
        waited += PAUSE;
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "the function that reads the key blocks, and says so"
)]
fn pause() {
    std::thread::sleep(PAUSE);
}

fn write(mut file: &File, key: &[u8], path: &Path) -> Result<(), Failure> {
    let written = file.write_all(key).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // A part of a key would be an invalid file for ever.
        let _ = file.set_len(0);
        return Err(Failure::io(path, "be written", error));
    }
    private_file::sync_folder(folder(path))
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// How long a lock of another program is waited for.
pub(super) const MAX_LOCK_WAIT: Duration = Duration::from_secs(5);

const PAUSE: Duration = Duration::from_millis(10);

#[cfg(test)]
#[cfg(unix)]
mod tests;
