//! Where a provider's token or login is stored: one slot of a store, and the keys that seal it.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use secrecy::SecretString;
use tokio::time::sleep;

use super::outside_code::{TaskFault, run_within};
use crate::{
    error::{Error, StoreError},
    seal::SealingKey,
    store::{Sealed, SharedStore, SharedTurn, StoreKey},
    token::Record,
};

/// Where the token is stored.
pub(super) enum Storage {
    Nowhere,
    /// A service's token: the slot depends on the client secret.
    BySecret(StoreScope),
    /// A user's login, which outlives a change of the secret.
    Login(StoreSlot),
}

/// A store, and the name parts of what is stored there.
#[derive(Clone)]
pub(super) struct StoreScope {
    store: SharedStore,
    /// Region, client, grant and so on; never the secret.
    parts: Arc<[String]>,
}

/// The place of one record.
#[derive(Clone)]
pub(super) struct StoreSlot {
    scope: StoreScope,
    key: StoreKey,
    sealing: SealingKey,
    /// Where the record is if it was saved under an older key.
    older: Vec<Self>,
}

/// The turn of a slot, and the record that was loaded under it.
pub(super) struct HeldTurn {
    pub(super) record: Option<Record>,
    pub(super) slot: StoreSlot,
    turn: SharedTurn,
}

/// What a look into a slot led to.
#[allow(
    clippy::large_enum_variant,
    reason = "it is moved once, right after it is made"
)]
pub(super) enum Lookup<T> {
    Found(T),
    /// Nothing was found: this process has the turn to replace the record.
    Turn(HeldTurn),
}

impl StoreScope {
    pub(super) fn new(store: SharedStore, parts: impl Into<Arc<[String]>>) -> Self {
        let parts = parts.into();
        Self { store, parts }
    }

    /// The slot of a token that this secret requests. Another secret never finds it.
    pub(super) fn slot_of_secret(&self, secret: &SecretString) -> Result<StoreSlot, Error> {
        let (sealing, fingerprint) = SealingKey::from_secret(secret)?;
        Ok(self.slot(Some(&fingerprint), sealing))
    }

    /// The slot of a login, sealed with the app's own key.
    pub(super) fn slot_of_key(&self, sealing: SealingKey) -> StoreSlot {
        self.slot(None, sealing)
    }

    fn slot(&self, fingerprint: Option<&[u8]>, sealing: SealingKey) -> StoreSlot {
        let parts: Vec<_> = self.parts.iter().map(String::as_bytes).collect();
        let parts = [&parts, fingerprint.as_slice()].concat();
        let older = sealing.older();
        StoreSlot {
            older: older
                .map(|key| self.slot(fingerprint, key.clone()))
                .collect(),
            key: StoreKey::new(sealing.name(&parts)),
            scope: self.clone(),
            sealing,
        }
    }
}

impl StoreSlot {
    /// Returns the stored record. Bytes that do not open, or are no record, count as absent.
    pub(super) async fn load(&self) -> Result<Option<Record>, Error> {
        let (store, key) = (self.scope.store.clone(), self.key.clone());
        let sealed = run_within(
            STORE_LIMIT,
            async move { store.load(&key).await },
            store_error,
        )
        .await?;
        let plain =
            sealed.and_then(|sealed| self.sealing.open(&self.associated(), sealed.as_bytes()));
        Ok(plain.and_then(|plain| Record::from_bytes(&plain)))
    }

    /// Returns the stored record. One that is stored under an older key is moved to this slot.
    pub(super) async fn find(&self) -> Result<Option<Record>, Error> {
        let record = self.load().await?;
        if record.is_some() {
            return Ok(record);
        }
        for older in &self.older {
            if older.load().await?.is_some() {
                return older.move_to(self).await;
            }
        }
        Ok(None)
    }

    /// The maximum time of [`find`](Self::find).
    pub(super) fn find_limit(&self) -> Duration {
        let moves = u32::from(!self.older.is_empty());
        let older = u32::try_from(self.older.len()).unwrap_or(u32::MAX);
        STORE_LIMIT * (1 + older) + (2 * TURN_LIMIT + SAVE_LIMIT + STORE_LIMIT) * moves
    }

    async fn move_to(&self, slot: &Self) -> Result<Option<Record>, Error> {
        // In the order of a new login, which clears the older keys under the turn of the new one.
        let there = slot.take_turn().await?;
        let here = self.take_turn().await?;
        // Another process may have moved it meanwhile.
        if let Some(moved) = there.record {
            return Ok(Some(moved));
        }
        let Some(record) = here.record.clone() else {
            return Ok(None);
        };
        there.save(&record).await?;
        here.remove().await?;
        Ok(Some(record))
    }

    /// Removes what is stored under older keys.
    pub(super) async fn clear_older(&self) -> Result<(), Error> {
        for older in &self.older {
            older.take_turn().await?.remove().await?;
        }
        Ok(())
    }

