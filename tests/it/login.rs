//! Logins through the public interface at the sandbox.

// Where `$BROWSER` says which program is opened.
#[cfg(all(unix, not(target_os = "macos")))]
mod browser;
mod calls;
mod local;
mod ports;
mod sent_again;
mod web;

use std::{
    io::ErrorKind::AddrInUse,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener},
    time::Duration,
};

use genesys_cloud_auth::{
    AuthorizationCode, Clock, Error, ErrorKind, LocalLogin, Login, LoginBuilder, PlatformClient,
    Region, TokenProvider,
    error::LoginErrorKind,
    sandbox::{RecordedRequest, Sandbox},
};
use serde_json::Value;
use url::Url;

use crate::support::{
    kind_of,
    login::{callback_of, log_in, parameter},
    random,
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

#[track_caller]
pub fn assert_kind(error: &Error, kind: &str) {
    assert_eq!(kind_of(error), kind, "{error}");
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
