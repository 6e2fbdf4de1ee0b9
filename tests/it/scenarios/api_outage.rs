//! The API is unavailable for a time.

use genesys_cloud_auth::{Error, client::RetryPolicy};
use serde_json::Value;

use super::{PATH, bad_gateway, half, remote_api};
use crate::support::{
    cloud::{Cloud, quick},
    kind_of,
    server::{Closed, End, Reply},
};

#[tokio::test]
async fn failing_api_is_a_transient_error_and_serves_afterwards() {
    for (failure, kind, status, attempts) in [
        (Reply::none(End::Close), "Transport", None, 3),
        (Reply::none(End::Reset), "Transport", None, 3),
        (half(End::Close), "Transport", None, 3),
        (half(End::Reset), "Transport", None, 3),
        (Reply::json(500, "{}"), "Api", Some(500), 1),
        (bad_gateway(), "Api", Some(502), 3),
        (Reply::json(503, ""), "Api", Some(503), 3),
        (Reply::json(504, "null"), "Api", Some(504), 3),
    ] {
        let cloud = Cloud::answering([failure]);
        let policy = quick().attempts(3);
        let call = || cloud.client.get(PATH).retry(policy).fetch::<Value>();
        let error = call().await.unwrap_err();
        assert!(kind_of(&error).starts_with(kind), "{error}");
        assert_is_transient(&error);
        assert_eq!(error.status().map(u16::from), status);
        assert_eq!(cloud.requests().api, attempts, "{error}");

        cloud.api.answers([Reply::json(200, "{}")]);
        call().await.unwrap();
        assert_eq!(cloud.requests().api, attempts + 1);
        assert_eq!(cloud.requests().token, 1);
    }
}

#[tokio::test]
async fn unreachable_api_is_found_again_when_it_is_back() {
    let (api, dns, acceptor, login) = remote_api().await;
    let closed = Closed::new();

    for (address, kind) in [
        (None, "Transport Dns"),
        (Some(closed.address()), "Transport Refused"),
    ] {
        match address {
            None => dns.resolve_to_nothing(),
            Some(address) => dns.resolve_to(address),
        }
        let before = dns.lookups();
        let error = api.get(PATH).retry(quick()).send().await.unwrap_err();
        assert_eq!(kind_of(&error), kind, "{error}");
        assert_is_transient(&error);
        assert_eq!(dns.lookups() - before, 5);
    }
    let server = closed.open_with(Reply::json(200, "{}"), Some(acceptor));
    let call = api.get(PATH).retry(RetryPolicy::never());
    call.send().await.unwrap();
    assert_eq!(login.requests().len(), 1);
    assert_eq!(server.requests().len(), 1);
}

fn assert_is_transient(error: &Error) {
    assert!(error.is_transient() && !error.needs_login(), "{error}");
}
