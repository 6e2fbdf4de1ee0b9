//! Every type and future can go to another thread.

use std::time::Duration;

use genesys_cloud_auth::{
    AccessToken, Assertion, AuthorizationCode, ClientCredentials, ClientSecret, Clock, Error,
    Event, FixedToken, Grant, HttpClient, LocalLogin, Login, LoginBuilder, PendingLogin,
    PlatformClient, Region, TokenProvider, TokenProviderBuilder,
    client::{Chunks, Pages, Request, Response, RetryPolicy},
    sandbox::{Gate, RecordedRequest, Sandbox},
    store::{
        FileStore, FileTurn, MemoryStore, MemoryTurn, Sealed, SealingKey, StoreKey, TokenStore,
    },
};

fn send<T: Send>() {}
fn handle<T: Clone + Send + Sync + 'static>() {}
fn future<F: Future + Send>(_: F) {}

#[test]
fn every_type_is_send() {
    handle::<AccessToken>();
    handle::<Assertion>();
    handle::<AuthorizationCode>();
    handle::<ClientCredentials>();
    handle::<ClientSecret>();
    handle::<Clock>();
    handle::<HttpClient>();
    handle::<Error>();
    handle::<Event>();
    handle::<FileStore>();
    handle::<FixedToken>();
    handle::<Login>();
    handle::<MemoryStore>();
    handle::<PlatformClient>();
    handle::<Region>();
    handle::<RetryPolicy>();
    handle::<Sealed>();
    handle::<SealingKey>();
    handle::<StoreKey>();
    handle::<TokenProvider>();
    send::<Chunks>();
    send::<FileTurn>();
    send::<Gate>();
    send::<Grant>();
    send::<LoginBuilder>();
    send::<MemoryTurn>();
    send::<Pages<String>>();
    send::<PendingLogin>();
    send::<RecordedRequest>();
    send::<Request>();
    send::<Response>();
    send::<Sandbox>();
    send::<TokenProviderBuilder>();
    send::<LocalLogin>();
}

#[tokio::test]
async fn every_future_of_a_login_is_send() {
    let app = AuthorizationCode::public("an-id", "http://localhost").unwrap();
    let login = Login::new(Region::EuWest1, app).unwrap();
    let pending = login.begin().unwrap();
    future(login.finish(pending, "", "a name"));
    future(login.saved("a name"));
    future(login.in_browser("a name", |_| {}));
    let waiting = login.listen("a name").unwrap();
    future(waiting.open_browser());
    future(waiting.redirected());
    future(waiting.pasted(""));
}

#[tokio::test]
async fn every_future_of_a_store_is_send() {
    async fn of(store: impl TokenStore) {
        let key = StoreKey::for_tests("a key");
        future(store.load(&key));
        let turn = async || store.take_turn(&key, Duration::ZERO).await.unwrap();
        future(store.take_turn(&key, Duration::ZERO));
        future(store.save(turn().await, &key, Sealed::from_bytes(Vec::new())));
        future(store.remove(turn().await, &key));
    }
    of(MemoryStore::new()).await;
    let folder = tempfile::tempdir().unwrap();
    of(FileStore::in_folder(folder.path())).await;
}

#[tokio::test]
async fn every_future_is_send() {
    future(Sandbox::start());
    let sandbox = Sandbox::start().await.unwrap();
    let tokens = TokenProvider::new(sandbox.region(), sandbox.client_credentials()).unwrap();
    future(tokens.token());
    future(tokens.authorization_header());
    future(tokens.ready(Duration::ZERO));
    future(tokens.token_info());
    future(tokens.revoke());
    let api = PlatformClient::new(tokens.clone());
    let get = || api.get("/api/v2/organizations/me");
    future(get().fetch::<serde_json::Value>());
    future(get().send());
    future(get().send().await.unwrap().json::<serde_json::Value>());
    future(get().send().await.unwrap().bytes());
    future(get().send().await.unwrap().text());
    let mut chunks = get().send().await.unwrap().chunks();
    future(chunks.next());
    let mut pages = get().pages::<String>();
    future(pages.next());
    let body = crate::client::upload::Chunks::new(["a"]);
    future(get().body_stream(body).send());
}
