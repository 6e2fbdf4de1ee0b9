//! Hosts that are not there, or not as they should be.

use std::time::Duration;

use genesys_cloud_auth::{
    Clock, Error, ErrorKind, HttpClient, PlatformClient, Region, TokenProvider,
    client::RetryPolicy, error::TransportError,
};

use crate::support::{
    TOKEN, credentials,
    dns::{DnsStub, REMOTE, remote_region},
    good_token, kind_of, provider_at, provider_of, region_of,
    server::{Closed, Decision, End, Server},
    tls::Authority,
};

#[tokio::test]
async fn a_host_without_an_address_is_asked_for_twice_and_found_when_it_is_back() {
    let authority = Authority::new();
    let dns = DnsStub::default();
    let (tokens, clock) = at_names(&dns, &authority);

    let error = tokens.token().await.unwrap_err();
    failed(&error, "Transport Dns");
    assert!(transport(&error).nothing_sent());
    assert_eq!(transport(&error).host(), REMOTE);
    assert_eq!(dns.lookups(), 2);

    let server = Server::start_tls(authority.acceptor(REMOTE), good_token(TOKEN));
    dns.resolve_to(server.address());
    back(&tokens, &clock).await;
    assert_eq!((dns.lookups(), server.requests().len()), (3, 1));
}

#[tokio::test]
async fn a_name_that_nobody_has_is_told_as_such() {
    let region = Region::custom("https://login.invalid", "https://api.invalid", None).unwrap();
    let connections = HttpClient::new(reqwest::ClientBuilder::no_proxy).unwrap();
    let builder = TokenProvider::builder(region, credentials()).http_client(connections);
    let error = builder.build().unwrap().token().await.unwrap_err();
    failed(&error, "Transport Dns");
    assert_eq!(transport(&error).host(), "login.invalid");
}

#[tokio::test]
async fn a_host_that_refuses_is_tried_twice_and_found_when_it_is_back() {
    let authority = Authority::new();
    let (dns, closed) = (DnsStub::default(), Closed::new());
    dns.resolve_to(closed.address());
    let (tokens, clock) = at_names(&dns, &authority);

    let error = tokens.token().await.unwrap_err();
    failed(&error, "Transport Refused");
    assert!(transport(&error).nothing_sent());
    assert_eq!(dns.lookups(), 2);

    let server = closed.open_with(good_token(TOKEN), Some(authority.acceptor(REMOTE)));
    back(&tokens, &clock).await;
    assert_eq!((dns.lookups(), server.requests().len()), (3, 1));
}

#[tokio::test]
async fn a_host_that_comes_up_between_the_two_tries_costs_no_error() {
    let authority = Authority::new();
    let server = Server::start_tls(authority.acceptor(REMOTE), good_token(TOKEN));
    let dns = DnsStub::default();
    dns.resolve_to(server.address());
    dns.fail_first_lookup();
    let (tokens, _clock) = at_names(&dns, &authority);
    assert_eq!(tokens.token().await.unwrap().expose_secret(), TOKEN);
    assert_eq!((dns.lookups(), server.requests().len()), (2, 1));
}

/// A request that may have arrived fails without a second one; a later one succeeds.
async fn sent_once(server: &Server, tokens: &TokenProvider, clock: &Clock, failure: &str) {
    let error = tokens.token().await.unwrap_err();
    failed(&error, failure);
    assert!(!transport(&error).nothing_sent());
    assert_eq!((server.connections(), server.requests().len()), (1, 1));

    server.answers([good_token(TOKEN)]);
    back(tokens, clock).await;
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_request_that_may_have_arrived_is_not_repeated() {
    for (end, kind) in [
        (End::Reset, "Transport Reset"),
        (End::Close, "Transport Interrupted"),
    ] {
        let server = Server::start(Decision::none(end));
        let (tokens, clock) = provider_at(&server);
        sent_once(&server, &tokens, &clock, kind).await;
    }
}

#[tokio::test]
async fn a_request_on_an_old_connection_that_may_have_arrived_is_not_repeated() {
    for (end, kind) in [
        (End::Reset, "Transport Reset"),
        (End::Close, "Transport Interrupted"),
    ] {
        let server = Server::start(good_token("first"));
        let (tokens, clock) = provider_at(&server);
        tokens.token().await.unwrap();

        server.answers([Decision::none(end)]);
        clock.advance(A_DAY);
        let error = tokens.token().await.unwrap_err();
        failed(&error, kind);
        assert_eq!((server.connections(), server.requests().len()), (1, 2));

        server.answers([good_token(TOKEN)]);
        back(&tokens, &clock).await;
        assert_eq!((server.connections(), server.requests().len()), (2, 3));
    }
}

#[test]
fn a_connection_that_ended_with_its_runtime_costs_another_and_no_error() {
    let server = Server::start(good_token(TOKEN));
    let (tokens, clock) = provider_at(&server);
    for asked in 1..=3 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(tokens.token()).unwrap();
        assert_eq!(
            (server.connections(), server.requests().len()),
            (asked, asked)
        );
        clock.advance(A_DAY);
    }
}

#[tokio::test]
async fn a_host_that_never_answers_is_given_up() {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"access";
    for silent in [Decision::none(End::Hold), Decision::raw(half, End::Hold)] {
        let server = Server::start(silent);
        let (builder, clock) = provider_of(region_of(&server, &server));
        let tokens = builder.attempt_timeout(SHORT).build().unwrap();
        sent_once(&server, &tokens, &clock, "Transport Timeout").await;
    }
}

