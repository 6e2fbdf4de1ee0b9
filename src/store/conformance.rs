//! The rules of [`TokenStore`] as one check.

mod steps;
#[cfg(test)]
mod tests;

use std::{pin::pin, time::Duration};

use tokio::{task::JoinSet, time::timeout};

use super::{Sealed, StoreKey, TokenStore};
use steps::{
    Checked, LONG_WAIT, SHORT_WAIT, describe, expect_loaded, expect_rejected, expect_turn_held,
    random_key, remove, run_clause, save, take_turn,
};

/// Checks a store against the rules of [`TokenStore`], except those about lost turns.
///
/// Each call of `open` returns a handle of its own, such as another connection, to the same storage,
/// which need not be empty. The check takes a second or two of real time.
///
/// ```
/// use std::{collections::HashMap, sync::{Arc, Mutex}, time::Duration};
/// use genesys_cloud_auth::{
///     error::StoreError, store::{Sealed, StoreKey, TokenStore, store_conformance},
/// };
///
/// /// Rows of a name, a value and a turn.
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
/// The first rule that the store breaks.
pub async fn store_conformance<S: TokenStore>(open: impl AsyncFn() -> S) -> Result<(), String> {
    Check::with(&open).await?.all(&open).await
}

/// Does [`store_conformance`] and then checks the rules about lost turns: `lose` frees the turn of the
/// key for others, as the end of a lease does.
///
/// # Errors
/// The first rule that the store breaks.
pub async fn store_conformance_with_lost_turns<S: TokenStore>(
    open: impl AsyncFn() -> S,
    lose: impl AsyncFn(&StoreKey),
) -> Result<(), String> {
    let check = Check::with(&open).await?;
    check.all(&open).await?;
    run_clause("drop of a lost turn", check.lost_drop(&lose)).await?;
    run_clause("save with a lost turn", check.lost_save(&lose)).await?;
    run_clause("remove with a lost turn", check.lost_remove(&lose)).await
}