    /// Removes what is stored, also under older keys. Returns the record even if that fails.
    pub(super) async fn clear(&self) -> (Option<Record>, Result<(), Error>) {
        let mut found = None;
        for slot in std::iter::once(self).chain(&self.older) {
            let removed = match slot.take_turn().await {
                Ok(mut held) => {
                    found = found.or(held.record.take());
                    // Bytes that do not open are removed, too.
                    held.remove().await
                }
                Err(error) => Err(error),
            };
            if removed.is_err() {
                return (found, removed);
            }
        }
        (found, Ok(()))
    }

    /// Waits for the turn, then loads the record again: another process may have changed it.
    pub(super) async fn take_turn(&self) -> Result<HeldTurn, Error> {
        let (store, key) = (self.scope.store.clone(), self.key.clone());
        let turn = async move { store.take_turn(&key, TURN_WAIT).await };
        Ok(HeldTurn {
            turn: run_within(TURN_WAIT + Duration::from_secs(1), turn, store_error).await?,
            record: self.load().await?,
            slot: self.clone(),
        })
    }

    /// Returns what `find` accepts of the stored record, or the turn. While another process has the
    /// turn, the record is loaded again and again: the turn passes from one process to the next, and most
    /// of those that wait only need what the first one saved.
    pub(super) async fn find_or_take_turn<T>(
        &self,
        mut find: impl FnMut(&Record) -> Option<T>,
    ) -> Result<Lookup<T>, Error> {
        if let Some(found) = self.load().await?.as_ref().and_then(&mut find) {
            return Ok(Lookup::Found(found));
        }
        let lookup = {
            let look = async {
                loop {
                    sleep(LOAD_PAUSE).await;
                    // A store that fails is reported by the wait for the turn.
                    let record = self.load().await.ok().flatten();
                    if let Some(found) = record.as_ref().and_then(&mut find) {
                        return found;
                    }
                }
            };
            let (mut turn, mut look) = (pin!(self.take_turn()), pin!(look));
            poll_fn(|cx| match turn.as_mut().poll(cx) {
                Poll::Ready(turn) => Poll::Ready(turn.map(Lookup::Turn)),
                Poll::Pending => look.as_mut().poll(cx).map(Lookup::Found).map(Ok),
            })
            .await?
        };
        if let Lookup::Turn(turn) = &lookup
            && let Some(found) = turn.record.as_ref().and_then(find)
        {
            return Ok(Lookup::Found(found));
        }
        Ok(lookup)
    }

    #[cfg(test)]
    pub(super) fn key(&self) -> &StoreKey {
        &self.key
    }

    /// The key names all parts, so a record that was put under another key does not open.
    fn associated(&self) -> [&[u8]; 1] {
        [self.key.as_str().as_bytes()]
    }
}

impl HeldTurn {
    pub(super) async fn save(self, record: &Record) -> Result<(), Error> {
        let Self { slot, turn, .. } = self;
        let sealed = slot.sealing.seal(&slot.associated(), &record.to_bytes())?;
        let mut sealed = Sealed::from_bytes(sealed);
        if let Some(end) = record.expires_at() {
            sealed = sealed.with_expiry(end);
        }
        let (store, key) = (slot.scope.store.clone(), slot.key.clone());
        let saving = async move { store.save(turn, &key, sealed).await };
        let Err(error) = run_within(STORE_LIMIT, saving, store_error).await else {
            return Ok(());
        };
        // The record may be there nevertheless, for instance if only the last sync failed.
        let stored = slot.load().await.ok().flatten();
        if stored.is_some_and(|stored| stored.version() == record.version()) {
            return Ok(());
        }
        Err(error)
    }

    pub(super) async fn remove(self) -> Result<(), Error> {
        let (store, key, turn) = (self.slot.scope.store, self.slot.key, self.turn);
        run_within(
            STORE_LIMIT,
            async move { store.remove(turn, &key).await },
            store_error,
        )
        .await
    }
}

/// An operation of a store that returned nothing.
fn store_error(fault: TaskFault) -> StoreError {
    StoreError::new(match fault {
        TaskFault::Panicked => "it panicked",
        TaskFault::TimedOut => "it did not finish in time",
    })
}

/// The maximum time of a load, save or removal.
pub(super) const STORE_LIMIT: Duration = Duration::from_secs(5);

/// The maximum time of [`HeldTurn::save`]: the save, and a load after one that failed.
pub(super) const SAVE_LIMIT: Duration = STORE_LIMIT.saturating_mul(2);

/// The maximum time of [`StoreSlot::take_turn`]: the wait, one second, and the load.
pub(super) const TURN_LIMIT: Duration = Duration::from_secs(21);

/// How long another process's turn is waited for: the length of a lease.
const TURN_WAIT: Duration = Duration::from_secs(15);

/// The maximum time of [`StoreSlot::find_or_take_turn`]: a load, and the turn.
pub(super) const LOOKUP_LIMIT: Duration = STORE_LIMIT.saturating_add(TURN_LIMIT);

/// The pause between two loads while the turn is waited for.
const LOAD_PAUSE: Duration = Duration::from_millis(500);
