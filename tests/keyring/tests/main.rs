//! The keyring store on GNOME Keyring and a session bus of its own: `bash tests/run keyring`.
#![cfg(target_os = "linux")]

use std::time::Duration;

use genesys_cloud_auth::store::{KeyringStore, SealingKey};

mod desktop;
mod key;
mod secrets;
mod store;
mod unusable;

/// Futures that a task may run.
const _: fn(&KeyringStore) = |store| {
    fn assert_send<T: Send>(_: T) {}
    assert_send(store.unlock());
    assert_send(SealingKey::keyring("app", Duration::ZERO));
};
