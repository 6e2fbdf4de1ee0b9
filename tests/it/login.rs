//! Users who log in, through the public interface, at the sandbox.

#[cfg(unix)]
mod browser;
mod local;
mod web;

use std::time::Duration;

use genesys_cloud_auth::{
    AuthorizationCode, Clock, Error, ErrorKind, Login, LoginBuilder, PlatformClient,
    RecordedRequest, Sandbox, TokenProvider,
};
use serde_json::Value;
use url::Url;

use crate::support::kind_of;

pub const WEB: &str = "https://app.example/cb";
pub const LOCAL: &str = "http://localhost/cb";

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

/// Whose token it is, as the API says.
pub async fn user_of(tokens: &TokenProvider) -> String {
    let api = PlatformClient::new(tokens.clone());
    let me: Value = api.get("/api/v2/users/me").fetch().await.unwrap();
    me["email"].as_str().unwrap().to_owned()
}

pub fn parameter(url: &Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    let found = pairs.find(|(given, _)| given == name);
    found.map(|(_, value)| value.into_owned())
}

/// The token requests, in the order in which they came.
pub fn token_requests(sandbox: &Sandbox) -> Vec<RecordedRequest> {
    let requests = sandbox.requests().into_iter();
    requests
        .filter(|request| request.path() == "/oauth/token")
        .collect()
}

pub fn field(request: &RecordedRequest, name: &str) -> Option<String> {
    let form = request.form();
    let found = form.iter().find(|(given, _)| given == name);
    found.map(|(_, value)| value.clone().into_owned())
}

#[track_caller]
pub fn is(error: &Error, kind: &str) {
    assert_eq!(kind_of(error), kind, "{error}");
}
