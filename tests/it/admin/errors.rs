//! Errors of the server.

use genesys_cloud_auth::{
    Error, ErrorKind,
    admin::NewOAuthClient,
    error::Troubleshooting,
    sandbox::{FaultResponse, Sandbox},
};

use super::{assert_says, assert_status, job, start_clients};
use crate::support::{cloud::client_of, kind_of};

const CLIENTS: &str = "/api/v2/oauth/clients";

#[tokio::test]
async fn details_of_a_bad_request_name_the_field() {
    let (sandbox, clients) = start_clients().await;
    let body = r#"{"code":"invalid.value","message":"not valid","status":400,"details":[
        {"errorCode":"invalid.value","fieldName":"accessTokenValiditySeconds"}]}"#;
    let bad = FaultResponse::new(400).body(body);
    sandbox.at_api().path(CLIENTS).respond(bad);
    let error = clients.create(&job(&sandbox)).await.unwrap_err();
    let ErrorKind::Api(response) = error.kind() else {
        panic!("{error:?}")
    };
    let field = response.details[0].field.as_deref();
    assert_eq!(field, Some("accessTokenValiditySeconds"));
    assert_says(&error, "accessTokenValiditySeconds");
    assert!(!error.is_outcome_unknown());
}

#[tokio::test]
async fn codes_about_roles_lead_to_the_roles_tab() {
    let (sandbox, clients) = start_clients().await;
    for code in ["bad.grant.type", "missing.client.roles"] {
        let body = format!(r#"{{"code":"{code}","status":400}}"#);
        let fault = sandbox.at_api().path(CLIENTS);
        let fault = fault.respond(FaultResponse::new(400).body(body));
        let error = clients.create(&job(&sandbox)).await.unwrap_err();
        let row = Some(Troubleshooting::RolesTabNotVisible);
        assert_eq!(error.troubleshooting(), row);
        fault.remove();
    }
}

#[tokio::test]
async fn statuses_keep_their_kinds() {
    let (sandbox, clients) = start_clients().await;
    for (status, kind) in [
        (404, "Api"),
        (409, "Api"),
        (429, "RateLimited"),
        (501, "Api"),
    ] {
        let response = FaultResponse::new(status).header("Retry-After", "200");
        let fault = sandbox.at_api().respond(response);
        for error in [
            clients.get("a").await.unwrap_err(),
            clients.list().await.unwrap_err(),
            clients.create(&job(&sandbox)).await.unwrap_err(),
        ] {
            assert_eq!(kind_of(&error), kind, "{error}");
            assert_status(&error, status);
        }
        fault.remove();
    }
    // An id that is no segment of a path never reaches the server.
    for id in ["", "..", "a\nb"] {
        let error = clients.get(id).await.unwrap_err();
        assert_eq!(kind_of(&error), "InvalidPath");
    }
}

#[tokio::test]
async fn missing_permissions_are_named_in_both_forms() {
    let sandbox = Sandbox::builder().permissions(["other:other:view"]);
    let sandbox = sandbox.start().await.unwrap();
    let clients = client_of(&sandbox).oauth_clients();
    let new = NewOAuthClient::client_credentials("a").role("r", "*");
    let denied = |error: Error| match error.kind() {
        ErrorKind::AccessDenied(denied) => (denied.permissions.clone(), denied.is_any_of()),
        _ => panic!("{error:?}"),
    };
    let all_of = denied(clients.create(&new).await.unwrap_err());
    assert_eq!(all_of, (vec!["oauth:client:add".to_owned()], false));
    let summary = clients.usage_summary(sandbox.client_id(), 7);
    let any_of = denied(summary.await.unwrap_err());
    let names = ["oauth:client:view", "usage:client:view"].map(str::to_owned);
    assert_eq!(any_of, (names.to_vec(), true));
}
