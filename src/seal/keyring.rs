//! A sealing key in the keyring of the operating system.

use std::time::Duration;

use zeroize::Zeroizing;

use super::file;
use crate::{
    environment,
    error::{Error, sanitize},
    keyring::{Keyring, KeyringError},
    private_file,
};

/// Returns the app's key of `N` bytes. If there is none, one that `generate` fills is saved first.
pub(super) async fn read_or_create<const N: usize>(
    app: &str,
    timeout: Duration,
    generate: impl FnOnce(&mut [u8]) -> Result<(), Error> + Send + 'static,
) -> Result<Zeroizing<[u8; N]>, Error> {
    let keyring = Keyring::new(app, timeout).map_err(Error::configuration)?;
    let folder = environment::own_state_folder().map_err(Error::configuration)?;
    let found = keyring.run(move |keyring| {
        if let Some(value) = keyring.load(ACCOUNT)? {
            return Ok(read(keyring, &value));
        }
        // Keyrings have no lock. A second process waits here and then finds the key of the first.
        private_file::make_folder(&folder)?;
        let path = folder.join(LOCK);
        let lock = private_file::open_or_create(&path)?;
        file::lock(|| lock.try_lock(), &path, timeout)?;
        if let Some(value) = keyring.load(ACCOUNT)? {
            return Ok(read(keyring, &value));
        }
        let mut key = Zeroizing::new([0; N]);
        if let Err(error) = generate(&mut *key) {
            return Ok(Err(error));
        }
        keyring.save(ACCOUNT, &*key)?;
        Ok(Ok(key))
    });
    found.await.map_err(|error| failed(&error))?
}

fn read<const N: usize>(keyring: &Keyring, value: &[u8]) -> Result<Zeroizing<[u8; N]>, Error> {
    let key = <[u8; N]>::try_from(value).map(Zeroizing::new);
    key.ok().filter(|key| file::is_random(&**key)).ok_or_else(|| {
        Error::configuration(format!(
            "the entry `{ACCOUNT}` of {} in the keyring is not a sealing key, which has {N} random \
             bytes; remove it, which loses what was sealed under it",
            keyring.app()
        ))
    })
}

fn failed(error: &KeyringError) -> Error {
    // It contains the words of the keyring.
    Error::configuration(format!(
        "sealing key: {}",
        sanitize(&error.to_string(), &[])
    ))
}

/// The entry's name, after that of the app.
const ACCOUNT: &str = "sealing-key";

const LOCK: &str = "sealing-key.lock";
