//! Users of the keyring, with a sandbox in the place of Genesys Cloud.

use std::{fs, time::Duration};

use genesys_cloud_auth::{
    AuthorizationCode, Event, Login, TokenProvider,
    sandbox::Sandbox,
    store::{FileStore, KeyringStore, SealingKey, StoreKey, TokenStore},
};

use crate::{APP, Result};

/// Ends the turn of the key, as the removal of its lock does.
pub fn remove_lock(key: &StoreKey) {
    let store = FileStore::new().unwrap();
    let lock = format!("keyring/{}.lock", key.as_str());
    fs::remove_file(store.folder().join(lock)).unwrap();
}

/// A service and two users, whose records are in the keyring and in files.
pub async fn all(store: &KeyringStore, timeout: Duration) -> Result {
    service(store.clone()).await?;
    user(store.clone(), timeout).await?;
    user(FileStore::new()?, timeout).await
}

pub async fn service(store: impl TokenStore) -> Result {
    let sandbox = Sandbox::start().await?;
    let tokens = TokenProvider::builder(sandbox.region(), sandbox.client_credentials())
        .store(store)
        .on_event(|event: &Event| println!("event: {event:?}"))
        .build()?;
    show(&tokens).await
}

/// A user who logs in, and is found by the next program.
async fn user(store: impl TokenStore + Clone, timeout: Duration) -> Result {
    let redirect = "http://localhost:8080/";
    let sandbox = Sandbox::builder().code_client([redirect]).start().await?;
    let app = AuthorizationCode::public(sandbox.client_id(), redirect)?;
    let login = || async {
        let key = SealingKey::keyring(APP, timeout).await?;
        Login::builder(sandbox.region(), app.clone())
            .store(store.clone(), key)
            .build()
    };
    let (first, next) = (login().await?, login().await?);
    let pending = first.begin()?;
    let user = &sandbox.users()[0];
    let page = pending.authorize_url().as_str();
    let callback = sandbox.log_in(page, user).await;
    show(&first.finish(pending, &callback, "jo@example.com").await?).await?;
    let saved = next.saved("jo@example.com").await?;
    show(&saved.ok_or("the login is not found")?).await
}

async fn show(tokens: &TokenProvider) -> Result {
    println!("secret: {}", tokens.token().await?.expose_secret());
    println!("{tokens:?}");
    Ok(())
}
