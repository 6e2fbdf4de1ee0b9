use super::*;

const NOW: Duration = Duration::ZERO;

fn key(number: u8) -> StoreKey {
    StoreKey::new([number; 32])
}

async fn save(store: &MemoryStore, number: u8) {
    let turn = store.take_turn(&key(number), NOW).await.unwrap();
    let value = Sealed::from_bytes(vec![number]);
    store.save(turn, &key(number), value).await.unwrap();
}

#[tokio::test]
async fn removed_record_leaves_nothing_in_memory() {
    let store = MemoryStore::new();
    save(&store, 1).await;
    drop(store.take_turn(&key(1), NOW).await.unwrap());
    assert_eq!(store.0.lock().len(), 1);
    let turn = store.take_turn(&key(1), NOW).await.unwrap();
    store.remove(turn, &key(1)).await.unwrap();
    // Turns without a record leave nothing, whether they are dropped or not granted.
    let turn = store.take_turn(&key(2), NOW).await.unwrap();
    assert!(store.take_turn(&key(2), NOW).await.is_err());
    assert!(store.load(&key(3)).await.unwrap().is_none());
    assert_eq!(store.0.lock().len(), 1);
    drop(turn);
    assert!(store.0.lock().is_empty());
}

#[tokio::test]
async fn waiter_gets_the_turn_of_a_removed_record() {
    let store = MemoryStore::new();
    save(&store, 1).await;
    let turn = store.take_turn(&key(1), NOW).await.unwrap();
    let waiter = store.clone();
    let waiting = tokio::spawn(async move {
        let wait = Duration::from_secs(60);
        waiter.take_turn(&key(1), wait).await.unwrap()
    });
    tokio::task::yield_now().await;
    store.remove(turn, &key(1)).await.unwrap();
    let turn = waiting.await.unwrap();
    assert!(store.take_turn(&key(1), NOW).await.is_err());
    drop(turn);
    assert!(store.0.lock().is_empty());
}

#[tokio::test]
async fn turn_of_another_record_is_rejected() {
    let (store, other) = (MemoryStore::new(), MemoryStore::new());
    save(&store, 1).await;
    let turn = store.take_turn(&key(2), NOW).await.unwrap();
    assert!(store.remove(turn, &key(1)).await.is_err());
    let turn = other.take_turn(&key(1), NOW).await.unwrap();
    assert!(store.remove(turn, &key(1)).await.is_err());
    assert!(store.load(&key(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn memory_store_drops_expired_records() {
    let store = MemoryStore::new();
    let key = |number: u32| StoreKey::for_tests(&number.to_string());
    for number in 0..2 * u32::try_from(SWEEP_AT).unwrap() {
        let turn = store.take_turn(&key(number), Duration::ZERO).await.unwrap();
        let expired = Sealed::from_bytes(vec![1]).with_expiry(SystemTime::UNIX_EPOCH);
        let value = match number {
            0 => Sealed::from_bytes(vec![1]),
            _ => expired,
        };
        store.save(turn, &key(number), value).await.unwrap();
    }
    assert!(store.0.lock().len() <= SWEEP_AT);
    assert!(store.load(&key(0)).await.unwrap().is_some());
}
