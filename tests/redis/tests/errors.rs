//! What users see of a Redis that cannot be used. It never contains the password.

use std::time::Duration;

use genesys_cloud_auth::{
    Error, ErrorKind,
    error::ConfigurationKind,
    store::{RedisStore, StoreKey, TokenStore as _},
};

use crate::server::{Server, free_port};

const PASSWORD: &str = "SentinelOfThePassword5512";

async fn error_of(store: &RedisStore) -> String {
    let key = StoreKey::for_tests("a");
    let loading = store.load(&key).await.unwrap_err();
    let taking = store.take_turn(&key, Duration::ZERO).await.unwrap_err();
    assert_eq!(loading.to_string(), taking.to_string());
    format!("{loading} {loading:?} {store:?}")
}

#[tokio::test]
async fn unusable_server_is_named_without_its_password() {
    let server = Server::start_with_password("another-password");
    let limited = Server::start_with(&["--user", "default", "on", "nopass", "~*", "+info"]);
    let nobody = free_port();
    for (port, what) in [
        (nobody, "cannot be reached"),
        (server.port(), "does not accept the user and password"),
    ] {
        let url = format!("redis://:{PASSWORD}@127.0.0.1:{port}");
        let error = error_of(&RedisStore::new(&url).unwrap()).await;
        assert!(
            error.contains(&format!("Redis at 127.0.0.1:{port}: ")),
            "{error}"
        );
        assert!(error.contains(what), "{error}");
        assert!(!error.contains(PASSWORD), "{error}");
    }
    let url = format!("redis://127.0.0.1:{}", server.port());
    let error = error_of(&RedisStore::new(&url).unwrap()).await;
    assert!(error.contains("NOAUTH"), "{error}");
    let error = error_of(&RedisStore::new(&limited.url()).unwrap()).await;
    assert!(error.contains("NOPERM"), "{error}");
}

/// A short wait for a turn ends at the same time as the limit of a command.
#[tokio::test]
async fn server_that_hangs_has_no_other_holder() {
    let server = Server::start();
    let store = RedisStore::new(&server.url()).unwrap();
    server.pause();
    let key = StoreKey::for_tests("a");
    let error_after = async |seconds| {
        let turn = store.take_turn(&key, Duration::from_secs(seconds)).await;
        turn.unwrap_err().to_string()
    };
    let errors = tokio::join!(
        error_after(0),
        error_after(1),
        error_after(3),
        error_after(5)
    );
    for error in <[String; 4]>::from(errors) {
        assert!(
            error.contains("did not respond within 3 seconds"),
            "{error}"
        );
    }
}

#[test]
fn invalid_urls_are_errors_without_the_password() {
    for url in [
        format!("redis://:{PASSWORD}@"),
        format!("http://:{PASSWORD}@localhost"),
        format!(":{PASSWORD}@localhost"),
        format!("redis://:{PASSWORD}/x@localhost/first"),
        format!("redis://:{PASSWORD}@localhost/first"),
        format!("redis://:{PASSWORD}@localhost\n\n"),
        format!(" redis://:{PASSWORD}@localhost"),
        String::new(),
    ] {
        let error: Error = RedisStore::new(&url).unwrap_err();
        let ErrorKind::Configuration(configuration) = error.kind() else {
            panic!("{url}: {error}")
        };
        assert_eq!(*configuration.kind(), ConfigurationKind::Other);
        let text = format!("{error} {error:?} {error:#?}");
        assert!(
            text.contains("the URL of Redis") && !text.contains(PASSWORD),
            "{text}"
        );
    }
    for url in [
        "redis://localhost\n",
        "rediss://localhost",
        "valkey://localhost/2",
    ] {
        RedisStore::new(url).unwrap();
    }
}

/// Outside a runtime, and in one without timers and sockets.
#[test]
fn missing_runtime_is_an_error() {
    let store = RedisStore::new("redis://127.0.0.1:1").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let error = runtime
        .block_on(store.load(&StoreKey::for_tests("a")))
        .unwrap_err();
    assert!(error.to_string().contains("enable_all"), "{error}");
    let key = StoreKey::for_tests("a");
    let taking = store.take_turn(&key, Duration::from_secs(1));
    let error = runtime.block_on(taking).unwrap_err();
    assert!(error.to_string().contains("enable_all"), "{error}");
}
