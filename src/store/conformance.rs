//! What every store must keep, as one check.

mod ask;
#[cfg(test)]
mod tests;

use std::{pin::pin, time::Duration};

use tokio::{task::JoinSet, time::timeout};

use super::{Sealed, StoreKey, TokenStore};
use ask::{Checked, LONG, SHORT, clause, expect, free, key, refused, remove, save, taken, told};

/// Checks a store against all that [`TokenStore`] says, but for turns that are lost.
///
/// `open` gives a handle of its own at each call, such as another connection, to one and the same
/// storage, which need not be empty. Takes a second or two, in real time.
///
/// ```
/// use std::{collections::HashMap, sync::{Arc, Mutex}, time::Duration};
/// use genesys_cloud_auth::{
///     error::StoreError, store::{Sealed, StoreKey, TokenStore, store_conformance},
/// };
///
/// /// Rows of a name, a value, and who has the turn.
/// #[derive(Clone, Default)]
/// struct Table(Arc<Mutex<HashMap<String, Row>>>);
///
/// #[derive(Clone, Default)]
/// struct Row {
///     value: Option<Vec<u8>>,
///     turn: Arc<tokio::sync::Mutex<()>>,
/// }
///
/// impl Table {
///     fn with<T>(&self, key: &StoreKey, change: impl FnOnce(&mut Row) -> T) -> T {
///         change(self.0.lock().unwrap().entry(key.as_str().to_owned()).or_default())
///     }
/// }
///
/// impl TokenStore for Table {
///     type Turn = tokio::sync::OwnedMutexGuard<()>;
///
///     async fn load(&self, key: &StoreKey) -> Result<Option<Sealed>, StoreError> {
///         Ok(self.with(key, |row| row.value.clone()).map(Sealed::from_bytes))
///     }
///
///     async fn take_turn(&self, key: &StoreKey, wait: Duration) -> Result<Self::Turn, StoreError> {
///         let turn = self.with(key, |row| row.turn.clone());
///         tokio::time::timeout(wait, turn.lock_owned()).await.map_err(StoreError::new)
///     }
///
///     async fn save(&self, _: Self::Turn, key: &StoreKey, value: Sealed) -> Result<(), StoreError> {
///         let value = value.as_bytes().to_vec();
///         Ok(self.with(key, |row| row.value = Some(value)))
///     }
///
///     async fn remove(&self, _: Self::Turn, key: &StoreKey) -> Result<(), StoreError> {
///         Ok(self.with(key, |row| row.value = None))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), String> {
/// let table = Table::default();
/// store_conformance(async || table.clone()).await
/// # }
/// ```
///
/// # Errors
/// The first thing that is not as it should be.
pub async fn store_conformance<S: TokenStore>(open: impl AsyncFn() -> S) -> Result<(), String> {
    Check::with(&open).await?.all(&open).await
}

/// [`store_conformance`], and then with turns that are lost: `lose` lets others take the turn of
/// the key, as at the end of a lease that nobody renewed.
///
/// # Errors
/// The first thing that is not as it should be.
pub async fn store_conformance_with_lost_turns<S: TokenStore>(
    open: impl AsyncFn() -> S,
    lose: impl AsyncFn(&StoreKey),
) -> Result<(), String> {
    let check = Check::with(&open).await?;
    check.all(&open).await?;
    clause("drop of a lost turn", check.lost_drop(&lose)).await?;
    clause("save with a lost turn", check.lost_save(&lose)).await?;
    clause("remove with a lost turn", check.lost_remove(&lose)).await
}

/// Two handles to the store, and a third.
struct Check<S> {
    one: S,
    other: S,
    third: S,
}

impl<S: TokenStore> Check<S> {
    async fn with(open: &impl AsyncFn() -> S) -> Result<Self, String> {
        Ok(Self {
            one: open().await,
            other: open().await,
            third: open().await,
        })
    }

    async fn all(&self, open: &impl AsyncFn() -> S) -> Checked {
        clause("load of what is absent", self.absent()).await?;
        clause("load of what was saved", self.saved()).await?;
        clause("save over what was saved", self.saved_over()).await?;
        clause("remove", self.removed()).await?;
        clause("keys", self.keys()).await?;
        clause("a turn dropped is free", self.dropped()).await?;
        clause("load beside a turn", self.load_beside_a_turn()).await?;
        clause("turns exclude each other", self.exclusion()).await?;
        clause("the wait for a turn", self.wait()).await?;
        clause("a wait that is given up", self.wait_given_up()).await?;
        clause("many holders", Self::many(open)).await
    }

    async fn absent(&self) -> Checked {
        expect(&self.one, &key()?, None).await
    }

    async fn saved(&self) -> Checked {
        let every_byte: Vec<u8> = (0..=u8::MAX).collect();
        let big = every_byte.repeat(BIG / every_byte.len());
        for value in [&every_byte, &big] {
            let key = key()?;
            save(&self.one, &key, value).await?;
            expect(&self.one, &key, Some(value)).await?;
            expect(&self.other, &key, Some(value)).await?;
        }
        Ok(())
    }

    async fn saved_over(&self) -> Checked {
        let key = key()?;
        save(&self.one, &key, b"the first, and longer").await?;
        save(&self.other, &key, b"the second").await?;
        expect(&self.one, &key, Some(b"the second")).await
    }

