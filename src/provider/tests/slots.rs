//! The place of a record in a store.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::{
    super::storage::{HeldTurn, STORE_LIMIT, StoreSlot},
    *,
};
use crate::{
    clock::Moment,
    error::StoreError,
    seal::SealingKey,
    store::{MemoryStore, MemoryTurn, Sealed, SharedStore, StoreKey, TokenStore},
    token::Record,
};

/// A store that takes nearly the time that it may take.
#[derive(Clone)]
struct SlowStore(MemoryStore);

impl TokenStore for SlowStore {
    type Turn = MemoryTurn;

    async fn load(&self, key: &StoreKey) -> Result<Option<Sealed>, StoreError> {
        sleep(ALMOST_5_S).await;
        self.0.load(key).await
    }

    async fn take_turn(&self, key: &StoreKey, wait: Duration) -> Result<MemoryTurn, StoreError> {
        sleep(ALMOST_15_S).await;
        self.0.take_turn(key, wait).await
    }

    async fn save(
        &self,
        turn: MemoryTurn,
        key: &StoreKey,
        value: Sealed,
    ) -> Result<(), StoreError> {
        sleep(ALMOST_5_S).await;
        self.0.save(turn, key, value).await
    }

    async fn remove(&self, turn: MemoryTurn, key: &StoreKey) -> Result<(), StoreError> {
        sleep(ALMOST_5_S).await;
        self.0.remove(turn, key).await
    }
}

fn slot(store: impl TokenStore, name: &str, key: SealingKey) -> StoreSlot {
    StoreScope::new(SharedStore::new(store), [name.to_owned()]).slot_of_key(key)
}

fn key(number: u8) -> SealingKey {
    SealingKey::from_bytes(std::array::from_fn(|at| {
        number.wrapping_add(u8::try_from(at).unwrap())
    }))
}

fn record(clock: &Clock) -> Record {
    let now = clock.now();
    let end: Moment = now + seconds(3_600.0);
    let token = AccessToken::restored(&"a-token".into(), now, end, clock).unwrap();
    Record::new(&token, None, None, clock)
}

async fn save(slot: &StoreSlot, record: &Record) {
    let turn: HeldTurn = slot.take_turn().await.unwrap();
    turn.save(record).await.unwrap();
}

/// A slot with this number of keys, whose record is stored under the oldest.
async fn slot_of_keys(keys: u8) -> StoreSlot {
    let (store, oldest) = (SlowStore(MemoryStore::new()), key(1));
    let first = slot(store.clone(), "login", oldest.clone());
    save(&first, &record(&Clock::manual())).await;
    let newer = (2..=keys).rev().map(key);
    let all = newer.chain([oldest]).reduce(SealingKey::also_reads);
    slot(store, "login", all.unwrap())
}

#[tokio::test(start_paused = true)]
async fn slowest_store_has_time_to_move_a_record() {
    for keys in 1..=3 {
        let slot = slot_of_keys(keys).await;
        let limit = slot.find_limit();
        let found = timeout(limit, slot.find()).await;
        assert!(found.unwrap().unwrap().is_some(), "{keys} keys");
        // Without an older key nothing is moved.
        assert_eq!(limit == STORE_LIMIT, keys == 1, "{keys}: {limit:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn record_under_the_key_of_another_slot_does_not_open() {
    let store = MemoryStore::new();
    let [one, other] = ["one", "other"].map(|name| slot(store.clone(), name, key(1)));
    save(&one, &record(&Clock::manual())).await;
    let sealed = store.load(one.key()).await.unwrap().unwrap();
    let turn = store.take_turn(other.key(), Duration::ZERO).await.unwrap();
    store.save(turn, other.key(), sealed).await.unwrap();
    assert!(one.load().await.unwrap().is_some());
    assert!(other.load().await.unwrap().is_none());
}

const ALMOST_5_S: Duration = Duration::from_millis(4_950);
const ALMOST_15_S: Duration = Duration::from_millis(14_950);
