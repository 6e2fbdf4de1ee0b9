//! `log_in` and `deny`, and their faults.

use std::time::Duration;

use super::{
    authorize::{REDIRECT, builder, start_with_user, url},
    browser::Browser,
    codes::exchange_redirect,
    start,
};

#[tokio::test]
async fn log_in_is_recorded_and_meets_page_faults() {
    let (sandbox, user) = start_with_user().await;
    let gate = sandbox.at_login_pages().path("/oauth/authorize").gate();
    let url = url(&sandbox, REDIRECT);
    let log_in = tokio::spawn(sandbox.log_in(&url, &user));
    gate.wait_for(1).await;
    sandbox.at_login_pages().times(1).respond(503);
    let response = Browser::default().open(&sandbox, "/logout").await;
    assert_eq!(response.status, 503);
    gate.release();
    let redirected = log_in.await.unwrap();
    // Token requests are not page requests.
    sandbox.at_login_pages().respond(503);
    exchange_redirect(&sandbox, &redirected).await;
    // Two pages, two forms, `/logout` and the token request.
    let requests = sandbox.requests();
    assert_eq!(requests.len(), 6);
    assert_eq!(sandbox.token_requests(), 1);
    let host = sandbox.url().replace("http://", "");
    assert_eq!(requests[0].headers()["host"], host);
    let debug = format!("{requests:?}");
    assert!(!debug.contains("redirect_uri"), "{debug}");
}

#[tokio::test(start_paused = true)]
async fn deny_ignores_the_tests_paused_clock() {
    let sandbox = start(builder()).await;
    let url = url(&sandbox, REDIRECT);
    sandbox.at_login_pages().delay(Duration::from_millis(1));
    assert!(sandbox.deny(&url).await.contains("access_denied"));
}

#[tokio::test]
async fn failed_log_in_panics_with_the_reason() {
    let sandbox = start(builder()).await;
    let other = start(builder()).await;
    let user = sandbox.users().remove(0);
    for (url, reason) in [
        (url(&other, REDIRECT), "is not this sandbox's"),
        (url(&sandbox, "redirect_uri=x"), "400 Bad Request"),
        ("x".to_owned(), "not a URL"),
    ] {
        let panic = panic_of(sandbox.log_in(&url, &user)).await;
        let has_caller = panic.contains("test_user.rs:");
        assert!(panic.contains(reason) && has_caller, "{panic}");
    }
    // Passwords are random.
    let foreign = other.users().remove(0);
    let panic = panic_of(sandbox.log_in(&url(&sandbox, REDIRECT), &foreign)).await;
    assert!(panic.contains("password is wrong"), "{panic}");
}

async fn panic_of(visit: impl Future<Output = String> + Send + 'static) -> String {
    let panic = tokio::spawn(visit).await.unwrap_err().into_panic();
    *panic.downcast().unwrap()
}
