//! Client credentials with a store.

pub(super) mod broken;

use super::*;
use crate::{
    grant::ClientCredentials,
    store::{MemoryStore, Sealed, SharedStore, StoreKey, TokenStore},
};

pub(super) fn by_secret(store: impl TokenStore) -> Storage {
    let parts = ["a-client".to_owned()];
    Storage::BySecret(StoreScope::new(SharedStore::new(store), parts))
}

/// Processes of one client that share a store.
struct Fleet {
    endpoint: Arc<Endpoint>,
    clock: Clock,
    store: MemoryStore,
}

impl Fleet {
    fn new(script: impl Script) -> Self {
        Self {
            endpoint: Endpoint::new(script),
            clock: Clock::manual(),
            store: MemoryStore::new(),
        }
    }

    /// The provider of one more process.
    fn process(&self) -> TokenProvider {
        self.process_with(credentials())
    }

    fn process_with(&self, credentials: ClientCredentials) -> TokenProvider {
        let builder = self.endpoint.builder(self.clock.clone(), credentials);
        builder.storage(by_secret(self.store.clone())).build()
    }

    /// A process that has its first token.
    async fn started(&self) -> TokenProvider {
        let tokens = self.process();
        tokens.token().await.unwrap();
        tokens
    }

    async fn record(&self) -> Option<Sealed> {
        self.store.load(&key_of(&self.process())).await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn second_process_starts_with_the_stored_token() {
    let fleet = Fleet::new(|_| Reply::Token(3_600));
    let first = fleet.process();
    let token = first.token().await.unwrap();
    fleet.clock.advance(seconds(600.0));
    let second = fleet.process();
    let loaded = second.token().await.unwrap();
    assert_eq!(loaded.expose_secret(), token.expose_secret());
    let (left, other) = (loaded.expires_in().unwrap(), token.expires_in().unwrap());
    assert!(left.abs_diff(other) < seconds(0.01), "{left:?} {other:?}");
    assert_eq!(fleet.endpoint.requests(), 1);

    // One of the processes renews it in time, for both.
    fleet.clock.advance(seconds(2_600.0));
    second.token().await.unwrap();
    for tokens in [&second, &first] {
        let renewed = until_renewed(tokens, "token-0").await;
        assert_eq!(renewed.expose_secret(), "token-1");
    }
    assert_eq!(fleet.endpoint.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn processes_that_start_together_send_one_request() {
    let fleet = Fleet::new(|_| after(1.0, Reply::Token(3_600)));
    let processes = (0..8).map(|_| spawn_caller(&fleet.process()));
    assert_all_get(processes.collect(), "token-0").await;
    assert_eq!(fleet.endpoint.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn stored_token_is_not_found_with_another_secret() {
    let fleet = Fleet::new(|_| Reply::Token(3_600));
    fleet.started().await;
    let rotated = ClientCredentials::new("a-client", "secret-2").unwrap();
    let tokens = fleet.process_with(rotated);
    assert_eq!(text(&tokens).await, "token-1");
}

#[tokio::test(start_paused = true)]
async fn token_is_stored_under_the_accepted_secret() {
    let fleet = Fleet::new(|_| after(1.0, Reply::InvalidClientUnless("new")));
    let vault = Vault::with_secret("old");
    let tokens = fleet.process_with(vault.credentials());
    let first = tokio::spawn(async move { tokens.token().await });
    fleet.endpoint.until_requests(1).await;
    *vault.secret.lock() = "new";
    assert_eq!(first.await.unwrap().unwrap().expose_secret(), "token-1");
    let rotated = ClientCredentials::new("a-client", "new").unwrap();
    let second = fleet.process_with(rotated);
    assert_eq!(text(&second).await, "token-1");
    assert_eq!(fleet.endpoint.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn rejected_token_is_replaced_in_the_store() {
    let fleet = Fleet::new(|_| Reply::Token(3_600));
    let (first, second) = (fleet.process(), fleet.process());
    let token = first.token().await.unwrap();
    second.token().await.unwrap();
    fleet.clock.advance(seconds(60.0));
    first.invalidate(&token);
    assert_eq!(text(&first).await, "token-1");
    // The API rejects the token of the other process, too, which then finds the new one.
    second.invalidate(&token);
    assert_eq!(text(&second).await, "token-1");
    assert_eq!(fleet.endpoint.requests(), 2);
}

/// Both tokens are valid, and the API has not rejected the first one.
#[tokio::test(start_paused = true)]
async fn restored_old_record_is_not_served() {
    let fleet = Fleet::new(|_| Reply::Token(3_600));
    let tokens = fleet.started().await;
    let (key, old) = (key_of(&tokens), fleet.record().await.unwrap());
    fleet.clock.advance(seconds(3_200.0));
    let second = until_renewed(&tokens, "token-0").await;
    let turn = fleet.store.take_turn(&key, Duration::ZERO).await.unwrap();
    fleet.store.save(turn, &key, old).await.unwrap();
    // A process that has not seen the newer record cannot know.
    let fresh = fleet.process();
    assert_eq!(text(&fresh).await, "token-0");
    fleet.clock.advance(seconds(60.0));
    tokens.invalidate(&second);
    assert_eq!(text(&tokens).await, "token-2");
}

#[tokio::test(start_paused = true)]
async fn jump_of_the_wall_clock_costs_one_request() {
    let fleet = Fleet::new(|_| Reply::Token(3_600));
    let start = fleet.clock.wall();
    fleet.started().await;
    for (jump, requests) in [(-3_600_i64, 2), (7_200, 3)] {
        let by = Duration::from_secs(jump.unsigned_abs());
        fleet
            .clock
            .set_wall(if jump < 0 { start - by } else { start + by });
        let tokens = fleet.process();
        tokens.token().await.unwrap();
        tokens.token().await.unwrap();
        assert_eq!(fleet.endpoint.requests(), requests);
    }
}

#[tokio::test(start_paused = true)]
async fn stored_record_proves_that_the_client_was_accepted() {
    let fleet = Fleet::new([Reply::Token(60), Reply::InvalidClient]);
    let start = fleet.clock.wall();
    fleet.started().await;
    fleet.clock.advance(seconds(600.0));
    let tokens = fleet.process();
    let error = failure(&tokens).await;
    let before = accepted_before(&error).unwrap();
    assert!(before.duration_since(start).unwrap_or_default() < seconds(1.0));
}

#[tokio::test(start_paused = true)]
async fn token_expired_on_arrival_is_not_stored() {
    let fleet = Fleet::new(|_| Reply::Token(0));
    fleet.started().await;
    assert!(fleet.record().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn failed_revocation_still_empties_the_store() {
    let fleet = Fleet::new(|_| Reply::Token(3_600));
    fleet.started().await;
    assert!(fleet.record().await.is_some());
    // Another process, which has no token yet.
    let second = fleet.process();
    let error = second.revoke().await.unwrap_err();
    assert_kind!(error, ErrorKind::Transport(_));
    assert!(fleet.record().await.is_none());
    assert_eq!(text(&second).await, "token-1");
}

#[tokio::test(start_paused = true)]
async fn token_is_requested_without_a_turn_that_stays_taken() {
    let fleet = Fleet::new(|_| Reply::Token(3_600));
    let tokens = fleet.process();
    let key = key_of(&tokens);
    let _turn = fleet.store.take_turn(&key, Duration::ZERO).await.unwrap();
    assert_eq!(text(&tokens).await, "token-0");
    assert!(fleet.store.load(&key).await.unwrap().is_none());
}

/// The key under which a provider with [`credentials`] stores its token.
pub(super) fn key_of(tokens: &TokenProvider) -> StoreKey {
    let Storage::BySecret(keeping) = &tokens.cache.settings.storage else {
        panic!("nothing is stored")
    };
    let slot = keeping.slot_of_secret(&"secret-1".into()).unwrap();
    slot.key().clone()
}
