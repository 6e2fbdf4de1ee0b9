//! The API rejects a token, between other failures and for many callers.

use std::time::Duration;

use genesys_cloud_auth::{
    Clock, Error, PlatformClient,
    client::Response,
    sandbox::{FaultResponse, Sandbox},
};
use serde_json::json;
use tokio::task::JoinHandle;

use super::PATH;
use crate::support::{
    assert_contains,
    cloud::{Cloud, Requests, quick},
    kind_of, payload,
    server::{End, Reply},
    with_clock,
};

#[tokio::test]
async fn rejected_token_costs_none_of_the_attempts() {
    let cloud = Cloud::answering([
        Reply::json(503, ""),
        rejection("the first"),
        Reply::none(End::Reset),
        Reply::json(200, "{}"),
    ]);
    let call = cloud.client.get(PATH).retry(quick().attempts(3));
    call.send().await.unwrap();
    assert_eq!(cloud.requests(), Requests { token: 2, api: 4 });
}

#[tokio::test]
async fn call_replaces_its_token_once_despite_other_failures() {
    for between in [Reply::json(503, ""), Reply::none(End::Reset)] {
        let cloud = Cloud::answering([rejection("the first"), between, rejection("another")]);
        let error = cloud.client.get(PATH).send().await.unwrap_err();
        assert_eq!(kind_of(&error), "Api");
        assert_contains(&error, "the first");
        assert_eq!(cloud.requests(), Requests { token: 2, api: 3 });
    }
}

#[tokio::test]
async fn post_with_a_rejected_token_is_sent_once_more() {
    let cloud = Cloud::answering([rejection("the first"), Reply::json(503, "")]);
    let error = cloud.client.post(PATH).json(&1).send().await.unwrap_err();
    assert_eq!(error.status().unwrap(), 503);
    assert_eq!(cloud.requests(), Requests { token: 2, api: 2 });
}

#[tokio::test]
async fn hundred_callers_with_rejected_tokens_send_two_calls_each() {
    let sandbox = Sandbox::start().await.unwrap();
    let (api, clock) = client_with_clock(&sandbox);
    api.tokens().token().await.unwrap();
    let rejection = |message: &str| {
        let body = json!({ "code": "bad.credentials", "message": message });
        FaultResponse::new(401).body(body.to_string())
    };
    let first = rejection("the first");
    sandbox.at_api().times(CALLERS).respond(first);
    // The new token is rejected only after all callers have it.
    let gate = sandbox.at_api().times(CALLERS).gate();
    sandbox.at_api().respond(rejection("another"));
    let callers = start_callers(&api);
    gate.wait_for(CALLERS).await;
    gate.release();
    for result in results(callers).await {
        let error = result.unwrap_err();
        assert_eq!(kind_of(&error), "Api");
        assert_contains(&error, "the first");
    }
    assert_eq!(sandbox.token_requests(), 2);
    assert_eq!(sandbox.api_requests(), 2 * CALLERS);

    sandbox.clear_faults();
    clock.advance(Duration::from_secs(60));
    api.get(ORGANIZATION).send().await.unwrap();
}

#[tokio::test]
async fn hundred_callers_with_an_unauthorized_ip_send_one_call_each() {
    let sandbox = Sandbox::start().await.unwrap();
    let (api, _clock) = client_with_clock(&sandbox);
    sandbox.set_ip_authorized(false);
    for result in results(start_callers(&api)).await {
        let error = result.unwrap_err();
        assert!(payload!(error, Api).is_ip_not_authorized(), "{error}");
        assert_eq!(error.status().unwrap(), 401);
        assert!(!error.is_transient() && !error.needs_login(), "{error}");
    }
    assert_eq!(sandbox.token_requests(), 1);
    assert_eq!(sandbox.api_requests(), CALLERS);

    sandbox.set_ip_authorized(true);
    for result in results(start_callers(&api)).await {
        result.unwrap();
    }
    assert_eq!(sandbox.token_requests(), 1);
    assert_eq!(sandbox.api_requests(), 2 * CALLERS);
}

fn start_callers(api: &PlatformClient) -> Vec<JoinHandle<Result<Response, Error>>> {
    let call = |_| tokio::spawn(api.get(ORGANIZATION).send());
    (0..CALLERS).map(call).collect()
}

async fn results(
    callers: Vec<JoinHandle<Result<Response, Error>>>,
) -> Vec<Result<Response, Error>> {
    let mut results = Vec::new();
    for caller in callers {
        results.push(caller.await.unwrap());
    }
    results
}

fn client_with_clock(sandbox: &Sandbox) -> (PlatformClient, Clock) {
    let (tokens, clock) = with_clock(sandbox, sandbox.client_credentials());
    (PlatformClient::new(tokens), clock)
}

fn rejection(message: &str) -> Reply {
    let body = json!({ "code": "bad.credentials", "message": message });
    Reply::json(401, &body.to_string())
}

const ORGANIZATION: &str = "/api/v2/organizations/me";
const CALLERS: usize = 100;
