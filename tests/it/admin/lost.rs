//! Responses that do not arrive, or that cannot be used.

use std::{pin::Pin, time::Duration};

use genesys_cloud_auth::{
    Error, PlatformClient, Region,
    admin::{DataActionConfig, NewCredential, NewDataAction, NewOAuthClient},
    client::RetryPolicy,
    sandbox::{FaultResponse, Sandbox},
};
use serde_json::{Value, json};

use super::{assert_status, job, methods, start_clients};
use crate::support::{
    advance_until_done,
    cloud::{Cloud, Requests, sandbox_and_client},
    good_token, kind_of, provider_of,
    server::{Closed, End, Reply, Server},
    with_clock,
};

#[track_caller]
fn assert_unknown(error: &Error, advice: &[&str]) {
    assert!(error.is_outcome_unknown(), "{error:?}");
    // A caller that repeats transient failures does not create a second client.
    assert!(!error.is_transient());
    let text = error.to_string();
    for part in advice {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains('\n'), "{text}");
}

const FIND: [&str; 3] = ["“CRM sync”", "oauth_clients().list()", "regenerate_secret"];

#[tokio::test]
async fn lost_creation_says_how_to_find_the_client() {
    let (sandbox, clients) = start_clients().await;
    let path = "/api/v2/oauth/clients";
    sandbox.at_api().path(path).times(1).drop_response();
    let error = clients.create(&job(&sandbox)).await.unwrap_err();
    assert_unknown(&error, &FIND);
    assert_eq!(methods(&sandbox), ["POST"]);

    sandbox.at_api().path(path).times(1).cut_body();
    assert_unknown(&clients.create(&job(&sandbox)).await.unwrap_err(), &FIND);
    for status in [500, 502, 503, 504] {
        sandbox.at_api().path(path).times(1).respond(status);
        let before = methods(&sandbox).len();
        let error = clients.create(&job(&sandbox)).await.unwrap_err();
        assert_unknown(&error, &FIND);
        assert_eq!(error.status().unwrap(), status);
        assert_eq!(methods(&sandbox).len(), before + 1);
    }
    // Two were created, and each can get a secret.
    let found = clients.list().await.unwrap();
    let found: Vec<_> = found.iter().filter(|one| one.name == "CRM sync").collect();
    assert_eq!(found.len(), 2);
    clients.regenerate_secret(&found[0].id).await.unwrap();
}

#[tokio::test]
async fn creation_that_takes_too_long_is_unknown() {
    let sandbox = Sandbox::start().await.unwrap();
    let (tokens, _clock) = with_clock(&sandbox, sandbox.client_credentials());
    tokens.token().await.unwrap();
    let api = PlatformClient::builder(tokens).timeout(Duration::from_millis(300));
    let clients = api.build().oauth_clients();
    sandbox.at_api().stall();
    let error = clients.create(&job(&sandbox)).await.unwrap_err();
    assert_unknown(&error, &FIND);
}

#[tokio::test]
async fn lost_secret_is_generated_again_by_the_caller_only() {
    let (sandbox, clients) = start_clients().await;
    let id = sandbox.client_id();
    let path = format!("/api/v2/oauth/clients/{id}/secret");
    sandbox.at_api().path(path).times(1).drop_response();
    let error = clients.regenerate_secret(id).await.unwrap_err();
    let advice = ["old one may be invalid", "call `regenerate_secret` again"];
    assert_unknown(&error, &advice);
    assert_eq!(methods(&sandbox), ["POST"]);
    clients.regenerate_secret(id).await.unwrap();
}