/// Three handles to one store.
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
        run_clause("load of an absent record", self.absent()).await?;
        run_clause("load of a saved record", self.saved()).await?;
        run_clause("save over a record", self.saved_over()).await?;
        run_clause("remove", self.removed()).await?;
        run_clause("keys", self.keys()).await?;
        run_clause("a dropped turn is free", self.dropped()).await?;
        run_clause("load during a turn", self.load_during_a_turn()).await?;
        run_clause("turns exclude each other", self.exclusion()).await?;
        run_clause("the wait for a turn", self.wait()).await?;
        run_clause("a wait that is given up", self.wait_given_up()).await?;
        run_clause("many holders", Self::many(open)).await
    }

    async fn absent(&self) -> Checked {
        expect_loaded(&self.one, &random_key()?, None).await
    }

    async fn saved(&self) -> Checked {
        let every_byte: Vec<u8> = (0..=u8::MAX).collect();
        let big = every_byte.repeat(BIG_RECORD_BYTES / every_byte.len());
        for value in [&every_byte, &big] {
            let key = random_key()?;
            save(&self.one, &key, value).await?;
            expect_loaded(&self.one, &key, Some(value)).await?;
            expect_loaded(&self.other, &key, Some(value)).await?;
        }
        Ok(())
    }

    async fn saved_over(&self) -> Checked {
        let key = random_key()?;
        save(&self.one, &key, b"the first, and longer").await?;
        save(&self.other, &key, b"the second").await?;
        expect_loaded(&self.one, &key, Some(b"the second")).await
    }

    async fn removed(&self) -> Checked {
        let key = random_key()?;
        save(&self.one, &key, b"a record").await?;
        remove(&self.other, &key).await?;
        expect_loaded(&self.one, &key, None).await?;
        remove(&self.one, &key).await?;
        save(&self.one, &key, b"a new record").await?;
        expect_loaded(&self.other, &key, Some(b"a new record")).await
    }

    async fn keys(&self) -> Checked {
        let (key, another) = (random_key()?, random_key()?);
        save(&self.one, &key, b"a").await?;
        save(&self.one, &another, b"b").await?;
        expect_loaded(&self.one, &key, Some(b"a")).await?;
        let turn = take_turn(&self.one, &key).await?;
        remove(&self.other, &another).await?;
        drop(turn);
        expect_loaded(&self.one, &key, Some(b"a")).await?;
        expect_loaded(&self.one, &another, None).await
    }

    async fn load_during_a_turn(&self) -> Checked {
        let key = random_key()?;
        save(&self.one, &key, b"a").await?;
        let turn = take_turn(&self.one, &key).await?;
        expect_loaded(&self.other, &key, Some(b"a")).await?;
        drop(turn);
        Ok(())
    }

    async fn exclusion(&self) -> Checked {
        let key = random_key()?;
        let turn = take_turn(&self.one, &key).await?;
        expect_turn_held(&self.one, &key, "the same handle").await?;
        expect_turn_held(&self.other, &key, "another handle").await?;
        drop(turn);
        Ok(())
    }

    async fn wait(&self) -> Checked {
        let key = random_key()?;
        let turn = take_turn(&self.one, &key).await?;
        let mut waiting = pin!(self.other.take_turn(&key, LONG_WAIT));
        if timeout(SHORT_WAIT, &mut waiting).await.is_ok() {
            return Err("it ended early although the turn was held".into());
        }
        drop(turn);
        waiting.await.map(drop).map_err(describe)?;
        // A free turn is taken without a wait.
        let turn = self.one.take_turn(&key, Duration::ZERO).await;
        turn.map(drop).map_err(describe)
    }

    async fn dropped(&self) -> Checked {
        let key = random_key()?;
        save(&self.one, &key, b"a").await?;
        drop(take_turn(&self.one, &key).await?);
        drop(take_turn(&self.other, &key).await?);
        expect_loaded(&self.one, &key, Some(b"a")).await
    }

    async fn wait_given_up(&self) -> Checked {
        let key = random_key()?;
        let turn = take_turn(&self.one, &key).await?;
        if timeout(SHORT_WAIT, self.other.take_turn(&key, LONG_WAIT))
            .await
            .is_ok()
        {
            return Err("it did not wait".into());
        }
        drop(turn);
        drop(take_turn(&self.third, &key).await?);
        Ok(())
    }

    /// Each holder appends one byte to the record, so a turn with two holders loses a byte.
    async fn many(open: &impl AsyncFn() -> S) -> Checked {
        let key = random_key()?;
        let mut holders = JoinSet::new();
        for _ in 0..HOLDERS {
            let (store, key) = (open().await, key.clone());
            holders.spawn(async move {
                for _ in 0..TURNS {
                    let turn = take_turn(&store, &key).await?;
                    let before = store.load(&key).await.map_err(describe)?;
                    tokio::task::yield_now().await;
                    let count = before.map_or(0, |record| record.as_bytes().len());
                    let value = Sealed::from_bytes(vec![b'x'; count + 1]);
                    store.save(turn, &key, value).await.map_err(describe)?;
                }
                Ok::<_, String>(())
            });
        }
        while let Some(holder) = holders.join_next().await {
            holder.map_err(describe)??;
        }
        expect_loaded(&open().await, &key, Some(&[b'x'; HOLDERS * TURNS])).await
    }

    /// Returns a lost turn and the turn of its next holder.
    async fn lost(
        &self,
        key: &StoreKey,
        lose: &impl AsyncFn(&StoreKey),
    ) -> Result<(S::Turn, S::Turn), String> {
        save(&self.one, key, b"a").await?;
        let lost = take_turn(&self.one, key).await?;
        lose(key).await;
        Ok((lost, take_turn(&self.other, key).await?))
    }

    async fn lost_save(&self, lose: &impl AsyncFn(&StoreKey)) -> Checked {
        let key = random_key()?;
        let (lost, turn) = self.lost(&key, lose).await?;
        let late = Sealed::from_bytes(b"late".to_vec());
        expect_rejected(&self.one.save(lost, &key, late).await)?;
        expect_loaded(&self.third, &key, Some(b"a")).await?;
        let value = Sealed::from_bytes(b"b".to_vec());
        self.other.save(turn, &key, value).await.map_err(describe)?;
        expect_loaded(&self.third, &key, Some(b"b")).await
    }

    async fn lost_remove(&self, lose: &impl AsyncFn(&StoreKey)) -> Checked {
        let key = random_key()?;
        let (lost, turn) = self.lost(&key, lose).await?;
        expect_rejected(&self.one.remove(lost, &key).await)?;
        expect_loaded(&self.third, &key, Some(b"a")).await?;
        expect_turn_held(&self.third, &key, "a third handle").await?;
        drop(turn);
        Ok(())
    }

    async fn lost_drop(&self, lose: &impl AsyncFn(&StoreKey)) -> Checked {
        let key = random_key()?;
        let (lost, turn) = self.lost(&key, lose).await?;
        drop(lost);
        expect_turn_held(&self.third, &key, "a third handle").await?;
        drop(turn);
        Ok(())
    }
}

/// More than the few times 8 KiB that a record can have.
const BIG_RECORD_BYTES: usize = 64 * 1024;

const HOLDERS: usize = 8;
const TURNS: usize = 8;
