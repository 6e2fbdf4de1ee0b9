//! The rules of a store, and what a record looks like in Redis.

use std::time::{Duration, SystemTime};

use genesys_cloud_auth::store::{
    RedisStore, Sealed, StoreKey, TokenStore as _, store_conformance_with_lost_turns,
};
use redis::Value;

use crate::server::Server;

#[tokio::test]
async fn store_of_a_url_passes_conformance() {
    check(&Server::start(), |server| {
        RedisStore::new(&server.url()).unwrap()
    })
    .await;
}

#[tokio::test]
async fn store_behind_a_password_passes_conformance() {
    let server = Server::start_with_password("a-password");
    check(&server, |server| RedisStore::new(&server.url()).unwrap()).await;
}

#[tokio::test]
async fn store_of_a_given_connection_passes_conformance() {
    let server = Server::start();
    let connection = server.connection().await;
    check(&server, |_| RedisStore::with_connection(connection.clone())).await;
}

async fn check(server: &Server, open: impl Fn(&Server) -> RedisStore) {
    let open = async || open(server);
    let lose = async |key: &StoreKey| {
        let turn = format!("genesys-cloud-auth:{{{}}}:turn", key.as_str());
        assert_eq!(server.ask(&["DEL", &turn]).await, Value::Int(1));
    };
    store_conformance_with_lost_turns(open, lose).await.unwrap();
    // All turns were given up, and what was removed is gone.
    let keys = server.keys().await;
    assert!(keys.iter().all(|key| key.ends_with(":record")), "{keys:?}");
}

/// Renewals keep the turn for longer than a lease.
#[tokio::test]
async fn living_holder_keeps_its_turn() {
    let server = Server::start();
    let [holder, other] = [0, 1].map(|_| RedisStore::new(&server.url()).unwrap());
    let key = StoreKey::for_tests("a");
    let turn = holder.take_turn(&key, Duration::ZERO).await.unwrap();
    let more_than_a_lease = Duration::from_secs(16);
    let error = other.take_turn(&key, more_than_a_lease).await.unwrap_err();
    assert!(
        error.to_string().contains("another process has the turn"),
        "{error}"
    );
    let value = Sealed::from_bytes(b"a record".to_vec());
    holder.save(turn, &key, value).await.unwrap();
    drop(other.take_turn(&key, Duration::ZERO).await.unwrap());
}

#[tokio::test]
async fn record_without_an_end_stays() {
    let server = Server::start();
    let store = RedisStore::new(&server.url()).unwrap();
    let key = StoreKey::for_tests("a");
    let turn = store.take_turn(&key, Duration::ZERO).await.unwrap();
    let value = Sealed::from_bytes(b"a record".to_vec());
    store.save(turn, &key, value).await.unwrap();
    let record = server.record().await;
    assert_eq!(server.ask(&["PTTL", &record]).await, Value::Int(-1));
}

/// Whoever plants a value that is too long, or of another kind, causes an error and no harm.
#[tokio::test]
async fn planted_values_are_errors_until_saved_over() {
    let server = Server::start();
    let store = RedisStore::new(&server.url()).unwrap();
    let key = StoreKey::for_tests("a");
    let record = format!("genesys-cloud-auth:{{{}}}:record", key.as_str());
    let long = "x".repeat((1 << 20) + 1);
    for (plant, what) in [
        (&["SET", &record, &long][..], "longer than 1 MiB"),
        (&["HSET", &record, "a", "b"], "WRONGTYPE"),
    ] {
        server.ask(&["DEL", &record]).await;
        server.ask(plant).await;
        let error = store.load(&key).await.unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
        let turn = store.take_turn(&key, Duration::ZERO).await.unwrap();
        let value = Sealed::from_bytes(b"a record".to_vec());
        store.save(turn, &key, value).await.unwrap();
        let loaded = store.load(&key).await.unwrap().unwrap();
        assert_eq!(loaded.as_bytes(), b"a record");
    }
}

#[allow(clippy::disallowed_methods, reason = "Redis counts real time")]
pub fn now() -> SystemTime {
    SystemTime::now()
}
