//! What the program's handler is told.

use std::sync::mpsc::{Receiver, channel};

use tokio::runtime::Builder;

use super::{secrets::Vault, *};

/// A provider, and what its handler is told.
fn watched(
    endpoint: &Arc<Endpoint>,
    clock: Clock,
    grant: impl IntoGrant,
) -> (TokenProvider, Receiver<Event>) {
    let (sender, events) = channel();
    // The receiver is gone at the test's end.
    let handle = move |event: &Event| drop(sender.send(event.clone()));
    (endpoint.provider_telling(clock, grant, handle), events)
}

/// The next event, in short: durations in milliseconds.
fn next(events: &Receiver<Event>) -> String {
    match events.recv_timeout(DEADLINE).unwrap() {
        Event::Acquired { took, expires_in } => {
            format!("acquired {}", milliseconds(took, expires_in))
        }
        Event::Renewed { took, expires_in } => {
            format!("renewed {}", milliseconds(took, expires_in))
        }
        Event::RequestFailed {
            error,
            took,
            pause,
            has_valid_token,
        } => {
            assert_eq!(error.retry_after(), Some(pause), "as callers are told");
            let kind = format!("{:?}", error.kind());
            let kind = kind.split(['(', ' ']).next().unwrap();
            let times = milliseconds(took, pause);
            format!("failed {times} {kind} in hand: {has_valid_token}")
        }
        Event::Invalidated { age, pause } => {
            format!("invalidated {} {pause:?}", age.as_millis())
        }
        other => panic!("{other:?}"),
    }
}

/// Without its figures, for tests whose time is real.
fn name(event: &str) -> &str {
    event.split(' ').next().unwrap()
}

fn milliseconds(one: Duration, other: Duration) -> String {
    format!("{} {}", one.as_millis(), other.as_millis())
}

#[tokio::test(start_paused = true)]
async fn a_life_is_told_in_order_and_with_its_figures() {
    let after = |time, say| Say::After(seconds(time), Box::new(say));
    let endpoint = Endpoint::new(move |request| match request {
        0 => after(2.0, Say::Token(102)),
        1 => after(0.5, Say::Token(100)),
        2 => after(1.0, Say::Unavailable),
        _ => Say::Token(100),
    });
    let clock = Clock::manual();
    let (tokens, events) = watched(&endpoint, clock.clone(), credentials());
    let use_for = async |time| {
        let token = tokens.token().await.unwrap();
        tokio::time::sleep(seconds(time)).await;
        token
    };
    use_for(0.0).await;
    assert_eq!(next(&events), "acquired 2000 100000");
    clock.advance(seconds(85.0));
    use_for(1.0).await;
    assert_eq!(next(&events), "renewed 500 99500");
    clock.advance(seconds(85.0));
    use_for(1.0).await;
    // Callers in the pause are no events.
    for _ in 0..100 {
        use_for(0.01).await;
    }
    assert_eq!(
        next(&events),
        "failed 1000 2000 UnexpectedResponse in hand: true"
    );
    use_for(1.0).await;
    let old = use_for(1.0).await;
    assert_eq!(next(&events), "renewed 0 100000");
    let current = use_for(20.0).await;
    tokens.invalidate(&current);
    tokens.invalidate(&current);
    tokens.invalidate(&old);
    assert_eq!(next(&events), "invalidated 21000 None");
    use_for(0.0).await;
    assert_eq!(next(&events), "acquired 0 100000");
}

