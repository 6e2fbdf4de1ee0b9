//! The check fails on a store that is wrong in one way, for each way.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use parking_lot::Mutex;

use super::*;
use crate::{error::StoreError, store::MemoryStore};

/// What is wrong with a store.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wrong {
    Nothing,
    LoadsWhatIsAbsent,
    LoadsText,
    LoadsTheBeginning,
    LoadsWhatItSawBefore,
    KeepsTheFirst,
    AppendsToTheFirst,
    RemovesNothing,
    RemovesWhatIsThereOnly,
    RemovesAll,
    HasOneTurnForAllKeys,
    LoadsNothingBesideATurn,
    GivesTurnsToAll,
    GivesATurnToEachHandle,
    WaitsForEver,
    WaitsNever,
    WaitsAlways,
    KeepsWhatIsDropped,
    KeepsAfterSave,
    KeepsAfterRemove,
    TakesForWhoLeft,
    SavesLate,
    RemovesLate,
    FreesTheTurnOfAnother,
}

use Wrong::*;

/// A store in memory whose turns can be lost.
struct Toy {
    wrong: Wrong,
    handle: u64,
    shared: Arc<Mutex<Shared>>,
    seen: Mutex<HashMap<StoreKey, Sealed>>,
}

#[derive(Default)]
struct Shared {
    records: HashMap<StoreKey, Vec<u8>>,
    holders: HashMap<String, u64>,
}

struct Turn {
    wrong: Wrong,
    number: u64,
    name: String,
    shared: Arc<Mutex<Shared>>,
    frees: bool,
}

impl Turn {
    fn is_lost(&self) -> bool {
        self.shared.lock().holders.get(&self.name) != Some(&self.number)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mine = self.wrong == FreesTheTurnOfAnother || !self.is_lost();
        if self.frees && mine {
            self.shared.lock().holders.remove(&self.name);
        }
    }
}

impl Toy {
    fn new(wrong: Wrong, shared: &Arc<Mutex<Shared>>) -> Self {
        Self {
            wrong,
            handle: number(),
            shared: Arc::clone(shared),
            seen: Mutex::default(),
        }
    }

    fn name(&self, key: &StoreKey) -> String {
        match self.wrong {
            HasOneTurnForAllKeys => String::new(),
            GivesATurnToEachHandle => format!("{}{}", key.as_str(), self.handle),
            _ => key.as_str().to_owned(),
        }
    }

    fn change(
        &self,
        mut turn: Turn,
        late: Wrong,
        keeps: Wrong,
        change: impl FnOnce(&mut HashMap<StoreKey, Vec<u8>>),
    ) -> Result<(), StoreError> {
        if turn.is_lost() && ![late, GivesTurnsToAll].contains(&self.wrong) {
            return Err(StoreError::new("lost"));
        }
        change(&mut self.shared.lock().records);
        turn.frees = self.wrong != keeps;
        Ok(())
    }
}

impl TokenStore for Toy {
    type Turn = Turn;

    async fn load(&self, key: &StoreKey) -> Result<Option<Sealed>, StoreError> {
        let shared = self.shared.lock();
        if self.wrong == LoadsNothingBesideATurn && shared.holders.contains_key(&self.name(key)) {
            return Err(StoreError::new("busy"));
        }
        let record = shared.records.get(key).cloned();
        let sealed = record.map(|record| match self.wrong {
            LoadsText => String::from_utf8_lossy(&record).into_owned().into_bytes(),
            LoadsTheBeginning => record.into_iter().take(1_000).collect(),
            _ => record,
        });
        let sealed = sealed.map(Sealed::from_bytes);
        if self.wrong == LoadsWhatItSawBefore
            && let Some(sealed) = &sealed
        {
            let mut seen = self.seen.lock();
            return Ok(Some(
                seen.entry(key.clone()).or_insert(sealed.clone()).clone(),
            ));
        }
        Ok(sealed.or((self.wrong == LoadsWhatIsAbsent).then(|| Sealed::from_bytes(Vec::new()))))
    }