#[tokio::test]
async fn success_without_a_usable_secret_is_unknown() {
    let client = r#""id":"a","name":"CRM sync","authorizedGrantType":"CODE""#;
    for body in [
        format!("{{{client}}}"),
        format!(r#"{{{client},"secret":null}}"#),
        format!(r#"{{{client},"secret":""}}"#),
        format!(r#"{{{client},"secret":["planted"]}}"#),
        r#"{"name":"CRM sync","secret":"planted"}"#.to_owned(),
        "<html>planted</html>".to_owned(),
        String::new(),
    ] {
        let cloud = Cloud::start();
        cloud.api.answers([Reply::json(200, &body)]);
        let new = NewOAuthClient::client_credentials("CRM sync").role("r", "*");
        let error = cloud.client.oauth_clients().create(&new).await.unwrap_err();
        assert_unknown(&error, &FIND);
        let debug = format!("{error:?}{error:#?}");
        assert!(!debug.contains("planted"), "{debug}");
        assert_eq!(cloud.requests().api, 1);
    }
}

#[tokio::test]
async fn request_that_was_not_sent_or_done_is_known() {
    let (sandbox, clients) = start_clients().await;
    for status in [400, 403, 409, 429] {
        sandbox.at_api().times(1).respond(status);
        let error = clients.create(&job(&sandbox)).await.unwrap_err();
        assert!(!error.is_outcome_unknown(), "{error:?}");
    }
    let login = Server::start(good_token("t"));
    let closed = Closed::new();
    let api = format!("http://{}", closed.address());
    let (tokens, _) = provider_of(Region::custom(&login.url(), &api).unwrap());
    let api = PlatformClient::builder(tokens.build().unwrap()).retry(RetryPolicy::never());
    let clients = api.build().oauth_clients();
    let error = clients.create(&job(&sandbox)).await.unwrap_err();
    assert!(!error.is_outcome_unknown(), "{error:?}");
}

/// The calls that are sent once, as futures that have not begun.
fn calls_sent_once(api: &PlatformClient) -> Vec<Pin<Box<dyn Future<Output = Error>>>> {
    let (clients, integrations) = (api.oauth_clients(), api.integrations());
    let (drafts, actions) = (api.data_actions(), api.data_actions());
    let regenerating = clients.clone();
    let creating = integrations.clone();
    vec![
        Box::pin(async move {
            let new = NewOAuthClient::client_credentials("CRM sync").role("r", "*");
            clients.create(&new).await.unwrap_err()
        }),
        Box::pin(async move { regenerating.regenerate_secret("a").await.unwrap_err() }),
        Box::pin(async move {
            let new = NewCredential::basic_auth("CRM", "jo", "secret");
            integrations.create_credential(&new).await.unwrap_err()
        }),
        Box::pin(async move { creating.create("a", "CRM").await.unwrap_err() }),
        Box::pin(async move {
            let config = DataActionConfig::new("GET", "/api/v2/x");
            let new = NewDataAction::new("a", "b", "c", config, super::chain::contract());
            drafts.create_draft(&new).await.unwrap_err()
        }),
        Box::pin(async move {
            let result = actions.execute::<_, Value>("a", &json!({})).await;
            result.unwrap_err()
        }),
    ]
}

/// Runs each of the calls in a cloud of its own.
async fn run_each(arrange: impl Fn(&Cloud), check: impl Fn(&Cloud, &Error, Duration)) {
    let count = calls_sent_once(&Cloud::start().client).len();
    for call in 0..count {
        let cloud = Cloud::start();
        arrange(&cloud);
        let call = calls_sent_once(&cloud.client).swap_remove(call);
        let (error, waited) = advance_until_done(&cloud.clock, call).await;
        check(&cloud, &error, waited);
    }
}

#[tokio::test]
async fn failed_token_request_is_no_lost_call() {
    for reply in [
        Reply::none(End::Close),
        Reply::json(200, "<html>"),
        Reply::json(503, ""),
    ] {
        run_each(
            |cloud| cloud.login.answers([reply.clone()]),
            |cloud, error, _| {
                assert!(!error.is_outcome_unknown(), "{error:?}");
                assert_eq!(cloud.requests().api, 0);
            },
        )
        .await;
    }
    // No host at all.
    let (api, closed) = (Server::start(Reply::json(200, "{}")), Closed::new());
    let login = format!("http://{}", closed.address());
    let region = Region::custom(&login, &api.url()).unwrap();
    let (builder, clock) = provider_of(region);
    let client = PlatformClient::new(builder.build().unwrap());
    for call in calls_sent_once(&client) {
        let (error, _) = advance_until_done(&clock, call).await;
        assert_eq!(kind_of(&error), "Transport Refused");
        assert!(!error.is_outcome_unknown(), "{error:?}");
    }
    assert!(api.requests().is_empty());
}

#[tokio::test]
async fn lost_token_after_a_rejected_one_is_no_lost_call() {
    run_each(
        |cloud| {
            let lost = Reply::none(End::Close);
            cloud.login.answers([good_token("first"), lost]);
            cloud.api.answers([rejection()]);
        },
        |cloud, error, _| {
            assert_eq!(kind_of(error), "Transport Interrupted");
            assert!(!error.is_outcome_unknown(), "{error:?}");
            assert_eq!(cloud.requests().api, 1);
        },
    )
    .await;
}

#[tokio::test]
async fn lost_call_after_a_rejected_token_is_unknown() {
    run_each(
        |cloud| cloud.api.answers([rejection(), Reply::none(End::Close)]),
        |cloud, error, _| {
            assert!(error.is_outcome_unknown(), "{error:?}");
            assert_eq!(cloud.requests(), Requests { token: 2, api: 2 });
        },
    )
    .await;
}

#[tokio::test]
async fn call_sent_once_waits_ten_seconds_for_a_token() {
    run_each(
        |cloud| cloud.login.answers([Reply::none(End::Hold)]),
        |cloud, error, waited| {
            assert_eq!(kind_of(error), "Timeout");
            assert!(!error.is_outcome_unknown(), "{error:?}");
            // The clock moves on by itself, too.
            let allowed = Duration::from_secs(8)..=Duration::from_secs(10);
            assert!(allowed.contains(&waited), "{waited:?}");
            assert_eq!(cloud.requests().api, 0);
        },
    )
    .await;
}

fn rejection() -> Reply {
    Reply::json(401, r#"{"code":"bad.credentials","status":401}"#)
}

/// The repeated request gets a 404, since the first one has deleted the object.
#[tokio::test]
async fn deletion_whose_response_is_lost_succeeds() {
    let (sandbox, api) = sandbox_and_client().await;
    let (integrations, actions) = (api.integrations(), api.data_actions());
    let lose = |path: &str| {
        sandbox.at_api().path(path).times(1).drop_response();
    };
    let new = NewCredential::basic_auth("CRM", "jo", "a-password");
    let credential = integrations.create_credential(&new).await.unwrap().id;
    lose(&format!("/api/v2/integrations/credentials/{credential}"));
    integrations.delete_credential(&credential).await.unwrap();

    let action = sandbox.data_action_id();
    actions.start_draft(action).await.unwrap();
    let path = format!("/api/v2/integrations/actions/{action}");
    lose(&format!("{path}/draft"));
    actions.delete_draft(action).await.unwrap();
    lose(&path);
    actions.delete(action).await.unwrap();

    let integration = integrations.create("custom-rest-actions", "CRM").await;
    let integration = integration.unwrap().id;
    lose(&format!("/api/v2/integrations/{integration}"));
    assert!(integrations.delete(&integration).await.unwrap().is_none());

    // Each is gone, and nothing was deleted by this call.
    for error in [
        integrations.delete_credential(&credential).await.err(),
        actions.delete_draft(action).await.err(),
        actions.delete(action).await.err(),
        integrations.delete(&integration).await.err(),
    ] {
        assert_status(&error.unwrap(), 404);
    }
}

#[tokio::test]
async fn redirected_deletion_is_an_error() {
    let (sandbox, api) = sandbox_and_client().await;
    sandbox
        .at_api()
        .respond(FaultResponse::new(302).header("Location", "/log-in"));
    let (integrations, actions) = (api.integrations(), api.data_actions());
    for error in [
        integrations.delete_credential("x").await.err(),
        integrations.delete("x").await.err(),
        actions.delete("custom_x").await.err(),
        actions.delete_draft("custom_x").await.err(),
    ] {
        assert_eq!(kind_of(&error.unwrap()), "UnexpectedResponse");
    }
}
