//! The life of a token: its renewal, its end, its invalidation and revocation.

use super::*;

#[tokio::test(start_paused = true)]
async fn life_counts_from_the_sending_of_the_request() {
    let (_, tokens) = provider(|_| after(3.0, Reply::Token(60)));
    let token = tokens.token().await.unwrap();
    assert_eq!(token.expires_in(), Some(seconds(57.0)));
}

#[tokio::test(start_paused = true)]
async fn valid_token_is_served_during_its_renewal() {
    let (endpoint, tokens) = gated_provider(|_| Reply::Token(100));
    endpoint.release(1);
    tokens.token().await.unwrap();
    // Jitter in the middle: renewal in the last 20 of 100 s.
    tokens.clock().advance(seconds(79.9));
    assert_eq!(text(&tokens).await, "token-0");
    tokio::task::yield_now().await;
    assert_eq!(endpoint.requests(), 1);
    tokens.clock().advance(seconds(0.2));
    for _ in 0..100 {
        assert_eq!(text(&tokens).await, "token-0");
        tokio::task::yield_now().await;
    }
    assert_eq!((endpoint.requests(), endpoint.max_open()), (2, 1));
    endpoint.release(1);
    until_renewed(&tokens, "token-0").await;
    assert_eq!(endpoint.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn failed_renewal_keeps_the_valid_token() {
    // The requests of the renewal: every 2 s; after 5 and 10 s; every 12 s.
    for (failure, renewals) in [
        (Reply::Unavailable, 10),
        (Reply::InvalidClient, 3),
        (Reply::Never, 2),
        (Reply::RateLimited(seconds(1.0)), 10),
        (Reply::Token(0), 10),
    ] {
        let (endpoint, tokens) = provider([Reply::Token(100), failure.clone()]);
        tokens.token().await.unwrap();
        tokens.clock().advance(seconds(80.0));
        for _ in 0..199 {
            assert_eq!(text(&tokens).await, "token-0", "{failure:?}");
            tokio::time::sleep(seconds(0.1)).await;
        }
        assert_eq!(endpoint.requests(), 1 + renewals, "{failure:?}");
        tokio::time::sleep(seconds(0.2)).await;
        assert!(tokens.cached_token().is_none(), "{failure:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn expired_token_is_never_served() {
    let (_, tokens) = provider([Reply::Token(60), after(5.0, Reply::Token(60))]);
    tokens.token().await.unwrap();
    tokens.clock().advance(seconds(60.0));
    assert!(tokens.cached_token().is_none());
    assert_eq!(text(&tokens).await, "token-1");
}

#[tokio::test(start_paused = true)]
async fn token_expired_on_arrival_goes_to_the_waiters_only() {
    // The first arrives after its end.
    let late = after(3.0, Reply::Token(2));
    let (_, tokens) = provider([late, Reply::Token(0), Reply::Token(60)]);
    for request in 0..2 {
        let (one, other) = tokio::join!(tokens.token(), tokens.token());
        let name = format!("token-{request}");
        assert_eq!(one.unwrap().expose_secret(), name);
        assert_eq!(other.unwrap().expose_secret(), name);
        let error = failure(&tokens).await;
        assert_kind!(error, ErrorKind::TokenExpired(_));
        assert_eq!(error.retry_after(), Some(seconds(1.0)));
        tokio::time::sleep(seconds(1.0)).await;
    }
    assert_eq!(text(&tokens).await, "token-2");
}

#[tokio::test(start_paused = true)]
async fn invalidating_an_old_token_changes_nothing() {
    let (endpoint, tokens) = provider(|_| Reply::Token(3_600));
    let old = tokens.token().await.unwrap();
    tokens.invalidate(&old);
    let new = tokens.token().await.unwrap();
    assert_eq!(new.expose_secret(), "token-1");
    // A hundred calls with the old token end late.
    for _ in 0..100 {
        tokens.invalidate(&old);
    }
    assert_eq!(text(&tokens).await, "token-1");
    assert_eq!(endpoint.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn rejected_token_issued_again_is_not_served() {
    let (endpoint, tokens) = provider(|_| Reply::SameToken(3_600));
    let token = tokens.token().await.unwrap();
    tokens.invalidate(&token);
    let error = failure(&tokens).await;
    assert_kind!(error, ErrorKind::TokenRejected);
    assert!(error.is_transient());
    assert_eq!(error.retry_after(), Some(seconds(0.5)));
    assert_eq!(endpoint.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn failed_revocation_still_drops_the_token() {
    let (_, tokens) = provider(|_| Reply::Token(3_600));
    tokens.revoke().await.unwrap();
    let token = tokens.token().await.unwrap();
    // Time runs again, because this request goes to a real port, on which nothing listens.
    tokio::time::resume();
    let error = tokens.revoke().await.unwrap_err();
    assert_kind!(error, ErrorKind::Transport(_));
    let other = tokens.token().await.unwrap();
    assert_ne!(token.expose_secret(), other.expose_secret());
}

#[tokio::test(start_paused = true)]
async fn jump_of_the_wall_clock_costs_no_request() {
    let (endpoint, tokens) = provider(|_| Reply::Token(3_600));
    tokens.token().await.unwrap();
    let wall = tokens.clock().wall();
    for jump in [wall + seconds(86_400.0), wall - seconds(3_600.0), wall] {
        tokens.clock().set_wall(jump);
        for _ in 0..10 {
            assert_eq!(text(&tokens).await, "token-0");
        }
    }
    assert_eq!(endpoint.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn token_that_expires_during_suspend_is_not_served() {
    let (_, tokens) = provider(|_| Reply::Token(3_600));
    tokens.token().await.unwrap();
    tokens.clock().suspend(seconds(3_601.0));
    assert!(tokens.cached_token().is_none());
    assert_eq!(text(&tokens).await, "token-1");
}

#[tokio::test(start_paused = true)]
async fn background_renewal_lasts_as_long_as_the_provider() {
    let (life, fault) = (Reply::Token(100), Reply::Unavailable);
    let endpoint = Endpoint::new([life.clone(), life.clone(), fault, life]);
    let builder = endpoint.builder(Clock::manual(), credentials());
    let tokens = builder.background_renewal().build();
    tokens.token().await.unwrap();
    // Renewals at 80 s and 160 s. The second fails and is repeated 2 s later.
    tokio::time::sleep(seconds(159.0)).await;
    assert_eq!(endpoint.requests(), 2);
    tokio::time::sleep(seconds(4.0)).await;
    assert_eq!(endpoint.requests(), 4);
    assert_eq!(tokens.cached_token().unwrap().expose_secret(), "token-3");

    let tasks = Handle::current().metrics();
    assert_eq!(tasks.num_alive_tasks(), 1);
    drop(tokens);
    tokio::time::sleep(seconds(1_000.0)).await;
    assert_eq!((endpoint.requests(), tasks.num_alive_tasks()), (4, 0));
}
