//! The Keychain of macOS and the Credential Manager of Windows.

use std::collections::HashMap;

#[cfg(target_os = "macos")]
use apple_native_keyring_store::keychain::Store;
use keyring_core::{Entry, Error, api::CredentialStoreApi};
#[cfg(windows)]
use windows_native_keyring_store::Store;
use zeroize::Zeroizing;

use super::{account::Account, error::KeyringError};

/// `CRED_MAX_CREDENTIAL_BLOB_SIZE` of Windows is 5 * 512 bytes. Elsewhere no entry of this crate is
/// longer than 1 MiB.
pub(super) const MAX_VALUE_BYTES: usize = if cfg!(windows) { 2560 } else { 1 << 20 };

/// The system asks the user when an entry is read.
pub(super) fn unlock(account: &Account<'_>) -> Result<(), KeyringError> {
    load(account).map(drop)
}

pub(super) fn load(account: &Account<'_>) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
    match entry(account)?.get_secret() {
        Ok(value) => Ok(Some(Zeroizing::new(value))),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(failed(&error)),
    }
}

pub(super) fn save(account: &Account<'_>, value: &[u8]) -> Result<(), KeyringError> {
    entry(account)?
        .set_secret(value)
        .map_err(|error| failed(&error))
}

pub(super) fn remove(account: &Account<'_>) -> Result<(), KeyringError> {
    match entry(account)?.delete_credential() {
        Ok(()) | Err(Error::NoEntry) => Ok(()),
        Err(error) => Err(failed(&error)),
    }
}

fn entry(account: &Account<'_>) -> Result<Entry, KeyringError> {
    let store = Store::new().map_err(|error| KeyringError::Unreachable(error.to_string()))?;
    // On Windows an entry would roam to the user's other machines.
    let stays = HashMap::from([("persistence", "Local")]);
    store
        .build(account.app, account.name, cfg!(windows).then_some(&stays))
        .map_err(|error| failed(&error))
}

fn failed(error: &Error) -> KeyringError {
    match error {
        Error::NoStorageAccess(_) => KeyringError::Locked,
        error => KeyringError::Failed(error.to_string()),
    }
}
