//! Logins that their store does not take, and records that are there although the save failed.

use super::{stored::broken::Broken, *};

/// A user whose store does not take the first login.
fn first_login_unsaved() -> (User, TokenProvider) {
    let user = User::renewable(60);
    user.loose.fail(true);
    let tokens = user.loose_process();
    (user, tokens)
}

#[tokio::test(start_paused = true)]
async fn first_login_is_kept_until_the_store_takes_it() {
    let (user, tokens) = first_login_unsaved();
    // The pause after this failure does not hide the login.
    assert!(is_login_required(&failure(&tokens).await));
    let error = log_in(&tokens).await.unwrap_err();
    assert_kind!(error, ErrorKind::Store(_));
    for _ in 0..3 {
        assert!(tokens.is_logged_in().await.unwrap());
        let error = failure(&tokens).await;
        assert_kind!(error, ErrorKind::Store(_));
        assert!(error.is_transient() && !error.needs_login());
        user.clock.advance(error.retry_after().unwrap());
    }
    assert!(!user.loose_process().is_logged_in().await.unwrap());
    user.loose.fail(false);
    assert_eq!(text(&tokens).await, "token-0");
    let restarted = user.loose_process();
    assert_eq!(text(&restarted).await, "token-0");
    user.clock.advance(seconds(61.0));
    assert_eq!(text(&restarted).await, "token-1");
    assert_eq!(user.endpoint.sent_secrets(), ["a-code", "r-0"]);
}

#[tokio::test(start_paused = true)]
async fn unsaved_first_login_outlives_the_last_handle() {
    let (user, tokens) = first_login_unsaved();
    log_in(&tokens).await.unwrap_err();
    let weak = tokens.downgrade();
    drop(tokens);
    assert!(weak.upgrade().is_some());
    user.loose.fail(false);
    while weak.upgrade().is_some() {
        tokio::time::sleep(seconds(0.1)).await;
    }
    // Its token has not expired, so nothing is sent.
    assert_eq!(text(&user.loose_process()).await, "token-0");
    assert_eq!(user.endpoint.sent_secrets(), ["a-code"]);
}

#[tokio::test(start_paused = true)]
async fn unsaved_login_gives_way_to_a_stored_one_and_to_a_logout() {
    let (user, tokens) = first_login_unsaved();
    log_in(&tokens).await.unwrap_err();
    user.loose.fail(false);
    user.loose_login().await;
    assert_eq!(text(&tokens).await, "token-1");

    let (user, tokens) = first_login_unsaved();
    log_in(&tokens).await.unwrap_err();
    tokens.revoke().await.unwrap_err();
    user.loose.fail(false);
    user.clock.advance(seconds(10.0));
    assert!(is_login_required(&failure(&tokens).await));
    assert!(user.loose.record().is_none());
}

#[tokio::test(start_paused = true)]
async fn second_login_that_is_not_taken_replaces_the_first_later() {
    let (user, tokens) = first_login_unsaved();
    user.loose.fail(false);
    log_in(&tokens).await.unwrap();
    user.loose.fail(true);
    log_in(&tokens).await.unwrap_err();
    // The stored login counts until the other is stored.
    assert_eq!(text(&tokens).await, "token-0");
    user.loose.fail(false);
    user.clock.advance(seconds(59.0));
    text(&tokens).await;
    yield_often().await;
    assert_eq!(text(&tokens).await, "token-1");
    assert_eq!(user.endpoint.sent_secrets(), ["a-code", "a-code"]);
}

/// Only the last step of a save fails, or its response is lost.
#[tokio::test(start_paused = true)]
async fn record_of_a_failed_save_counts_as_stored() {
    for how in ["fails", "hangs", "panics"] {
        let user = User::renewable(60);
        let store = Broken::new(&format!("saved {how}"), &MemoryStore::new());
        let key = SealingKey::unsealed();
        let tokens = user.builder(store, &key, &user.clock).build();
        log_in(&tokens).await.unwrap();
        assert_eq!(text(&tokens).await, "token-0", "{how}");
        user.clock.advance(seconds(61.0));
        assert_eq!(text(&tokens).await, "token-1", "{how}");
        assert_eq!(user.endpoint.sent_secrets(), ["a-code", "r-0"], "{how}");
    }
}

#[tokio::test(start_paused = true)]
async fn renewed_login_is_served_only_after_it_is_stored() {
    let user = User::renewable(60);
    let tokens = user.loose_login().await;
    user.clock.advance(seconds(61.0));
    user.loose.fail(true);
    for _ in 0..3 {
        let error = failure(&tokens).await;
        assert_kind!(error, ErrorKind::Store(_));
        assert!(error.is_transient());
        user.clock.advance(error.retry_after().unwrap());
    }
    // The first response is not lost.
    assert_eq!(user.endpoint.sent_secrets(), ["a-code", "r-0"]);
    user.loose.fail(false);
    assert_eq!(text(&tokens).await, "token-1");
    assert_eq!(user.endpoint.sent_secrets(), ["a-code", "r-0"]);
    assert_eq!(text(&user.loose_process()).await, "token-1");
}

#[tokio::test(start_paused = true)]
async fn unstored_renewal_gives_way_to_a_newer_login() {
    let user = User::renewable(60);
    let tokens = user.loose_login().await;
    user.clock.advance(seconds(61.0));
    user.loose.fail(true);
    let error = failure(&tokens).await;
    user.loose.fail(false);
    user.loose_login().await;
    user.clock.advance(error.retry_after().unwrap());
    assert_eq!(text(&tokens).await, "token-2");
}

#[tokio::test(start_paused = true)]
async fn unstored_renewal_outlives_the_last_handle() {
    let user = User::renewable(60);
    let tokens = user.loose_login().await;
    user.clock.advance(seconds(61.0));
    user.loose.fail(true);
    failure(&tokens).await;
    let weak = tokens.downgrade();
    drop(tokens);
    assert!(weak.upgrade().is_some());
    user.loose.fail(false);
    while weak.upgrade().is_some() {
        user.clock.advance(seconds(1.0));
        tokio::time::sleep(seconds(0.1)).await;
    }
    user.clock.advance(seconds(61.0));
    assert_eq!(text(&user.loose_process()).await, "token-2");
    assert_eq!(user.endpoint.sent_secrets(), ["a-code", "r-0", "r-1"]);
}

#[tokio::test(start_paused = true)]
async fn second_login_is_stored_soon_after_the_store_works_again() {
    let user = User::renewable(86_400);
    let tokens = user.loose_login().await;
    user.loose.fail(true);
    log_in(&tokens).await.unwrap_err();
    user.loose.fail(false);
    tokio::time::sleep(seconds(60.0)).await;
    assert_eq!(text(&tokens).await, "token-1");
    assert_eq!(text(&user.loose_process()).await, "token-1");
}
