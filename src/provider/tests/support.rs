//! Helpers of the provider's tests.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, channel},
    },
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use parking_lot::Mutex;
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};

use super::{
    endpoint::Endpoint,
    script::{Reply, Script},
};
use crate::{
    clock::Clock,
    error::{Error, ErrorKind},
    grant::ClientCredentials,
    provider::{Event, TokenProvider},
    retry::Jitter,
    secret::ClientSecret,
    token::AccessToken,
};

/// Asserts the kind of an error.
macro_rules! assert_kind {
    ($error:expr, $kind:pat $(if $guard:expr)? $(,)?) => {
        let error = &$error;
        assert!(matches!(error.kind(), $kind $(if $guard)?), "{error:?}");
    };
}
pub(super) use assert_kind;

/// The text of the provider's token.
pub(super) async fn text(tokens: &TokenProvider) -> String {
    tokens.token().await.unwrap().expose_secret().to_owned()
}

pub(super) async fn failure(tokens: &TokenProvider) -> Error {
    tokens.token().await.unwrap_err()
}

/// When the client of this `InvalidClient` was last accepted.
pub(super) fn accepted_before(error: &Error) -> Option<SystemTime> {
    match error.kind() {
        ErrorKind::InvalidClient(invalid) => invalid.accepted_before,
        _ => panic!("{error:?}"),
    }
}

/// A caller in a task of its own.
pub(super) fn spawn_caller(tokens: &TokenProvider) -> JoinHandle<Result<AccessToken, Error>> {
    let tokens = tokens.clone();
    tokio::spawn(async move { tokens.token().await })
}

/// A task with a handle of its own.
#[cfg(feature = "login")]
pub(super) fn spawn_with<F>(
    tokens: &TokenProvider,
    run: impl FnOnce(TokenProvider) -> F,
) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(run(tokens.clone()))
}

pub(super) fn spawn_callers(
    tokens: &TokenProvider,
    callers: usize,
) -> Vec<JoinHandle<Result<AccessToken, Error>>> {
    (0..callers).map(|_| spawn_caller(tokens)).collect()
}

/// Each caller gets this token.
pub(super) async fn assert_all_get(
    callers: Vec<JoinHandle<Result<AccessToken, Error>>>,
    token: &str,
) {
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap().expose_secret(), token);
    }
}

/// The first token in the cache.
pub(super) async fn until_cached(tokens: &TokenProvider) -> AccessToken {
    loop {
        match tokens.cached_token() {
            Some(token) => return token,
            None => tokio::task::yield_now().await,
        }
    }
}

pub(super) fn waiters(tokens: &TokenProvider) -> usize {
    tokens
        .cache
        .update(|state, _| state.waiters.receiver_count())
}

pub(super) async fn until_waiting(tokens: &TokenProvider, callers: usize) {
    while waiters(tokens) < callers {
        tokio::task::yield_now().await;
    }
}

/// Lets other tasks run until they wait for something else.
pub(super) async fn yield_often() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

/// The output of a future that is ready when it is first polled.
pub(super) fn ready_output<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits"),
    }
}

pub(super) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

pub(super) fn paused_runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().unwrap()
}

pub(super) fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// The reply, after a delay in seconds.
pub(super) fn after(delay: f64, reply: Reply) -> Reply {
    Reply::After(seconds(delay), Box::new(reply))
}

/// A provider of client credentials, and the endpoint that it asks.
pub(super) fn provider(script: impl Script) -> (Arc<Endpoint>, TokenProvider) {
    with_provider(Endpoint::new(script))
}

/// The same, with an endpoint that holds every request.
pub(super) fn gated_provider(script: impl Script) -> (Arc<Endpoint>, TokenProvider) {
    with_provider(Endpoint::gated(script))
}

fn with_provider(endpoint: Arc<Endpoint>) -> (Arc<Endpoint>, TokenProvider) {
    let tokens = endpoint.provider(Clock::manual(), credentials());
    (endpoint, tokens)
}

/// The next token after `old`, once it is served.
pub(super) async fn until_renewed(tokens: &TokenProvider, old: &str) -> AccessToken {
    loop {
        let token = tokens.token().await.unwrap();
        if token.expose_secret() != old {
            return token;
        }
        tokio::task::yield_now().await;
    }
}

pub(super) fn credentials() -> ClientCredentials {
    ClientCredentials::new("a-client", "secret-1").unwrap()
}

/// Credentials whose source needs this time for each answer.
pub(super) fn slow_credentials(time: f64) -> ClientCredentials {
    let secret = ClientSecret::from_fn(move || async move {
        tokio::time::sleep(seconds(time)).await;
        Ok("secret-1".into())
    });
    ClientCredentials::new("a-client", secret).unwrap()
}

/// A handler, and the events that it receives.
pub(super) fn event_channel() -> (impl Fn(&Event) + Send + Sync + 'static, Receiver<Event>) {
    let (sender, events) = channel();
    // The receiver is dropped at the end of a test.
    let handle = move |event: &Event| drop(sender.send(event.clone()));
    (handle, events)
}

/// A secret source that counts how often it is asked. A test can change its secret.
#[derive(Clone, Default)]
pub(super) struct Vault {
    asked: Arc<AtomicUsize>,
    pub(super) secret: Arc<Mutex<&'static str>>,
}

impl Vault {
    pub(super) fn with_secret(secret: &'static str) -> Self {
        let vault = Self::default();
        *vault.secret.lock() = secret;
        vault
    }

    pub(super) fn credentials(&self) -> ClientCredentials {
        ClientCredentials::new("a-client", self.source()).unwrap()
    }

    pub(super) fn source(&self) -> ClientSecret {
        let vault = self.clone();
        ClientSecret::from_fn(move || {
            let vault = vault.clone();
            async move {
                vault.asked.fetch_add(1, Ordering::SeqCst);
                let secret = *vault.secret.lock();
                match secret {
                    "fail" => Err("the vault is sealed".into()),
                    "panic" => panic!("planted"),
                    "hang" => std::future::pending().await,
                    secret => Ok(secret.into()),
                }
            }
        })
    }

    pub(super) fn calls(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

pub(super) const LOW: fn() -> Jitter = || Jitter::pinned(0.0);
pub(super) const MIDDLE: fn() -> Jitter = || Jitter::pinned(0.5);
pub(super) const HIGH: fn() -> Jitter = || Jitter::pinned(1.0);

/// The time limit for an event. It passes only if a test fails.
pub(super) const DEADLINE: Duration = Duration::from_secs(30);
