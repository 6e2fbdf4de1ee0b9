//! A sealing key in a file.

use std::{
    fs::File,
    io::{Read, Write},
    path::Path,
};

use zeroize::Zeroizing;

use crate::{
    error::Error,
    private_file::{self, Failure},
};

/// Returns the key of `N` bytes in the file. If there is none, a key that `generate` fills is written
/// there first.
pub(super) fn read_or_create<const N: usize>(
    path: &Path,
    generate: impl FnOnce(&mut [u8]) -> Result<(), Error>,
) -> Result<Zeroizing<[u8; N]>, Error> {
    let failure = |failure: Failure| Error::configuration(failure.with_source());
    // A file that can only be read is enough, and must not be created.
    if let Some(file) = private_file::open(path).map_err(failure)? {
        file.lock_shared()
            .map_err(|error| failure(Failure::io(path, "be locked", error)))?;
        if let Some(key) = read(&file, path)? {
            return Ok(key);
        }
    }
    private_file::make_folder(folder(path)).map_err(failure)?;
    let file = private_file::open_or_create(path).map_err(failure)?;
    // A second process waits here and then finds the key of the first.
    file.lock()
        .map_err(|error| failure(Failure::io(path, "be locked", error)))?;
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
    let mut bytes = Zeroizing::new(Vec::with_capacity(N + 1));
    file.take(N as u64 + 1)
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
    let key = <[u8; N]>::try_from(&**bytes).map_err(|_| wrong())?;
    Ok(Some(Zeroizing::new(key)))
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

#[cfg(test)]
#[cfg(unix)]
mod tests;
