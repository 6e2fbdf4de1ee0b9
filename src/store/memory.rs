//! Records in this process's memory.

use std::{
    collections::HashMap,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

use super::{Sealed, StoreKey, TokenStore};
use crate::{clock::Clock, error::StoreError};

/// A store in this process's memory, gone with it. Clones share what is in it.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Slots>);

type Slots = Mutex<HashMap<StoreKey, Slot>>;

#[derive(Default)]
struct Slot {
    value: Option<Sealed>,
    /// Locked by the holder of the turn; callers that want the turn wait for it.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Slot {
    /// Whether its record is valid, or a caller has or wants its turn.
    fn is_needed(&self, now: SystemTime) -> bool {
        let end = self.value.as_ref().and_then(Sealed::expires_at);
        end.is_none_or(|end| now < end) || Arc::strong_count(&self.turn) > 1
    }
}

impl MemoryStore {
    /// An empty one.
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
        let guard = match Arc::clone(&waited_for).try_lock_owned() {
            Ok(guard) => guard,
            Err(_) => tokio::time::timeout(wait, waited_for.lock_owned())
                .await
                .map_err(|_| StoreError::new("another task has the turn of this record"))?,
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
        turn.put(self, key, Some(value))
    }

    async fn remove(&self, turn: MemoryTurn, key: &StoreKey) -> Result<(), StoreError> {
        turn.put(self, key, None)
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
    /// None while it is waited for.
    guard: Option<OwnedMutexGuard<()>>,
}

impl MemoryTurn {
    fn put(
        self,
        store: &MemoryStore,
        key: &StoreKey,
        value: Option<Sealed>,
    ) -> Result<(), StoreError> {
        if !Arc::ptr_eq(&self.slots, &store.0) || self.key != *key {
            return Err(StoreError::new("the turn is of another record"));
        }
        // Its own drop takes the lock again.
        let mut slots = store.0.lock();
        if let Some(slot) = slots.get_mut(key) {
            slot.value = value;
        }
        // Now and then, so that users who never come back do not fill the memory.
        if slots.len() >= MANY && slots.len().is_power_of_two() {
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
        // A record that is gone leaves nothing behind, unless somebody waits for its turn.
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

/// From so many records on, those that are over are looked for.
const MANY: usize = 64;

#[cfg(test)]
mod tests;
