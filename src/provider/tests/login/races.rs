//! Logins, logouts and renewals at the same time.

use super::*;

#[tokio::test(start_paused = true)]
async fn login_made_while_a_renewal_waits_is_not_renewed() {
    let user = User::new(|number| Reply::Login(600, Some(["r-0", "r-1", "r-2"][number])));
    let tokens = user.logged_in().await;
    user.clock.advance(seconds(601.0));
    user.endpoint.hold();
    let login = tokio::spawn({
        let tokens = tokens.clone();
        async move { log_in(&tokens).await }
    });
    user.until_requests(2).await;
    let waiting = tokio::spawn({
        let tokens = tokens.clone();
        async move { text(&tokens).await }
    });
    yield_often().await;
    user.endpoint.release(8);
    login.await.unwrap().unwrap();
    assert_eq!(waiting.await.unwrap(), "token-1");
    assert_eq!(text(&tokens).await, "token-1");
    assert_eq!(text(&user.process()).await, "token-1");
    assert_eq!(user.endpoint.sent_secrets(), ["a-code", "a-code"]);
    user.clock.advance(seconds(601.0));
    assert_eq!(text(&tokens).await, "token-2");
    assert_eq!(user.endpoint.sent_secrets(), ["a-code", "a-code", "r-1"]);
}

#[tokio::test(start_paused = true)]
async fn unstored_renewal_outlives_the_last_handle() {
    let user = User::new(|number| Reply::Login(60, Some(["r-0", "r-1", "r-2"][number])));
    let store = LooseStore::default();
    let process = || user.process_in(&store);
    let tokens = process();
    log_in(&tokens).await.unwrap();
    user.clock.advance(seconds(61.0));
    store.fails_to_save.store(true, Ordering::SeqCst);
    failure(&tokens).await;
    let weak = tokens.downgrade();
    drop(tokens);
    assert!(weak.upgrade().is_some());
    store.fails_to_save.store(false, Ordering::SeqCst);
    while weak.upgrade().is_some() {
        user.clock.advance(seconds(1.0));
        tokio::time::sleep(seconds(0.1)).await;
    }
    user.clock.advance(seconds(61.0));
    assert_eq!(text(&process()).await, "token-2");
    assert_eq!(user.endpoint.sent_secrets(), ["a-code", "r-0", "r-1"]);
}

#[tokio::test(start_paused = true)]
async fn logout_continues_after_its_caller_is_dropped() {
    let user = User::new(|_| Reply::Login(60, Some("r")));
    let tokens = user.logged_in().await;
    let turn = user.store.take_turn(&key_of(&tokens), Duration::ZERO).await;
    let dropped = tokio::spawn(async move { tokens.revoke().await });
    yield_often().await;
    dropped.abort();
    drop(turn);
    while user.process().is_logged_in().await.unwrap() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn login_that_ends_during_a_logout_is_logged_out() {
    let user = User::new(|_| Reply::Login(60, Some("r")));
    let tokens = user.logged_in().await;
    user.endpoint.hold();
    let login = tokio::spawn({
        let tokens = tokens.clone();
        async move { log_in(&tokens).await }
    });
    user.until_requests(2).await;
    let logout = tokio::spawn({
        let tokens = tokens.clone();
        async move { tokens.revoke().await }
    });
    yield_often().await;
    user.endpoint.release(8);
    login.await.unwrap().unwrap();
    // Nothing listens at the address of the API.
    assert!(logout.await.unwrap().is_err());
    assert!(is_login_required(&failure(&tokens).await));
    assert!(!user.process().is_logged_in().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn login_under_an_older_key_does_not_return() {
    let user = User::new(|number| match number {
        0 => Reply::Login(60, Some("alices")),
        1 => Reply::Login(60, Some("bobs")),
        _ => Reply::InvalidGrant,
    });
    let old = SealingKey::from_bytes([1; 32]);
    let new = SealingKey::from_bytes([2; 32]);
    log_in(&user.process_with(old.clone(), |_| {}))
        .await
        .unwrap();
    let both = new.also_reads(old);
    let bob = user.process_with(both.clone(), |_| {});
    log_in(&bob).await.unwrap();
    user.clock.advance(seconds(61.0));
    assert!(is_login_required(&failure(&bob).await));
    let restarted = user.process_with(both, |_| {});
    assert!(!restarted.is_logged_in().await.unwrap());
    assert_eq!(user.endpoint.sent_secrets(), ["a-code", "a-code", "bobs"]);
}

#[tokio::test(start_paused = true)]
async fn unsent_code_is_sent_again() {
    let user = User::new(|number| match number {
        0 => Reply::Unreachable,
        _ => Reply::Login(60, Some("r")),
    });
    let tokens = user.logged_in().await;
    assert_eq!(text(&tokens).await, "token-1");
}

#[test]
fn login_and_logout_need_a_runtime() {
    let user = User::new(|_| Reply::Login(60, Some("r")));
    let tokens = user.process();
    for result in [
        ready_output(tokens.is_logged_in()).map(drop),
        ready_output(tokens.revoke()),
        ready_output(log_in(&tokens)),
    ] {
        let error = result.unwrap_err();
        assert_kind!(error, ErrorKind::NoRuntime);
    }
}
