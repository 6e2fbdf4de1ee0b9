//! A store in memory that has one fault.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::timeout;

use super::super::*;
use crate::error::StoreError;

use Fault::*;

/// The fault of a store.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    Nothing,
    LoadsAbsentRecords,
    LoadsText,
    LoadsTheBeginning,
    LoadsStaleRecords,
    KeepsTheFirst,
    AppendsToTheFirst,
    RemovesNothing,
    FailsToRemoveAbsent,
    RemovesAll,
    HasOneTurnForAllKeys,
    LoadsNothingDuringATurn,
    GrantsTurnsToAll,
    GrantsATurnToEachHandle,
    WaitsForever,
    WaitsNever,
    WaitsAlways,
    KeepsDroppedTurns,
    KeepsAfterSave,
    KeepsAfterRemove,
    TakesForACancelledWait,
    SavesLate,
    RemovesLate,
    FreesTheTurnOfAnother,
    FreesTheTurnOfAnotherLater,
    RenewsNoLease,
    FreesTheTurnOfAnotherAtARenewal,
    /// Legal: a dropped turn is given up a moment later, or when its lease ends.
    DropsLater,
    DropsWithTheLease,
}

/// A store in memory whose turns can be lost.
pub(super) struct Toy {
    fault: Fault,
    handle: u64,
    shared: Arc<Mutex<Shared>>,
    seen: Mutex<HashMap<StoreKey, Sealed>>,
}

#[derive(Default)]
pub(super) struct Shared {
    records: HashMap<StoreKey, Vec<u8>>,
    pub(super) holders: HashMap<String, u64>,
}

pub(super) struct Turn {
    fault: Fault,
    number: u64,
    name: String,
    shared: Arc<Mutex<Shared>>,
    frees: bool,
    saved: bool,
    kept: Arc<()>,
}

impl Turn {
    /// What happens every 5 seconds while the turn is kept, or to a lease after 15 seconds.
    fn begin_lease(&self) {
        let (name, number) = (self.name.clone(), self.number);
        let (shared, kept) = (Arc::clone(&self.shared), Arc::downgrade(&self.kept));
        let fault = self.fault;
        tokio::spawn(async move {
            for renewal in 1.. {
                tokio::time::sleep(Duration::from_secs(5)).await;
                let holders = &mut shared.lock().holders;
                match fault {
                    FreesTheTurnOfAnotherAtARenewal if kept.strong_count() > 0 => {
                        if holders.get(&name) != Some(&number) {
                            holders.remove(&name);
                        }
                    }
                    RenewsNoLease if renewal == 3 && holders.get(&name) == Some(&number) => {
                        holders.remove(&name);
                    }
                    RenewsNoLease if renewal < 3 => {}
                    _ => return,
                }
            }
        });
    }

    fn is_lost(&self) -> bool {
        self.shared.lock().holders.get(&self.name) != Some(&self.number)
    }

    fn give_up(&self) {
        let of_another = [FreesTheTurnOfAnother, FreesTheTurnOfAnotherLater];
        if of_another.contains(&self.fault) || !self.is_lost() {
            self.shared.lock().holders.remove(&self.name);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.frees {
            return;
        }
        let late = match self.fault {
            FreesTheTurnOfAnotherLater | DropsLater => Duration::from_millis(500),
            DropsWithTheLease if !self.saved => Duration::from_secs(15),
            _ => return self.give_up(),
        };
        let turn = Self {
            fault: self.fault,
            number: self.number,
            name: self.name.clone(),
            shared: Arc::clone(&self.shared),
            frees: false,
            saved: false,
            kept: Arc::clone(&self.kept),
        };
        tokio::spawn(async move {
            tokio::time::sleep(late).await;
            turn.give_up();
        });
    }
}

impl Toy {
    pub(super) fn new(fault: Fault, shared: &Arc<Mutex<Shared>>) -> Self {
        Self {
            fault,
            handle: next_number(),
            shared: Arc::clone(shared),
            seen: Mutex::default(),
        }
    }

    fn name(&self, key: &StoreKey) -> String {
        match self.fault {
            HasOneTurnForAllKeys => String::new(),
            GrantsATurnToEachHandle => format!("{}{}", key.as_str(), self.handle),
            _ => key.as_str().to_owned(),
        }
    }

