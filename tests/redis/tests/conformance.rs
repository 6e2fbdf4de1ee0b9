//! The rules of a store, and what a record looks like in Redis.

use std::time::{Duration, SystemTime};

use genesys_cloud_auth::store::{
    RedisStore, Sealed, StoreKey, TokenStore as _, store_conformance_with_lost_turns,
};
use redis::Value;

use crate::server::Server;

#[tokio::test]
async fn store_on_one_server_passes_conformance() {
    let [server, another] = [0, 1].map(|_| Server::start());
    let protected = Server::start_with_password("a-password");
    let given = another.connection().await;
    tokio::join!(
        check("a URL", &server, |url| RedisStore::new(url).unwrap()),
        check("a password", &protected, |url| RedisStore::new(url)
            .unwrap()),
        check("a given connection", &another, |_| {
            RedisStore::with_connection(given.clone())
        }),
    );
}

/// The guide says which rights suffice.
#[tokio::test]
async fn user_with_the_rights_of_the_guide_passes_conformance() {
    let guide = include_str!("../../../src/guide/stores.md");
    let mut lines = guide.lines();
    let rights = lines.find(|line| line.starts_with("ACL SETUSER "));
    let server = Server::start();
    let words: Vec<_> = rights.unwrap().split(' ').collect();
    server.ask(&words).await;
    let user = |url: &str| url.replace("//", "//tokens:password@");
    let open = |url: &str| RedisStore::new(&user(url)).unwrap();
    check("a limited user", &server, open).await;
    // Nothing was rejected, not even a message to those who wait.
    let denied = server.ask(&["ACL", "LOG"]).await;
    assert_eq!(denied, Value::Array(Vec::new()));
}

async fn check(what: &str, server: &Server, open: impl Fn(&str) -> RedisStore) {
    let open = async || open(&server.url());
    let lose = async |key: &StoreKey| {
        let turn = format!("genesys-cloud-auth:{{{}}}:turn", key.as_str());
        assert_eq!(server.ask(&["DEL", &turn]).await, Value::Int(1));
    };
    let checked = store_conformance_with_lost_turns(open, lose).await;
    assert_eq!(checked, Ok(()), "{what}");
    // All turns were given up, and what was removed is gone.
    let keys = server.keys().await;
    assert!(keys.iter().all(|key| key.ends_with(":record")), "{keys:?}");
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
