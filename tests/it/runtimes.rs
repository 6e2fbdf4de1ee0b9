//! Runtimes that cannot send requests: they were built without timers, without sockets, or without
//! both. Everything that needs them reports `NoRuntime`.

use std::{
    future::Future,
    pin::pin,
    sync::mpsc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use genesys_cloud_auth::{
    AuthorizationCode, ClientCredentials, ClientSecret, Error, FixedToken, HttpClient, Login,
    PlatformClient, Region, TokenProvider,
    store::{FileStore, MemoryStore, StoreKey, TokenStore},
};
use tokio::runtime::{Builder, Runtime};

use crate::support::{credentials, kind_of, login::parameter, runtime::runtime, tls::Authority};

fn limited_runtimes() -> [Runtime; 3] {
    let build = |with: fn(&mut Builder) -> &mut Builder| {
        let mut builder = Builder::new_current_thread();
        with(&mut builder).build().unwrap()
    };
    [
        build(|builder| builder),
        build(Builder::enable_io),
        build(Builder::enable_time),
    ]
}

#[track_caller]
fn assert_no_runtime<T>(result: Result<T, Error>) {
    let Err(error) = result else {
        panic!("there is a result")
    };
    assert_eq!(kind_of(&error), "NoRuntime");
    assert!(error.to_string().contains("enable_all"), "{error}");
    assert!(!error.is_transient());
}

#[test]
fn tokens_and_calls_need_timers_and_sockets() {
    for limited in limited_runtimes() {
        limited.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let secret = ClientSecret::from_file(folder.path().join("secret"));
            let of_file = ClientCredentials::new("an-id", secret).unwrap();
            let of_closure = ClientSecret::from_fn(|| async { Ok("a-secret".into()) });
            let of_closure = ClientCredentials::new("an-id", of_closure).unwrap();
            for credentials in [credentials(), of_file, of_closure] {
                let builder = TokenProvider::builder(Region::EuWest1, credentials);
                let builder = builder.store(FileStore::in_folder(folder.path()));
                let tokens = builder.renew_in_background().on_event(|_| {}).build();
                let tokens = tokens.unwrap();
                assert!(tokens.cached_token().is_none());
                assert_no_runtime(tokens.token().await);
                assert_no_runtime(tokens.ready(A_MINUTE).await);
                assert_no_runtime(tokens.revoke().await);
                let api = PlatformClient::new(tokens);
                assert_no_runtime(api.get("/api/v2/users/me").send().await);
            }
            // There is a token, so that the call itself comes first.
            let fixed = FixedToken::new("a-token").unwrap();
            let tokens = TokenProvider::new(Region::EuWest1, fixed).unwrap();
            tokens.token().await.unwrap();
            assert_no_runtime(tokens.token_info().await);
            let api = PlatformClient::new(tokens);
            assert_no_runtime(api.get("/api/v2/users/me").send().await);
            assert_no_runtime(api.get("/api/v2/users").fetch::<()>().await);
        });
    }
}

#[test]
fn logins_need_timers_and_sockets() {
    for (limited, with_timers) in limited_runtimes().into_iter().zip([false, false, true]) {
        limited.block_on(async {
            let app = AuthorizationCode::public("an-id", "http://localhost").unwrap();
            let builder = Login::builder(Region::EuWest1, app).ports([0]);
            let login = builder.open_browser_anyway().build().unwrap();
            let pending = login.begin().unwrap();
            let state = parameter(pending.authorize_url(), "state").unwrap();
            let callback = format!("?code=a-code&state={state}");
            assert_no_runtime(login.finish(pending, &callback, "jo").await);
            assert_no_runtime(login.in_browser("jo", |_| {}).await);
            // The logins are in memory, so no socket is needed.
            if with_timers {
                assert!(login.saved("jo").await.unwrap().is_none());
            } else {
                assert_no_runtime(login.saved("jo").await);
            }
            let local = login.listen("jo").unwrap();
            assert_no_runtime(local.open_browser().await);
            assert_no_runtime(local.redirected().await);
            assert_no_runtime(local.pasted(&callback).await);
        });
    }
}

/// A name server that does not respond must not keep a runtime from ending, so no name is looked up on
/// a thread of the runtime.
#[test]
fn names_are_looked_up_without_a_thread_of_the_runtime() {
    let mut builder = Builder::new_current_thread();
    let runtime = builder
        .enable_all()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let (release, gate) = mpsc::channel::<()>();
    runtime.block_on(async {
        let only_thread = tokio::task::spawn_blocking(move || gate.recv().is_err());
        let authority = Authority::new();
        let http = HttpClient::new(move |reqwest| {
            reqwest.no_proxy().tls_certs_only([authority.certificate()])
        });
        let region = Region::custom("https://login.invalid", "https://login.invalid").unwrap();
        let builder = TokenProvider::builder(region, credentials()).http_client(http.unwrap());
        let error = builder.build().unwrap().token().await.unwrap_err();
        assert_eq!(kind_of(&error), "Transport Dns");
        drop(release);
        assert!(only_thread.await.unwrap());
    });
}

/// A turn that is free needs no timer.
#[test]
fn waiting_for_a_turn_needs_timers() {
    async fn check(store: impl TokenStore) {
        let key = StoreKey::for_tests("a-key");
        let turn = store.take_turn(&key, Duration::ZERO).await.unwrap();
        assert!(store.take_turn(&key, A_MINUTE).await.is_err());
        drop(turn);
        store.take_turn(&key, Duration::ZERO).await.unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let files = FileStore::in_folder(folder.path());
    for limited in limited_runtimes().into_iter().take(2) {
        limited.block_on(check(MemoryStore::new()));
        limited.block_on(check(files.clone()));
    }
    let key = StoreKey::for_tests("a-key");
    let outside = pin!(files.load(&key)).poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(outside, Poll::Ready(Err(_))));
    runtime().block_on(files.load(&key)).unwrap();
}

const A_MINUTE: Duration = Duration::from_secs(60);
