//! Client credentials with a store.

use std::{
    future::pending,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::Receiver,
    },
};

use super::*;
use crate::{
    error::StoreError,
    grant::ClientCredentials,
    store::{MemoryStore, MemoryTurn, Sealed, SharedStore, StoreKey, TokenStore},
};

pub(super) fn by_secret(store: impl TokenStore) -> Storage {
    let parts = ["a-client".to_owned()];
    Storage::BySecret(StoreScope::new(SharedStore::new(store), parts))
}

/// The provider of one more process with the same store.
fn another(
    endpoint: &Arc<Endpoint>,
    clock: &Clock,
    store: &MemoryStore,
    credentials: ClientCredentials,
) -> TokenProvider {
    let storage = by_secret(store.clone());
    endpoint
        .builder(clock.clone(), credentials)
        .storage(storage)
        .build()
}

#[tokio::test(start_paused = true)]
async fn second_process_starts_with_the_stored_token() {
    let endpoint = Endpoint::new(|_| Reply::Token(3_600));
    let (clock, store) = (Clock::manual(), MemoryStore::new());
    let first = another(&endpoint, &clock, &store, credentials());
    let token = first.token().await.unwrap();
    clock.advance(seconds(600.0));
    let second = another(&endpoint, &clock, &store, credentials());
    let loaded = second.token().await.unwrap();
    assert_eq!(loaded.expose_secret(), token.expose_secret());
    let (left, other) = (loaded.expires_in().unwrap(), token.expires_in().unwrap());
    assert!(left.abs_diff(other) < seconds(0.01), "{left:?} {other:?}");
    assert_eq!(endpoint.requests(), 1);

    // One of the processes renews it in time, for both.
    clock.advance(seconds(2_600.0));
    second.token().await.unwrap();
    while endpoint.requests() < 2 || text(&second).await != "token-1" {
        tokio::task::yield_now().await;
    }
    first.token().await.unwrap();
    while text(&first).await != "token-1" {
        tokio::task::yield_now().await;
    }
    assert_eq!(endpoint.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn processes_that_start_together_send_one_request() {
    let endpoint = Endpoint::new(|_| after(1.0, Reply::Token(3_600)));
    let (clock, store) = (Clock::manual(), MemoryStore::new());
    let processes: Vec<_> = (0..8)
        .map(|_| another(&endpoint, &clock, &store, credentials()))
        .map(|tokens| tokio::spawn(async move { tokens.token().await }))
        .collect();
    for process in processes {
        let token = process.await.unwrap().unwrap();
        assert_eq!(token.expose_secret(), "token-0");
    }
    assert_eq!(endpoint.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn stored_token_is_not_found_with_another_secret() {
    let endpoint = Endpoint::new(|_| Reply::Token(3_600));
    let (clock, store) = (Clock::manual(), MemoryStore::new());
    another(&endpoint, &clock, &store, credentials())
        .token()
        .await
        .unwrap();
    let rotated = ClientCredentials::new("a-client", "secret-2").unwrap();
    let tokens = another(&endpoint, &clock, &store, rotated);
    assert_eq!(text(&tokens).await, "token-1");
}

#[tokio::test(start_paused = true)]
async fn token_is_stored_under_the_accepted_secret() {
    let endpoint = Endpoint::new(|_| after(1.0, Reply::InvalidClientUnless("new")));
    let (clock, store) = (Clock::manual(), MemoryStore::new());
    let vault = Vault::with_secret("old");
    let tokens = another(&endpoint, &clock, &store, vault.credentials());
    let first = tokio::spawn(async move { tokens.token().await });
    while endpoint.requests() == 0 {
        tokio::task::yield_now().await;
    }
    *vault.secret.lock() = "new";
    assert_eq!(first.await.unwrap().unwrap().expose_secret(), "token-1");
    let rotated = ClientCredentials::new("a-client", "new").unwrap();
    let second = another(&endpoint, &clock, &store, rotated);
    assert_eq!(text(&second).await, "token-1");
    assert_eq!(endpoint.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn rejected_token_is_replaced_in_the_store() {
    let endpoint = Endpoint::new(|_| Reply::Token(3_600));
    let (clock, store) = (Clock::manual(), MemoryStore::new());
    let first = another(&endpoint, &clock, &store, credentials());
    let second = another(&endpoint, &clock, &store, credentials());
    let token = first.token().await.unwrap();
    second.token().await.unwrap();
    clock.advance(seconds(60.0));
    first.invalidate(&token);
    assert_eq!(text(&first).await, "token-1");
    // The API rejects the token of the other process, too, which then finds the new one.
    second.invalidate(&token);
    assert_eq!(text(&second).await, "token-1");
    assert_eq!(endpoint.requests(), 2);
}

/// Both tokens are valid, and the API has not rejected the first one.
#[tokio::test(start_paused = true)]
async fn restored_old_record_is_not_served() {
    let endpoint = Endpoint::new(|_| Reply::Token(3_600));
    let (clock, store) = (Clock::manual(), MemoryStore::new());
    let tokens = another(&endpoint, &clock, &store, credentials());
    tokens.token().await.unwrap();
    let (key, old) = only_record(&tokens, &store).await;
    clock.advance(seconds(3_200.0));
    while text(&tokens).await == "token-0" {
        tokio::task::yield_now().await;
    }
    let second = tokens.token().await.unwrap();
    let turn = store.take_turn(&key, Duration::ZERO).await.unwrap();
    store.save(turn, &key, old).await.unwrap();
    // A process that has not seen the newer record cannot know.
    let fresh = another(&endpoint, &clock, &store, credentials());
    assert_eq!(text(&fresh).await, "token-0");
    clock.advance(seconds(60.0));
    tokens.invalidate(&second);
    assert_eq!(text(&tokens).await, "token-2");
}

#[tokio::test(start_paused = true)]
async fn jump_of_the_wall_clock_costs_one_request() {
    let endpoint = Endpoint::new(|_| Reply::Token(3_600));
    let (clock, store) = (Clock::manual(), MemoryStore::new());
    let start = clock.wall();
    another(&endpoint, &clock, &store, credentials())
        .token()
        .await
        .unwrap();
    for (jump, requests) in [(-3_600_i64, 2), (7_200, 3)] {
        let by = Duration::from_secs(jump.unsigned_abs());
        clock.set_wall(if jump < 0 { start - by } else { start + by });
        let tokens = another(&endpoint, &clock, &store, credentials());
        tokens.token().await.unwrap();
        tokens.token().await.unwrap();
        assert_eq!(endpoint.requests(), requests);
    }
}

#[tokio::test(start_paused = true)]
async fn stored_record_proves_that_the_client_was_accepted() {
    let endpoint = Endpoint::new(|number| match number {
        0 => Reply::Token(60),
        _ => Reply::InvalidClient,
    });
    let (clock, store) = (Clock::manual(), MemoryStore::new());
    let start = clock.wall();
    another(&endpoint, &clock, &store, credentials())
        .token()
        .await
        .unwrap();
    clock.advance(seconds(600.0));
    let tokens = another(&endpoint, &clock, &store, credentials());
    let error = failure(&tokens).await;
    let ErrorKind::InvalidClient(invalid) = error.kind() else {
        panic!("{error:?}")
    };
    let before = invalid.accepted_before.unwrap();
    assert!(before.duration_since(start).unwrap_or_default() < seconds(1.0));
}

#[tokio::test(start_paused = true)]
async fn token_expired_on_arrival_is_not_stored() {
    let endpoint = Endpoint::new(|_| Reply::Token(0));
    let (clock, store) = (Clock::manual(), MemoryStore::new());
    let tokens = another(&endpoint, &clock, &store, credentials());
    tokens.token().await.unwrap();
    assert!(stored_record(&tokens, &store).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn failed_revocation_still_empties_the_store() {
    let endpoint = Endpoint::new(|_| Reply::Token(3_600));
    let (clock, store) = (Clock::manual(), MemoryStore::new());
    let tokens = another(&endpoint, &clock, &store, credentials());
    tokens.token().await.unwrap();
    assert!(stored_record(&tokens, &store).await.is_some());
    // Another process, which has no token yet.
    let second = another(&endpoint, &clock, &store, credentials());
    let error = second.revoke().await.unwrap_err();
    assert_kind!(error, ErrorKind::Transport(_));
    assert!(stored_record(&tokens, &store).await.is_none());
    assert_eq!(text(&second).await, "token-1");
}

/// A store of which one function is broken, such as "load fails".
struct Broken {
    how: &'static str,
    calls: Arc<AtomicUsize>,
    memory: MemoryStore,
}

impl Broken {
    async fn may_fail(&self, call: &str) -> Result<(), StoreError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        match self.how.split_once(' ').unwrap() {
            (broken, "fails") if broken == call => Err(StoreError::new("planted")),
            (broken, "panics") if broken == call => panic!("planted"),
            (broken, "hangs") if broken == call => pending().await,
            _ => Ok(()),
        }
    }
}

impl TokenStore for Broken {
    type Turn = MemoryTurn;

    async fn load(&self, key: &StoreKey) -> Result<Option<Sealed>, StoreError> {
        self.may_fail("load").await?;
        self.memory.load(key).await
    }

    async fn take_turn(&self, key: &StoreKey, wait: Duration) -> Result<MemoryTurn, StoreError> {
        self.may_fail("turn").await?;
        self.memory.take_turn(key, wait).await
    }

    async fn save(
        &self,
        turn: MemoryTurn,
        key: &StoreKey,
        value: Sealed,
    ) -> Result<(), StoreError> {
        self.may_fail("save").await?;
        self.memory.save(turn, key, value).await
    }

    async fn remove(&self, turn: MemoryTurn, key: &StoreKey) -> Result<(), StoreError> {
        self.may_fail("remove").await?;
        self.memory.remove(turn, key).await
    }
}

#[tokio::test(start_paused = true)]
async fn failing_store_makes_no_token_unavailable() {
    for call in ["load", "turn", "save"] {
        for how in ["fails", "hangs", "panics"] {
            let how: &str = format!("{call} {how}").leak();
            let endpoint = Endpoint::new(|_| Reply::Token(3_600));
            let (calls, memory) = (Arc::default(), MemoryStore::new());
            let store = Broken { how, calls, memory };
            let (handle, events) = event_channel();
            let tokens = endpoint
                .builder(Clock::manual(), credentials())
                .storage(by_secret(store))
                .on_event(handle)
                .build();
            let token = tokens.token().await.unwrap();
            assert_eq!(token.expose_secret(), "token-0", "{how}");
            assert_eq!(endpoint.requests(), 1, "{how}");
            let next = |events: &Receiver<Event>| events.recv_timeout(DEADLINE).unwrap();
            assert!(matches!(next(&events), Event::StoreFailed { .. }), "{how}");
            assert!(matches!(next(&events), Event::Acquired { .. }), "{how}");
        }
    }
}

/// A store that saves, and then fails, hangs or panics.
#[derive(Clone)]
pub(super) struct LateStore {
    how: &'static str,
    memory: MemoryStore,
}

impl LateStore {
    pub(super) fn new(how: &'static str) -> Self {
        let memory = MemoryStore::new();
        Self { how, memory }
    }
}

impl TokenStore for LateStore {
    type Turn = MemoryTurn;

    async fn load(&self, key: &StoreKey) -> Result<Option<Sealed>, StoreError> {
        self.memory.load(key).await
    }

    async fn take_turn(&self, key: &StoreKey, wait: Duration) -> Result<MemoryTurn, StoreError> {
        self.memory.take_turn(key, wait).await
    }

    async fn save(
        &self,
        turn: MemoryTurn,
        key: &StoreKey,
        value: Sealed,
    ) -> Result<(), StoreError> {
        self.memory.save(turn, key, value).await?;
        match self.how {
            "fails" => Err(StoreError::new("planted")),
            "hangs" => pending().await,
            _ => panic!("planted"),
        }
    }

    async fn remove(&self, turn: MemoryTurn, key: &StoreKey) -> Result<(), StoreError> {
        self.memory.remove(turn, key).await
    }
}

#[tokio::test(start_paused = true)]
async fn record_of_a_failed_save_is_no_failure() {
    for how in ["fails", "hangs", "panics"] {
        let endpoint = Endpoint::new(|_| Reply::Token(3_600));
        let (clock, store) = (Clock::manual(), LateStore::new(how));
        let (handle, events) = event_channel();
        let builder = endpoint.builder(clock.clone(), credentials());
        let builder = builder.storage(by_secret(store.clone())).on_event(handle);
        builder.build().token().await.unwrap();
        let event = events.recv_timeout(DEADLINE).unwrap();
        assert!(matches!(event, Event::Acquired { .. }), "{how}: {event:?}");
        let second = another(&endpoint, &clock, &store.memory, credentials());
        assert_eq!(text(&second).await, "token-0", "{how}");
        assert_eq!(endpoint.requests(), 1, "{how}");
    }
}

#[tokio::test(start_paused = true)]
async fn token_is_requested_without_a_turn_that_stays_taken() {
    let endpoint = Endpoint::new(|_| Reply::Token(3_600));
    let (clock, store) = (Clock::manual(), MemoryStore::new());
    let tokens = another(&endpoint, &clock, &store, credentials());
    let key = key_of(&tokens);
    let _turn = store.take_turn(&key, Duration::ZERO).await.unwrap();
    assert_eq!(text(&tokens).await, "token-0");
    assert!(store.load(&key).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn waiting_process_uses_what_another_one_saved() {
    let endpoint = Endpoint::new(|_| Reply::Token(3_600));
    let (clock, memory) = (Clock::manual(), MemoryStore::new());
    let (how, calls) = ("turn hangs", Arc::<AtomicUsize>::default());
    let store = Broken {
        how,
        calls: calls.clone(),
        memory: memory.clone(),
    };
    let (handle, events) = event_channel();
    let builder = endpoint.builder(clock.clone(), credentials());
    let waiting = builder.storage(by_secret(store)).on_event(handle).build();
    let waiting = tokio::spawn(async move { text(&waiting).await });
    while calls.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    let first = another(&endpoint, &clock, &memory, credentials());
    assert_eq!(text(&first).await, "token-0");
    assert_eq!(waiting.await.unwrap(), "token-0");
    assert_eq!(endpoint.requests(), 1);
    let event = events.recv_timeout(DEADLINE).unwrap();
    assert!(matches!(event, Event::Loaded { .. }), "{event:?}");
}

/// The key under which a provider with [`credentials`] stores its token.
pub(super) fn key_of(tokens: &TokenProvider) -> StoreKey {
    let Storage::BySecret(keeping) = &tokens.cache.settings.storage else {
        panic!("nothing is stored")
    };
    keeping
        .slot_of_secret(&"secret-1".into())
        .unwrap()
        .key()
        .clone()
}

async fn stored_record(tokens: &TokenProvider, store: &MemoryStore) -> Option<Sealed> {
    store.load(&key_of(tokens)).await.unwrap()
}

async fn only_record(tokens: &TokenProvider, store: &MemoryStore) -> (StoreKey, Sealed) {
    let key = key_of(tokens);
    let sealed = stored_record(tokens, store).await.unwrap();
    (key, sealed)
}
