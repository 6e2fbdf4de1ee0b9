//! The rules about turns that are leases, and about turns that were lost.

use super::{
    Check,
    steps::{
        Checked, DROP_WAIT, MORE_THAN_A_LEASE, expect_loaded, expect_rejected, expect_turn_held,
        failed, random_key, run_clause, save, take_turn,
    },
};
use crate::store::{Sealed, StoreKey, TokenStore};

impl<S: TokenStore> Check<S> {
    pub(super) async fn leases(&self, lose: &impl AsyncFn(&StoreKey)) -> Checked {
        run_clause(
            "a lost turn that is dropped leaves the next holder its turn",
            self.lost_drop(lose),
        )
        .await?;
        run_clause("a lost turn saves nothing", self.lost_save(lose)).await?;
        run_clause("a lost turn removes nothing", self.lost_remove(lose)).await?;
        // Both wait for longer than a lease.
        let (kept, lost) = tokio::join!(
            run_clause("a turn that is kept outlives its lease", self.kept()),
            run_clause(
                "a lost turn that is kept leaves the next holder its turn",
                self.lost_and_kept(lose)
            ),
        );
        kept.and(lost)
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
        let saved = self.other.save(turn, &key, value).await;
        saved.map_err(failed("save by the next holder"))?;
        expect_loaded(&self.third, &key, Some(b"b")).await
    }

    async fn lost_remove(&self, lose: &impl AsyncFn(&StoreKey)) -> Checked {
        let key = random_key()?;
        let (lost, turn) = self.lost(&key, lose).await?;
        expect_rejected(&self.one.remove(lost, &key).await)?;
        expect_loaded(&self.third, &key, Some(b"a")).await?;
        expect_turn_held(&self.third, &key, "a third handle", DROP_WAIT).await?;
        drop(turn);
        Ok(())
    }

    async fn lost_drop(&self, lose: &impl AsyncFn(&StoreKey)) -> Checked {
        let key = random_key()?;
        let (lost, turn) = self.lost(&key, lose).await?;
        drop(lost);
        expect_turn_held(&self.third, &key, "a third handle", DROP_WAIT).await?;
        drop(turn);
        Ok(())
    }

    async fn kept(&self) -> Checked {
        let key = random_key()?;
        let turn = take_turn(&self.one, &key).await?;
        expect_turn_held(&self.other, &key, "another handle", MORE_THAN_A_LEASE).await?;
        let value = Sealed::from_bytes(b"a".to_vec());
        let saved = self.one.save(turn, &key, value).await;
        saved.map_err(failed("save by its holder"))?;
        expect_loaded(&self.other, &key, Some(b"a")).await
    }

    /// Its holder does not know of the loss, and goes on to renew the lease.
    async fn lost_and_kept(&self, lose: &impl AsyncFn(&StoreKey)) -> Checked {
        let key = random_key()?;
        let (lost, turn) = self.lost(&key, lose).await?;
        expect_turn_held(&self.third, &key, "a third handle", MORE_THAN_A_LEASE).await?;
        let late = Sealed::from_bytes(b"late".to_vec());
        expect_rejected(&self.one.save(lost, &key, late).await)?;
        let value = Sealed::from_bytes(b"b".to_vec());
        let saved = self.other.save(turn, &key, value).await;
        saved.map_err(failed("save by the next holder"))?;
        expect_loaded(&self.third, &key, Some(b"b")).await
    }
}