#[tokio::test(start_paused = true)]
async fn each_failure_is_told_once_and_a_pause_not_at_all() {
    let endpoint = Endpoint::new(|request| match request {
        0 => Say::Unavailable,
        1 => Say::RateLimited(seconds(42.0)),
        2 => Say::Token(0),
        3 => Say::Nothing,
        _ => Say::Refuse,
    });
    let (tokens, events) = watched(&endpoint, Clock::manual(), credentials());
    for told in [
        "failed 0 500 UnexpectedResponse in hand: false",
        "failed 0 42250 RateLimited in hand: false",
        "failed 0 1000 TokenExpired in hand: false",
        "failed 10000 2000 Transport in hand: false",
        "failed 0 5000 InvalidClient in hand: false",
        "failed 0 10000 InvalidClient in hand: false",
    ] {
        let callers: Vec<_> = (0..64)
            .map(|_| {
                let tokens = tokens.clone();
                tokio::spawn(async move { tokens.token().await.map(drop) })
            })
            .collect();
        for caller in callers {
            let _ = caller.await.unwrap();
        }
        assert_eq!(next(&events), told);
        let error = tokens.token().await.unwrap_err();
        tokio::time::sleep(error.retry_after().unwrap()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_changes_nothing_is_no_event() {
    let endpoint = Endpoint::new(|_| Say::RefuseUnless("new"));
    let vault = Vault::holding("old");
    let (tokens, events) = watched(&endpoint, Clock::manual(), vault.credentials());
    for _ in 0..4 {
        tokens.token().await.unwrap_err();
        tokio::time::sleep(seconds(1.0)).await;
    }
    assert_eq!(next(&events), "failed 0 5000 InvalidClient in hand: false");
    assert!(vault.asked() >= 4);
    *vault.secret.lock() = "fail";
    tokens.token().await.unwrap_err();
    // The pause that is under way goes on.
    assert_eq!(
        next(&events),
        "failed 0 1000 CredentialSource in hand: false"
    );
    *vault.secret.lock() = "new";
    tokio::time::sleep(seconds(1.0)).await;
    tokens.token().await.unwrap();
    assert_eq!(next(&events), "acquired 0 3600000");
}

#[tokio::test(start_paused = true)]
async fn tokens_that_are_all_refused_are_told_with_the_pause_they_cost() {
    let endpoint = Endpoint::new(|_| Say::Token(3_600));
    let (tokens, events) = watched(&endpoint, Clock::manual(), credentials());
    for pause in [None, Some(seconds(0.5)), Some(seconds(1.0))] {
        let token = tokens.token().await.unwrap();
        tokens.invalidate(&token);
        assert_eq!(next(&events), "acquired 0 3600000");
        assert_eq!(next(&events), format!("invalidated 0 {pause:?}"));
        tokio::time::sleep(pause.unwrap_or_default()).await;
    }
}

#[test]
fn a_late_token_that_is_kept_is_an_event_and_the_lost_request_is_none() {
    let endpoint = Endpoint::gated(|_| Say::Token(60));
    let (first, second) = (runtime(), runtime());
    let clock = Clock::manual();
    let (tokens, events) = watched(&endpoint, clock.clone(), credentials());
    let begun = async |requests| {
        assert!(tokens.cached_token().is_none());
        while endpoint.requests() < requests {
            tokio::task::yield_now().await;
        }
    };
    first.block_on(begun(1));
    clock.advance(seconds(11.0));
    second.block_on(begun(2));
    endpoint.release(1);
    let token = first.block_on(async {
        loop {
            match tokens.cached_token() {
                Some(token) => return token,
                None => tokio::task::yield_now().await,
            }
        }
    });
    drop(second);
    tokens.invalidate(&token);
    assert_eq!(name(&next(&events)), "acquired");
    assert_eq!(name(&next(&events)), "invalidated");
}

#[test]
fn a_handler_that_blocks_for_ever_holds_nobody_up() {
    let endpoint = Endpoint::new(|_| Say::Token(60));
    let ((called, calls), (release, gate)) = (channel(), channel::<()>());
    let gate = Mutex::new(gate);
    let handle = move |_: &Event| {
        called.send(()).unwrap();
        let _ = gate.lock().recv();
    };
    let tokens = endpoint.provider_telling(Clock::manual(), credentials(), handle);
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    for request in 0..100 {
        let token = runtime.block_on(tokens.token()).unwrap();
        if request == 0 {
            calls.recv_timeout(DEADLINE).unwrap();
        }
        // Grown up, so that the next is asked for at once.
        tokens.clock().advance(seconds(10.0));
        tokens.invalidate(&token);
    }
    assert_eq!(endpoint.requests(), 100);
    drop(runtime);
    drop(tokens);
    assert!(calls.try_recv().is_err(), "it is still in its first event");
    drop(release);
}

#[test]
fn a_handler_may_use_the_provider_and_drop_it() {
    let endpoint = Endpoint::new(|_| Say::Token(60));
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
    let tokens = endpoint.provider_telling(Clock::manual(), credentials(), handle);
    *held.lock() = Some(tokens.clone());
    let shared = Arc::downgrade(&tokens.cache);
    runtime().block_on(async move { tokens.token().await.unwrap() });
    assert_eq!(name(&next(&events)), "acquired");
    assert_eq!(name(&next(&events)), "invalidated");
    assert_eq!(shared.strong_count(), 0);
}

fn runtime() -> tokio::runtime::Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

const DEADLINE: Duration = Duration::from_secs(30);
