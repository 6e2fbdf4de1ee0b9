//! The rules of [`TokenStore`] as one check.

mod leases;
mod steps;
#[cfg(test)]
mod tests;

use std::{pin::pin, time::Duration};

use tokio::{task::JoinSet, time::timeout};

use super::{Sealed, StoreKey, TokenStore};
use steps::{
    Checked, LONG_WAIT, MAX_OVERTIME, SHORT_WAIT, describe, expect_loaded, expect_turn_held,
    failed, random_key, remove, run_clause, save, take_turn,
};

/// Checks a store against the rules of [`TokenStore`], except those about lost turns.
///
/// Each call of `open` returns a handle of its own, such as another connection, to the same storage,
/// which need not be empty. The check takes a second or two of real time. Where a dropped turn is
/// given up later, at the latest when its lease of 15 seconds ends, it takes as much longer.
///
/// The guide [Stores](crate::guide::stores) shows the code of a store and its check.
///
/// ```
/// use genesys_cloud_auth::store::{FileStore, store_conformance};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// store_conformance(async || FileStore::in_folder(folder.path())).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// The first rule that the store breaks, and what it did instead.
pub async fn store_conformance<S: TokenStore>(open: impl AsyncFn() -> S) -> Result<(), String> {
    Check::with(&open).await?.all(&open).await
}

/// Does [`store_conformance`] and then checks the rules about leases: `lose` frees the turn of the key
/// for others, as the end of a lease does.
///
/// A turn outlives its lease while its holder keeps it. The holder of a lost turn cannot save or remove.
/// If it keeps or drops that turn, the next holder keeps its own, at once and later.
/// This takes about 20 seconds of real time.
///
/// # Errors
/// The first rule that the store breaks, and what it did instead.
pub async fn store_conformance_with_lost_turns<S: TokenStore>(
    open: impl AsyncFn() -> S,
    lose: impl AsyncFn(&StoreKey),
) -> Result<(), String> {
    let check = Check::with(&open).await?;
    check.all(&open).await?;
    check.leases(&lose).await
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
        run_clause("an absent record is loaded as none", self.absent()).await?;
        run_clause("a record is loaded as it was saved", self.saved()).await?;
        run_clause("save gives up the turn", self.save_ends_turn()).await?;
        run_clause("remove gives up the turn", self.remove_ends_turn()).await?;
        run_clause("save replaces the record", self.saved_over()).await?;
        run_clause("remove removes the record", self.removed()).await?;
        run_clause("keys are independent", self.keys()).await?;
        run_clause("a dropped turn is given up", self.dropped()).await?;
        run_clause("load needs no turn", self.load_during_a_turn()).await?;
        run_clause("take_turn waits no longer than asked", self.wait_ends()).await?;
        run_clause("a turn has one holder", self.exclusion()).await?;
        run_clause("take_turn waits for a held turn", self.wait()).await?;
        run_clause("a free turn needs no wait", self.free_turn()).await?;
        run_clause("a cancelled take_turn takes nothing", self.cancelled()).await?;
        run_clause("no update is lost", Self::many(open)).await
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

    async fn save_ends_turn(&self) -> Checked {
        let key = random_key()?;
        save(&self.one, &key, b"a").await?;
        drop(take_turn(&self.other, &key).await?);
        Ok(())
    }

    async fn remove_ends_turn(&self) -> Checked {
        let key = random_key()?;
        save(&self.one, &key, b"a").await?;
        remove(&self.one, &key).await?;
        drop(take_turn(&self.other, &key).await?);
        Ok(())
    }

    async fn saved_over(&self) -> Checked {
        let key = random_key()?;
        let (first, second) = (b"the first, and longer", b"the second");
        save(&self.one, &key, first).await?;
        for store in [&self.one, &self.other] {
            expect_loaded(store, &key, Some(first)).await?;
        }
        save(&self.other, &key, second).await?;
        for store in [&self.one, &self.other] {
            expect_loaded(store, &key, Some(second)).await?;
        }
        Ok(())
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

    async fn wait_ends(&self) -> Checked {
        let key = random_key()?;
        let turn = take_turn(&self.one, &key).await?;
        let waiting = self.other.take_turn(&key, SHORT_WAIT);
        if timeout(SHORT_WAIT + MAX_OVERTIME, waiting).await.is_err() {
            return Err("with a wait of 50 ms it did not end within 10 s".into());
        }
        drop(turn);
        Ok(())
    }

    async fn exclusion(&self) -> Checked {
        let key = random_key()?;
        let turn = take_turn(&self.one, &key).await?;
        expect_turn_held(&self.one, &key, "the same handle", SHORT_WAIT).await?;
        expect_turn_held(&self.other, &key, "another handle", SHORT_WAIT).await?;
        drop(turn);
        Ok(())
    }

    async fn wait(&self) -> Checked {
        let key = random_key()?;
        let turn = take_turn(&self.one, &key).await?;
        let mut waiting = pin!(take_turn(&self.other, &key));
        if timeout(SHORT_WAIT, &mut waiting).await.is_ok() {
            return Err("it ended early although the turn was held".into());
        }
        drop(turn);
        waiting.await.map(drop)
    }

    /// The turn of a key that nobody had before: a dropped one may be given up later.
    async fn free_turn(&self) -> Checked {
        let turn = self.one.take_turn(&random_key()?, Duration::ZERO).await;
        turn.map(drop)
            .map_err(failed("take_turn, with a wait of 0,"))
    }

    async fn dropped(&self) -> Checked {
        let key = random_key()?;
        save(&self.one, &key, b"a").await?;
        drop(take_turn(&self.one, &key).await?);
        drop(take_turn(&self.other, &key).await?);
        expect_loaded(&self.one, &key, Some(b"a")).await
    }

    async fn cancelled(&self) -> Checked {
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
                    let before = store.load(&key).await.map_err(failed("load"))?;
                    tokio::task::yield_now().await;
                    let count = before.map_or(0, |record| record.as_bytes().len());
                    let value = Sealed::from_bytes(vec![b'x'; count + 1]);
                    store
                        .save(turn, &key, value)
                        .await
                        .map_err(failed("save"))?;
                }
                Ok::<_, String>(())
            });
        }
        while let Some(holder) = holders.join_next().await {
            holder.map_err(describe)??;
        }
        expect_loaded(&open().await, &key, Some(&[b'x'; HOLDERS * TURNS])).await
    }
}

/// More than the few times 8 KiB that a record can have.
const BIG_RECORD_BYTES: usize = 64 * 1024;

const HOLDERS: usize = 8;
const TURNS: usize = 8;
