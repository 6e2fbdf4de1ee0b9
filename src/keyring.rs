//! The keyring of the operating system: the Secret Service on Linux, the Keychain on macOS, the
//! Credential Manager on Windows.
//!
//! A call to a keyring blocks, for as long as a person types a password, and nothing can end it. So it
//! runs on a thread of its own, and callers stop waiting at their deadline. `spawn_blocking` is no
//! choice: a runtime that ends waits for the calls that run there.

mod account;
mod error;
#[cfg(any(target_os = "macos", windows))]
mod native;
#[cfg(not(any(target_os = "macos", windows)))]
mod secret_service;

use std::{sync::Arc, thread, time::Duration};

pub(crate) use error::KeyringError;

use account::Account;
use tokio::sync::{Semaphore, oneshot};

#[cfg(any(target_os = "macos", windows))]
use native as platform;
#[cfg(not(any(target_os = "macos", windows)))]
use secret_service as platform;
use zeroize::Zeroizing;

use crate::runtime;

#[cfg(any(target_os = "android", target_os = "ios"))]
compile_error!("the feature `keyring-store` supports Linux, BSD, macOS and Windows");

/// One app's entries in the keyring.
#[derive(Clone)]
pub(crate) struct Keyring {
    app: Arc<str>,
    timeout: Duration,
}

impl Keyring {
    /// # Errors
    /// What is wrong with the name.
    pub(crate) fn new(app: &str, timeout: Duration) -> Result<Self, &'static str> {
        if app.is_empty() || app.len() > MAX_NAME_BYTES || app.chars().any(char::is_control) {
            return Err(
                "the name of an app in the keyring has 1 to 100 bytes and no control characters",
            );
        }
        let app = app.into();
        Ok(Self { app, timeout })
    }

    pub(crate) fn app(&self) -> &str {
        &self.app
    }

    pub(crate) fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// Runs `calls` on a thread of its own and waits for its result until the timeout. It completes
    /// although its caller is dropped or stops waiting.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        calls: impl FnOnce(&Self) -> Result<T, KeyringError> + Send + 'static,
    ) -> Result<T, KeyringError> {
        let keyring = self.clone();
        run_within(self.timeout, &ONE_AT_A_TIME, move || calls(&keyring)).await
    }

    /// Asks the user to unlock the keyring, if it is locked. This and the following functions block.
    pub(crate) fn unlock(&self) -> Result<(), KeyringError> {
        repeated(|| platform::unlock(&self.account("unlock")))
    }

    pub(crate) fn load(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
        let value = repeated(|| platform::load(&self.account(name)))?;
        if let Some(value) = &value {
            check_value(value)?;
        }
        Ok(value)
    }

    pub(crate) fn save(&self, name: &str, value: &[u8]) -> Result<(), KeyringError> {
        check_value(value)?;
        repeated(|| platform::save(&self.account(name), value))
    }

    pub(crate) fn remove(&self, name: &str) -> Result<(), KeyringError> {
        repeated(|| platform::remove(&self.account(name)))
    }

    fn account<'a>(&'a self, name: &'a str) -> Account<'a> {
        Account {
            app: &self.app,
            name,
            timeout: self.timeout,
        }
    }
}

/// Checks that the keyring can hold the value.
pub(crate) fn check_value(value: &[u8]) -> Result<(), KeyringError> {
    check_length(value.len(), platform::MAX_VALUE_BYTES)
}

fn check_length(length: usize, max: usize) -> Result<(), KeyringError> {
    if length <= max {
        return Ok(());
    }
    Err(KeyringError::TooLong { length, max })
}

/// Repeats a call once where the keyring did not reply in time, as one that is just starting. Whether or
/// not the first call had an effect, the second has the same.
fn repeated<T>(call: impl Fn() -> Result<T, KeyringError>) -> Result<T, KeyringError> {
    match call() {
        Err(KeyringError::NoReply) => call(),
        result => result,
    }
}

/// While a call hangs, the next ones wait for it, each until its own deadline. So there is at most one
/// thread, and the user is asked for a password once.
async fn run_within<T: Send + 'static>(
    timeout: Duration,
    one_at_a_time: &'static Semaphore,
    calls: impl FnOnce() -> Result<T, KeyringError> + Send + 'static,
) -> Result<T, KeyringError> {
    runtime::with_timers().ok_or(KeyringError::NoTimers)?;
    let running = async {
        let permit = one_at_a_time.acquire().await;
        let (sender, result) = oneshot::channel();
        thread::Builder::new()
            .name("keyring".to_owned())
            .spawn(move || {
                let result = calls();
                drop(permit);
                let _ = sender.send(result);
            })
            .map_err(KeyringError::NoThread)?;
        result.await.unwrap_or(Err(KeyringError::Panicked))
    };
    tokio::time::timeout(timeout, running)
        .await
        .unwrap_or(Err(KeyringError::TimedOut(timeout)))
}

static ONE_AT_A_TIME: Semaphore = Semaphore::const_new(1);

const MAX_NAME_BYTES: usize = 100;

#[cfg(test)]
mod tests;
