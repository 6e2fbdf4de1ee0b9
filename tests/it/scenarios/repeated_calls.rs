//! Which calls are retried: those that may be sent twice, and those of which nothing was sent.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::{PATH, half, remote_api};
use crate::support::{
    advance_until_done,
    cloud::{Cloud, Requests, quick},
    kind_of, payload,
    server::{Closed, End, Reply},
};

#[tokio::test]
async fn idempotent_call_is_sent_until_it_succeeds() {
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let cloud = Cloud::answering([
            Reply::none(End::Reset),
            Reply::json(503, ""),
            half(End::Close),
            Reply::json(504, ""),
            Reply::json(200, r#"{"name":"Jo"}"#),
        ]);
        let call = cloud.client.request(method.clone(), PATH);
        let user: Value = call.json(&json!({ "a": 1 })).fetch().await.unwrap();
        assert_eq!(user["name"], "Jo");
        assert_eq!(cloud.requests(), Requests { token: 1, api: 5 }, "{method}");
        for request in cloud.api.requests() {
            assert_eq!(request.body, br#"{"a":1}"#, "{method}");
        }
    }
}

#[tokio::test]
async fn post_that_may_have_arrived_is_sent_once() {
    for method in [Method::POST, Method::PATCH, "TOMORROW".parse().unwrap()] {
        for (failure, kind) in [
            (Reply::none(End::Reset), "Transport"),
            (Reply::none(End::Close), "Transport"),
            (half(End::Reset), "Transport"),
            (Reply::json(502, ""), "Api"),
            (Reply::json(503, ""), "Api"),
            (Reply::json(429, ""), "RateLimited"),
        ] {
            let cloud = Cloud::answering([failure, Reply::json(200, "{}")]);
            let call = cloud.client.request(method.clone(), PATH);
            let error = call.json(&1).fetch::<Value>().await.unwrap_err();
            assert!(kind_of(&error).starts_with(kind), "{method}: {error}");
            assert!(error.is_transient(), "{error}");
            let once = Requests { token: 1, api: 1 };
            assert_eq!(cloud.requests(), once, "{method}: {error}");
        }
    }
}

#[tokio::test]
async fn repeatable_post_is_retried() {
    let cloud = Cloud::answering([
        Reply::none(End::Reset),
        Reply::json(503, ""),
        Reply::json(429, ""),
        Reply::json(200, "{}"),
    ]);
    let call = cloud.client.post(PATH).json(&json!({ "a": 1 }));
    call.repeatable().send().await.unwrap();
    assert_eq!(cloud.requests(), Requests { token: 1, api: 4 });
    for request in cloud.api.requests() {
        assert_eq!(request.body, br#"{"a":1}"#);
    }
}

#[tokio::test]
async fn post_of_which_nothing_was_sent_is_retried() {
    let (api, dns, acceptor, _login) = remote_api().await;
    let closed = Closed::new();
    let before = dns.lookups();

    // Each attempt looks the host up, and the host refuses the connection.
    dns.resolve_to(closed.address());
    let call = || api.post(PATH).json(&1).retry(quick());
    let error = call().send().await.unwrap_err();
    let transport = payload!(error, Transport);
    assert!(error.is_transient() && transport.nothing_sent(), "{error}");
    assert_eq!(dns.lookups() - before, 5);

    let server = closed.open_with(Reply::json(200, "{}"), Some(acceptor));
    call().send().await.unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn lasting_failures_are_not_retried() {
    for status in [400, 403, 404, 408, 409, 500, 501] {
        let cloud = Cloud::answering([Reply::json(status, ""), Reply::json(200, "{}")]);
        let error = cloud.client.get(PATH).send().await.unwrap_err();
        assert_eq!(error.status().unwrap(), status);
        assert_eq!(cloud.requests(), Requests { token: 1, api: 1 }, "{status}");
    }
    let cloud = Cloud::answering([Reply::json(200, "{"), Reply::json(200, "{}")]);
    let error = cloud.client.get(PATH).fetch::<Value>().await.unwrap_err();
    assert_eq!(kind_of(&error), "UnexpectedResponse");
    assert_eq!(cloud.requests(), Requests { token: 1, api: 1 });
}

#[tokio::test]
async fn last_error_is_returned_after_all_attempts() {
    let cloud = Cloud::answering([
        Reply::json(502, ""),
        Reply::json(503, ""),
        Reply::json(504, r#"{"code":"authentication.request.timeout"}"#),
    ]);
    let call = cloud.client.get(PATH).retry(quick().attempts(3));
    assert_eq!(call.send().await.unwrap_err().status().unwrap(), 504);
    assert_eq!(cloud.requests(), Requests { token: 1, api: 3 });
}

#[tokio::test]
async fn retries_end_with_the_calls_timeout() {
    let cloud = Cloud::answering([Reply::json(503, "")]);
    let (second, limit) = (Duration::from_secs(1), Duration::from_secs(20));
    let policy = quick().attempts(u32::MAX).backoff(second, second);
    let call = cloud.client.get(PATH).retry(policy).timeout(limit);
    let (result, moved) = advance_until_done(&cloud.clock, call.send()).await;
    assert_eq!(result.unwrap_err().status().unwrap(), 503);
    assert!(moved <= limit, "{moved:?}");
    // A pause is at least 0.8 s.
    let calls = cloud.requests().api;
    assert!((2..=26).contains(&calls), "{calls}");
}

#[tokio::test]
async fn stalled_response_uses_up_the_time_and_is_not_retried() {
    for stalled in [Reply::none(End::Hold), half(End::Hold)] {
        for method in [Method::GET, Method::POST] {
            let cloud = Cloud::start();
            cloud.client.tokens().token().await.unwrap();
            cloud.api.answers([stalled.clone(), Reply::json(200, "{}")]);
            let call = cloud.client.request(method, PATH);
            let call = call.timeout(Duration::from_millis(300));
            let error = call.fetch::<Value>().await.unwrap_err();
            assert_eq!(kind_of(&error), "Transport Timeout", "{error}");
            assert_eq!(cloud.requests(), Requests { token: 1, api: 1 });
        }
    }
}

#[tokio::test]
async fn error_with_a_stalled_body_is_known_by_its_status() {
    let cloud = Cloud::start();
    cloud.client.tokens().token().await.unwrap();
    let head = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 100\r\n\r\n{";
    let stalled = Reply::raw(head, End::Hold);
    cloud.api.answers([stalled, Reply::json(200, "{}")]);
    cloud.client.get(PATH).send().await.unwrap();
    assert_eq!(cloud.requests(), Requests { token: 1, api: 2 });
}
