//! The API is away in every way, and comes back.

use genesys_cloud_auth::{Error, PlatformClient, client::RetryPolicy};
use serde_json::Value;

use super::{Cloud, PATH, gateway, half, quick};
use crate::support::{
    TOKEN,
    dns::{DnsStub, REMOTE, remote_region},
    good_token, kind_of, provider_of,
    server::{Closed, Decision, End, Server},
    tls::Authority,
};

#[tokio::test]
async fn an_api_that_misbehaves_is_a_transient_error_and_serves_when_it_is_back() {
    for (failure, kind, status) in [
        (Decision::none(End::Close), "Transport", None),
        (Decision::none(End::Reset), "Transport", None),
        (half(End::Close), "Transport", None),
        (half(End::Reset), "Transport", None),
        (Decision::json(500, "{}"), "Api", Some(500)),
        (gateway(), "Api", Some(502)),
        (Decision::json(503, ""), "Api", Some(503)),
        (Decision::json(504, "null"), "Api", Some(504)),
    ] {
        let cloud = Cloud::start();
        cloud.api.answers([failure]);
        let policy = quick().attempts(3);
        let call = || cloud.client.get(PATH).retry(policy).fetch::<Value>();
        let error = call().await.unwrap_err();
        assert!(kind_of(&error).starts_with(kind), "{error}");
        transient(&error);
        assert_eq!(error.status().map(u16::from), status);
        let sent = if status == Some(500) { 1 } else { 3 };
        assert_eq!(cloud.seen(), (1, sent), "{error}");

        cloud.api.answers([Decision::json(200, "{}")]);
        call().await.unwrap();
        assert_eq!(cloud.seen(), (1, sent + 1));
    }
}

#[tokio::test]
async fn an_outage_that_ends_in_time_costs_no_error() {
    let cloud = Cloud::start();
    cloud.api.answers([
        half(End::Close),
        gateway(),
        Decision::json(503, ""),
        Decision::none(End::Reset),
        Decision::json(200, "{}"),
    ]);
    let call = cloud.client.get(PATH).retry(quick());
    call.fetch::<Value>().await.unwrap();
    assert_eq!(cloud.seen(), (1, 5));
}

#[tokio::test]
async fn an_api_without_an_address_or_that_refuses_is_found_when_it_is_back() {
    let authority = Authority::new();
    let acceptor = authority.acceptor(REMOTE);
    let login = Server::start_tls(acceptor.clone(), good_token(TOKEN).last());
    let (dns, closed) = (DnsStub::default(), Closed::new());
    dns.resolve_to(login.address());
    let (builder, _clock) = provider_of(remote_region());
    let builder = builder.http_client(dns.http_client(&authority.certificate()));
    let api = PlatformClient::new(builder.build().unwrap());
    api.tokens().token().await.unwrap();

    for (lost, kind) in [(true, "Transport Dns"), (false, "Transport Refused")] {
        let asked = dns.lookups();
        if lost {
            dns.resolve_to_nothing();
        } else {
            dns.resolve_to(closed.address());
        }
        let error = api.get(PATH).retry(quick()).send().await.unwrap_err();
        assert_eq!(kind_of(&error), kind, "{error}");
        transient(&error);
        assert_eq!(dns.lookups() - asked, 5);
    }
    let server = closed.open_with(Decision::json(200, "{}"), Some(acceptor));
    let call = api.get(PATH).retry(RetryPolicy::never());
    call.send().await.unwrap();
    assert_eq!((login.requests().len(), server.requests().len()), (1, 1));
}

fn transient(error: &Error) {
    assert!(error.is_transient() && !error.needs_login(), "{error}");
}
