//! How long `ready` and the calls of a client wait for a token, and what they report afterwards.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::{
    client::{PlatformClient, RetryPolicy},
    store::{MemoryStore, TokenStore},
};

/// Makes a call that waits for its token for up to `token_wait` seconds. No test gets as far as the
/// API. Returns the error, and after how many seconds it came.
async fn call(tokens: &TokenProvider, token_wait: f64, retry: RetryPolicy) -> (Error, f64) {
    let start = tokens.clock().now();
    let client = PlatformClient::builder(tokens.clone()).token_wait(seconds(token_wait));
    let client = client.retry(retry).build();
    let error = client.get("/api/v2/users/me").send().await.unwrap_err();
    let took = (tokens.clock().now() - start).as_millis();
    (error, f64::from(u32::try_from(took).unwrap()) / 1_000.0)
}

/// The name of an error's kind.
fn name(error: &Error) -> String {
    let debug = format!("{:?}", error.kind());
    debug.split(['(', ' ']).next().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn call_without_a_token_fails_within_its_wait() {
    use Reply::{InvalidClient, Never, Token, Unavailable, Unreachable};
    let limited = Reply::RateLimited(seconds(42.0));
    for (replies, wait, kind, took, requests) in [
        // At 0, 0.5, 1.5, 3.5 … 9.5 s. The next pause would last longer.
        (vec![Unavailable], 10.0, "UnexpectedResponse", 9.5, 7),
        // The first request is repeated at once.
        (vec![Unreachable], 10.0, "Transport", 9.5, 8),
        (vec![Unavailable], 0.4, "UnexpectedResponse", 0.0, 1),
        (vec![limited.clone()], 10.0, "RateLimited", 0.0, 1),
        (vec![Unavailable, limited], 10.0, "RateLimited", 0.5, 2),
        (vec![InvalidClient], 10.0, "InvalidClient", 0.0, 1),
        (
            vec![Unavailable, InvalidClient],
            9.0,
            "InvalidClient",
            0.5,
            2,
        ),
        // No attempt ends in time.
        (vec![Never], 3.0, "Timeout", 3.0, 1),
        (vec![after(4.0, Token(60))], 3.0, "Timeout", 3.0, 1),
        (vec![Never], 0.0, "Timeout", 0.0, 1),
        // Only the second does not.
        (vec![Unavailable, Never], 3.0, "UnexpectedResponse", 3.0, 2),
        (vec![Unreachable, Never], 3.0, "Transport", 3.0, 2),
        (
            vec![Never, Unavailable],
            20.0,
            "UnexpectedResponse",
            19.5,
            7,
        ),
    ] {
        let case = format!("{replies:?} {wait}");
        for retry in [RetryPolicy::default(), RetryPolicy::never()] {
            let (endpoint, tokens) = provider(replies.clone());
            let (error, took_now) = call(&tokens, wait, retry).await;
            assert_eq!((name(&error).as_str(), took_now), (kind, took), "{case}");
            tokio::task::yield_now().await;
            assert_eq!(endpoint.requests(), requests, "{case}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn timeout_of_a_call_bounds_its_wait_for_a_token() {
    let (_, tokens) = provider(|_| Reply::Unavailable);
    let start = tokens.clock().now();
    let client = PlatformClient::builder(tokens.clone()).token_wait(seconds(60.0));
    let request = client.build().get("/api/v2/users/me").timeout(seconds(3.0));
    let error = request.send().await.unwrap_err();
    assert_kind!(error, ErrorKind::UnexpectedResponse(_));
    assert_eq!((tokens.clock().now() - start).as_millis(), 1_500);
}

#[tokio::test(start_paused = true)]
async fn late_caller_gets_the_failure_before_it_came() {
    let (_, tokens) = provider([Reply::Unavailable, Reply::Never]);
    failure(&tokens).await;
    tokio::time::sleep(seconds(0.5)).await;
    let first = spawn_caller(&tokens);
    until_waiting(&tokens, 1).await;
    let (error, _) = call(&tokens, 2.0, RetryPolicy::default()).await;
    assert_kind!(error, ErrorKind::UnexpectedResponse(_));
    first.abort();
}

/// Each of 64 callers calls the API again as soon as its call has failed.
#[tokio::test(start_paused = true)]
async fn minute_of_outage_costs_40_requests_and_recovery_one() {
    for (reply, jitter, requests) in [
        (Reply::Unavailable, LOW, 39),
        (Reply::Unavailable, MIDDLE, 32),
        (Reply::Unavailable, HIGH, 27),
        // The first is repeated at once.
        (Reply::Unreachable, LOW, 40),
        (Reply::Unreachable, HIGH, 28),
    ] {
        let is_over = Arc::new(AtomicBool::new(false));
        let endpoint = Endpoint::new({
            let (reply, is_over) = (reply.clone(), Arc::clone(&is_over));
            move |_| {
                let is_over = is_over.load(Ordering::SeqCst);
                if is_over {
                    Reply::Token(3_600)
                } else {
                    reply.clone()
                }
            }
        });
        let builder = endpoint.builder(Clock::manual(), credentials());
        let tokens = builder.jitter(jitter).build();
        let end = tokens.clock().now() + seconds(60.0);
        let callers: Vec<_> = (0..64)
            .map(|_| {
                let tokens = tokens.clone();
                tokio::spawn(async move {
                    while tokens.clock().now() < end {
                        let (error, took) = call(&tokens, 10.0, RetryPolicy::default()).await;
                        assert!(error.is_transient() && took <= 10.0, "{took} {error}");
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                })
            })
            .collect();
        tokio::time::sleep(seconds(60.0)).await;
        assert_eq!(endpoint.requests(), requests, "{reply:?}");
        for caller in callers {
            caller.await.unwrap();
        }
        let before = endpoint.requests();
        tokio::time::sleep(seconds(600.0)).await;
        assert_eq!(endpoint.requests(), before, "nobody asks");
        is_over.store(true, Ordering::SeqCst);
        for caller in spawn_callers(&tokens, 64) {
            caller.await.unwrap().unwrap();
        }
        assert_eq!(endpoint.requests(), before + 1, "{reply:?}");
    }
}

/// The provider's own limit bounds `token()` alone.
#[tokio::test(start_paused = true)]
async fn ready_and_calls_wait_longer_than_a_call_of_token() {
    let endpoint = Endpoint::new(|_| after(9.0, Reply::Token(3_600)));
    let provider = || {
        let builder = endpoint.builder(Clock::manual(), credentials());
        builder.total(seconds(5.0)).build()
    };
    let (tokens, called) = (provider(), provider());
    assert_kind!(failure(&tokens).await, ErrorKind::Timeout);
    tokens.ready(seconds(120.0)).await.unwrap();
    let deadline = called.clock().now() + seconds(10.0);
    called.token_by(deadline).await.unwrap();
    assert_eq!(endpoint.requests(), 2);
}

/// Credentials and a store that each use up their own limit.
#[tokio::test(start_paused = true)]
async fn ready_waits_for_a_slow_source_and_a_slow_store() {
    let endpoint = Endpoint::new(|_| after(9.0, Reply::Token(3_600)));
    let store = MemoryStore::new();
    let builder = endpoint.builder(Clock::manual(), slow_credentials(8.0));
    let tokens = builder.storage(stored::by_secret(store.clone())).build();
    let key = stored::key_of(&tokens);
    let turn = store.take_turn(&key, Duration::ZERO).await.unwrap();
    tokio::spawn(async move {
        tokio::time::sleep(seconds(8.0 + 14.0)).await;
        drop(turn);
    });
    let start = tokens.clock().now();
    tokens.ready(seconds(120.0)).await.unwrap();
    assert_eq!((tokens.clock().now() - start).as_secs(), 8 + 14 + 9);
    assert_eq!(endpoint.requests(), 1);
}
