//! Errors of the program's own whose drop uses the provider: each is dropped without the lock.

use std::{
    error, fmt,
    future::ready,
    sync::{
        OnceLock, Weak,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use super::*;
use crate::{
    assertion::Assertion,
    async_source::SourceResult,
    error::StoreError,
    grant::{ClientCredentials, Grant, NewToken, Saml2Bearer},
    provider::cache::TokenCache,
    seal::SealingKey,
    secret::ClientSecret,
    store::{Sealed, StoreKey, TokenStore},
};

/// The provider, once it is built.
type Later = Arc<OnceLock<Weak<TokenCache>>>;

/// An error that uses the provider when it is dropped.
struct Busy(Later);

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(cache) = self.0.get().and_then(Weak::upgrade) {
            drop(TokenProvider { cache }.cached_token());
        }
    }
}

impl fmt::Debug for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Busy")
    }
}

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not yet")
    }
}

impl error::Error for Busy {}

/// A store that fails with such an error.
struct Full(Later);

impl Full {
    fn error(&self) -> StoreError {
        StoreError::new(Busy(Arc::clone(&self.0)))
    }
}

impl TokenStore for Full {
    type Turn = ();

    async fn load(&self, _: &StoreKey) -> Result<Option<Sealed>, StoreError> {
        Err(self.error())
    }

    async fn take_turn(&self, _: &StoreKey, _: Duration) -> Result<(), StoreError> {
        Err(self.error())
    }

    async fn save(&self, (): (), _: &StoreKey, _: Sealed) -> Result<(), StoreError> {
        Err(self.error())
    }

    async fn remove(&self, (): (), _: &StoreKey) -> Result<(), StoreError> {
        Err(self.error())
    }
}

/// A source that fails `failures` times, and then returns `value`.
fn source<T>(later: Later, calls: &AtomicUsize, value: T) -> SourceResult<T> {
    match calls.fetch_add(1, Ordering::SeqCst) {
        0..3 => Err(Box::new(Busy(later))),
        _ => Ok(value),
    }
}

/// Grants whose source, and storages whose store, fail with such an error.
fn cases(later: &Later) -> Vec<(Grant, Storage)> {
    let calls: Arc<AtomicUsize> = Arc::default();
    let secret = {
        let (later, calls) = (Arc::clone(later), Arc::clone(&calls));
        ClientSecret::from_fn(move || ready(source(later.clone(), &calls, "secret-1".into())))
    };
    let token = {
        let (later, calls) = (Arc::clone(later), Arc::clone(&calls));
        let new = || NewToken {
            secret: "a-token".into(),
            expires_in: Some(seconds(60.0)),
        };
        Grant::from_fn("broker", move || {
            ready(source(later.clone(), &calls, new()))
        })
    };
    let assertion = {
        let later = Arc::clone(later);
        Assertion::from_fn(move || {
            let busy = Busy(later.clone());
            async move { Err(busy.into()) }
        })
    };
    let saml = Saml2Bearer::new("a-client", "secret-1", "an-org", assertion).unwrap();
    let credentials = ClientCredentials::new("a-client", secret).unwrap();
    let store = || stored::by_secret(Full(Arc::clone(later)));
    vec![
        (credentials.into_grant(), Storage::Nowhere),
        (token, Storage::Nowhere),
        (saml.into_grant(), Storage::Nowhere),
        (super::credentials().into_grant(), store()),
        #[cfg(feature = "login")]
        login::with_store(Full(Arc::clone(later)), &SealingKey::unsealed()),
    ]
}

/// Runs in a thread of its own, which a drop under the lock blocks for ever.
#[test]
fn error_that_uses_the_provider_is_dropped_without_the_lock() {
    let number = cases(&Later::default()).len();
    for case in 0..number {
        let (ended, end) = mpsc::channel();
        thread::spawn(move || {
            paused_runtime().block_on(async move {
                let later = Later::default();
                let (grant, storage) = cases(&later).swap_remove(case);
                let endpoint = Endpoint::new(|_| Reply::Token(60));
                let builder = endpoint.builder(Clock::manual(), grant).storage(storage);
                let tokens = builder.on_event(|_| {}).build();
                let set = later.set(Arc::downgrade(&tokens.cache));
                set.unwrap();
                for _ in 0..5 {
                    if let Ok(token) = tokens.token().await {
                        tokens.clock().advance(seconds(20.0));
                        tokens.invalidate(&token);
                    }
                    tokio::time::sleep(seconds(5.0)).await;
                }
                let _ = tokens.revoke().await;
            });
            ended.send(()).unwrap();
        });
        let result = end.recv_timeout(DEADLINE);
        assert!(result.is_ok(), "case {case} hangs or panics");
    }
}

/// A handler that keeps up with nothing, and more failures than events may wait for it.
#[test]
fn missed_event_is_dropped_without_the_lock() {
    let (ended, end) = mpsc::channel();
    let (release, gate) = mpsc::channel::<()>();
    thread::spawn(move || {
        paused_runtime().block_on(async move {
            let later = Later::default();
            let failing = Arc::clone(&later);
            let grant = Grant::from_fn("broker", move || {
                ready(Err::<NewToken, _>(Busy(failing.clone()).into()))
            });
            let endpoint = Endpoint::new(|_| Reply::Token(60));
            let builder = endpoint.builder(Clock::manual(), grant);
            let gate = Mutex::new(gate);
            let builder = builder.on_event(move |_| {
                let _ = gate.lock().recv();
            });
            let tokens = builder.build();
            later.set(Arc::downgrade(&tokens.cache)).unwrap();
            for _ in 0..300 {
                failure(&tokens).await;
                tokio::time::sleep(seconds(40.0)).await;
            }
        });
        ended.send(()).unwrap();
    });
    let result = end.recv_timeout(DEADLINE);
    drop(release);
    assert!(result.is_ok(), "it hangs or panics");
}
