//! Credentials of integrations: their values are sent and never shown.

use genesys_cloud_auth::admin::{CredentialKind, NewCredential};
use serde_json::json;

use super::{assert_says, assert_status, last_body};
use crate::support::{
    cloud::{Cloud, sandbox_and_client},
    kind_of,
    server::Reply,
};

const VALUE: &str = "a-value-that-nobody-may-see";

fn new() -> NewCredential {
    NewCredential::new("CRM", CredentialKind::UserDefinedOAuth)
        .field("tenant_id", "planted-tenant")
        .field("client_secret", VALUE)
}

#[tokio::test]
async fn credential_is_sent_with_its_values_and_shown_without() {
    let (sandbox, api) = sandbox_and_client().await;
    let integrations = api.integrations();
    let created = integrations.create_credential(&new()).await.unwrap();
    let expected = json!({
        "name": "CRM",
        "type": { "name": "userDefinedOAuth" },
        "credentialFields": { "tenant_id": "planted-tenant", "client_secret": VALUE },
    });
    assert_eq!(last_body(&sandbox), expected);
    assert_eq!(created.kind, CredentialKind::UserDefinedOAuth);
    let id = &created.id;
    let fetched = integrations.get_credential(id).await.unwrap();
    assert_eq!(fetched.name, "CRM");
    assert!(!fetched.other.names().any(|name| name == "credentialFields"));

    let basic = NewCredential::basic_auth("CRM 2", "jo", "another");
    let replaced = integrations.replace_credential(id, &basic).await.unwrap();
    assert_eq!(replaced.name, "CRM 2");
    assert_eq!(replaced.kind, CredentialKind::BasicAuth);
    let fields = json!({ "userName": "jo", "password": "another" });
    assert_eq!(last_body(&sandbox)["credentialFields"], fields);

    assert_eq!(integrations.list_credentials().await.unwrap().len(), 4);
    integrations.delete_credential(id).await.unwrap();
    assert_eq!(integrations.list_credentials().await.unwrap().len(), 3);
    assert_status(&integrations.get_credential(id).await.unwrap_err(), 404);
    assert_status(&integrations.delete_credential(id).await.unwrap_err(), 404);
}

#[tokio::test]
async fn credential_types_are_a_bare_array() {
    let (_sandbox, api) = sandbox_and_client().await;
    let types = api.integrations().credential_types().await.unwrap();
    let own = types.iter().find(|one| one.name == "pureCloudOAuthClient");
    assert_eq!(own.unwrap().required, ["clientId", "clientSecret"]);
    let kind = own.unwrap().properties.get::<String>("/clientId/type");
    assert_eq!(kind.as_deref(), Some("string"));
}

#[tokio::test]
async fn values_are_in_no_debug_output_and_no_error() {
    let cloud = Cloud::start();
    let integrations = cloud.client.integrations();
    let debug = format!("{:?}{:#?}", new(), new());
    let shows_names = debug.contains("client_secret");
    assert!(shows_names && !debug.contains(VALUE), "{debug}");

    // A server that returns the values, in a credential and in its errors.
    let echo = |status: u16| {
        let body = json!({
            "id": "an-id",
            "name": "CRM",
            "credentialFields": { "client_secret": VALUE },
            "message": format!("client_secret {VALUE} is not valid"),
            "code": "bad.request",
            "details": [{ "errorCode": VALUE, "fieldName": format!("x{VALUE}") }],
        });
        Reply::json(status, &body.to_string())
    };
    cloud.api.answers([echo(200)]);
    let fetched = integrations.get_credential("an-id").await.unwrap();
    let created = integrations.create_credential(&new()).await.unwrap();
    for credential in [fetched, created] {
        let debug = format!("{credential:?}{credential:#?}");
        assert!(debug.contains("CRM") && !debug.contains(VALUE), "{debug}");
    }
    for status in [400, 403, 409, 500] {
        cloud.api.answers([echo(status)]);
        for result in [
            integrations.create_credential(&new()).await,
            integrations.replace_credential("an-id", &new()).await,
        ] {
            let error = result.unwrap_err();
            let text = format!("{error}{error:?}{error:#?}");
            assert!(!text.contains(VALUE), "{text}");
        }
    }
}

#[tokio::test]
async fn incomplete_credential_is_not_sent() {
    let (sandbox, api) = sandbox_and_client().await;
    let before = sandbox.api_requests();
    for new in [
        NewCredential::basic_auth(" ", "jo", "secret"),
        NewCredential::new("CRM", CredentialKind::from("")).field("a", "b"),
        NewCredential::new("CRM", CredentialKind::BasicAuth),
        NewCredential::new("CRM", CredentialKind::BasicAuth).field("", "b"),
    ] {
        for result in [
            api.integrations().create_credential(&new).await,
            api.integrations().replace_credential("an-id", &new).await,
        ] {
            assert_eq!(kind_of(&result.unwrap_err()), "Configuration");
        }
    }
    assert_eq!(sandbox.api_requests(), before);
}

#[tokio::test]
async fn rejected_credential_names_the_field() {
    let (_sandbox, api) = sandbox_and_client().await;
    let new = NewCredential::new("CRM", CredentialKind::OAuthClient).field("clientId", "x");
    let integrations = api.integrations();
    let error = integrations.create_credential(&new).await.unwrap_err();
    assert_status(&error, 400);
    assert_says(&error, "credentialFields.clientSecret");
    let new = NewCredential::new("CRM", CredentialKind::from("ofTomorrow")).field("a", "b");
    let error = integrations.create_credential(&new).await.unwrap_err();
    assert_says(&error, "invalid.value type");
}

#[tokio::test]
async fn lost_creation_names_what_to_look_for() {
    let (sandbox, api) = sandbox_and_client().await;
    let integrations = api.integrations();
    let lost = sandbox.at_api().times(1).drop_response();
    let error = integrations.create_credential(&new()).await.unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
    assert_says(&error, "“CRM”");
    lost.remove();
    assert_eq!(integrations.list_credentials().await.unwrap().len(), 4);
    sandbox.at_api().times(1).respond(409);
    let error = integrations.create_credential(&new()).await.unwrap_err();
    assert!(!error.is_outcome_unknown(), "{error}");
}
