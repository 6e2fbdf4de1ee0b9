//! Logins through the public interface at the sandbox.

mod between;
// Where `$BROWSER` says which program is opened.
#[cfg(all(unix, not(target_os = "macos")))]
mod browser;
mod calls;
mod keys;
mod local;
mod pending;
mod ports;
mod sent_again;
mod web;

use std::{
    io::ErrorKind::AddrInUse,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener},
    time::Duration,
};

use genesys_cloud_auth::{
    AuthorizationCode, Clock, Error, LocalLogin, Login, LoginBuilder, PendingLogin, PlatformClient,
    Region, TokenProvider,
    error::LoginErrorKind,
    sandbox::{Gate, RecordedRequest, Sandbox},
};
use serde_json::Value;
use url::Url;

use crate::support::{
    assert_contains, assert_kind, kind_of,
    login::{callback_of, log_in, parameter},
    payload, random,
};

pub const WEB: &str = "https://app.example/cb";
pub const LOCAL: &str = "http://localhost/cb";

/// The time after which a test has failed.
const TEST_TIMEOUT: Duration = Duration::from_secs(10);

pub async fn sandbox() -> Sandbox {
    let builder = Sandbox::builder().users(3);
    builder.code_client([WEB, LOCAL]).start().await.unwrap()
}

pub fn app(sandbox: &Sandbox, redirect_uri: &str) -> AuthorizationCode {
    AuthorizationCode::public(sandbox.client_id(), redirect_uri).unwrap()
}

pub fn builder(sandbox: &Sandbox, redirect_uri: &str) -> LoginBuilder {
    Login::builder(sandbox.region(), app(sandbox, redirect_uri))
}

pub fn login(sandbox: &Sandbox, redirect_uri: &str) -> Login {
    builder(sandbox, redirect_uri).build().unwrap()
}

/// The email address of the token's user, as the API returns it.
pub async fn user_of(tokens: &TokenProvider) -> String {
    let api = PlatformClient::new(tokens.clone());
    let me: Value = api.get("/api/v2/users/me").fetch().await.unwrap();
    me["email"].as_str().unwrap().to_owned()
}

/// The token requests, oldest first.
pub fn token_requests(sandbox: &Sandbox) -> Vec<RecordedRequest> {
    let requests = sandbox.requests().into_iter();
    requests
        .filter(|request| request.path() == "/oauth/token")
        .collect()
}

/// The value of a field in a request's form.
pub fn field(request: &RecordedRequest, name: &str) -> Option<String> {
    let form = request.form();
    let found = form.iter().find(|(given, _)| given == name);
    found.map(|(_, value)| value.clone().into_owned())
}

/// Begins a login on this machine. Returns it, and the callback after the user's login.
async fn listen(sandbox: &Sandbox, login: &Login) -> (LocalLogin, String) {
    let local = login.listen("default").unwrap();
    let callback = callback_of(sandbox, local.authorize_url()).await;
    (local, callback)
}

/// The same for a login in two requests.
async fn begin(sandbox: &Sandbox, login: &Login) -> (PendingLogin, String) {
    let pending = login.begin().unwrap();
    let callback = callback_of(sandbox, pending.authorize_url()).await;
    (pending, callback)
}

/// Waits for the browser, which follows this callback. Returns also the status of its page.
async fn come_back(
    local: &LocalLogin,
    callback: &str,
) -> (Result<TokenProvider, Error>, (u16, String)) {
    tokio::join!(local.redirected(), browse(callback))
}

/// Drops the call once the gate holds its request.
async fn drop_at<T>(gate: &Gate, call: impl Future<Output = T>) {
    tokio::select! {
        _ = call => panic!("the exchange is held"),
        () = gate.wait_for(1) => {}
    }
}

/// Waits until a login is stored under this name.
async fn until_saved(login: &Login, name: &str) -> TokenProvider {
    loop {
        if let Some(tokens) = login.saved(name).await.unwrap() {
            return tokens;
        }
        tokio::task::yield_now().await;
    }
}

/// A login of a client that no login host knows.
fn unknown_client() -> LoginBuilder {
    let app = AuthorizationCode::public("an-id", LOCAL).unwrap();
    Login::builder(Region::EuWest1, app)
}

async fn assert_first_user(sandbox: &Sandbox, tokens: &TokenProvider) {
    assert_eq!(user_of(tokens).await, sandbox.users()[0].email());
}

fn state_of(authorize_url: &Url) -> String {
    parameter(authorize_url, "state").unwrap()
}

/// Status and page of a browser that follows the login page's redirect.
pub async fn browse(url: &str) -> (u16, String) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = http.get(url).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

pub fn redirect_uri(local: &LocalLogin) -> Url {
    let uri = parameter(local.authorize_url(), "redirect_uri").unwrap();
    uri.parse().unwrap()
}

/// A free port. It lies outside the range from which the system chooses, and is drawn, so that no
/// other test receives it, in whatever process.
pub fn free_port() -> u16 {
    loop {
        let port = 10_000 + u16::try_from(random() % 10_000).unwrap();
        if is_free(port) {
            return port;
        }
    }
}

/// Whether the port is free on both families, as far as this machine has them.
pub fn is_free(port: u16) -> bool {
    let loopback: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    loopback.into_iter().all(|address| {
        let bound = TcpListener::bind((address, port));
        bound.map_or_else(|error| error.kind() != AddrInUse, |_| true)
    })
}
