//! A store in the memory of this process.

use std::{
    collections::HashMap,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

use super::{Sealed, StoreKey, TokenStore, check_timers};
use crate::{clock::Clock, error::StoreError};

/// A store in the memory of this process. Clones share its records.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Slots>);

type Slots = Mutex<HashMap<StoreKey, Slot>>;

#[derive(Default)]
struct Slot {
    value: Option<Sealed>,
    /// Locked by the holder of the turn.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Slot {
    /// Whether its record has not expired, or its turn is held or waited for.
    fn is_needed(&self, now: SystemTime) -> bool {
        let end = self.value.as_ref().and_then(Sealed::expires_at);
        end.is_none_or(|end| now < end) || Arc::strong_count(&self.turn) > 1
    }
}

impl MemoryStore {
    /// Returns an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl TokenStore for MemoryStore {
    type Turn = MemoryTurn;

    async fn load(&self, key: &StoreKey) -> Result<Option<Sealed>, StoreError> {
        let slots = self.0.lock();
        Ok(slots.get(key).and_then(|slot| slot.value.clone()))
    }

    async fn take_turn(&self, key: &StoreKey, wait: Duration) -> Result<MemoryTurn, StoreError> {
        let mut turn = MemoryTurn {
            slots: Arc::clone(&self.0),
            key: key.clone(),
            guard: None,
        };
        let waited_for = Arc::clone(&self.0.lock().entry(key.clone()).or_default().turn);
        let guard = if let Ok(guard) = Arc::clone(&waited_for).try_lock_owned() {
            guard
        } else {
            check_timers()?;
            let guard = tokio::time::timeout(wait, waited_for.lock_owned());
            let taken = "another task has the turn of this record";
            guard.await.map_err(|_| StoreError::new(taken))?
        };
        turn.guard = Some(guard);
        Ok(turn)
    }

    async fn save(
        &self,
        turn: MemoryTurn,
        key: &StoreKey,
        value: Sealed,
    ) -> Result<(), StoreError> {
        turn.replace(self, key, Some(value))
    }

    async fn remove(&self, turn: MemoryTurn, key: &StoreKey) -> Result<(), StoreError> {
        turn.replace(self, key, None)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemoryStore").finish_non_exhaustive()
    }
}

/// The turn of one record in a [`MemoryStore`].
pub struct MemoryTurn {
    slots: Arc<Slots>,
    key: StoreKey,
    /// `None` until the turn is taken.
    guard: Option<OwnedMutexGuard<()>>,
}

impl MemoryTurn {
    fn replace(
        self,
        store: &MemoryStore,
        key: &StoreKey,
        value: Option<Sealed>,
    ) -> Result<(), StoreError> {
        if !Arc::ptr_eq(&self.slots, &store.0) || self.key != *key {
            return Err(StoreError::new("the turn belongs to another record"));
        }
        // The lock is released before `self` drops, which takes it again.
        let mut slots = store.0.lock();
        if let Some(slot) = slots.get_mut(key) {
            slot.value = value;
        }
        // Expired records are dropped now and then, so that absent users do not fill the memory.
        if slots.len() >= SWEEP_AT && slots.len().is_power_of_two() {
            let now = Clock::system().wall();
            slots.retain(|_, slot| slot.is_needed(now));
        }
        drop(slots);
        Ok(())
    }
}

impl Drop for MemoryTurn {
    fn drop(&mut self) {
        let mut slots = self.slots.lock();
        self.guard = None;
        // A removed record leaves nothing behind, unless its turn is waited for.
        if let Some(slot) = slots.get(&self.key)
            && slot.value.is_none()
            && Arc::strong_count(&slot.turn) == 1
        {
            slots.remove(&self.key);
        }
    }
}

impl fmt::Debug for MemoryTurn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryTurn")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// The number of records from which expired ones are searched for.
const SWEEP_AT: usize = 64;

#[cfg(test)]
mod tests;
