//! The events that the program's handler receives.

use std::sync::mpsc::{Receiver, channel};

use tokio::runtime::Builder;

use super::*;

/// A provider, and the events that its handler receives.
fn watched(
    endpoint: &Arc<Endpoint>,
    clock: Clock,
    grant: impl IntoGrant,
) -> (TokenProvider, Receiver<Event>) {
    let (handle, events) = event_channel();
    let tokens = endpoint.builder(clock, grant).on_event(handle).build();
    (tokens, events)
}

/// The next event as short text, with durations in milliseconds.
fn next(events: &Receiver<Event>) -> String {
    match events.recv_timeout(DEADLINE).unwrap() {
        Event::Acquired {
            took, expires_in, ..
        } => format!("acquired {}", milliseconds(took, expires_in)),
        Event::Renewed {
            took, expires_in, ..
        } => format!("renewed {}", milliseconds(took, expires_in)),
        Event::RequestFailed {
            error,
            took,
            pause,
            has_valid_token,
        } => {
            assert_eq!(error.retry_after(), Some(pause), "what callers get");
            let kind = format!("{:?}", error.kind());
            let kind = kind.split(['(', ' ']).next().unwrap();
            let times = milliseconds(took, pause);
            format!("failed {times} {kind} valid token: {has_valid_token}")
        }
        Event::Invalidated { age, pause } => {
            format!("invalidated {} {pause:?}", age.as_millis())
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_next(events: &Receiver<Event>, expected: &str) {
    assert_eq!(next(events), expected);
}

/// The name of an event, for tests with real time.
fn name(event: &str) -> &str {
    event.split(' ').next().unwrap()
}

fn milliseconds(one: Duration, other: Duration) -> String {
    format!("{} {}", one.as_millis(), other.as_millis())
}

#[tokio::test(start_paused = true)]
async fn events_of_a_token_arrive_in_order_with_their_figures() {
    let endpoint = Endpoint::new([
        after(2.0, Reply::Token(102)),
        after(0.5, Reply::Token(100)),
        after(1.0, Reply::Unavailable),
        Reply::Token(100),
    ]);
    let clock = Clock::manual();
    let (tokens, events) = watched(&endpoint, clock.clone(), credentials());
    let use_for = async |time| {
        let token = tokens.token().await.unwrap();
        tokio::time::sleep(seconds(time)).await;
        token
    };
    use_for(0.0).await;
    assert_next(&events, "acquired 2000 100000");
    clock.advance(seconds(85.0));
    use_for(1.0).await;
    assert_next(&events, "renewed 500 99500");
    clock.advance(seconds(85.0));
    use_for(1.0).await;
    // Callers in the pause cause no events.
    for _ in 0..100 {
        use_for(0.01).await;
    }
    assert_next(
        &events,
        "failed 1000 2000 UnexpectedResponse valid token: true",
    );
    use_for(1.0).await;
    let old = use_for(1.0).await;
    assert_next(&events, "renewed 0 100000");
    let current = use_for(20.0).await;
    tokens.invalidate(&current);
    tokens.invalidate(&current);
    tokens.invalidate(&old);
    assert_next(&events, "invalidated 21000 None");
    use_for(0.0).await;
    assert_next(&events, "acquired 0 100000");
}

#[tokio::test(start_paused = true)]
async fn events_name_the_instant_at_which_the_token_expires() {
    let endpoint = Endpoint::new(|_| after(2.0, Reply::Token(102)));
    let clock = Clock::manual();
    let (tokens, events) = watched(&endpoint, clock.clone(), credentials());
    let expected = clock.wall() + seconds(102.0);
    let token = tokens.token().await.unwrap();
    // What the handler does with it later does not change it.
    clock.advance(seconds(50.0));
    let Event::Acquired { expires_at, .. } = events.recv_timeout(DEADLINE).unwrap() else {
        panic!("another event")
    };
    assert_eq!(Some(expires_at), token.expires_at());
    let apart = expires_at.duration_since(expected).unwrap_or_default();
    assert!(expires_at >= expected && apart < seconds(0.01), "{apart:?}");
}

#[tokio::test(start_paused = true)]
async fn each_failure_is_reported_once_and_pauses_never() {
    let endpoint = Endpoint::new([
        Reply::Unavailable,
        Reply::RateLimited(seconds(42.0)),
        Reply::Token(0),
        Reply::Never,
        Reply::InvalidClient,
    ]);
    let (tokens, events) = watched(&endpoint, Clock::manual(), credentials());
    for expected in [
        "failed 0 500 UnexpectedResponse valid token: false",
        "failed 0 42250 RateLimited valid token: false",
        "failed 0 1000 TokenExpired valid token: false",
        "failed 10000 2000 Transport valid token: false",
        "failed 0 5000 InvalidClient valid token: false",
        "failed 0 10000 InvalidClient valid token: false",
    ] {
        for caller in spawn_callers(&tokens, 64) {
            let _ = caller.await.unwrap();
        }
        assert_eq!(next(&events), expected);
        let error = failure(&tokens).await;
        tokio::time::sleep(error.retry_after().unwrap()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn probe_without_a_new_secret_is_no_event() {
    let endpoint = Endpoint::new(|_| Reply::InvalidClientUnless("new"));
    let vault = Vault::with_secret("old");
    let (tokens, events) = watched(&endpoint, Clock::manual(), vault.credentials());
    for _ in 0..4 {
        failure(&tokens).await;
        tokio::time::sleep(seconds(1.0)).await;
    }
    assert_next(&events, "failed 0 5000 InvalidClient valid token: false");
    assert!(vault.calls() >= 4);
    *vault.secret.lock() = "fail";
    failure(&tokens).await;
    // The active pause continues.
    assert_next(&events, "failed 0 1000 CredentialSource valid token: false");
    *vault.secret.lock() = "new";
    tokio::time::sleep(seconds(1.0)).await;
    tokens.token().await.unwrap();
    assert_next(&events, "acquired 0 3600000");
}

#[tokio::test(start_paused = true)]
async fn early_rejections_are_reported_with_their_pause() {
    let endpoint = Endpoint::new(|_| Reply::Token(3_600));
    let (tokens, events) = watched(&endpoint, Clock::manual(), credentials());
    for pause in [None, Some(seconds(0.5)), Some(seconds(1.0))] {
        let token = tokens.token().await.unwrap();
        tokens.invalidate(&token);
        assert_next(&events, "acquired 0 3600000");
        assert_eq!(next(&events), format!("invalidated 0 {pause:?}"));
        tokio::time::sleep(pause.unwrap_or_default()).await;
    }
}

#[test]
fn late_token_is_reported_and_its_lost_refresh_is_not() {
    let endpoint = Endpoint::gated(|_| Reply::Token(60));
    let (first, second) = (runtime(), runtime());
    let clock = Clock::manual();
    let (tokens, events) = watched(&endpoint, clock.clone(), credentials());
    let start_refresh = async |requests| {
        assert!(tokens.cached_token().is_none());
        endpoint.until_requests(requests).await;
    };
    first.block_on(start_refresh(1));
    clock.advance(seconds(11.0));
    second.block_on(start_refresh(2));
    endpoint.release(1);
    let token = first.block_on(until_cached(&tokens));
    drop(second);
    tokens.invalidate(&token);
    assert_eq!(name(&next(&events)), "acquired");
    assert_eq!(name(&next(&events)), "invalidated");
}

#[test]
fn blocked_handler_delays_no_caller() {
    let endpoint = Endpoint::new(|_| Reply::Token(60));
    let ((called, calls), (release, gate)) = (channel(), channel::<()>());
    let gate = Mutex::new(gate);
    let handle = move |_: &Event| {
        called.send(()).unwrap();
        let _ = gate.lock().recv();
    };
    let builder = endpoint.builder(Clock::manual(), credentials());
    let tokens = builder.on_event(handle).build();
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    for request in 0..100 {
        let token = runtime.block_on(tokens.token()).unwrap();
        if request == 0 {
            calls.recv_timeout(DEADLINE).unwrap();
        }
        // Too old for an early rejection, so that the next token is requested at once.
        tokens.clock().advance(seconds(10.0));
        tokens.invalidate(&token);
    }
    assert_eq!(endpoint.requests(), 100);
    drop(runtime);
    drop(tokens);
    assert!(calls.try_recv().is_err(), "a second event");
    drop(release);
}

#[test]
fn handler_may_use_and_drop_the_provider() {
    let endpoint = Endpoint::new(|_| Reply::Token(60));
    let held: Arc<Mutex<Option<TokenProvider>>> = Arc::default();
    let (sender, events) = channel();
    let handler = Arc::clone(&held);
    let handle = move |event: &Event| {
        let token = handler
            .lock()
            .as_ref()
            .and_then(TokenProvider::cached_token);
        match (event, token) {
            (Event::Acquired { .. }, Some(token)) => {
                handler.lock().as_ref().unwrap().invalidate(&token);
            }
            // The last handle.
            (Event::Invalidated { .. }, None) => drop(handler.lock().take()),
            (event, token) => panic!("{event:?} {token:?}"),
        }
        sender.send(event.clone()).unwrap();
    };
    let builder = endpoint.builder(Clock::manual(), credentials());
    let tokens = builder.on_event(handle).build();
    *held.lock() = Some(tokens.clone());
    let shared = Arc::downgrade(&tokens.cache);
    runtime().block_on(async move { tokens.token().await.unwrap() });
    assert_eq!(name(&next(&events)), "acquired");
    assert_eq!(name(&next(&events)), "invalidated");
    assert_eq!(shared.strong_count(), 0);
}
