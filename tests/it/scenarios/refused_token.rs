//! A token that the API refuses, in between other failures.

use std::time::Duration;

use genesys_cloud_auth::{
    Clock, Error, ErrorKind, PlatformClient,
    client::Response,
    sandbox::{FaultResponse, Sandbox},
};
use serde_json::json;

use super::{Cloud, PATH, quick};
use crate::support::{
    kind_of,
    server::{Decision, End},
    with_clock,
};

#[tokio::test]
async fn a_refused_token_costs_none_of_the_attempts() {
    let cloud = Cloud::start();
    cloud.api.answers([
        Decision::json(503, ""),
        refusal("the first"),
        Decision::none(End::Reset),
        Decision::json(200, "{}"),
    ]);
    let call = cloud.client.get(PATH).retry(quick().attempts(3));
    call.send().await.unwrap();
    assert_eq!(cloud.seen(), (2, 4));
}

#[tokio::test]
async fn a_call_replaces_its_token_once_whatever_comes_in_between() {
    for between in [Decision::json(503, ""), Decision::none(End::Reset)] {
        let cloud = Cloud::start();
        cloud
            .api
            .answers([refusal("the first"), between, refusal("another")]);
        let error = cloud.client.get(PATH).send().await.unwrap_err();
        assert_eq!(kind_of(&error), "Api");
        assert!(error.to_string().contains("the first"), "{error}");
        assert_eq!(cloud.seen(), (2, 3));
    }
}

#[tokio::test]
async fn a_post_whose_token_was_refused_is_sent_once_more() {
    let cloud = Cloud::start();
    cloud
        .api
        .answers([refusal("the first"), Decision::json(503, "")]);
    let error = cloud.client.post(PATH).body(&1).send().await.unwrap_err();
    assert_eq!(error.status().map(u16::from), Some(503));
    assert_eq!(cloud.seen(), (2, 2));
}

#[tokio::test]
async fn an_address_that_is_not_authorised_is_neither_a_new_token_nor_a_repetition() {
    let cloud = Cloud::start();
    cloud
        .api
        .answers([Decision::json(401, r#"{"code":"ip.not.authorized"}"#)]);
    let error = cloud.client.get(PATH).send().await.unwrap_err();
    assert_eq!(error.status().map(u16::from), Some(401));
    assert_eq!(cloud.seen(), (1, 1));
}

#[tokio::test]
async fn an_api_that_refuses_every_token_is_asked_twice_by_each_of_a_hundred_callers() {
    let sandbox = Sandbox::start().await.unwrap();
    let (api, clock) = client(&sandbox);
    api.tokens().token().await.unwrap();
    let refused = |message: &str| {
        let body = json!({ "code": "bad.credentials", "message": message });
        FaultResponse::new(401).body(body.to_string())
    };
    sandbox
        .at_api()
        .times(CALLERS)
        .respond(refused("the first"));
    // The new token is refused to nobody before everybody has it.
    let gate = sandbox.at_api().times(CALLERS).gate();
    sandbox.at_api().respond(refused("another"));
    let callers = callers(&api);
    gate.wait_for(CALLERS).await;
    gate.release();
    for outcome in outcomes(callers).await {
        let error = outcome.unwrap_err();
        assert_eq!(kind_of(&error), "Api");
        assert!(error.to_string().contains("the first"), "{error}");
    }
    assert_eq!(sandbox.token_requests(), 2);
    assert_eq!(sandbox.api_requests(), 2 * CALLERS);

    sandbox.clear_faults();
    clock.advance(Duration::from_secs(60));
    api.get(ORGANIZATION).send().await.unwrap();
}

#[tokio::test]
async fn an_address_that_is_not_authorised_costs_a_hundred_callers_one_call_each() {
    let sandbox = Sandbox::start().await.unwrap();
    let (api, _clock) = client(&sandbox);
    sandbox.set_ip_authorized(false);
    for outcome in outcomes(callers(&api)).await {
        let error = outcome.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Api(error) if error.is_ip_not_authorized()),
            "{error}"
        );
        assert_eq!(error.status().map(u16::from), Some(401));
        assert!(!error.is_transient() && !error.needs_login(), "{error}");
    }
    assert_eq!(sandbox.token_requests(), 1);
    assert_eq!(sandbox.api_requests(), CALLERS);

    sandbox.set_ip_authorized(true);
    for outcome in outcomes(callers(&api)).await {
        outcome.unwrap();
    }
    assert_eq!(sandbox.token_requests(), 1);
    assert_eq!(sandbox.api_requests(), 2 * CALLERS);
}

type WaiterResult = Result<Response, Error>;

fn callers(api: &PlatformClient) -> Vec<tokio::task::JoinHandle<WaiterResult>> {
    let call = |_| tokio::spawn(api.get(ORGANIZATION).send());
    (0..CALLERS).map(call).collect()
}

async fn outcomes(callers: Vec<tokio::task::JoinHandle<WaiterResult>>) -> Vec<WaiterResult> {
    let mut outcomes = Vec::new();
    for caller in callers {
        outcomes.push(caller.await.unwrap());
    }
    outcomes
}

fn client(sandbox: &Sandbox) -> (PlatformClient, Clock) {
    let (tokens, clock) = with_clock(sandbox, sandbox.client_credentials());
    (PlatformClient::new(tokens), clock)
}

fn refusal(message: &str) -> Decision {
    Decision::json(
        401,
        &format!(r#"{{"code":"bad.credentials","message":"{message}"}}"#),
    )
}

const ORGANIZATION: &str = "/api/v2/organizations/me";
const CALLERS: usize = 100;