#[tokio::test]
async fn a_host_that_never_ends_its_handshake_is_given_up() {
    let plain = Server::start(good_token(TOKEN));
    let url = plain.url().replace("http:", "https:");
    let region = Region::custom(&url, &url, None).unwrap();
    let (builder, _clock) = provider_of(region);
    let connections = HttpClient::new(|reqwest| reqwest.connect_timeout(SHORT)).unwrap();
    let tokens = builder.http_client(connections).build().unwrap();
    let error = tokens.token().await.unwrap_err();
    failed(&error, "Transport ConnectTimeout");
    assert!(transport(&error).nothing_sent());
    assert_eq!((plain.connections(), plain.requests().len()), (2, 0));
}

#[tokio::test]
async fn the_token_endpoints_redirection_is_not_followed() {
    for status in REDIRECTIONS {
        let elsewhere = Server::start(good_token("stolen"));
        let server = Server::start(Decision::redirect(status, &elsewhere));
        let (tokens, clock) = provider_at(&server);
        let error = tokens.token().await.unwrap_err();
        assert_eq!(kind_of(&error), "UnexpectedResponse", "{status}: {error}");
        assert_eq!(error.status().map(u16::from), Some(status));
        assert!(error.to_string().contains("redirection"), "{error}");
        assert_eq!((elsewhere.connections(), server.requests().len()), (0, 1));

        server.answers([good_token(TOKEN)]);
        back(&tokens, &clock).await;
        assert_eq!(elsewhere.connections(), 0, "{status}");
    }
}

#[tokio::test]
async fn the_apis_redirection_is_given_back() {
    for status in REDIRECTIONS {
        let elsewhere = Server::start(Decision::json(200, "{}"));
        let login = Server::start(good_token(TOKEN));
        let server = Server::start(Decision::redirect(status, &elsewhere));
        let (builder, _clock) = provider_of(region_of(&login, &server));
        let api = PlatformClient::new(builder.build().unwrap());

        let response = api.get("/api/v2/downloads/1").send().await.unwrap();
        assert_eq!(response.status(), status);
        let location = format!("{}/elsewhere", elsewhere.url());
        assert_eq!(response.location(), Some(location.as_str()));

        let call = api
            .post("/api/v2/downloads")
            .query(&[("q", "nobodys-business")]);
        let error = call.fetch::<serde_json::Value>().await.unwrap_err();
        assert_eq!(kind_of(&error), "UnexpectedResponse", "{status}: {error}");
        assert!(!format!("{error} {error:?}").contains("nobodys-business"));
        assert_eq!((elsewhere.connections(), server.requests().len()), (0, 2));
    }
}

#[tokio::test]
async fn an_api_that_is_not_there_is_a_typed_error() {
    let login = Server::start(good_token(TOKEN));
    let closed = Closed::new();
    let url = format!("http://{}", closed.address());
    let (builder, _clock) = provider_of(Region::custom(&login.url(), &url, None).unwrap());
    let api = PlatformClient::new(builder.build().unwrap()).timeout(SHORT * 10);
    let call = || {
        api.get("/api/v2/users/me")
            .query(&[("q", "nobodys-business")])
            .retry(RetryPolicy::never())
    };

    let refused = call().send().await.unwrap_err();
    failed(&refused, "Transport Refused");
    let server = closed.open(Decision::none(End::Reset));
    let reset = call().send().await.unwrap_err();
    failed(&reset, "Transport Reset");
    server.answers([Decision::none(End::Hold)]);
    let silent = tokio::time::timeout(SHORT * 30, call().timeout(SHORT).send()).await;
    let silent = silent.expect("the call has no end").unwrap_err();
    failed(&silent, "Transport Timeout");
    for error in [refused, reset, silent] {
        assert!(!format!("{error} {error:?}").contains("nobodys-business"));
    }
    server.answers([Decision::json(200, "{}")]);
    call().send().await.unwrap();
    assert_eq!(login.requests().len(), 1);
}

/// A provider of a region at names that the test decides on.
fn at_names(dns: &DnsStub, authority: &Authority) -> (TokenProvider, Clock) {
    let (builder, clock) = provider_of(remote_region());
    let builder = builder.http_client(dns.http_client(&authority.certificate()));
    (builder.build().unwrap(), clock)
}

fn failed(error: &Error, kind: &str) {
    assert_eq!(kind_of(error), kind, "{error}");
    assert!(error.is_transient(), "{error}");
    assert!(!error.needs_login(), "{error}");
    assert_eq!(error.status().map(u16::from), None, "{error}");
}

/// After the pause the host serves again.
async fn back(tokens: &TokenProvider, clock: &Clock) {
    clock.advance(Duration::from_secs(60));
    assert_eq!(tokens.token().await.unwrap().expose_secret(), TOKEN);
}

fn transport(error: &Error) -> &TransportError {
    match error.kind() {
        ErrorKind::Transport(transport) => transport,
        _ => panic!("{error}"),
    }
}

const REDIRECTIONS: [u16; 5] = [301, 302, 303, 307, 308];

const SHORT: Duration = Duration::from_secs(1);

const A_DAY: Duration = Duration::from_secs(86_400);
