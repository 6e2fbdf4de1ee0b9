//! Another process logs a user in or out under the name of a login whose token is still valid.

use super::*;

/// Another process logs a user in under the same name.
async fn log_in_elsewhere(user: &User) {
    log_in(&user.loose_process()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn stored_login_is_served_in_place_of_the_former() {
    let user = User::renewable(600);
    let tokens = user.loose_login().await;
    assert_eq!(text(&tokens).await, "token-0");
    log_in_elsewhere(&user).await;
    assert!(tokens.is_logged_in().await.unwrap());
    assert_eq!(text(&tokens).await, "token-1");
    assert_eq!(user.endpoint.sent_secrets(), ["a-code", "a-code"]);
    user.clock.advance(seconds(601.0));
    assert_eq!(text(&tokens).await, "token-2");
    assert_eq!(user.endpoint.sent_secrets()[2], "r-1");
}

/// The response to the refresh of the former login arrives when another is stored.
#[tokio::test(start_paused = true)]
async fn late_refresh_of_a_former_login_changes_nothing() {
    let late = after(5.0, Reply::Login(600, Some("r-late")));
    for reply in [late, after(5.0, Reply::InvalidGrant)] {
        let case = format!("{reply:?}");
        let user = User::new([
            Reply::Login(600, Some("r-0")),
            reply,
            Reply::Login(600, Some("r-2")),
            Reply::Login(600, Some("r-3")),
        ]);
        let tokens = user.loose_login().await;
        user.clock.advance(seconds(550.0));
        assert_eq!(text(&tokens).await, "token-0");
        user.endpoint.until_requests(2).await;
        log_in_elsewhere(&user).await;
        assert!(tokens.is_logged_in().await.unwrap());
        assert_eq!(text(&tokens).await, "token-2", "{case}");
        tokio::time::sleep(seconds(10.0)).await;
        assert!(tokens.is_logged_in().await.unwrap(), "{case}");
        assert_eq!(text(&tokens).await, "token-2", "{case}");
        user.clock.advance(seconds(601.0));
        assert_eq!(text(&tokens).await, "token-3", "{case}");
        let sent = user.endpoint.sent_secrets();
        assert_eq!(sent, ["a-code", "r-0", "a-code", "r-2"], "{case}");
    }
}

/// A caller that waits for the refresh of the former login receives the token of the stored one.
#[tokio::test(start_paused = true)]
async fn caller_that_waits_gets_the_token_of_the_stored_login() {
    let user = User::new([
        Reply::Login(60, Some("r-0")),
        Reply::Never,
        Reply::Login(600, Some("r-2")),
    ]);
    let tokens = user.loose_login().await;
    user.clock.advance(seconds(61.0));
    let waiting = spawn_caller(&tokens);
    user.endpoint.until_requests(2).await;
    log_in_elsewhere(&user).await;
    assert!(tokens.is_logged_in().await.unwrap());
    let got = assert_all_get(vec![waiting], "token-2");
    tokio::time::timeout(seconds(1.0), got).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn rejection_of_a_former_login_does_not_delay_the_stored_one() {
    let user = User::new([
        Reply::Login(60, Some("r-0")),
        Reply::InvalidGrant,
        Reply::Login(60, Some("r-2")),
    ]);
    let tokens = user.loose_login().await;
    user.clock.advance(seconds(61.0));
    assert!(is_login_required(&failure(&tokens).await));
    log_in_elsewhere(&user).await;
    assert!(tokens.is_logged_in().await.unwrap());
    assert_eq!(text(&tokens).await, "token-2");
}

/// The refresh of a process finds a login whose token has ended, and cannot renew it.
#[tokio::test(start_paused = true)]
async fn refresh_that_finds_another_login_drops_the_former_token() {
    let user = User::new([
        Reply::Login(600, Some("r-0")),
        Reply::Login(60, Some("r-1")),
        Reply::Unavailable,
        Reply::Login(60, Some("r-3")),
    ]);
    let tokens = user.loose_login().await;
    log_in_elsewhere(&user).await;
    user.clock.advance(seconds(550.0));
    assert_eq!(text(&tokens).await, "token-0");
    user.endpoint.until_requests(3).await;
    yield_often().await;
    assert!(tokens.is_logged_in().await.unwrap());
    let error = failure(&tokens).await;
    assert!(error.is_transient(), "{error:?}");
    user.clock.advance(error.retry_after().unwrap());
    assert_eq!(text(&tokens).await, "token-3");
    let sent = user.endpoint.sent_secrets();
    assert_eq!(sent, ["a-code", "a-code", "r-1", "r-1"]);
}

#[tokio::test(start_paused = true)]
async fn token_of_a_login_that_ended_elsewhere_is_not_served() {
    let user = User::renewable(600);
    let tokens = user.loose_login().await;
    let record = user.loose.record();
    user.loose.put_back(None);
    assert!(!tokens.is_logged_in().await.unwrap());
    assert!(is_login_required(&failure(&tokens).await));
    // The store had lost the record for a while.
    user.loose.put_back(record);
    user.clock.advance(seconds(1.0));
    assert!(tokens.is_logged_in().await.unwrap());
    assert_eq!(text(&tokens).await, "token-0");
    user.loose.put_back(None);
    assert!(!tokens.is_logged_in().await.unwrap());
    log_in_elsewhere(&user).await;
    assert!(tokens.is_logged_in().await.unwrap());
    assert_eq!(text(&tokens).await, "token-1");
    assert_eq!(user.endpoint.sent_secrets(), ["a-code", "a-code"]);
}

/// A renewed login waits to be stored when another one is stored in its place.
#[tokio::test(start_paused = true)]
async fn unstored_renewal_of_a_former_login_is_not_served() {
    let user = User::renewable(600);
    let tokens = user.loose_login().await;
    user.clock.advance(seconds(550.0));
    user.loose.fail(true);
    assert_eq!(text(&tokens).await, "token-0");
    user.endpoint.until_requests(2).await;
    yield_often().await;
    assert!(tokens.is_logged_in().await.unwrap());
    assert_eq!(text(&tokens).await, "token-0");
    user.loose.fail(false);
    log_in_elsewhere(&user).await;
    assert!(tokens.is_logged_in().await.unwrap());
    assert!(!tokens.has_unsaved_login());
    // The pause after the store's failure goes on.
    let error = failure(&tokens).await;
    assert_kind!(error, ErrorKind::Store(_));
    user.clock.advance(error.retry_after().unwrap());
    assert_eq!(text(&tokens).await, "token-2");
}

/// A release before records had a lineage renewed the login, or logged another user in.
#[tokio::test(start_paused = true)]
async fn token_is_served_beside_a_record_without_lineage() {
    let user = User::renewable(600);
    let tokens = user.loose_login().await;
    let plain =
        r#"{"generation":5,"access_token":"a","issued":0,"life":60000,"refresh_token":"r"}"#;
    let sealed = SealingKey::unsealed().seal(&[], plain.as_bytes()).unwrap();
    user.loose.put_back(Some(Sealed::from_bytes(sealed)));
    assert!(tokens.is_logged_in().await.unwrap());
    assert_eq!(text(&tokens).await, "token-0");
}
