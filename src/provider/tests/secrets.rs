//! Invalid credentials, and the sources of secrets.

use super::{outage::callers, *};

#[tokio::test(start_paused = true)]
async fn secret_rotated_during_a_request_is_used_at_once() {
    let endpoint = Endpoint::new(|_| after(1.0, Reply::InvalidClientUnless("new")));
    let vault = Vault::with_secret("old");
    let rotating = vault.clone();
    let tokens = endpoint.provider(Clock::manual(), vault.credentials());
    // Rotated after the secret is read and before the response arrives.
    let (token, ()) = tokio::join!(tokens.token(), async {
        while rotating.calls() == 0 {
            tokio::task::yield_now().await;
        }
        *rotating.secret.lock() = "new";
    });
    token.unwrap();
    assert_eq!((endpoint.requests(), vault.calls()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn new_secret_ends_the_pause_for_invalid_credentials() {
    // Requests at 0 s, after 5 s and after another 10 s, each times 0.8, 1 or 1.2. The source is
    // asked twice for each request, and once a second in between.
    for jitter in [LOW, MIDDLE, HIGH] {
        let endpoint = Endpoint::new(|_| Reply::InvalidClientUnless("new"));
        let vault = Vault::with_secret("old");
        let builder = endpoint.builder(Clock::manual(), vault.credentials());
        let tokens = builder.jitter(jitter).build();
        callers(&tokens, 10.0, |_, _| {}).await;
        assert_eq!((endpoint.requests(), endpoint.max_open()), (2, 1));
        assert!((11..=13).contains(&vault.calls()), "{}", vault.calls());
        let error = failure(&tokens).await;
        assert_eq!(accepted_before(&error), None);
        assert!(error.retry_after().unwrap() > seconds(1.1));

        *vault.secret.lock() = "new";
        callers(&tokens, 1.1, |_, _| {}).await;
        tokens.token().await.unwrap();
        assert_eq!(endpoint.requests(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn one_caller_probes_and_the_others_fail_at_once() {
    let endpoint = Endpoint::new(|_| Reply::InvalidClient);
    let vault = Vault::with_secret("old");
    let tokens = endpoint.provider(Clock::manual(), vault.credentials());
    failure(&tokens).await;
    assert_eq!(vault.calls(), 2);
    tokio::time::sleep(seconds(1.0)).await;
    *vault.secret.lock() = "hang";
    let asking = spawn_caller(&tokens);
    while vault.calls() == 2 {
        tokio::task::yield_now().await;
    }
    let start = tokens.clock().now();
    for _ in 0..100 {
        let error = failure(&tokens).await;
        assert_kind!(error, ErrorKind::InvalidClient(_));
    }
    assert_eq!(tokens.clock().now(), start);
    assert_eq!((endpoint.requests(), vault.calls()), (1, 3));
    // The caller that asks the source learns that it hangs.
    let error = asking.await.unwrap().unwrap_err();
    assert_kind!(error, ErrorKind::CredentialSource(_));
}

#[tokio::test(start_paused = true)]
async fn invalid_client_reports_when_it_was_accepted() {
    let (_, tokens) = provider([Reply::Token(3_600), Reply::InvalidClient]);
    let token = tokens.token().await.unwrap();
    let accepted = tokens.clock().wall();
    tokens.clock().advance(seconds(60.0));
    tokens.invalidate(&token);
    let error = failure(&tokens).await;
    assert_eq!(accepted_before(&error), Some(accepted));
    let row = crate::error::Troubleshooting::IntegrationFailsAfterRotation;
    assert_eq!(error.troubleshooting(), Some(row));
}

#[tokio::test(start_paused = true)]
async fn failing_secret_source_is_a_transient_failure() {
    for (fault, time) in [("fail", 0), ("panic", 0), ("hang", 10)] {
        let endpoint = Endpoint::new(|_| Reply::Token(60));
        let vault = Vault::with_secret(fault);
        let tokens = endpoint.provider(Clock::manual(), vault.credentials());
        let start = tokens.clock().now();
        let error = failure(&tokens).await;
        assert_eq!((tokens.clock().now() - start).as_secs(), time, "{fault}");
        assert_kind!(error, ErrorKind::CredentialSource(_));
        assert!(error.is_transient(), "{fault}");
        assert_eq!(error.retry_after(), Some(seconds(0.5)), "{fault}");
        assert_eq!(endpoint.requests(), 0, "{fault}");

        *vault.secret.lock() = "valid";
        tokio::time::sleep(seconds(0.5)).await;
        tokens.token().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn secret_is_read_for_each_refresh() {
    let endpoint = Endpoint::new(|_| Reply::Token(60));
    let vault = Vault::with_secret("any");
    let tokens = endpoint.provider(Clock::manual(), vault.credentials());
    for request in 1..4 {
        tokens.token().await.unwrap();
        tokens.clock().advance(seconds(60.0));
        assert_eq!(vault.calls(), request);
    }
}

#[tokio::test(start_paused = true)]
async fn slow_probe_hides_neither_cause_nor_pause() {
    let endpoint = Endpoint::new(|_| Reply::InvalidClient);
    let tokens = endpoint.provider(Clock::manual(), slow_credentials(3.0));
    failure(&tokens).await;
    for _ in 0..2 {
        tokio::time::sleep(seconds(1.0)).await;
        let error = failure(&tokens).await;
        assert_kind!(error, ErrorKind::InvalidClient(_));
    }
    assert!(endpoint.requests() <= 2);
}

#[tokio::test(start_paused = true)]
async fn lost_refresh_sends_nothing() {
    let endpoint = Endpoint::new(|_| Reply::Unavailable);
    let tokens = endpoint.provider(Clock::manual(), slow_credentials(5.0));
    let waiting = spawn_caller(&tokens);
    // The first refresh is asking its source when its runtime stalls.
    tokio::task::yield_now().await;
    tokens.clock().advance(seconds(12.0));
    assert!(tokens.cached_token().is_none());
    waiting.await.unwrap().unwrap_err();
    tokio::time::sleep(seconds(10.0)).await;
    assert_eq!((endpoint.requests(), endpoint.max_open()), (1, 1));
}
