//! Logouts: what ends, and what does not return.

use super::*;

#[tokio::test(start_paused = true)]
async fn revoke_undoes_a_running_refresh() {
    let user = User::renewable(60);
    let tokens = user.logged_in().await;
    user.endpoint.hold();
    user.clock.advance(seconds(61.0));
    let waiting = spawn_with(&tokens, |tokens| async move { failure(&tokens).await });
    user.endpoint.until_requests(2).await;
    // Nothing listens at the address of the API.
    assert!(tokens.revoke().await.is_err());
    user.endpoint.release(8);
    assert!(is_login_required(&waiting.await.unwrap()));
    assert!(is_login_required(&failure(&tokens).await));
    assert!(!user.process().is_logged_in().await.unwrap());
    assert!(!user.has_record(&tokens).await);
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
    let login = spawn_with(&tokens, |tokens| async move { log_in(&tokens).await });
    user.endpoint.until_requests(2).await;
    let logout = spawn_with(&tokens, |tokens| async move { tokens.revoke().await });
    yield_often().await;
    user.endpoint.release(8);
    login.await.unwrap().unwrap();
    // Nothing listens at the address of the API.
    assert!(logout.await.unwrap().is_err());
    assert!(is_login_required(&failure(&tokens).await));
    assert!(!user.process().is_logged_in().await.unwrap());
}

/// The store fails to remove a record that this process has only looked at.
#[tokio::test(start_paused = true)]
async fn logout_whose_removal_fails_hides_the_record() {
    let user = User::renewable(600);
    log_in(&user.loose_process()).await.unwrap();
    let tokens = user.loose_process();
    user.loose.fail(true);
    assert_kind!(tokens.revoke().await.unwrap_err(), ErrorKind::Store(_));
    user.loose.fail(false);
    assert!(user.loose.record().is_some());
    assert!(is_login_required(&failure(&tokens).await));
    assert!(!tokens.is_logged_in().await.unwrap());
}
