//! A sealing key in a file.

use std::{
    fs::File,
    io::{Read, Write},
    path::Path,
};

use zeroize::Zeroizing;

use super::{KEY_LEN, SealingKey, random};
use crate::{
    error::Error,
    private_file::{self, Failure},
};

impl SealingKey {
    /// The key in this file, which holds its 32 bytes and nothing else. Where there is none, a new
    /// key is made there, and the folder above it, readable by this user alone; of several processes
    /// that start at once, all get the same one. Blocks for as long as a small file takes.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration): the file cannot be read or made, has
    /// another length, is a link or no regular file, or (on Unix) belongs to another user or can be
    /// read or written by others.
    pub fn file(path: impl AsRef<Path>) -> Result<Self, Error> {
        key(path.as_ref()).map(|bytes| Self::of(&bytes))
    }
}

/// The key in the file, made there first where there is none.
fn key(path: &Path) -> Result<Zeroizing<[u8; KEY_LEN]>, Error> {
    let failure = |failure: Failure| Error::configuration(failure.in_full());
    // One that may be read but not written is as good, and is not made.
    if let Some(file) = private_file::open(path).map_err(failure)? {
        file.lock_shared()
            .map_err(|error| failure(Failure::io(path, "be locked", error)))?;
        if let Some(key) = read(&file, path)? {
            return Ok(key);
        }
    }
    private_file::make_folder(folder(path)).map_err(failure)?;
    let file = private_file::open_or_create(path).map_err(failure)?;
    // A second process waits here and then finds the first one's key.
    file.lock()
        .map_err(|error| failure(Failure::io(path, "be locked", error)))?;
    if let Some(key) = read(&file, path)? {
        return Ok(key);
    }
    let mut key = Zeroizing::new([0; KEY_LEN]);
    random(&mut *key)?;
    write(&file, &key, path).map_err(failure)?;
    Ok(key)
}

/// None where the file is empty: its maker has not got further yet, or never will.
fn read(file: &File, path: &Path) -> Result<Option<Zeroizing<[u8; KEY_LEN]>>, Error> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_LEN + 1));
    file.take(KEY_LEN as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::configuration(Failure::io(path, "be read", error).in_full()))?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let wrong = || {
        let path = path.display();
        Error::configuration(format!(
            "{path} holds no sealing key: a key is 32 random bytes and nothing else; name another \
             file, or remove this one and what was sealed under it is lost"
        ))
    };
    let key = <[u8; KEY_LEN]>::try_from(&**bytes).map_err(|_| wrong())?;
    Ok(Some(Zeroizing::new(key)))
}

fn write(mut file: &File, key: &[u8; KEY_LEN], path: &Path) -> Result<(), Failure> {
    let written = file.write_all(key).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // Half a key would be taken for a broken one for ever.
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

#[cfg(test)]
#[cfg(unix)]
mod tests;
