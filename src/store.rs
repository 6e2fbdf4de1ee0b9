//! Where tokens and logins are kept over restarts, and shared between processes.

#[cfg(feature = "test-util")]
mod conformance;
mod erased;
mod file;
mod memory;

use std::{
    fmt,
    future::Future,
    sync::Arc,
    time::{Duration, SystemTime},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

#[cfg(feature = "test-util")]
pub use conformance::{store_conformance, store_conformance_with_lost_turns};
pub(crate) use erased::{SharedStore, SharedTurn};
pub use file::{FileStore, FileTurn};
pub use memory::{MemoryStore, MemoryTurn};

pub use crate::seal::SealingKey;

use crate::error::StoreError;

/// A place that keeps tokens and logins: one record a key, and a turn to change it.
///
/// A store sees hashes and sealed bytes. Whoever renews takes the record's turn first, loads again,
/// renews, and saves: so several processes with one store make one request between them, and a
/// refresh token that is good for one use is used once.
///
/// `store_conformance` (feature `test-util`) checks a store of your own against all that is said
/// here.
pub trait TokenStore: Send + Sync + 'static {
    /// The right to change one record. Dropped, it is given up. A store whose turns end by
    /// themselves (a lease) renews it while it lives.
    type Turn: Send + 'static;

    /// The record under `key`, byte for byte as it was saved; none where there is none. Needs no
    /// turn, and never sees half a record.
    ///
    /// # Errors
    /// The store cannot be reached or read.
    fn load(
        &self,
        key: &StoreKey,
    ) -> impl Future<Output = Result<Option<Sealed>, StoreError>> + Send;

    /// Waits until nobody else has the turn of `key`, and takes it. Other keys' turns are apart.
    /// Where it is free it is taken even when `wait` is zero.
    ///
    /// # Errors
    /// Somebody else has it for longer than `wait`, or the store cannot be reached.
    fn take_turn(
        &self,
        key: &StoreKey,
        wait: Duration,
    ) -> impl Future<Output = Result<Self::Turn, StoreError>> + Send;

    /// Puts `value` in the place of what is under `key`, whole or not at all, and gives up the turn.
    ///
    /// # Errors
    /// The turn was lost, which the store finds out in the same step: then nothing is changed. The
    /// store cannot be reached or written: then the old record is there whole, or the new one is.
    fn save(
        &self,
        turn: Self::Turn,
        key: &StoreKey,
        value: Sealed,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Removes what is under `key`, if anything is, and gives up the turn.
    ///
    /// # Errors
    /// As for [`save`](Self::save).
    fn remove(
        &self,
        turn: Self::Turn,
        key: &StoreKey,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// The name of a record: a hash, which tells nothing of whose token it is.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct StoreKey(Arc<str>);

impl StoreKey {
    pub(crate) fn new(name: [u8; 32]) -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(name).into())
    }

    /// The key of this name, for tests of a store.
    #[cfg(feature = "test-util")]
    #[must_use]
    pub fn for_tests(name: &str) -> Self {
        Self::new(SealingKey::unsealed().name(&[name.as_bytes()]))
    }

    /// 43 characters out of `A-Z a-z 0-9 - _`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreKey({})", self.as_str())
    }
}

/// A record: sealed bytes that only the app's key opens. Wiped when dropped.
#[derive(Clone)]
pub struct Sealed {
    bytes: Zeroizing<Vec<u8>>,
    expires_at: Option<SystemTime>,
}

impl Sealed {
    /// What a store read.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self {
            bytes: Zeroizing::new(bytes),
            expires_at: None,
        }
    }

    /// What a store keeps.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// When a store may forget the record, where that is known; on what is saved only.
    /// What is read is judged by the times inside it, never by the store's.
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

#[cfg(test)]
mod tests;
