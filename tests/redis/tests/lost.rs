//! Responses of Redis that do not arrive.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use genesys_cloud_auth::store::{RedisStore, Sealed, StoreKey, TokenStore as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::server::Server;

/// The old connection ends after Redis has made the change, so the command is sent on a new one.
#[tokio::test]
async fn change_whose_response_is_lost_is_done() {
    let server = Server::start();
    let loses = Arc::new(AtomicBool::new(false));
    let port = start_proxy(server.port(), Arc::clone(&loses)).await;
    let store = RedisStore::new(&format!("redis://127.0.0.1:{port}")).unwrap();
    let key = StoreKey::for_tests("a");
    let take = || store.take_turn(&key, Duration::ZERO);

    let turn = take().await.unwrap();
    loses.store(true, SeqCst);
    let value = Sealed::from_bytes(b"a record".to_vec());
    store.save(turn, &key, value).await.unwrap();
    assert!(!loses.load(SeqCst), "a response was lost");
    let loaded = store.load(&key).await.unwrap().unwrap();
    assert_eq!(loaded.as_bytes(), b"a record");

    let turn = take().await.unwrap();
    loses.store(true, SeqCst);
    store.remove(turn, &key).await.unwrap();
    assert!(!loses.load(SeqCst), "a response was lost");
    assert!(store.load(&key).await.unwrap().is_none());
    drop(take().await.unwrap());
}

/// Returns the port of a proxy that ends a connection in place of its next response, once `loses` is set.
async fn start_proxy(port: u16, loses: Arc<AtomicBool>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            tokio::spawn(pass(client, server, Arc::clone(&loses)));
        }
    });
    own
}

async fn pass(client: TcpStream, server: TcpStream, loses: Arc<AtomicBool>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let requests = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
    });
    let mut bytes = [0; 4096];
    while let Ok(read @ 1..) = from_server.read(&mut bytes).await {
        if loses.swap(false, SeqCst) || to_client.write_all(&bytes[..read]).await.is_err() {
            break;
        }
    }
    requests.abort();
}
