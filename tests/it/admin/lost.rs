//! Responses that do not arrive, or that cannot be used.

use genesys_cloud_auth::{Error, sandbox::FaultResponse};

use super::{job, methods, start};
use crate::support::{
    cloud::Cloud,
    kind_of, provider_of,
    server::{Closed, Reply},
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
    let (sandbox, api) = start().await;
    let clients = api.oauth_clients();
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
    let sandbox = genesys_cloud_auth::sandbox::Sandbox::start().await.unwrap();
    let (tokens, clock) = crate::support::with_clock(&sandbox, sandbox.client_credentials());
    tokens.token().await.unwrap();
    let api = genesys_cloud_auth::PlatformClient::builder(tokens)
        .timeout(std::time::Duration::from_millis(300))
        .build();
    sandbox.at_api().stall();
    let error = api
        .oauth_clients()
        .create(&job(&sandbox))
        .await
        .unwrap_err();
    assert_unknown(&error, &FIND);
    drop(clock);
}

#[tokio::test]
async fn lost_secret_is_generated_again_by_the_caller_only() {
    let (sandbox, api) = start().await;
    let clients = api.oauth_clients();
    let id = sandbox.client_id();
    let path = format!("/api/v2/oauth/clients/{id}/secret");
    sandbox.at_api().path(path).times(1).drop_response();
    let error = clients.regenerate_secret(id).await.unwrap_err();
    assert_unknown(
        &error,
        &["old one may be invalid", "call `regenerate_secret` again"],
    );
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
        let new = genesys_cloud_auth::admin::NewOAuthClient::client_credentials("CRM sync");
        let clients = cloud.client.oauth_clients();
        let error = clients.create(&new.role("r", "*")).await.unwrap_err();
        assert_unknown(&error, &FIND);
        assert!(
            !format!("{error:?}{error:#?}").contains("planted"),
            "{error:?}"
        );
        assert_eq!(cloud.requests().api, 1);
    }
}

#[tokio::test]
async fn request_that_was_not_sent_or_done_is_known() {
    let (sandbox, api) = start().await;
    let clients = api.oauth_clients();
    for response in [
        FaultResponse::new(400),
        FaultResponse::new(403),
        FaultResponse::new(409),
        FaultResponse::new(429),
    ] {
        sandbox.at_api().times(1).respond(response);
        let error = clients.create(&job(&sandbox)).await.unwrap_err();
        assert!(!error.is_outcome_unknown(), "{error:?}");
    }
    // The token request is lost, not the request itself.
    let fresh = crate::support::cloud::client_of(&sandbox);
    let lost = sandbox.at_token_endpoint().drop_response();
    let error = fresh
        .oauth_clients()
        .create(&job(&sandbox))
        .await
        .unwrap_err();
    assert_eq!(kind_of(&error).split(' ').next(), Some("Transport"));
    assert!(!error.is_outcome_unknown(), "{error:?}");
    lost.remove();

    let login = crate::support::server::Server::start(crate::support::good_token("t"));
    let closed = Closed::new();
    let region = format!("http://{}", closed.address());
    let region = genesys_cloud_auth::Region::custom(&login.url(), &region).unwrap();
    let (builder, _) = provider_of(region);
    let api = genesys_cloud_auth::PlatformClient::builder(builder.build().unwrap())
        .retry(genesys_cloud_auth::client::RetryPolicy::never())
        .build();
    let error = api
        .oauth_clients()
        .create(&job(&sandbox))
        .await
        .unwrap_err();
    assert!(!error.is_outcome_unknown(), "{error:?}");
}
