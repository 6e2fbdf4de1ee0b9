//! Logins, logouts and renewals that meet.

use std::task::Context;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_login_made_while_a_renewal_waits_for_its_turn_is_not_renewed() {
    let user = User::new(|number| Say::Login(600, Some(["r-0", "r-1", "r-2"][number])));
    let tokens = user.logged_in().await;
    user.clock.advance(seconds(601.0));
    user.endpoint.hold();
    let login = tokio::spawn({
        let tokens = tokens.clone();
        async move { log_in(&tokens).await }
    });
    user.asked(2).await;
    let waiting = tokio::spawn({
        let tokens = tokens.clone();
        async move { text(&tokens).await }
    });
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    user.endpoint.release(8);
    login.await.unwrap().unwrap();
    assert_eq!(waiting.await.unwrap(), "token-1");
    assert_eq!(text(&tokens).await, "token-1");
    assert_eq!(text(&user.process()).await, "token-1");
    assert_eq!(user.endpoint.handed_in(), ["a-code", "a-code"]);
    user.clock.advance(seconds(601.0));
    assert_eq!(text(&tokens).await, "token-2");
    assert_eq!(user.endpoint.handed_in(), ["a-code", "a-code", "r-1"]);
}

#[tokio::test(start_paused = true)]
async fn a_renewed_login_that_is_not_stored_yet_outlives_the_last_handle() {
    let user = User::new(|number| Say::Login(60, Some(["r-0", "r-1", "r-2"][number])));
    let store = Lax::default();
    let process = || user.process_in(&store);
    let tokens = process();
    log_in(&tokens).await.unwrap();
    user.clock.advance(seconds(61.0));
    store.is_full.store(true, Ordering::SeqCst);
    failure(&tokens).await;
    let weak = tokens.downgrade();
    drop(tokens);
    assert!(weak.upgrade().is_some());
    store.is_full.store(false, Ordering::SeqCst);
    while weak.upgrade().is_some() {
        user.clock.advance(seconds(1.0));
        tokio::time::sleep(seconds(0.1)).await;
    }
    user.clock.advance(seconds(61.0));
    assert_eq!(text(&process()).await, "token-2");
    assert_eq!(user.endpoint.handed_in(), ["a-code", "r-0", "r-1"]);
}

#[tokio::test(start_paused = true)]
async fn a_logout_goes_on_though_its_caller_leaves() {
    let user = User::new(|_| Say::Login(60, Some("r")));
    let tokens = user.logged_in().await;
    let turn = user.store.take_turn(&key_of(&tokens), Duration::ZERO).await;
    let leaving = tokio::spawn(async move { tokens.revoke().await });
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    leaving.abort();
    drop(turn);
    while user.process().is_logged_in().await.unwrap() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_ends_while_the_logout_waits_is_logged_out_too() {
    let user = User::new(|_| Say::Login(60, Some("r")));
    let tokens = user.logged_in().await;
    user.endpoint.hold();
    let login = tokio::spawn({
        let tokens = tokens.clone();
        async move { log_in(&tokens).await }
    });
    user.asked(2).await;
    let logout = tokio::spawn({
        let tokens = tokens.clone();
        async move { tokens.revoke().await }
    });
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    user.endpoint.release(8);
    login.await.unwrap().unwrap();
    // Nobody listens at the API.
    assert!(logout.await.unwrap().is_err());
    assert!(is_login_required(&failure(&tokens).await));
    assert!(!user.process().is_logged_in().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_login_under_an_older_key_does_not_come_back() {
    let user = User::new(|number| match number {
        0 => Say::Login(60, Some("alices")),
        1 => Say::Login(60, Some("bobs")),
        _ => Say::InvalidGrant,
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
    assert_eq!(user.endpoint.handed_in(), ["a-code", "a-code", "bobs"]);
}

#[tokio::test(start_paused = true)]
async fn a_code_of_which_nothing_was_sent_is_sent_again() {
    let user = User::new(|number| match number {
        0 => Say::Unreachable,
        _ => Say::Login(60, Some("r")),
    });
    let tokens = user.logged_in().await;
    assert_eq!(text(&tokens).await, "token-1");
}

#[test]
fn outside_a_runtime_there_is_no_store_and_no_logout() {
    let user = User::new(|_| Say::Login(60, Some("r")));
    let tokens = user.process();
    for answer in [
        unpolled(tokens.is_logged_in()).map(drop),
        unpolled(tokens.revoke()),
        unpolled(log_in(&tokens)),
    ] {
        let error = answer.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NoRuntime), "{error:?}");
    }
}

/// What comes of a future that is at its end when it is polled first.
fn unpolled<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}
