//! Outages of the token endpoint, and an API that rejects every token.

use super::*;

const CALLERS: usize = 64;

/// Runs 64 callers for `time` seconds. Each asks for a token every 10 ms and calls `with_token`.
pub(super) async fn callers(
    tokens: &TokenProvider,
    time: f64,
    with_token: fn(&TokenProvider, &AccessToken),
) {
    let end = tokens.clock().now() + seconds(time);
    let call = |_| {
        let tokens = tokens.clone();
        tokio::spawn(async move {
            while tokens.clock().now() < end {
                if let Ok(token) = tokens.token().await {
                    with_token(&tokens, &token);
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
    };
    let callers: Vec<_> = (0..CALLERS).map(call).collect();
    for caller in callers {
        caller.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn outage_costs_what_the_pause_table_says() {
    // At 0 s, then after 0.5, 1, 2, 2 … s, each times 0.8, 1 or 1.2.
    for (jitter, requests) in [(LOW, 8), (MIDDLE, 7), (HIGH, 6)] {
        let endpoint = Endpoint::new(|_| Reply::Unavailable);
        let builder = endpoint.builder(Clock::manual(), credentials());
        let tokens = builder.jitter(jitter).build();
        callers(&tokens, 10.0, |_, _| {}).await;
        assert_eq!((endpoint.requests(), endpoint.max_open()), (requests, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn api_that_rejects_all_tokens_costs_what_the_table_says() {
    // One request more than in an outage: the first rejected token is replaced at once.
    for (jitter, requests) in [(LOW, 9), (MIDDLE, 8), (HIGH, 7)] {
        let endpoint = Endpoint::new(|_| Reply::Token(3_600));
        let builder = endpoint.builder(Clock::manual(), credentials());
        let tokens = builder.jitter(jitter).build();
        callers(&tokens, 10.0, TokenProvider::invalidate).await;
        assert_eq!((endpoint.requests(), endpoint.max_open()), (requests, 1));
        let error = failure(&tokens).await;
        assert_kind!(error, ErrorKind::TokenRejected);
    }
}

#[tokio::test(start_paused = true)]
async fn caller_in_a_pause_fails_at_once_with_cause_and_wait() {
    let (endpoint, tokens) = provider(|_| Reply::Unavailable);
    let first = failure(&tokens).await;
    assert_eq!(first.retry_after(), Some(seconds(0.5)));
    tokio::time::sleep(seconds(0.2)).await;
    let before = tokens.clock().now();
    let error = failure(&tokens).await;
    assert_eq!(tokens.clock().now(), before);
    assert_eq!(error.status().unwrap(), 503);
    assert_eq!(error.retry_after(), Some(seconds(0.3)));
    assert!(error.is_transient());
    assert_eq!(endpoint.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn outage_beyond_the_end_of_the_token_recovers() {
    let (_, tokens) = provider(|request: usize| match request {
        1..8 => Reply::Unavailable,
        _ => Reply::Token(100),
    });
    tokens.token().await.unwrap();
    tokens.clock().advance(seconds(99.0));
    callers(&tokens, 20.0, |_, _| {}).await;
    assert_eq!(text(&tokens).await, "token-8");
}

#[tokio::test(start_paused = true)]
async fn ready_waits_out_pauses_but_not_invalid_credentials() {
    let (_, tokens) = provider(|request: usize| match request {
        0..4 => Reply::Unavailable,
        _ => Reply::Token(60),
    });
    let start = tokens.clock().now();
    tokens.ready(seconds(60.0)).await.unwrap();
    // 0.5 + 1 + 2 + 2.
    assert_eq!((tokens.clock().now() - start).as_millis() / 10, 550);

    let (_, tokens) = provider(|_| Reply::InvalidClient);
    let start = tokens.clock().now();
    let error = tokens.ready(seconds(60.0)).await.unwrap_err();
    assert_kind!(error, ErrorKind::InvalidClient(_));
    assert!((tokens.clock().now() - start) < seconds(0.1));

    // A pause beyond the limit is not waited out.
    let (endpoint, tokens) = provider(|_| Reply::RateLimited(seconds(120.0)));
    let error = tokens.ready(seconds(60.0)).await.unwrap_err();
    assert_eq!(error.retry_after().unwrap().as_secs(), 120);
    assert_eq!(endpoint.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn request_is_repeated_once_if_nothing_was_sent() {
    for (script, requests) in [
        ([Reply::Unreachable, Reply::Token(60)], 2),
        ([Reply::Unreachable, Reply::Unreachable], 2),
        ([Reply::Unavailable, Reply::Token(60)], 1),
    ] {
        let (endpoint, tokens) = provider(script.clone());
        let _ = tokens.token().await;
        assert_eq!(endpoint.requests(), requests, "{script:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn attempt_and_wait_for_a_token_have_time_limits() {
    let (_, tokens) = provider(|_| Reply::Never);
    let start = tokens.clock().now();
    let error = failure(&tokens).await;
    assert_kind!(error, ErrorKind::Transport(_));
    assert_eq!((tokens.clock().now() - start).as_secs(), 10);

    let endpoint = Endpoint::new(|_| after(8.0, Reply::Token(60)));
    let builder = endpoint.builder(Clock::manual(), credentials());
    let tokens = builder.total(seconds(5.0)).build();
    let start = tokens.clock().now();
    let error = failure(&tokens).await;
    assert_kind!(error, ErrorKind::Timeout);
    assert_eq!((tokens.clock().now() - start).as_secs(), 5);
    // The request continued without its caller.
    assert_eq!(text(&tokens).await, "token-0");
    assert_eq!(endpoint.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn panicking_request_is_a_transient_failure() {
    let (endpoint, tokens) = provider(|request: usize| match request {
        0 => panic!("planted"),
        _ => Reply::Token(60),
    });
    let error = failure(&tokens).await;
    assert!(error.is_transient());
    assert_eq!(error.retry_after(), Some(seconds(0.5)));
    tokens.ready(seconds(60.0)).await.unwrap();
    assert_eq!(endpoint.requests(), 2);
}
