//! Assertions that cannot be sent, and sources that fail.

use super::*;

#[tokio::test(start_paused = true)]
async fn malformed_assertion_ends_ready_at_once() {
    let endpoint = Endpoint::new(|_| Reply::Token(600));
    let idp = Idp::issuing("<not-saml/>".to_owned());
    let tokens = endpoint.provider(Clock::manual(), idp.grant());
    let error = tokens.ready(seconds(60.0)).await.unwrap_err();
    assert_kind!(error, ErrorKind::Assertion(_));
    assert_eq!(idp.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn expired_assertion_is_never_sent() {
    let endpoint = Endpoint::new(|_| Reply::Token(600));
    let clock = Clock::manual();
    clock.set_wall(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000));
    let old = assertion_until("old", "2026-01-01T00:00:00Z");
    let idp = Idp::issuing(old.clone());
    let tokens = endpoint.provider(clock.clone(), idp.grant());
    assert!(is_stale(&failure(&tokens).await));
    let tokens = endpoint.provider(clock, grant(old));
    assert!(is_stale(&failure(&tokens).await));
    assert_eq!(endpoint.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn malformed_assertion_is_reported_and_not_sent() {
    let idp = Idp::issuing("<not-saml/>".to_owned());
    let (endpoint, tokens) = provider(|_| Reply::Token(600), &idp);
    let error = failure(&tokens).await;
    assert_kind!(error, ErrorKind::Assertion(_));
    assert!(!error.is_transient());
    let error = Saml2Bearer::new("a-client", "secret-1", "an-org", "<not-saml/>").unwrap_err();
    assert_kind!(error, ErrorKind::Assertion(_));
    assert_eq!(endpoint.requests(), 0);
    idp.set(["a"]);
    tokens.clock().advance(seconds(1.0));
    assert_eq!(text(&tokens).await, "token-0");
}

#[tokio::test(start_paused = true)]
async fn failing_assertion_source_is_a_transient_failure() {
    for how in ["fail", "hang", "panic"] {
        let endpoint = Endpoint::new(|_| Reply::Token(600));
        let clock = Clock::manual();
        let broken = Arc::new(Mutex::new(true));
        let is_broken = Arc::clone(&broken);
        let source = Assertion::from_fn(move || {
            let broken = *is_broken.lock();
            async move {
                match how {
                    _ if !broken => Ok(assertion("a").into()),
                    "fail" => Err("away".into()),
                    "hang" => std::future::pending().await,
                    _ => panic!("planted"),
                }
            }
        });
        let tokens = endpoint.provider(clock.clone(), grant(source));
        let error = failure(&tokens).await;
        let case = format!("{how}: {error:?}");
        assert!(error.is_transient() && !error.needs_login(), "{case}");
        assert!(error.to_string().contains("assertion"), "{case}");
        assert!(error.retry_after().unwrap() < seconds(1.0), "{case}");
        *broken.lock() = false;
        clock.advance(seconds(1.0));
        assert_eq!(text(&tokens).await, "token-0", "{how}");
    }
}