    async fn removed(&self) -> Checked {
        let key = key()?;
        save(&self.one, &key, b"a record").await?;
        remove(&self.other, &key).await?;
        expect(&self.one, &key, None).await?;
        remove(&self.one, &key).await?;
        save(&self.one, &key, b"a new record").await?;
        expect(&self.other, &key, Some(b"a new record")).await
    }

    async fn keys(&self) -> Checked {
        let (key, another) = (key()?, key()?);
        save(&self.one, &key, b"a").await?;
        save(&self.one, &another, b"b").await?;
        expect(&self.one, &key, Some(b"a")).await?;
        let turn = free(&self.one, &key).await?;
        remove(&self.other, &another).await?;
        drop(turn);
        expect(&self.one, &key, Some(b"a")).await?;
        expect(&self.one, &another, None).await
    }

    async fn load_beside_a_turn(&self) -> Checked {
        let key = key()?;
        save(&self.one, &key, b"a").await?;
        let turn = free(&self.one, &key).await?;
        expect(&self.other, &key, Some(b"a")).await?;
        drop(turn);
        Ok(())
    }

    async fn exclusion(&self) -> Checked {
        let key = key()?;
        let turn = free(&self.one, &key).await?;
        taken(&self.one, &key, "the same handle").await?;
        taken(&self.other, &key, "another handle").await?;
        drop(turn);
        Ok(())
    }

    async fn wait(&self) -> Checked {
        let key = key()?;
        let turn = free(&self.one, &key).await?;
        let mut waiting = pin!(self.other.take_turn(&key, LONG));
        if timeout(SHORT, &mut waiting).await.is_ok() {
            return Err("it ended before its time, and the turn was not free".into());
        }
        drop(turn);
        waiting.await.map(drop).map_err(told)?;
        // And where the turn is free, there is no wait.
        let turn = self.one.take_turn(&key, Duration::ZERO).await;
        turn.map(drop).map_err(told)
    }

    async fn dropped(&self) -> Checked {
        let key = key()?;
        save(&self.one, &key, b"a").await?;
        drop(free(&self.one, &key).await?);
        drop(free(&self.other, &key).await?);
        expect(&self.one, &key, Some(b"a")).await
    }

    async fn wait_given_up(&self) -> Checked {
        let key = key()?;
        let turn = free(&self.one, &key).await?;
        if timeout(SHORT, self.other.take_turn(&key, LONG))
            .await
            .is_ok()
        {
            return Err("there was none".into());
        }
        drop(turn);
        drop(free(&self.third, &key).await?);
        Ok(())
    }

    /// Each adds one to what it finds, so that a turn that two have at once loses an addition.
    async fn many(open: &impl AsyncFn() -> S) -> Checked {
        let key = key()?;
        let mut holders = JoinSet::new();
        for _ in 0..HOLDERS {
            let (store, key) = (open().await, key.clone());
            holders.spawn(async move {
                for _ in 0..TURNS {
                    let turn = free(&store, &key).await?;
                    let before = store.load(&key).await.map_err(told)?;
                    tokio::task::yield_now().await;
                    let count = before.map_or(0, |record| record.as_bytes().len());
                    let value = Sealed::from_bytes(vec![b'x'; count + 1]);
                    store.save(turn, &key, value).await.map_err(told)?;
                }
                Ok::<_, String>(())
            });
        }
        while let Some(holder) = holders.join_next().await {
            holder.map_err(told)??;
        }
        expect(&open().await, &key, Some(&[b'x'; HOLDERS * TURNS])).await
    }

    /// Returns a turn that was lost, and the turn that replaced it.
    async fn lost(
        &self,
        key: &StoreKey,
        lose: &impl AsyncFn(&StoreKey),
    ) -> Result<(S::Turn, S::Turn), String> {
        save(&self.one, key, b"a").await?;
        let lost = free(&self.one, key).await?;
        lose(key).await;
        Ok((lost, free(&self.other, key).await?))
    }

    async fn lost_save(&self, lose: &impl AsyncFn(&StoreKey)) -> Checked {
        let key = key()?;
        let (lost, turn) = self.lost(&key, lose).await?;
        let late = Sealed::from_bytes(b"late".to_vec());
        refused(&self.one.save(lost, &key, late).await)?;
        expect(&self.third, &key, Some(b"a")).await?;
        let value = Sealed::from_bytes(b"b".to_vec());
        self.other.save(turn, &key, value).await.map_err(told)?;
        expect(&self.third, &key, Some(b"b")).await
    }

    async fn lost_remove(&self, lose: &impl AsyncFn(&StoreKey)) -> Checked {
        let key = key()?;
        let (lost, turn) = self.lost(&key, lose).await?;
        refused(&self.one.remove(lost, &key).await)?;
        expect(&self.third, &key, Some(b"a")).await?;
        taken(&self.third, &key, "a third handle").await?;
        drop(turn);
        Ok(())
    }

    async fn lost_drop(&self, lose: &impl AsyncFn(&StoreKey)) -> Checked {
        let key = key()?;
        let (lost, turn) = self.lost(&key, lose).await?;
        drop(lost);
        taken(&self.third, &key, "a third handle").await?;
        drop(turn);
        Ok(())
    }
}

/// A record has at most a few of 8 KiB.
const BIG: usize = 64 * 1024;

const HOLDERS: usize = 8;
const TURNS: usize = 8;
