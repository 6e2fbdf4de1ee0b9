//! A token's life: counted, renewed ahead of its end, given up.

use super::*;

#[tokio::test(start_paused = true)]
async fn life_counts_from_the_moment_of_sending() {
    let endpoint = Endpoint::new(|_| Say::After(seconds(3.0), Box::new(Say::Token(60))));
    let tokens = endpoint.provider(Clock::manual(), credentials());
    let token = tokens.token().await.unwrap();
    assert_eq!(token.expires_in(), Some(seconds(57.0)));
}

#[tokio::test(start_paused = true)]
async fn a_valid_token_is_served_while_it_is_renewed() {
    let endpoint = Endpoint::gated(|_| Say::Token(100));
    let clock = Clock::manual();
    let tokens = endpoint.provider(clock.clone(), credentials());
    endpoint.release(1);
    tokens.token().await.unwrap();
    // Jitter in the middle: renewal in the last 20 of 100 s.
    clock.advance(seconds(79.9));
    assert_eq!(tokens.token().await.unwrap().expose_secret(), "token-0");
    tokio::task::yield_now().await;
    assert_eq!(endpoint.requests(), 1);
    clock.advance(seconds(0.2));
    for _ in 0..100 {
        assert_eq!(tokens.token().await.unwrap().expose_secret(), "token-0");
        tokio::task::yield_now().await;
    }
    assert_eq!((endpoint.requests(), endpoint.most_at_once()), (2, 1));
    endpoint.release(1);
    while tokens.token().await.unwrap().expose_secret() == "token-0" {
        tokio::task::yield_now().await;
    }
    assert_eq!(endpoint.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failed_renewal_never_takes_the_valid_token() {
    for failure in [
        Say::Unavailable,
        Say::Refuse,
        Say::Nothing,
        Say::RateLimited(seconds(1.0)),
        Say::Token(0),
    ] {
        let say = failure.clone();
        let endpoint = Endpoint::new(move |request| match request {
            0 => Say::Token(100),
            _ => say.clone(),
        });
        let clock = Clock::manual();
        let tokens = endpoint.provider(clock.clone(), credentials());
        tokens.token().await.unwrap();
        clock.advance(seconds(80.0));
        for _ in 0..199 {
            assert_eq!(
                tokens.token().await.unwrap().expose_secret(),
                "token-0",
                "{failure:?}"
            );
            tokio::time::sleep(seconds(0.1)).await;
        }
        // Never more than one request in 2 s.
        assert!(
            endpoint.requests() <= 1 + 10,
            "{failure:?}: {}",
            endpoint.requests()
        );
        assert!(endpoint.requests() >= 2);
        tokio::time::sleep(seconds(0.2)).await;
        assert!(tokens.cached_token().is_none(), "{failure:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_is_never_handed_out() {
    let endpoint = Endpoint::new(|request| match request {
        0 => Say::Token(60),
        _ => Say::After(seconds(5.0), Box::new(Say::Token(60))),
    });
    let clock = Clock::manual();
    let tokens = endpoint.provider(clock.clone(), credentials());
    tokens.token().await.unwrap();
    clock.advance(seconds(60.0));
    assert!(tokens.cached_token().is_none());
    assert_eq!(tokens.token().await.unwrap().expose_secret(), "token-1");
}

#[tokio::test(start_paused = true)]
async fn a_token_without_life_goes_to_those_who_waited_only() {
    let endpoint = Endpoint::new(|request| match request {
        // Longer on the way than it lives.
        0 => Say::After(seconds(3.0), Box::new(Say::Token(2))),
        1 => Say::Token(0),
        _ => Say::Token(60),
    });
    let tokens = endpoint.provider(Clock::manual(), credentials());
    for request in 0..2 {
        let (one, other) = tokio::join!(tokens.token(), tokens.token());
        let name = format!("token-{request}");
        assert_eq!(one.unwrap().expose_secret(), name);
        assert_eq!(other.unwrap().expose_secret(), name);
        let error = tokens.token().await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::TokenExpired(_)),
            "{error:?}"
        );
        assert_eq!(error.retry_after(), Some(seconds(1.0)));
        tokio::time::sleep(seconds(1.0)).await;
    }
    assert_eq!(tokens.token().await.unwrap().expose_secret(), "token-2");
}

#[tokio::test(start_paused = true)]
async fn only_the_current_token_can_be_invalidated() {
    let endpoint = Endpoint::new(|_| Say::Token(3_600));
    let tokens = endpoint.provider(Clock::manual(), credentials());
    let old = tokens.token().await.unwrap();
    tokens.invalidate(&old);
    let new = tokens.token().await.unwrap();
    assert_eq!(new.expose_secret(), "token-1");
    // A hundred calls that were under way with the old one come back late.
    for _ in 0..100 {
        tokens.invalidate(&old);
    }
    assert_eq!(tokens.token().await.unwrap().expose_secret(), "token-1");
    assert_eq!(endpoint.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_that_is_handed_out_again_is_not_served() {
    let endpoint = Endpoint::new(|_| Say::Same(3_600));
    let tokens = endpoint.provider(Clock::manual(), credentials());
    let token = tokens.token().await.unwrap();
    tokens.invalidate(&token);
    let error = tokens.token().await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::TokenRejected),
        "{error:?}"
    );
    assert!(error.is_transient());
    assert_eq!(error.retry_after(), Some(seconds(0.5)));
    assert_eq!(endpoint.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_flight_under_way_when_the_token_is_revoked_saves_nothing() {
    let endpoint = Endpoint::gated(|_| Say::Token(3_600));
    let tokens = endpoint.provider(Clock::manual(), credentials());
    let (waiting, ()) = tokio::join!(tokens.token(), async {
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        assert_eq!(endpoint.requests(), 1);
        assert!(tokens.cache.revoke().is_none());
        endpoint.release(2);
    });
    assert_eq!(waiting.unwrap().expose_secret(), "token-1");
    assert_eq!((endpoint.requests(), endpoint.most_at_once()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn revoke_gives_the_token_up_even_when_the_server_cannot_be_told() {
    let endpoint = Endpoint::new(|_| Say::Token(3_600));
    let tokens = endpoint.provider(Clock::manual(), credentials());
    tokens.revoke().await.unwrap();
    let token = tokens.token().await.unwrap();
    // Time runs again: this one goes to a real port, where nobody listens.
    tokio::time::resume();
    let error = tokens.revoke().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Transport(_)), "{error:?}");
    let other = tokens.token().await.unwrap();
    assert_ne!(token.expose_secret(), other.expose_secret());
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_jumps_costs_nothing() {
    let endpoint = Endpoint::new(|_| Say::Token(3_600));
    let clock = Clock::manual();
    let tokens = endpoint.provider(clock.clone(), credentials());
    tokens.token().await.unwrap();
    let wall = clock.wall();
    for jump in [wall + seconds(86_400.0), wall - seconds(3_600.0), wall] {
        clock.set_wall(jump);
        for _ in 0..10 {
            assert_eq!(tokens.token().await.unwrap().expose_secret(), "token-0");
        }
    }
    assert_eq!(endpoint.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_expires_while_the_machine_sleeps_is_not_handed_out() {
    let endpoint = Endpoint::new(|_| Say::Token(3_600));
    let clock = Clock::manual();
    let tokens = endpoint.provider(clock.clone(), credentials());
    tokens.token().await.unwrap();
    clock.suspend(seconds(3_601.0));
    assert!(tokens.cached_token().is_none());
    assert_eq!(tokens.token().await.unwrap().expose_secret(), "token-1");
}

#[tokio::test(start_paused = true)]
async fn a_background_renewal_keeps_an_idle_provider_warm_and_ends_with_it() {
    let endpoint = Endpoint::new(|request| match request {
        2 => Say::Unavailable,
        _ => Say::Token(100),
    });
    let clock = Clock::manual();
    let tokens = endpoint.provider_with(clock, credentials(), || Jitter::pinned(0.5), |_| {}, true);
    tokens.token().await.unwrap();
    // Renewals at 80 and 160 s; the second fails and is tried again 2 s later.
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
