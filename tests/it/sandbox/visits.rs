//! Logins without a browser, and the faults that they meet.

use std::time::Duration;

use super::{
    authorize::{REDIRECT, builder, url},
    browser::Browser,
    codes::exchanged,
};

#[tokio::test]
async fn it_is_recorded_and_meets_its_own_faults() {
    let sandbox = builder().start().await.unwrap();
    let user = sandbox.users().remove(0);
    let gate = sandbox.at_login_pages().path("/oauth/authorize").gate();
    let url = url(&sandbox, REDIRECT);
    let visit = tokio::spawn(sandbox.log_in(&url, &user));
    gate.wait_for(1).await;
    sandbox.at_login_pages().times(1).respond(503);
    let answer = Browser::default().open(&sandbox, "/logout").await;
    assert_eq!(answer.status, 503);
    gate.release();
    let back = visit.await.unwrap();
    // Token requests are none of it.
    sandbox.at_login_pages().respond(503);
    exchanged(&sandbox, &back).await;
    // Two pages and two forms, `/logout`, and one for tokens.
    let requests = sandbox.requests();
    assert_eq!((requests.len(), sandbox.token_requests()), (6, 1));
    let host = sandbox.url().replace("http://", "");
    assert_eq!(requests[0].headers()["host"], host);
    let shown = format!("{requests:?}");
    assert!(!shown.contains("redirect_uri"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_visit_needs_nothing_of_the_tests_runtime() {
    let sandbox = builder().start().await.unwrap();
    let url = url(&sandbox, REDIRECT);
    sandbox.at_login_pages().delay(Duration::from_millis(1));
    assert!(sandbox.deny(&url).await.contains("access_denied"));
}

#[tokio::test]
async fn a_visit_that_leads_nowhere_panics() {
    let sandbox = builder().start().await.unwrap();
    let other = builder().start().await.unwrap();
    let user = sandbox.users().remove(0);
    for (url, why) in [
        (url(&other, REDIRECT), "is not this sandbox's"),
        (url(&sandbox, "redirect_uri=x"), "400 Bad Request"),
        ("x".to_owned(), "no URL"),
    ] {
        let visit = tokio::spawn(sandbox.log_in(&url, &user)).await;
        let panic = visit.unwrap_err().into_panic();
        let panic = panic.downcast_ref::<String>().unwrap();
        assert!(
            panic.contains(why) && panic.contains("visits.rs:"),
            "{panic}"
        );
    }
    // Passwords are random.
    let foreign = other.users().remove(0);
    let visit = tokio::spawn(sandbox.log_in(&url(&sandbox, REDIRECT), &foreign));
    let panic = visit.await.unwrap_err().into_panic();
    assert!(
        panic
            .downcast_ref::<String>()
            .unwrap()
            .contains("password is wrong")
    );
}
