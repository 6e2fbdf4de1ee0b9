//! Stores and sealing keys.

use std::time::Duration;

use genesys_cloud_auth::{
    Error,
    error::StoreError,
    store::{FileStore, MemoryStore, Sealed, SealingKey, StoreKey, TokenStore},
};

use super::{
    Run,
    replies::{QUERY, TOKEN, good},
};
use crate::support::{event_channel, region_of, server::Server};

pub async fn all(run: &mut Run) {
    keys(run).await;
    through_providers(run).await;
}

/// Tokens that are stored, loaded, or cannot be stored.
async fn through_providers(run: &mut Run) {
    let server = Server::start(good());
    let region = region_of(&server, &server);
    let folder = tempfile::tempdir().unwrap();
    for store in ["tokens", "tokens", "not-a-folder"] {
        let path = folder.path().join(store);
        if store == "not-a-folder" {
            std::fs::write(&path, "").unwrap();
        }
        let (handle, events) = event_channel();
        let (builder, _clock) = run.builder(region.clone());
        let builder = builder.store(FileStore::in_folder(path));
        let tokens = builder.on_event(handle).build().unwrap();
        run.debug(&tokens);
        run.debug(&tokens.token().await.unwrap());
        drop(tokens);
        for event in events {
            run.debug(&event);
        }
    }
    assert_eq!(server.requests().len(), 2);
}

async fn keys(run: &mut Run) {
    run.add_secret("the sealing key", SEALING_KEY);
    let bytes = <[u8; 32]>::try_from(SEALING_KEY.as_bytes()).unwrap();
    let key = SealingKey::from_bytes(bytes);
    run.debug(&key.secret_bytes());
    run.debug(&key.also_reads(SealingKey::from_bytes(bytes)));
    run.debug(&SealingKey::unsealed());

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    SealingKey::file(&path).unwrap();
    std::fs::write(&path, SEALING_KEY.repeat(2)).unwrap();
    run.error(&SealingKey::file(&path).unwrap_err());

    show_store(run, MemoryStore::new()).await;
    show_store(run, FileStore::in_folder(folder.path().join("tokens"))).await;
    let store = FileStore::in_folder(path);
    let key = StoreKey::for_tests(QUERY);
    show_error(run, store.take_turn(&key, Duration::ZERO).await);
}

async fn show_store<S>(run: &mut Run, store: S)
where
    S: TokenStore<Turn: std::fmt::Debug> + std::fmt::Debug,
{
    let key = StoreKey::for_tests(QUERY);
    run.debug(&key);
    let turn = store.take_turn(&key, Duration::ZERO).await.unwrap();
    run.debug(&turn);
    show_error(run, store.take_turn(&key, Duration::ZERO).await);
    let value = Sealed::from_bytes(TOKEN.into());
    run.debug(&value);
    store.save(turn, &key, value).await.unwrap();
    run.debug(&store.load(&key).await.unwrap().unwrap());
    run.debug(&store);
    let another = StoreKey::for_tests(TOKEN);
    let turn = store.take_turn(&another, Duration::ZERO).await.unwrap();
    let value = Sealed::from_bytes(TOKEN.into());
    show_error(run, store.save(turn, &key, value).await);
}

fn show_error<T>(run: &mut Run, result: Result<T, StoreError>) {
    let error = result.err().expect("it fails");
    run.error(&Error::from(error));
}

const SEALING_KEY: &str = "k/SentinelOfTheSealingKey9182+/=";
