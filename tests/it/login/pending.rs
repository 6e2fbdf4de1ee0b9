//! Pending logins between the two requests of a web application.

use genesys_cloud_auth::store::{MemoryStore, SealingKey};
use secrecy::ExposeSecret;

use super::*;

#[tokio::test]
async fn pending_login_is_finished_from_the_session() {
    let sandbox = sandbox().await;
    let (login, user) = (login(&sandbox, WEB), &sandbox.users()[0]);
    let (pending, callback) = begin(&sandbox, &login).await;
    let session = pending.into_secret().unwrap();

    // In a later request.
    let pending = PendingLogin::from_secret(&login, &session).unwrap();
    let query = Url::parse(&callback).unwrap().query().unwrap().to_owned();
    let tokens = login.finish(pending, &query, "session-1").await.unwrap();
    assert_eq!(user_of(&tokens).await, user.email());

    // The code cannot be used again.
    let pending = PendingLogin::from_secret(&login, &session).unwrap();
    let again = login.finish(pending, &query, "session-2").await;
    assert_kind(&again.unwrap_err(), "InvalidGrant");
    assert!(login.saved("session-2").await.unwrap().is_none());
}

#[tokio::test]
async fn pending_login_of_another_region_sends_nothing() {
    let (here, there) = (sandbox().await, sandbox().await);
    let key = || SealingKey::from_bytes([7; 32]);
    let at = |sandbox: &Sandbox| {
        let app = AuthorizationCode::public("one-id", WEB).unwrap();
        let builder = Login::builder(sandbox.region(), app);
        builder.store(MemoryStore::new(), key()).build().unwrap()
    };
    let (login_here, login_there) = (at(&here), at(&there));
    let pending = login_here.begin().unwrap();
    let state = state_of(pending.authorize_url());
    let callback = format!("{WEB}?code=a-code&state={state}");
    let finished = login_there.finish(pending, &callback, "jo").await;
    let error = finished.unwrap_err();
    assert_kind(&error, "Callback");
    assert_contains(&error, "another region");

    let session = login_here.begin().unwrap().into_secret().unwrap();
    let error = PendingLogin::from_secret(&login_there, &session).unwrap_err();
    assert_kind(&error, "Callback");
    assert_eq!((here.requests().len(), there.requests().len()), (0, 0));
}

#[tokio::test]
async fn old_or_altered_pending_login_sends_nothing() {
    let sandbox = sandbox().await;
    let clock = Clock::manual();
    let login = builder(&sandbox, WEB).clock(clock.clone()).build().unwrap();
    let pending = login.begin().unwrap();
    let state = state_of(pending.authorize_url());
    let session = login.begin().unwrap().into_secret().unwrap();
    let mut altered = session.expose_secret().to_owned();
    let last = altered.pop().unwrap();
    altered.insert(0, last);
    let error = PendingLogin::from_secret(&login, &altered.into()).unwrap_err();
    assert_kind(&error, "Callback");

    clock.advance(Duration::from_secs(660));
    let callback = format!("code=a-code&state={state}");
    let error = login.finish(pending, &callback, "jo").await.unwrap_err();
    assert_kind(&error, "Callback");
    assert_contains(&error, "10 minutes");
    let error = PendingLogin::from_secret(&login, &session).unwrap_err();
    assert_kind(&error, "Callback");
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn callback_in_another_browser_sends_nothing() {
    let sandbox = sandbox().await;
    let login = login(&sandbox, WEB);
    let (mallory, victim) = (login.begin().unwrap(), login.begin().unwrap());
    let callback = callback_of(&sandbox, mallory.authorize_url()).await;
    let error = login.finish(victim, &callback, "victim").await.unwrap_err();
    assert_kind(&error, "Callback");
    assert!(!error.is_transient() && !error.needs_login());
    assert_eq!(sandbox.token_requests(), 0);
    assert!(login.saved("victim").await.unwrap().is_none());
    // A denial in the other browser is not a denial here.
    let victim = login.begin().unwrap();
    let callback = sandbox.deny(mallory.authorize_url().as_str()).await;
    let error = login.finish(victim, &callback, "victim").await.unwrap_err();
    assert_kind(&error, "Callback");
}

#[tokio::test]
async fn dropped_finish_loses_no_login() {
    let sandbox = sandbox().await;
    let (login, user) = (login(&sandbox, WEB), &sandbox.users()[0]);
    let (pending, callback) = begin(&sandbox, &login).await;
    let gate = sandbox.at_token_endpoint().gate();
    drop_at(&gate, login.finish(pending, &callback, "session-1")).await;
    gate.release();
    let saved = until_saved(&login, "session-1");
    let tokens = tokio::time::timeout(TEST_TIMEOUT, saved).await.unwrap();
    assert_eq!(user_of(&tokens).await, user.email());
    assert_eq!(sandbox.token_requests(), 1);
}
