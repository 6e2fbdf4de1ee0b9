//! Which calls are sent again: those that do no harm twice, or of which nothing was sent.

use std::time::Duration;

use genesys_cloud_auth::{Error, ErrorKind, PlatformClient};
use http::Method;
use serde_json::{Value, json};

use super::{Cloud, PATH, half, quick};
use crate::support::{
    TOKEN, advance_until_done,
    dns::{DnsStub, REMOTE, remote_region},
    good_token, kind_of, provider_of,
    server::{Closed, Decision, End, Server},
    tls::Authority,
};

#[tokio::test]
async fn a_call_that_may_be_repeated_is_sent_until_it_succeeds() {
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let cloud = Cloud::start();
        cloud.api.answers([
            Decision::none(End::Reset),
            Decision::json(503, ""),
            half(End::Close),
            Decision::json(504, ""),
            Decision::json(200, r#"{"name":"Jo"}"#),
        ]);
        let call = cloud.client.request(method.clone(), PATH);
        let answer: Value = call.body(&json!({ "a": 1 })).fetch().await.unwrap();
        assert_eq!(answer["name"], "Jo");
        assert_eq!(cloud.seen(), (1, 5), "{method}");
        for request in cloud.api.requests() {
            assert_eq!(request.body, br#"{"a":1}"#, "{method}");
        }
    }
}

#[tokio::test]
async fn a_post_that_may_have_arrived_is_sent_once() {
    for method in [Method::POST, Method::PATCH, "TOMORROW".parse().unwrap()] {
        for (failure, kind) in [
            (Decision::none(End::Reset), "Transport"),
            (Decision::none(End::Close), "Transport"),
            (half(End::Reset), "Transport"),
            (Decision::json(502, ""), "Api"),
            (Decision::json(503, ""), "Api"),
            (Decision::json(429, ""), "RateLimited"),
        ] {
            let cloud = Cloud::start();
            cloud.api.answers([failure, Decision::json(200, "{}")]);
            let call = cloud.client.request(method.clone(), PATH);
            let error = call.body(&1).fetch::<Value>().await.unwrap_err();
            assert!(kind_of(&error).starts_with(kind), "{method}: {error}");
            assert!(error.is_transient(), "{error}");
            assert_eq!(cloud.seen(), (1, 1), "{method}: {error}");
        }
    }
}

#[tokio::test]
async fn a_post_that_its_caller_calls_repeatable_is_sent_again() {
    let cloud = Cloud::start();
    cloud.api.answers([
        Decision::none(End::Reset),
        Decision::json(503, ""),
        Decision::json(429, ""),
        Decision::json(200, "{}"),
    ]);
    let call = cloud.client.post(PATH).body(&json!({ "a": 1 }));
    call.repeatable().send().await.unwrap();
    assert_eq!(cloud.seen(), (1, 4));
    for request in cloud.api.requests() {
        assert_eq!(request.body, br#"{"a":1}"#);
    }
}

#[tokio::test]
async fn a_post_of_which_nothing_was_sent_is_sent_again() {
    let authority = Authority::new();
    let acceptor = authority.acceptor(REMOTE);
    let token = Server::start_tls(acceptor.clone(), good_token(TOKEN).last());
    let (dns, closed) = (DnsStub::default(), Closed::new());
    dns.resolve_to(token.address());
    let (builder, _clock) = provider_of(remote_region());
    let builder = builder.http_client(dns.http_client(&authority.certificate()));
    let api = PlatformClient::new(builder.build().unwrap());
    api.tokens().token().await.unwrap();
    let asked = dns.lookups();

    // Each attempt looks the host up, and finds it refusing.
    dns.resolve_to(closed.address());
    let call = || api.post(PATH).body(&1).retry(quick());
    let error = call().send().await.unwrap_err();
    assert!(error.is_transient() && nothing_sent(&error), "{error}");
    assert_eq!(dns.lookups() - asked, 5);

    let server = closed.open_with(Decision::json(200, "{}"), Some(acceptor));
    call().send().await.unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn what_no_repetition_mends_is_sent_once() {
    for status in [400, 403, 404, 408, 409, 500, 501] {
        let cloud = Cloud::start();
        cloud
            .api
            .answers([Decision::json(status, ""), Decision::json(200, "{}")]);
        let error = cloud.client.get(PATH).send().await.unwrap_err();
        assert_eq!(error.status().map(u16::from), Some(status));
        assert_eq!(cloud.seen(), (1, 1), "{status}");
    }
    let cloud = Cloud::start();
    cloud
        .api
        .answers([Decision::json(200, "{"), Decision::json(200, "{}")]);
    let call = cloud.client.get(PATH).fetch::<Value>();
    assert_eq!(kind_of(&call.await.unwrap_err()), "UnexpectedResponse");
    assert_eq!(cloud.seen(), (1, 1));
}

#[tokio::test]
async fn the_last_error_comes_back_once_the_attempts_are_used_up() {
    let cloud = Cloud::start();
    cloud.api.answers([
        Decision::json(502, ""),
        Decision::json(503, ""),
        Decision::json(504, r#"{"code":"authentication.request.timeout"}"#),
    ]);
    let call = cloud.client.get(PATH).retry(quick().attempts(3));
    assert_eq!(
        call.send().await.unwrap_err().status().map(u16::from),
        Some(504)
    );
    assert_eq!(cloud.seen(), (1, 3));
}

#[tokio::test]
async fn repetitions_end_with_the_calls_own_time() {
    let cloud = Cloud::start();
    cloud.api.answers([Decision::json(503, "")]);
    let (second, limit) = (Duration::from_secs(1), Duration::from_secs(20));
    let policy = quick().attempts(u32::MAX).backoff(second, second);
    let call = cloud.client.get(PATH).retry(policy).timeout(limit);
    let (answer, moved) = advance_until_done(&cloud.clock, call.send()).await;
    assert_eq!(answer.unwrap_err().status().map(u16::from), Some(503));
    assert!(moved <= limit, "{moved:?}");
    let (_, calls) = cloud.seen();
    assert!((2..=26).contains(&calls), "{calls} calls of 0.8 s and more");
}

#[tokio::test]
async fn an_answer_that_stalls_uses_the_time_up_and_is_not_asked_for_again() {
    for stalled in [Decision::none(End::Hold), half(End::Hold)] {
        for method in [Method::GET, Method::POST] {
            let cloud = Cloud::start();
            cloud.client.tokens().token().await.unwrap();
            cloud
                .api
                .answers([stalled.clone(), Decision::json(200, "{}")]);
            let call = cloud.client.request(method, PATH);
            let call = call.timeout(Duration::from_millis(300));
            let error = call.fetch::<Value>().await.unwrap_err();
            assert_eq!(kind_of(&error), "Transport Timeout", "{error}");
            assert_eq!(cloud.seen(), (1, 1));
        }
    }
}

#[tokio::test]
async fn an_error_whose_body_stalls_is_known_by_its_status() {
    let cloud = Cloud::start();
    cloud.client.tokens().token().await.unwrap();
    let head = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 100\r\n\r\n{";
    let stalled = Decision::raw(head, End::Hold);
    cloud.api.answers([stalled, Decision::json(200, "{}")]);
    cloud.client.get(PATH).send().await.unwrap();
    assert_eq!(cloud.seen(), (1, 2));
}

fn nothing_sent(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Transport(transport) if transport.nothing_sent())
}