    fn change(
        &self,
        mut turn: Turn,
        late: Fault,
        keeps: Fault,
        change: impl FnOnce(&mut HashMap<StoreKey, Vec<u8>>),
    ) -> Result<(), StoreError> {
        if turn.is_lost() && ![late, GrantsTurnsToAll].contains(&self.fault) {
            return Err(StoreError::new("lost"));
        }
        change(&mut self.shared.lock().records);
        turn.frees = self.fault != keeps;
        turn.saved = true;
        Ok(())
    }
}

impl TokenStore for Toy {
    type Turn = Turn;

    async fn load(&self, key: &StoreKey) -> Result<Option<Sealed>, StoreError> {
        let shared = self.shared.lock();
        if self.fault == LoadsNothingDuringATurn && shared.holders.contains_key(&self.name(key)) {
            return Err(StoreError::new("busy"));
        }
        let record = shared.records.get(key).cloned();
        let sealed = record.map(|record| match self.fault {
            LoadsText => String::from_utf8_lossy(&record).into_owned().into_bytes(),
            LoadsTheBeginning => record.into_iter().take(1_000).collect(),
            _ => record,
        });
        let sealed = sealed.map(Sealed::from_bytes);
        if self.fault == LoadsStaleRecords
            && let Some(sealed) = &sealed
        {
            let mut seen = self.seen.lock();
            let first = seen.entry(key.clone()).or_insert(sealed.clone());
            return Ok(Some(first.clone()));
        }
        Ok(sealed.or((self.fault == LoadsAbsentRecords).then(|| Sealed::from_bytes(Vec::new()))))
    }

    async fn take_turn(&self, key: &StoreKey, wait: Duration) -> Result<Turn, StoreError> {
        let (fault, name, shared) = (self.fault, self.name(key), Arc::clone(&self.shared));
        let taking = async move {
            let number = next_number();
            if fault == WaitsAlways {
                tokio::task::yield_now().await;
            }
            loop {
                {
                    let holders = &mut shared.lock().holders;
                    if fault == GrantsTurnsToAll || !holders.contains_key(&name) {
                        holders.insert(name.clone(), number);
                        break;
                    }
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Turn {
                fault,
                number,
                name,
                shared,
                frees: fault != KeepsDroppedTurns,
                saved: false,
                kept: Arc::default(),
            }
        };
        let taking = async {
            match fault {
                TakesForACancelledWait => tokio::spawn(async {
                    let mut turn = taking.await;
                    turn.frees = false;
                    turn
                })
                .await
                .map_err(StoreError::new),
                _ => Ok(taking.await),
            }
        };
        let wait = match fault {
            WaitsForever => Duration::MAX,
            WaitsNever => Duration::ZERO,
            TakesForACancelledWait => wait.max(Duration::from_millis(1)),
            _ => wait,
        };
        let mut turn = timeout(wait, taking).await.map_err(StoreError::new)??;
        turn.frees |= fault == TakesForACancelledWait;
        turn.begin_lease();
        Ok(turn)
    }

    async fn save(&self, turn: Turn, key: &StoreKey, value: Sealed) -> Result<(), StoreError> {
        self.change(turn, SavesLate, KeepsAfterSave, |records| {
            let value = value.as_bytes().to_vec();
            match records.get_mut(key) {
                Some(_) if self.fault == KeepsTheFirst => {}
                Some(record) if self.fault == AppendsToTheFirst => record.extend(value),
                _ => drop(records.insert(key.clone(), value)),
            }
        })
    }

    async fn remove(&self, turn: Turn, key: &StoreKey) -> Result<(), StoreError> {
        let is_there = self.shared.lock().records.contains_key(key);
        if self.fault == FailsToRemoveAbsent && !is_there {
            return Err(StoreError::new("absent"));
        }
        self.change(turn, RemovesLate, KeepsAfterRemove, |records| {
            match self.fault {
                RemovesNothing => {}
                RemovesAll => records.clear(),
                _ => drop(records.remove(key)),
            }
        })
    }
}

fn next_number() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, SeqCst)
}
