//! What an endpoint, or an API, that does not work is asked.

use super::*;

const CALLERS: usize = 64;

pub(super) const LOW: fn() -> Jitter = || Jitter::pinned(0.0);
pub(super) const MIDDLE: fn() -> Jitter = || Jitter::pinned(0.5);
pub(super) const HIGH: fn() -> Jitter = || Jitter::pinned(1.0);

/// 64 callers that ask every 10 ms for `time`, and what each does with a token.
pub(super) async fn callers(
    tokens: &TokenProvider,
    time: f64,
    with_token: fn(&TokenProvider, &AccessToken),
) {
    let end = tokens.clock().now() + seconds(time);
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let tokens = tokens.clone();
            tokio::spawn(async move {
                while tokens.clock().now() < end {
                    if let Ok(token) = tokens.token().await {
                        with_token(&tokens, &token);
                    }
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_costs_what_the_pause_table_says() {
    // At 0, then after 0.5, 1, 2, 2 … s, each times 0.8, 1 or 1.2.
    for (jitter, requests) in [(LOW, 8), (MIDDLE, 7), (HIGH, 6)] {
        let endpoint = Endpoint::new(|_| Say::Unavailable);
        let tokens = endpoint.provider_with(Clock::manual(), credentials(), jitter, |_| {}, false);
        callers(&tokens, 10.0, |_, _| {}).await;
        assert_eq!(
            (endpoint.requests(), endpoint.most_at_once()),
            (requests, 1)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_api_that_refuses_every_token_costs_what_the_pause_table_says() {
    // One more: the first token refused is replaced at once.
    for (jitter, requests) in [(LOW, 9), (MIDDLE, 8), (HIGH, 7)] {
        let endpoint = Endpoint::new(|_| Say::Token(3_600));
        let tokens = endpoint.provider_with(Clock::manual(), credentials(), jitter, |_| {}, false);
        callers(&tokens, 10.0, TokenProvider::invalidate).await;
        assert_eq!(
            (endpoint.requests(), endpoint.most_at_once()),
            (requests, 1)
        );
        let error = tokens.token().await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::TokenRejected),
            "{error:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn in_a_pause_callers_fail_at_once_with_the_cause_and_the_wait() {
    let endpoint = Endpoint::new(|_| Say::Unavailable);
    let tokens = endpoint.provider(Clock::manual(), credentials());
    let first = tokens.token().await.unwrap_err();
    assert_eq!(first.retry_after(), Some(seconds(0.5)));
    tokio::time::sleep(seconds(0.2)).await;
    let before = tokens.clock().now();
    let error = tokens.token().await.unwrap_err();
    assert_eq!(tokens.clock().now(), before);
    assert_eq!(
        (error.status().map(u16::from), error.retry_after()),
        (Some(503), Some(seconds(0.3)))
    );
    assert!(error.is_transient());
    assert_eq!(endpoint.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_outage_past_the_end_of_the_token_recovers_by_itself() {
    let endpoint = Endpoint::new(|request| match request {
        1..8 => Say::Unavailable,
        _ => Say::Token(100),
    });
    let clock = Clock::manual();
    let tokens = endpoint.provider(clock.clone(), credentials());
    tokens.token().await.unwrap();
    clock.advance(seconds(99.0));
    callers(&tokens, 20.0, |_, _| {}).await;
    assert_eq!(tokens.token().await.unwrap().expose_secret(), "token-8");
}

#[tokio::test(start_paused = true)]
async fn ready_waits_pauses_out_and_ends_at_once_on_refused_credentials() {
    let endpoint = Endpoint::new(|request| match request {
        0..4 => Say::Unavailable,
        _ => Say::Token(60),
    });
    let tokens = endpoint.provider(Clock::manual(), credentials());
    let start = tokens.clock().now();
    tokens.ready(seconds(60.0)).await.unwrap();
    // 0.5 + 1 + 2 + 2.
    assert_eq!((tokens.clock().now() - start).as_millis() / 10, 550);

    let endpoint = Endpoint::new(|_| Say::Refuse);
    let tokens = endpoint.provider(Clock::manual(), credentials());
    let start = tokens.clock().now();
    let error = tokens.ready(seconds(60.0)).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::InvalidClient(_)),
        "{error:?}"
    );
    assert!((tokens.clock().now() - start) < seconds(0.1));

    // A pause beyond the limit is not begun.
    let endpoint = Endpoint::new(|_| Say::RateLimited(seconds(120.0)));
    let tokens = endpoint.provider(Clock::manual(), credentials());
    let error = tokens.ready(seconds(60.0)).await.unwrap_err();
    assert_eq!(error.retry_after().unwrap().as_secs(), 120);
    assert_eq!(endpoint.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_is_repeated_once_where_nothing_was_sent() {
    for (script, requests) in [
        ([Say::Unreachable, Say::Token(60)], 2),
        ([Say::Unreachable, Say::Unreachable], 2),
        ([Say::Unavailable, Say::Token(60)], 1),
    ] {
        let say = script.clone();
        let endpoint = Endpoint::new(move |request| say[request].clone());
        let tokens = endpoint.provider(Clock::manual(), credentials());
        let _ = tokens.token().await;
        assert_eq!(endpoint.requests(), requests, "{script:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_has_an_end_and_so_has_the_wait_for_a_token() {
    let endpoint = Endpoint::new(|_| Say::Nothing);
    let tokens = endpoint.provider(Clock::manual(), credentials());
    let start = tokens.clock().now();
    let error = tokens.token().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Transport(_)), "{error:?}");
    assert_eq!((tokens.clock().now() - start).as_secs(), 10);

    let slow = |_| Say::After(seconds(8.0), Box::new(Say::Token(60)));
    let endpoint = Endpoint::new(slow);
    let total = |times: &mut (Duration, Duration)| times.1 = seconds(5.0);
    let tokens = endpoint.provider_with(Clock::manual(), credentials(), MIDDLE, total, false);
    let start = tokens.clock().now();
    let error = tokens.token().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
    assert_eq!((tokens.clock().now() - start).as_secs(), 5);
    // The request went on without its caller.
    assert_eq!(tokens.token().await.unwrap().expose_secret(), "token-0");
    assert_eq!(endpoint.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_panics_is_a_transient_failure() {
    let endpoint = Endpoint::new(|request| match request {
        0 => panic!("planted"),
        _ => Say::Token(60),
    });
    let tokens = endpoint.provider(Clock::manual(), credentials());
    let error = tokens.token().await.unwrap_err();
    assert!(error.is_transient());
    assert_eq!(error.retry_after(), Some(seconds(0.5)));
    tokens.ready(seconds(60.0)).await.unwrap();
    assert_eq!(endpoint.requests(), 2);
}
