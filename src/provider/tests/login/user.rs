//! A user who logs in, and the processes that share the login.

use super::{loose_store::LooseStore, *};

/// A user, and the processes that may have the login.
pub(super) struct User {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) clock: Clock,
    pub(super) store: MemoryStore,
    /// Another store.
    pub(super) loose: LooseStore,
}

impl User {
    /// A user who is not logged in. The first request of a login sends its code.
    pub(super) fn new(script: impl Script) -> Self {
        Self {
            endpoint: Endpoint::new(script),
            clock: Clock::manual(),
            store: MemoryStore::new(),
            loose: LooseStore::default(),
        }
    }

    /// Each login and each renewal gets a refresh token of its own.
    pub(super) fn renewable(life: u64) -> Self {
        Self::new(move |number| Reply::Login(life, Some(format!("r-{number}").leak())))
    }

    /// The provider of one more process.
    pub(super) fn process(&self) -> TokenProvider {
        self.process_with(&SealingKey::from_bytes([7; 32]))
    }

    pub(super) fn process_with(&self, key: &SealingKey) -> TokenProvider {
        self.builder(self.store.clone(), key, &self.clock).build()
    }

    /// One with the other store.
    pub(super) fn loose_process(&self) -> TokenProvider {
        let key = SealingKey::unsealed();
        self.builder(self.loose.clone(), &key, &self.clock).build()
    }

    pub(super) fn builder(
        &self,
        store: impl TokenStore,
        key: &SealingKey,
        clock: &Clock,
    ) -> ProviderBuilder {
        let (grant, storage) = with_store(store, key);
        self.endpoint.builder(clock.clone(), grant).storage(storage)
    }

    pub(super) async fn loose_login(&self) -> TokenProvider {
        let tokens = self.loose_process();
        log_in(&tokens).await.unwrap();
        tokens
    }

    pub(super) async fn logged_in(&self) -> TokenProvider {
        let tokens = self.process();
        log_in(&tokens).await.unwrap();
        tokens
    }

    pub(super) async fn has_record(&self, tokens: &TokenProvider) -> bool {
        self.store.load(&key_of(tokens)).await.unwrap().is_some()
    }
}
