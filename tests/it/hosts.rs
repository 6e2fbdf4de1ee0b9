//! Hosts that cannot be reached or do not respond.

use std::time::Duration;

use genesys_cloud_auth::{
    Clock, Error, ErrorKind, HttpClient, PlatformClient, Region, TokenProvider,
    client::RetryPolicy, error::TransportError,
};

use crate::support::{
    TOKEN,
    cloud::{Cloud, Requests},
    credentials,
    dns::{DnsStub, REMOTE},
    good_token, kind_of, provider_at, provider_of, provider_with, region_of,
    server::{Closed, End, Reply, Server},
    tls::Authority,
};

#[tokio::test]
async fn unknown_host_is_looked_up_twice_and_found_later() {
    let authority = Authority::new();
    let dns = DnsStub::default();
    let (tokens, clock) = provider_with(&dns, &authority);

    let error = tokens.token().await.unwrap_err();
    let transport = transport_error(&error, "Transport Dns");
    assert!(transport.nothing_sent());
    assert_eq!(transport.host(), REMOTE);
    assert_eq!(dns.lookups(), 2);

    let server = Server::start_tls(authority.acceptor(REMOTE), good_token(TOKEN));
    dns.resolve_to(server.address());
    assert_serves_after_the_pause(&tokens, &clock).await;
    assert_eq!(dns.lookups(), 3);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn error_names_the_host_without_an_address() {
    let region = Region::custom("https://login.invalid", "https://api.invalid").unwrap();
    let http_client = HttpClient::new(reqwest::ClientBuilder::no_proxy).unwrap();
    let tokens = TokenProvider::builder(region, credentials()).http_client(http_client);
    let error = tokens.build().unwrap().token().await.unwrap_err();
    let transport = transport_error(&error, "Transport Dns");
    assert_eq!(transport.host(), "login.invalid");
}

#[tokio::test]
async fn host_that_refuses_connections_is_tried_twice_and_found_later() {
    let authority = Authority::new();
    let (dns, closed) = (DnsStub::default(), Closed::new());
    dns.resolve_to(closed.address());
    let (tokens, clock) = provider_with(&dns, &authority);

    let error = tokens.token().await.unwrap_err();
    assert!(transport_error(&error, "Transport Refused").nothing_sent());
    assert_eq!(dns.lookups(), 2);

    let server = closed.open_with(good_token(TOKEN), Some(authority.acceptor(REMOTE)));
    assert_serves_after_the_pause(&tokens, &clock).await;
    assert_eq!(dns.lookups(), 3);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn host_found_at_the_second_try_costs_no_error() {
    let authority = Authority::new();
    let server = Server::start_tls(authority.acceptor(REMOTE), good_token(TOKEN));
    let dns = DnsStub::default();
    dns.resolve_to(server.address());
    dns.fail_first_lookup();
    let (tokens, _clock) = provider_with(&dns, &authority);
    assert_eq!(tokens.token().await.unwrap().expose_secret(), TOKEN);
    assert_eq!(dns.lookups(), 2);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn request_that_may_have_arrived_is_not_repeated() {
    for (end, kind) in [
        (End::Reset, "Transport Reset"),
        (End::Close, "Transport Interrupted"),
    ] {
        let server = Server::start(Reply::none(end));
        let (tokens, clock) = provider_at(&server);
        assert_sent_once(&server, &tokens, &clock, kind).await;
    }
}

#[tokio::test]
async fn request_on_a_reused_connection_is_not_repeated() {
    for (end, kind) in [
        (End::Reset, "Transport Reset"),
        (End::Close, "Transport Interrupted"),
    ] {
        let server = Server::start(good_token("first"));
        let (tokens, clock) = provider_at(&server);
        tokens.token().await.unwrap();

        server.answers([Reply::none(end)]);
        clock.advance(A_DAY);
        let error = tokens.token().await.unwrap_err();
        transport_error(&error, kind);
        assert_eq!(server.connections(), 1);
        assert_eq!(server.requests().len(), 2);

        server.answers([good_token(TOKEN)]);
        assert_serves_after_the_pause(&tokens, &clock).await;
        assert_eq!(server.connections(), 2);
        assert_eq!(server.requests().len(), 3);
    }
}

#[tokio::test]
async fn missing_response_is_a_timeout() {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"access";
    for silent in [Reply::none(End::Hold), Reply::raw(half, End::Hold)] {
        let server = Server::start(silent);
        let (tokens, clock) = provider_of(region_of(&server, &server));
        let tokens = tokens.attempt_timeout(SHORT).build().unwrap();
        assert_sent_once(&server, &tokens, &clock, "Transport Timeout").await;
    }
}

#[tokio::test]
async fn unfinished_handshake_is_a_connect_timeout() {
    let plain = Server::start(good_token(TOKEN));
    let url = plain.url().replace("http:", "https:");
    let (tokens, _clock) = provider_of(Region::custom(&url, &url).unwrap());
    let http_client = HttpClient::new(|reqwest| reqwest.connect_timeout(SHORT)).unwrap();
    let tokens = tokens.http_client(http_client).build().unwrap();
    let error = tokens.token().await.unwrap_err();
    assert!(transport_error(&error, "Transport ConnectTimeout").nothing_sent());
    assert_eq!(plain.connections(), 2);
    assert_eq!(plain.requests().len(), 0);
}

#[tokio::test]
async fn redirection_of_the_token_endpoint_is_an_error() {
    for status in REDIRECTIONS {
        let elsewhere = Server::start(good_token("stolen"));
        let server = Server::start(Reply::redirect(status, &elsewhere));
        let (tokens, clock) = provider_at(&server);
        let error = tokens.token().await.unwrap_err();
        assert_eq!(kind_of(&error), "UnexpectedResponse", "{status}: {error}");
        assert_eq!(error.status().unwrap(), status);
        assert!(error.to_string().contains("redirection"), "{error}");
        assert_eq!(server.requests().len(), 1);

        server.answers([good_token(TOKEN)]);
        assert_serves_after_the_pause(&tokens, &clock).await;
        assert_eq!(elsewhere.connections(), 0, "{status}");
    }
}

#[tokio::test]
async fn redirection_of_the_api_is_returned() {
    for status in REDIRECTIONS {
        let elsewhere = Server::start(Reply::json(200, "{}"));
        let cloud = Cloud::start();
        cloud.api.answers([Reply::redirect(status, &elsewhere)]);

        let call = cloud.client.get("/api/v2/downloads/1");
        let response = call.send().await.unwrap();
        assert_eq!(response.status(), status);
        let location = format!("{}/elsewhere", elsewhere.url());
        assert_eq!(response.location(), Some(location.as_str()));

        let call = cloud.client.post("/api/v2/downloads").query(&QUERY);
        let error = call.fetch::<serde_json::Value>().await.unwrap_err();
        assert_eq!(kind_of(&error), "UnexpectedResponse", "{status}: {error}");
        assert!(!format!("{error} {error:?}").contains(QUERY[0].1));
        assert_eq!(elsewhere.connections(), 0);
        assert_eq!(cloud.requests(), Requests { token: 1, api: 2 });
    }
}

#[tokio::test]
async fn unreachable_api_is_a_typed_error() {
    let login = Server::start(good_token(TOKEN));
    let closed = Closed::new();
    let url = format!("http://{}", closed.address());
    let (tokens, _clock) = provider_of(Region::custom(&login.url(), &url).unwrap());
    let api = PlatformClient::new(tokens.build().unwrap());
    let call = || {
        let call = api.get("/api/v2/users/me").query(&QUERY);
        call.retry(RetryPolicy::never()).timeout(SHORT * 10)
    };

    let refused = call().send().await.unwrap_err();
    transport_error(&refused, "Transport Refused");
    let server = closed.open(Reply::none(End::Reset));
    let reset = call().send().await.unwrap_err();
    transport_error(&reset, "Transport Reset");
    server.answers([Reply::none(End::Hold)]);
    let silent = tokio::time::timeout(SHORT * 30, call().timeout(SHORT).send()).await;
    let silent = silent.expect("the call does not end").unwrap_err();
    transport_error(&silent, "Transport Timeout");
    for error in [refused, reset, silent] {
        assert!(!format!("{error} {error:?}").contains(QUERY[0].1));
    }
    server.answers([Reply::json(200, "{}")]);
    call().send().await.unwrap();
    assert_eq!(login.requests().len(), 1);
}

/// Asserts that a request that may have arrived fails without a second one, and a later one
/// succeeds.
async fn assert_sent_once(server: &Server, tokens: &TokenProvider, clock: &Clock, kind: &str) {
    let error = tokens.token().await.unwrap_err();
    assert!(!transport_error(&error, kind).nothing_sent());
    assert_eq!(server.connections(), 1);
    assert_eq!(server.requests().len(), 1);

    server.answers([good_token(TOKEN)]);
    assert_serves_after_the_pause(tokens, clock).await;
    assert_eq!(server.requests().len(), 2);
}

async fn assert_serves_after_the_pause(tokens: &TokenProvider, clock: &Clock) {
    clock.advance(Duration::from_secs(60));
    assert_eq!(tokens.token().await.unwrap().expose_secret(), TOKEN);
}

/// Returns the transport error, which must be transient and of this kind.
fn transport_error<'a>(error: &'a Error, kind: &str) -> &'a TransportError {
    assert_eq!(kind_of(error), kind, "{error}");
    assert!(error.is_transient(), "{error}");
    assert!(!error.needs_login(), "{error}");
    assert_eq!(error.status(), None, "{error}");
    match error.kind() {
        ErrorKind::Transport(transport) => transport,
        _ => panic!("{error}"),
    }
}

const REDIRECTIONS: [u16; 5] = [301, 302, 303, 307, 308];

/// A query that no error may show.
const QUERY: [(&str, &str); 1] = [("q", "personal-data")];

const SHORT: Duration = Duration::from_secs(1);
const A_DAY: Duration = Duration::from_secs(86_400);
