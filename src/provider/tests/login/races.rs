//! Logins, logouts and renewals at the same time.

use super::*;

#[tokio::test(start_paused = true)]
async fn login_made_while_a_renewal_waits_is_not_renewed() {
    let user = User::renewable(600);
    let tokens = user.logged_in().await;
    user.clock.advance(seconds(601.0));
    user.endpoint.hold();
    let login = spawn_with(&tokens, |tokens| async move { log_in(&tokens).await });
    user.endpoint.until_requests(2).await;
    let waiting = spawn_with(&tokens, |tokens| async move { text(&tokens).await });
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

/// The renewed login is in the store, but its save has not returned when the user logs in again.
#[tokio::test(start_paused = true)]
async fn login_made_while_a_renewal_is_stored_does_not_end() {
    let user = User::renewable(60);
    let tokens = user.loose_login().await;
    user.clock.advance(seconds(61.0));
    user.loose.save_slowly();
    let waiting = spawn_caller(&tokens);
    user.endpoint.until_requests(2).await;
    yield_often().await;
    log_in(&tokens).await.unwrap();
    assert_all_get(vec![waiting], "token-2").await;
    assert!(tokens.is_logged_in().await.unwrap());
    assert_eq!(text(&tokens).await, "token-2");
}

#[tokio::test(start_paused = true)]
async fn unsent_code_is_sent_again() {
    let user = User::new([Reply::Unreachable, Reply::Login(60, Some("r"))]);
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
