//! What attackers on the network or on this machine must not get.

mod assertions;
mod login;
mod paths;
mod proxy;
mod saml;

use base64::{Engine, engine::general_purpose::STANDARD};
use genesys_cloud_auth::{
    Error, HttpClient, PlatformClient, Region, TokenProvider, client::RetryPolicy,
};
use http::Method;

use crate::support::{
    CLIENT_ID, SECRET, TOKEN, assert_contains, good_token, kind_of, provider_of, region_of,
    server::{Received, Reply, Server},
};

#[tokio::test]
async fn secret_goes_to_the_login_host_only_and_token_to_the_api_only() {
    let pair = Pair::start();
    let tokens: [Reply; 20] = std::array::from_fn(|number| good_token(&format!("{TOKEN}{number}")));
    pair.login.answers(tokens);
    let api = pair.client(HttpClient::default());
    let call = |method| api.request(method, "/api/v2/users/me");

    for method in [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ] {
        call(method).json(&"x").send().await.unwrap();
    }
    api.tokens().token_info().await.unwrap();
    api.tokens().revoke().await.unwrap();
    // A rejected token, and the one after it.
    pair.api
        .answers([Reply::json(401, ""), Reply::json(200, "{}")]);
    call(Method::GET).send().await.unwrap();
    for status in [302, 400, 401, 403, 429, 500] {
        pair.api.answers([Reply::json(status, "")]);
        let other = pair.client(HttpClient::default());
        let call = other.get("/api/v2/users/me").retry(RetryPolicy::never());
        assert_eq!(call.send().await.is_ok(), status == 302);
    }
    for status in [302, 400, 401, 500] {
        pair.login.answers([Reply::json(status, "")]);
        let other = pair.client(HttpClient::default());
        other.tokens().token().await.unwrap_err();
    }

    let (login, api) = (pair.login.requests(), pair.api.requests());
    assert_eq!(login.len(), 14);
    assert_eq!(api.len(), 17);
    for request in &login {
        assert_eq!(request.target, "/oauth/token");
        let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{SECRET}")));
        assert_eq!(request.header("authorization"), Some(basic.as_str()));
        assert_eq!(request.body, b"grant_type=client_credentials");
        assert!(!contains_any(request, &[TOKEN]));
    }
    for request in &api {
        assert!(request.target.starts_with("/api/v2/"));
        let bearer = format!("Bearer {TOKEN}");
        let sent = request.header("authorization").unwrap();
        assert!(sent.starts_with(&bearer));
        let secret = STANDARD.encode(SECRET);
        assert!(!contains_any(request, &[SECRET, &secret]));
        assert!(!contains_any(request, &["Basic", CLIENT_ID, "grant_type"]));
    }
}

#[tokio::test]
async fn similar_region_names_and_urls_are_invalid() {
    for text in [
        "mypurecloud.de.evil.example",
        "evilmypurecloud.de",
        "evil.example/mypurecloud.de",
        "https://login.mypurecloud.de@evil.example",
        "https://evil.example#login.mypurecloud.de",
        "https://evil.example\\login.mypurecloud.de",
        "https://evil.example/https://login.mypurecloud.de",
        "https://evil.example?x=login.mypurecloud.de",
        "https://user:secret@login.mypurecloud.de",
        "ftp://login.mypurecloud.de",
        "login.mypurecloud.de:8443",
        "login.login.mypurecloud.de",
        "login.mypurecloud.de.evil",
        "mypure\tcloud.de",
        "login=https://evil.example",
        "mypurecloud.d\u{435}",
    ] {
        let error = text.parse::<Region>().expect_err(text);
        assert_eq!(kind_of(&Error::from(error)), "InvalidRegion");
    }
    for url in [
        "http://evil.example",
        "http://localhost.:1",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://0.0.0.0:1",
        "https://user@login.example",
        "https://login.example?x",
        "https://login.example#x",
        "ftp://localhost",
    ] {
        let loopback = "http://localhost";
        assert!(Region::custom(url, loopback).is_err(), "{url}");
        assert!(Region::custom(loopback, url).is_err(), "{url}");
    }
}

#[tokio::test]
async fn localhost_is_found_on_one_address_family() {
    let pair = Pair::start();
    let region = Region::custom(&localhost_url(&pair.login), &localhost_url(&pair.api)).unwrap();
    let api = PlatformClient::new(provider_of(region).0.build().unwrap());
    api.get("/api/v2/users/me").send().await.unwrap();
    assert_eq!(pair.api.requests().len(), 1);
}

#[tokio::test]
async fn closure_cannot_enable_redirections_or_referer() {
    let elsewhere = Server::start(good_token("stolen"));
    let pair = Pair::start();
    pair.login.answers([Reply::redirect(307, &elsewhere)]);
    pair.api.answers([Reply::redirect(307, &elsewhere)]);
    let http_client = HttpClient::new(|reqwest| {
        let reqwest = reqwest.redirect(reqwest::redirect::Policy::limited(10));
        reqwest.referer(true).connection_verbose(true)
    });
    let api = pair.client(http_client.unwrap());
    let error = api.tokens().token().await.unwrap_err();
    assert_eq!(kind_of(&error), "UnexpectedResponse");

    let call = api.get("/api/v2/users/me").header("Authorization", "own");
    assert_eq!(call.send().await.unwrap().status(), 307);
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn callers_own_authorization_is_sent_and_its_401_returned() {
    let pair = Pair::start();
    let api = pair.client(HttpClient::default());
    let rejected = r#"{"code":"bad.credentials","message":"Invalid login credentials."}"#;
    pair.api
        .answers([Reply::json(200, "{}"), Reply::json(401, rejected)]);
    let call = || {
        api.get("/api/v2/users/me")
            .header("authorization", "Bearer own")
    };

    call().send().await.unwrap();
    let error = call().send().await.unwrap_err();
    assert_eq!(kind_of(&error), "Api");
    assert_eq!(error.status().unwrap(), 401);
    assert_contains(&error, "bad.credentials");
    let sent = pair.api.requests();
    assert_eq!(sent.len(), 2);
    for request in sent {
        assert_eq!(request.header("authorization"), Some("Bearer own"));
    }
    assert_eq!(pair.login.connections(), 0);
}

#[tokio::test]
async fn fixed_token_sends_no_token_request() {
    let pair = Pair::start();
    let fixed = genesys_cloud_auth::FixedToken::new("fixed").unwrap();
    let region = region_of(&pair.login, &pair.api);
    let api = PlatformClient::new(TokenProvider::new(region, fixed).unwrap());
    api.get("/api/v2/users/me").send().await.unwrap();
    let sent = pair.api.requests();
    assert_eq!(sent[0].header("authorization"), Some("Bearer fixed"));
    assert_eq!(pair.login.connections(), 0);
}

/// A login host and an API host.
struct Pair {
    login: Server,
    api: Server,
}

impl Pair {
    fn start() -> Self {
        Self {
            login: Server::start(good_token(TOKEN)),
            api: Server::start(Reply::json(200, "{}")),
        }
    }

    fn client(&self, http_client: HttpClient) -> PlatformClient {
        let region = region_of(&self.login, &self.api);
        let (builder, _clock) = provider_of(region);
        PlatformClient::new(builder.http_client(http_client).build().unwrap())
    }
}

/// The server's URL with `localhost` as host.
fn localhost_url(server: &Server) -> String {
    format!("http://localhost:{}", server.address().port())
}

fn contains_any(request: &Received, needles: &[&str]) -> bool {
    let text = String::from_utf8_lossy(&request.bytes);
    needles.iter().any(|needle| text.contains(needle))
}
