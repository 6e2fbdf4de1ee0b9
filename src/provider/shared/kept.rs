//! Where a provider's token, or login, is stored: one place in a store, and the key that seals it.

use std::{sync::Arc, time::Duration};

use secrecy::SecretString;
use tokio::runtime::Handle;

use crate::{
    error::{Error, ErrorKind, StoreError},
    seal::SealingKey,
    store::{Sealed, SharedStore, SharedTurn, StoreKey},
    token::Record,
};

/// What the user set: a store, and what goes into the names of what is stored there.
#[derive(Clone)]
pub(in crate::provider) struct Keeping {
    store: SharedStore,
    /// What is stored, without the secret: region, client, grant, …
    parts: Arc<[String]>,
}

/// A place in a store.
#[derive(Clone)]
pub(in crate::provider) struct Kept {
    keeping: Keeping,
    key: StoreKey,
    sealing: SealingKey,
    /// Where it would be under older keys.
    older: Vec<Self>,
}

impl Keeping {
    pub(in crate::provider) fn new(store: SharedStore, parts: impl Into<Arc<[String]>>) -> Self {
        let parts = parts.into();
        Self { store, parts }
    }

    /// The place of what was had by a secret: another secret never finds it.
    pub(in crate::provider) fn under_secret(&self, secret: &SecretString) -> Result<Kept, Error> {
        let (sealing, fingerprint) = SealingKey::from_secret(secret)?;
        let mut parts = self.parts();
        parts.push(&fingerprint);
        Ok(self.at(&parts, sealing))
    }

    /// The place of what is sealed by a key of the app's own.
    #[cfg(feature = "login")]
    pub(in crate::provider) fn under_key(&self, sealing: SealingKey) -> Kept {
        self.at(&self.parts(), sealing)
    }

    fn at(&self, parts: &[&[u8]], sealing: SealingKey) -> Kept {
        let older = sealing.older();
        Kept {
            older: older.map(|key| self.at(parts, key.clone())).collect(),
            key: StoreKey::new(sealing.name(parts)),
            keeping: self.clone(),
            sealing,
        }
    }

    fn parts(&self) -> Vec<&[u8]> {
        self.parts.iter().map(String::as_bytes).collect()
    }
}

impl Kept {
    /// What is stored; what does not open, or is no record, counts as absent.
    pub(in crate::provider) async fn load(&self) -> Result<Option<Record>, Error> {
        let (store, key) = (self.keeping.store.clone(), self.key.clone());
        let sealed = in_time(STORE_LIMIT, async move { store.load(&key).await }).await?;
        let plain =
            sealed.and_then(|sealed| self.sealing.open(&self.associated(), sealed.as_bytes()));
        Ok(plain.and_then(|plain| Record::from_bytes(&plain)))
    }

    /// What is stored; what is under an older key only is sealed anew.
    #[cfg(feature = "login")]
    pub(in crate::provider) async fn find(&self) -> Result<Option<Record>, Error> {
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

    /// How long [`find`](Self::find) may take.
    #[cfg(feature = "login")]
    pub(in crate::provider) fn find_limit(&self) -> Duration {
        let moves = u32::from(!self.older.is_empty());
        let older = u32::try_from(self.older.len()).unwrap_or(u32::MAX);
        STORE_LIMIT * (1 + older) + (2 * TURN_LIMIT + 4 * STORE_LIMIT) * moves
    }

    #[cfg(feature = "login")]
    async fn move_to(&self, place: &Self) -> Result<Option<Record>, Error> {
        let turn_here = self.take_turn().await?;
        let turn_there = place.take_turn().await?;
        // Another process may have moved it meanwhile.
        if let Some(moved) = place.load().await? {
            return Ok(Some(moved));
        }
        let Some(record) = self.load().await? else {
            return Ok(None);
        };
        place.save(turn_there, &record).await?;
        self.remove(turn_here).await?;
        Ok(Some(record))
    }

    /// Removes what is stored under older keys.
    #[cfg(feature = "login")]
    pub(in crate::provider) async fn clear_older(&self) -> Result<(), Error> {
        for older in &self.older {
            let turn = older.take_turn().await?;
            older.remove(turn).await?;
        }
        Ok(())
    }

    /// Removes what is stored, under older keys too, and says what it was.
    pub(in crate::provider) async fn forget(&self) -> Result<Option<Record>, Error> {
        let mut forgotten = None;
        for kept in std::iter::once(self).chain(&self.older) {
            let turn = kept.take_turn().await?;
            if let Some(record) = kept.load().await? {
                forgotten.get_or_insert(record);
            }
            // What does not open goes, too.
            kept.remove(turn).await?;
        }
        Ok(forgotten)
    }

    /// Waits for the turn; then what is stored must be loaded again.
    pub(in crate::provider) async fn take_turn(&self) -> Result<SharedTurn, Error> {
        let (store, key) = (self.keeping.store.clone(), self.key.clone());
        in_time(
            TURN_LIMIT,
            async move { store.take_turn(&key, TURN_WAIT).await },
        )
        .await
    }

    pub(in crate::provider) async fn save(
        &self,
        turn: SharedTurn,
        record: &Record,
    ) -> Result<(), Error> {
        let sealed = self.sealing.seal(&self.associated(), &record.to_bytes())?;
        let mut sealed = Sealed::from_bytes(sealed);
        if let Some(end) = record.expires_at() {
            sealed = sealed.with_expiry(end);
        }
        let (store, key) = (self.keeping.store.clone(), self.key.clone());
        let saved = in_time(
            STORE_LIMIT,
            async move { store.save(turn, &key, sealed).await },
        );
        match saved.await {
            // It may be there all the same: the last sync failed, say.
            Err(error) if !self.has(record).await => Err(error),
            _ => Ok(()),
        }
    }

    async fn has(&self, record: &Record) -> bool {
        let stored = self.load().await.ok().flatten();
        stored.is_some_and(|stored| stored.generation() == record.generation())
    }

    pub(in crate::provider) async fn remove(&self, turn: SharedTurn) -> Result<(), Error> {
        let (store, key) = (self.keeping.store.clone(), self.key.clone());
        in_time(STORE_LIMIT, async move { store.remove(turn, &key).await }).await
    }

    #[cfg(test)]
    pub(in crate::provider) fn key(&self) -> &StoreKey {
        &self.key
    }

    /// The name is the hash of all parts; a record that was put in another's place does not open.
    fn associated(&self) -> [&[u8]; 1] {
        [self.key.as_str().as_bytes()]
    }
}

/// Asks a store, which may fail, hang or panic.
async fn in_time<T: Send + 'static>(
    limit: Duration,
    asked: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, Error> {
    let Ok(runtime) = Handle::try_current() else {
        return Err(ErrorKind::NoRuntime.into());
    };
    let mut task = super::Aborted(runtime.spawn(asked));
    let answer = match tokio::time::timeout(limit, &mut task.0).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(StoreError::new("it panicked")),
        Err(_) => Err(StoreError::new("it did not answer in time")),
    };
    answer.map_err(|error| ErrorKind::Store(error).into())
}

/// How long a store may take to load, to save or to remove.
pub(in crate::provider) const STORE_LIMIT: Duration = Duration::from_secs(5);

/// How long another process's turn is waited for: a lease's length.
const TURN_WAIT: Duration = Duration::from_secs(15);

/// How long a store may take to say that there is no turn.
pub(in crate::provider) const TURN_LIMIT: Duration = Duration::from_secs(16);
