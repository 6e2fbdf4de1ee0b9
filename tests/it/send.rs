//! Every type and future can go to another thread.

use genesys_cloud_auth::{
    AccessToken, AuthorizationCode, Chunks, ClientCredentials, ClientSecret, Clock, Connections,
    Error, Event, FixedToken, Gate, Grant, Login, LoginBuilder, Pages, PendingLogin,
    PlatformClient, RecordedRequest, Region, Request, Response, RetryPolicy, Sandbox,
    TokenProvider, TokenProviderBuilder, WaitingLogin,
};

fn send<T: Send>() {}
fn handle<T: Clone + Send + Sync + 'static>() {}
fn future<F: Future + Send>(_: F) {}

#[test]
fn every_type_is_send() {
    handle::<AccessToken>();
    handle::<AuthorizationCode>();
    handle::<ClientCredentials>();
    handle::<ClientSecret>();
    handle::<Clock>();
    handle::<Connections>();
    handle::<Error>();
    handle::<Event>();
    handle::<FixedToken>();
    handle::<Login>();
    handle::<PlatformClient>();
    handle::<Region>();
    handle::<RetryPolicy>();
    handle::<TokenProvider>();
    send::<Chunks>();
    send::<Gate>();
    send::<Grant>();
    send::<LoginBuilder>();
    send::<Pages<String>>();
    send::<PendingLogin>();
    send::<RecordedRequest>();
    send::<Request>();
    send::<Response>();
    send::<Sandbox>();
    send::<TokenProviderBuilder>();
    send::<WaitingLogin>();
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
async fn every_future_is_send() {
    future(Sandbox::start());
    let sandbox = Sandbox::start().await.unwrap();
    let tokens = TokenProvider::new(sandbox.region(), sandbox.client_credentials()).unwrap();
    future(tokens.token());
    future(tokens.authorization());
    future(tokens.ready(std::time::Duration::ZERO));
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
    let body = crate::client::upload::Pieces::new(["a"]);
    future(get().stream(body).send());
}