    async fn take_turn(&self, key: &StoreKey, wait: Duration) -> Result<Turn, StoreError> {
        let (wrong, name, shared) = (self.wrong, self.name(key), Arc::clone(&self.shared));
        let taking = async move {
            let number = number();
            if wrong == WaitsAlways {
                tokio::task::yield_now().await;
            }
            loop {
                {
                    let holders = &mut shared.lock().holders;
                    if wrong == GivesTurnsToAll || !holders.contains_key(&name) {
                        holders.insert(name.clone(), number);
                        break;
                    }
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Turn {
                wrong,
                number,
                name,
                shared,
                frees: wrong != KeepsWhatIsDropped,
            }
        };
        let taking = async {
            match wrong {
                TakesForWhoLeft => tokio::spawn(async {
                    let mut turn = taking.await;
                    turn.frees = false;
                    turn
                })
                .await
                .map_err(StoreError::new),
                _ => Ok(taking.await),
            }
        };
        let wait = match wrong {
            WaitsForEver => Duration::MAX,
            WaitsNever => Duration::ZERO,
            TakesForWhoLeft => wait.max(Duration::from_millis(1)),
            _ => wait,
        };
        let mut turn = timeout(wait, taking).await.map_err(StoreError::new)??;
        turn.frees |= wrong == TakesForWhoLeft;
        Ok(turn)
    }

    async fn save(&self, turn: Turn, key: &StoreKey, value: Sealed) -> Result<(), StoreError> {
        self.change(turn, SavesLate, KeepsAfterSave, |records| {
            let value = value.as_bytes().to_vec();
            match records.get_mut(key) {
                Some(_) if self.wrong == KeepsTheFirst => {}
                Some(record) if self.wrong == AppendsToTheFirst => record.extend(value),
                _ => drop(records.insert(key.clone(), value)),
            }
        })
    }

    async fn remove(&self, turn: Turn, key: &StoreKey) -> Result<(), StoreError> {
        let is_there = self.shared.lock().records.contains_key(key);
        if self.wrong == RemovesWhatIsThereOnly && !is_there {
            return Err(StoreError::new("absent"));
        }
        self.change(turn, RemovesLate, KeepsAfterRemove, |records| {
            match self.wrong {
                RemovesNothing => {}
                RemovesAll => records.clear(),
                _ => drop(records.remove(key)),
            }
        })
    }
}

async fn check(wrong: Wrong) -> Result<(), String> {
    let shared = Arc::default();
    store_conformance_with_lost_turns(
        async || Toy::new(wrong, &shared),
        async |key| {
            shared.lock().holders.remove(key.as_str());
        },
    )
    .await
}

#[tokio::test(start_paused = true)]
async fn a_store_with_one_fault_fails_where_that_shows() {
    let cases = [
        (LoadsWhatIsAbsent, "load of what is absent"),
        (LoadsText, "load of what was saved"),
        (LoadsTheBeginning, "load of what was saved"),
        (LoadsWhatItSawBefore, "many holders"),
        (KeepsTheFirst, "save over what was saved"),
        (AppendsToTheFirst, "save over what was saved"),
        (RemovesNothing, "remove"),
        (RemovesWhatIsThereOnly, "remove"),
        (RemovesAll, "keys"),
        (HasOneTurnForAllKeys, "keys"),
        (LoadsNothingBesideATurn, "load beside a turn"),
        (GivesTurnsToAll, "turns exclude each other"),
        (GivesATurnToEachHandle, "turns exclude each other"),
        (WaitsForEver, "turns exclude each other"),
        (WaitsNever, "the wait for a turn"),
        (WaitsAlways, "the wait for a turn"),
        (KeepsWhatIsDropped, "a turn dropped is free"),
        (KeepsAfterSave, "save over what was saved"),
        (KeepsAfterRemove, "remove"),
        (TakesForWhoLeft, "a wait that is given up"),
        (SavesLate, "save with a lost turn"),
        (RemovesLate, "remove with a lost turn"),
        (FreesTheTurnOfAnother, "drop of a lost turn"),
    ];
    for (wrong, clause) in cases {
        let told = check(wrong).await.expect_err(&format!("{wrong:?} passes"));
        assert!(
            told.starts_with(&format!("{clause}: ")),
            "{wrong:?}: {told}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_without_fault_passes() {
    check(Nothing).await.unwrap();
    let memory = MemoryStore::new();
    store_conformance(async || memory.clone()).await.unwrap();
}

fn number() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, SeqCst)
}
