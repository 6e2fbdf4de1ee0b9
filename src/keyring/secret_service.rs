//! The Secret Service of the freedesktop.org desktops, such as GNOME Keyring and KWallet.
//!
//! Values are sent in clear over the session bus, a socket of this user. The encryption of the protocol
//! protects from nobody: a program that can read the bus can ask the keyring itself.

use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use dbus_secret_service::{Collection, EncryptionType, Error, Item, SecretService};
use zeroize::Zeroizing;

use super::{account::Account, error::KeyringError};

/// No entry of this crate is longer, so neither is one that is read.
pub(super) const MAX_VALUE_BYTES: usize = 1 << 20;

pub(super) fn unlock(account: &Account<'_>) -> Result<(), KeyringError> {
    default_collection(&connect(account)?).map(drop)
}

pub(super) fn load(account: &Account<'_>) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
    let service = connect(account)?;
    let items = find(&service, account)?;
    let Some(item) = items.first() else {
        return Ok(None);
    };
    let text = Zeroizing::new(item.get_secret().map_err(failed)?);
    // A foreign value is returned as it is.
    Ok(Some(match BASE64_STANDARD.decode(&*text) {
        Ok(value) => Zeroizing::new(value),
        Err(_) => text,
    }))
}

pub(super) fn save(account: &Account<'_>, value: &[u8]) -> Result<(), KeyringError> {
    // KWallet stores texts only.
    let text = Zeroizing::new(BASE64_STANDARD.encode(value));
    let service = connect(account)?;
    let items = find(&service, account)?;
    let Some((item, copies)) = items.split_first() else {
        return create(&service, account, text.as_bytes());
    };
    item.set_secret(text.as_bytes(), CONTENT_TYPE)
        .map_err(failed)?;
    // An item in another collection, such as an imported one, would be found next time.
    delete(copies)
}

fn create(service: &SecretService, account: &Account<'_>, text: &[u8]) -> Result<(), KeyringError> {
    let label = format!("{} (genesys-cloud-auth)", account.app);
    let attributes = attributes(account);
    let collection = default_collection(service)?;
    let created = collection.create_item(&label, attributes, text, true, CONTENT_TYPE);
    created.map(drop).map_err(failed)
}

pub(super) fn remove(account: &Account<'_>) -> Result<(), KeyringError> {
    let service = connect(account)?;
    delete(&find(&service, account)?)
}

fn connect(account: &Account<'_>) -> Result<SecretService, KeyringError> {
    // The prompt for a password is given up soon after the caller has stopped waiting, never before.
    let seconds = account.timeout.as_secs().saturating_add(2);
    SecretService::connect_with_max_prompt_timeout(EncryptionType::Plain, seconds).map_err(
        |error| match failed(error) {
            KeyringError::Failed(why) => KeyringError::Unreachable(why),
            error => error,
        },
    )
}

/// Returns the items of the account, after the user has unlocked them.
fn find<'a>(
    service: &'a SecretService,
    account: &Account<'_>,
) -> Result<Vec<Item<'a>>, KeyringError> {
    let mut found = service.search_items(attributes(account)).map_err(failed)?;
    if !found.locked.is_empty() {
        let locked: Vec<_> = found.locked.iter().collect();
        service.unlock_all(&locked).map_err(failed)?;
    }
    found.unlocked.append(&mut found.locked);
    Ok(found.unlocked)
}

/// The attributes by which other keyring libraries find an entry, too.
fn attributes<'a>(account: &Account<'a>) -> HashMap<&'a str, &'a str> {
    HashMap::from([("service", account.app), ("username", account.name)])
}

/// Returns the default collection, after the user has unlocked it.
fn default_collection(service: &SecretService) -> Result<Collection<'_>, KeyringError> {
    let collection = service
        .get_default_collection()
        .map_err(|error| match error {
            Error::NoResult => KeyringError::NoDefault,
            error => failed(error),
        })?;
    collection.ensure_unlocked().map_err(failed)?;
    Ok(collection)
}

fn delete(items: &[Item<'_>]) -> Result<(), KeyringError> {
    items
        .iter()
        .try_for_each(|item| item.delete().map_err(failed))
}

fn failed(error: Error) -> KeyringError {
    match error {
        Error::Locked | Error::Prompt => KeyringError::Locked,
        Error::Dbus(error) if error.name().is_some_and(is_timeout) => KeyringError::NoReply,
        error => KeyringError::Failed(error.to_string()),
    }
}

/// The keyring has two seconds for each reply, those that wait for a person excepted.
fn is_timeout(error: &str) -> bool {
    ["NoReply", "Timeout", "TimedOut"]
        .into_iter()
        .any(|name| error.strip_prefix("org.freedesktop.DBus.Error.") == Some(name))
}

const CONTENT_TYPE: &str = "text/plain";
