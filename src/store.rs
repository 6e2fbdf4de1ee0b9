//! Stores, which keep tokens and logins over restarts and share them between processes.

#[cfg(feature = "test-util")]
mod conformance;
mod erased;
mod file;
#[cfg(feature = "keyring-store")]
mod keyring;
mod memory;
#[cfg(feature = "redis-store")]
mod redis;

use std::{
    fmt,
    future::Future,
    sync::Arc,
    time::{Duration, SystemTime},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

#[cfg(feature = "redis-store")]
pub use self::redis::{RedisStore, RedisTurn};
#[cfg(feature = "test-util")]
pub use conformance::{store_conformance, store_conformance_with_lost_turns};
pub(crate) use erased::{SharedStore, SharedTurn};
pub use file::{FileStore, FileTurn};
#[cfg(feature = "keyring-store")]
pub use keyring::KeyringStore;
pub use memory::{MemoryStore, MemoryTurn};

pub use crate::seal::SealingKey;

use crate::{error::StoreError, runtime};

/// A store for tokens and logins, with one record for each key and a turn to change it.
///
/// A store sees hashes and sealed bytes. A provider takes the record's turn, loads the record again,
/// requests a token, and saves. So several processes with one store send one request in all, and a
/// single-use refresh token is used once.
///
/// `store_conformance` (feature `test-util`) checks a store of your own against these rules and names
/// the one that it breaks. The guide [Stores](crate::guide::stores) helps to choose a store, and shows
/// the code of one.
pub trait TokenStore: Send + Sync + 'static {
    /// The right to change one record. Dropping it gives it up, at once or a moment later, at the
    /// latest when its lease ends. A lease lasts at most 15 seconds, for which a provider waits, better
    /// 10. The store renews it while the turn exists.
    type Turn: Send + 'static;

    /// Returns the record under `key` byte for byte as it was saved, or `None` if there is none. This
    /// needs no turn and never returns a part of a record.
    ///
    /// # Errors
    /// The store cannot be reached or read.
    fn load(
        &self,
        key: &StoreKey,
    ) -> impl Future<Output = Result<Option<Sealed>, StoreError>> + Send;

    /// Waits until no other holder has the turn of `key`, and takes it. The turns of other keys are
    /// independent. A free turn is taken even if `wait` is zero.
    ///
    /// # Errors
    /// Another holder keeps the turn for longer than `wait`, or the store cannot be reached.
    fn take_turn(
        &self,
        key: &StoreKey,
        wait: Duration,
    ) -> impl Future<Output = Result<Self::Turn, StoreError>> + Send;

    /// Replaces the record under `key` with `value`, completely or not at all, and gives up the turn.
    ///
    /// # Errors
    /// The turn was lost, which the store detects in the same step: nothing is changed. Or the store
    /// cannot be reached or written: either the old record or the new one is there, complete.
    fn save(
        &self,
        turn: Self::Turn,
        key: &StoreKey,
        value: Sealed,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Removes the record under `key`, if there is one, and gives up the turn.
    ///
    /// # Errors
    /// As for [`save`](Self::save).
    fn remove(
        &self,
        turn: Self::Turn,
        key: &StoreKey,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// The key of a record: a hash that reveals nothing about whose token it is.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct StoreKey(Arc<str>);

impl StoreKey {
    pub(crate) fn new(name: [u8; 32]) -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(name).into())
    }

    /// Returns the key of this name, for tests of a store.
    #[cfg(feature = "test-util")]
    #[must_use]
    pub fn for_tests(name: &str) -> Self {
        Self::new(SealingKey::unsealed().name(&[name.as_bytes()]))
    }

    /// Returns 43 characters out of `A-Z a-z 0-9 - _`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreKey({})", self.as_str())
    }
}

/// A record: sealed bytes that only the app's key opens. They are wiped on drop.
#[derive(Clone)]
pub struct Sealed {
    bytes: Zeroizing<Vec<u8>>,
    expires_at: Option<SystemTime>,
}

impl Sealed {
    /// Wraps the bytes that a store loaded.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self {
            bytes: Zeroizing::new(bytes),
            expires_at: None,
        }
    }

    /// Returns the bytes that a store saves.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns when a store may drop the record, if that is known. Only a record that is being saved
    /// has this time; a loaded record is judged by the times inside it.
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.expires_at
    }

    pub(crate) fn with_expiry(mut self, expires_at: SystemTime) -> Self {
        self.expires_at = Some(expires_at);
        self
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed")
            .field("length", &self.bytes.len())
            .field("expires_at", &self.expires_at)
            .finish()
    }
}

/// A turn can be waited for only where there are timers.
fn check_timers() -> Result<(), StoreError> {
    let runtime = runtime::with_timers();
    runtime.map(drop).ok_or_else(|| StoreError::new(NO_TIMERS))
}

const NO_TIMERS: &str = "waiting for a turn needs a tokio runtime with timers (`enable_all`)";

#[cfg(test)]
mod tests;
