//! Logins that their store does not take, and records that are there although the save failed.

use super::*;

/// A user whose store does not take the first login.
fn first_login_unsaved() -> (User, LooseStore, TokenProvider) {
    let user = User::new(|number| Reply::Login(60, Some(format!("r-{number}").leak())));
    let store = LooseStore::default();
    store.fails_to_save.store(true, Ordering::SeqCst);
    let tokens = user.process_in(&store);
    (user, store, tokens)
}

#[tokio::test(start_paused = true)]
async fn first_login_is_kept_until_the_store_takes_it() {
    let (user, store, tokens) = first_login_unsaved();
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
    assert!(!user.process_in(&store).is_logged_in().await.unwrap());
    store.fails_to_save.store(false, Ordering::SeqCst);
    assert_eq!(text(&tokens).await, "token-0");
    let restarted = user.process_in(&store);
    assert_eq!(text(&restarted).await, "token-0");
    user.clock.advance(seconds(61.0));
    assert_eq!(text(&restarted).await, "token-1");
    assert_eq!(user.endpoint.sent_secrets(), ["a-code", "r-0"]);
}

#[tokio::test(start_paused = true)]
async fn unsaved_first_login_outlives_the_last_handle() {
    let (user, store, tokens) = first_login_unsaved();
    log_in(&tokens).await.unwrap_err();
    let weak = tokens.downgrade();
    drop(tokens);
    assert!(weak.upgrade().is_some());
    store.fails_to_save.store(false, Ordering::SeqCst);
    while weak.upgrade().is_some() {
        tokio::time::sleep(seconds(0.1)).await;
    }
    // Its token has not expired, so nothing is sent.
    assert_eq!(text(&user.process_in(&store)).await, "token-0");
    assert_eq!(user.endpoint.sent_secrets(), ["a-code"]);
}

#[tokio::test(start_paused = true)]
async fn unsaved_login_gives_way_to_a_stored_one_and_to_a_logout() {
    let (user, store, tokens) = first_login_unsaved();
    log_in(&tokens).await.unwrap_err();
    store.fails_to_save.store(false, Ordering::SeqCst);
    log_in(&user.process_in(&store)).await.unwrap();
    assert_eq!(text(&tokens).await, "token-1");

    let (user, store, tokens) = first_login_unsaved();
    log_in(&tokens).await.unwrap_err();
    tokens.revoke().await.unwrap_err();
    store.fails_to_save.store(false, Ordering::SeqCst);
    user.clock.advance(seconds(10.0));
    assert!(is_login_required(&failure(&tokens).await));
    assert!(store.record.lock().is_none());
}

#[tokio::test(start_paused = true)]
async fn second_login_that_is_not_taken_replaces_the_first_later() {
    let (user, store, tokens) = first_login_unsaved();
    store.fails_to_save.store(false, Ordering::SeqCst);
    log_in(&tokens).await.unwrap();
    store.fails_to_save.store(true, Ordering::SeqCst);
    log_in(&tokens).await.unwrap_err();
    // The stored login counts until the other is stored.
    assert_eq!(text(&tokens).await, "token-0");
    store.fails_to_save.store(false, Ordering::SeqCst);
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
        let user = User::new(|number| Reply::Login(60, Some(format!("r-{number}").leak())));
        let store = stored::LateStore::new(how);
        let (grant, storage) = with_store(store.clone());
        let builder = user.endpoint.builder(user.clock.clone(), grant);
        let tokens = builder.storage(storage).build();
        log_in(&tokens).await.unwrap();
        assert_eq!(text(&tokens).await, "token-0", "{how}");
        user.clock.advance(seconds(61.0));
        assert_eq!(text(&tokens).await, "token-1", "{how}");
        assert_eq!(user.endpoint.sent_secrets(), ["a-code", "r-0"], "{how}");
    }
}
