//! A store that can fail to change its record.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// A store whose turns exclude nothing and which can fail to change its record.
#[derive(Clone, Default)]
pub(super) struct LooseStore {
    record: Arc<Mutex<Option<Sealed>>>,
    fails_to_save: Arc<AtomicBool>,
    saves_slowly: Arc<AtomicBool>,
}

impl LooseStore {
    pub(super) fn fail(&self, fails: bool) {
        self.fails_to_save.store(fails, Ordering::SeqCst);
    }

    /// The next save returns a second after its record is there.
    pub(super) fn save_slowly(&self) {
        self.saves_slowly.store(true, Ordering::SeqCst);
    }

    pub(super) fn record(&self) -> Option<Sealed> {
        self.record.lock().clone()
    }

    pub(super) fn put_back(&self, record: Option<Sealed>) {
        *self.record.lock() = record;
    }

    fn may_change(&self, fault: &'static str) -> Result<(), StoreError> {
        let fails = self.fails_to_save.load(Ordering::SeqCst);
        if fails {
            Err(StoreError::new(fault))
        } else {
            Ok(())
        }
    }
}

impl TokenStore for LooseStore {
    type Turn = ();

    async fn load(&self, _: &StoreKey) -> Result<Option<Sealed>, StoreError> {
        Ok(self.record())
    }

    async fn take_turn(&self, _: &StoreKey, _: Duration) -> Result<(), StoreError> {
        Ok(())
    }

    async fn save(&self, (): (), _: &StoreKey, value: Sealed) -> Result<(), StoreError> {
        self.may_change("the disk is full")?;
        self.put_back(Some(value));
        if self.saves_slowly.swap(false, Ordering::SeqCst) {
            tokio::time::sleep(seconds(1.0)).await;
        }
        Ok(())
    }

    async fn remove(&self, (): (), _: &StoreKey) -> Result<(), StoreError> {
        if self.record().is_some() {
            self.may_change("the disk is read-only")?;
        }
        self.put_back(None);
        Ok(())
    }
}
