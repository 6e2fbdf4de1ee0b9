//! Tokens of `Grant::from_fn`, the program's own source.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use genesys_cloud_auth::{
    Clock, Error, Event, Grant, NewToken, PlatformClient, Region, TokenProvider, sandbox::Sandbox,
    store::MemoryStore,
};

use super::tokens;
use crate::support::{assert_contains, event_channel, kind_of};

/// What the source returns, one result for each call.
type Script = Arc<Mutex<VecDeque<Result<NewToken, &'static str>>>>;

struct Source {
    tokens: TokenProvider,
    clock: Clock,
    events: mpsc::Receiver<Event>,
    left: Script,
}

impl Source {
    fn new(script: impl IntoIterator<Item = Result<NewToken, &'static str>>) -> Self {
        let left: Script = Arc::new(Mutex::new(script.into_iter().collect()));
        let source = Arc::clone(&left);
        let grant = Grant::from_fn("broker", move || {
            let next = source.lock().unwrap().pop_front();
            async move { Ok(next.expect("one call too many")?) }
        });
        let ((handle, events), clock) = (event_channel(), Clock::manual());
        let builder = TokenProvider::builder(Region::EuWest1, grant).on_event(handle);
        let tokens = builder.clock(clock.clone()).build().unwrap();
        Self {
            tokens,
            clock,
            events,
            left,
        }
    }

    fn calls_left(&self) -> usize {
        self.left.lock().unwrap().len()
    }

    fn event(&self) -> Event {
        self.events.recv_timeout(Duration::from_secs(30)).unwrap()
    }
}

fn token(secret: &str, expires_in: Option<u64>) -> NewToken {
    let expires_in = expires_in.map(Duration::from_secs);
    let secret = secret.into();
    NewToken { secret, expires_in }
}

async fn failure(tokens: &TokenProvider) -> Error {
    tokens.token().await.unwrap_err()
}

#[tokio::test]
async fn api_accepts_the_token_of_a_closure() {
    let sandbox = Sandbox::start().await.unwrap();
    let broker = tokens(&sandbox);
    let grant = Grant::from_fn("broker", move || {
        let broker = broker.clone();
        async move {
            let token = broker.token().await?;
            Ok(NewToken {
                secret: token.expose_secret().into(),
                expires_in: token.expires_in(),
            })
        }
    });
    let api = PlatformClient::new(TokenProvider::new(sandbox.region(), grant).unwrap());
    for _ in 0..2 {
        api.get("/api/v2/organizations/me").send().await.unwrap();
    }
    assert_eq!(sandbox.token_requests(), 1);
}

#[tokio::test]
async fn closure_token_without_a_life_lives_300_seconds() {
    let source = Source::new([Ok(token("a", None))]);
    let token = source.tokens.token().await.unwrap();
    let life = token.expires_in().unwrap();
    assert!((299..=300).contains(&life.as_secs()), "{life:?}");
}

#[tokio::test]
async fn failing_closure_begins_a_pause() {
    let source = Source::new([Err("no token today"), Ok(token("a", None))]);
    let error = failure(&source.tokens).await;
    assert_eq!(kind_of(&error), "CredentialSource", "{error:?}");
    assert!(error.is_transient());
    assert_contains(&error, "`broker`");
    assert_contains(&error, "no token today");
    let pause = error.retry_after().unwrap();
    let Event::RequestFailed {
        has_valid_token, ..
    } = source.event()
    else {
        panic!("not failed")
    };
    assert!(!has_valid_token);

    // The closure is not called in the pause.
    failure(&source.tokens).await;
    assert_eq!(source.calls_left(), 1);
    source.clock.advance(pause);
    source.tokens.token().await.unwrap();
}

#[tokio::test]
async fn panicking_closure_is_a_source_error() {
    let source = Source::new([]);
    let error = failure(&source.tokens).await;
    assert_contains(&error, "panicked");
    assert!(error.is_transient());
}

#[test]
fn closure_with_store_or_bad_name_is_misconfigured() {
    let build = |name: &str, store: Option<MemoryStore>| {
        let grant = Grant::from_fn(name, || async { Err("never called".into()) });
        let builder = TokenProvider::builder(Region::EuWest1, grant);
        let built = match store {
            Some(store) => builder.store(store).build(),
            None => builder.build(),
        };
        built.map(drop)
    };
    let error = build("broker", Some(MemoryStore::new())).unwrap_err();
    assert_eq!(kind_of(&error), "Configuration");
    for name in ["", "a\nb", &"x".repeat(256)] {
        let error = build(name, None).unwrap_err();
        assert_eq!(kind_of(&error), "Configuration", "{name:?}");
    }
    assert!(build("broker", None).is_ok());
}
