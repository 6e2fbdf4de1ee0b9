//! What a program keeps of a login between two requests of a browser, which hold no handle.

use std::fs;

use genesys_cloud_auth::store::{FileStore, MemoryStore, SealingKey};

use super::*;

#[tokio::test]
async fn record_put_back_after_a_logout_is_not_used() {
    let sandbox = sandbox().await;
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::in_folder(folder.path().join("logins"));
    let key = SealingKey::generate().unwrap();
    let builder = builder(&sandbox, WEB).store(store.clone(), key);
    let login = builder.build().unwrap();
    drop(log_in(&sandbox, &login, "session-1").await);
    let mut files = fs::read_dir(store.folder()).unwrap();
    let record = files.find_map(|file| {
        let path = file.unwrap().path();
        path.extension().is_none().then_some(path)
    });
    let (record, copy) = (record.unwrap(), folder.path().join("copy"));
    fs::copy(&record, &copy).unwrap();
    let tokens = login.saved("session-1").await.unwrap().unwrap();
    tokens.revoke().await.unwrap();
    drop(tokens);
    assert!(login.saved("session-1").await.unwrap().is_none());
    fs::copy(&copy, &record).unwrap();
    assert!(login.saved("session-1").await.unwrap().is_none());
}

#[tokio::test]
async fn outage_costs_one_request_for_all_of_a_browser() {
    let sandbox = sandbox().await;
    let clock = Clock::manual();
    let login = builder(&sandbox, WEB).clock(clock.clone()).build().unwrap();
    drop(log_in(&sandbox, &login, "session-1").await);
    clock.advance(Duration::from_secs(86_400));
    let before = sandbox.token_requests();
    let _fault = sandbox.at_token_endpoint().respond(503);
    for _ in 0..5 {
        let tokens = login.saved("session-1").await.unwrap().unwrap();
        tokens.token().await.unwrap_err();
    }
    assert_eq!(sandbox.token_requests() - before, 1);
}

#[tokio::test]
async fn user_who_logged_in_at_another_instance_is_served() {
    let sandbox = sandbox().await;
    let store = MemoryStore::new();
    let instance = || {
        let key = SealingKey::from_bytes([7; 32]);
        let builder = builder(&sandbox, WEB).store(store.clone(), key);
        builder.build().unwrap()
    };
    let (here, there) = (instance(), instance());
    let tokens = log_in(&sandbox, &here, "jo").await;
    assert_first_user(&sandbox, &tokens).await;
    drop(tokens);
    let other = &sandbox.users()[1];
    let pending = there.begin().unwrap();
    let callback = sandbox.log_in(pending.authorize_url().as_str(), other);
    there.finish(pending, &callback.await, "jo").await.unwrap();
    let tokens = here.saved("jo").await.unwrap().unwrap();
    assert_eq!(user_of(&tokens).await, other.email());
    assert_eq!(sandbox.token_requests(), 2);
}
