//! Administration through the platform client.

pub mod chain;
mod checks;
mod credentials;
mod data_actions;
mod delete;
mod errors;
mod execution;
mod guide;
mod integrations;
mod listing;
mod lost;
mod models;
mod permissions;
mod templates;
mod update;
mod usage;

use std::time::{Duration, UNIX_EPOCH};

use genesys_cloud_auth::{
    ClientCredentials, Error, PlatformClient, TokenProvider,
    admin::{
        ClientState, GrantType, NewOAuthClient, OAuthClients, OAuthScope, RoleDivision, UsageQuery,
        WithRoles,
    },
    limits::RECOMMENDED_TOKEN_DURATION,
    sandbox::Sandbox,
};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::support::{cloud::sandbox_and_client, server::Received};

/// A sandbox, and its OAuth clients through a client that calls it.
async fn start_clients() -> (Sandbox, OAuthClients) {
    let (sandbox, api) = sandbox_and_client().await;
    (sandbox, api.oauth_clients())
}

fn job(sandbox: &Sandbox) -> NewOAuthClient<WithRoles> {
    NewOAuthClient::client_credentials("CRM sync").role(sandbox.role_id(), "*")
}

/// A query for all calls.
pub fn all_calls() -> UsageQuery {
    let end = UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    UsageQuery::between(UNIX_EPOCH, end).unwrap()
}

/// The methods of the requests to the API so far.
fn methods(sandbox: &Sandbox) -> Vec<String> {
    let requests = sandbox.requests().into_iter();
    let to_api = requests.filter(|request| request.path().starts_with("/api/"));
    to_api.map(|request| request.method().to_string()).collect()
}

/// The body of the last request.
fn last_body(sandbox: &Sandbox) -> Value {
    serde_json::from_slice(sandbox.requests().last().unwrap().body()).unwrap()
}

fn body_of(request: &Received) -> Value {
    serde_json::from_slice(request.body.as_ref()).unwrap()
}

#[tokio::test]
async fn created_client_gets_tokens_until_it_is_disabled() {
    let (sandbox, clients) = start_clients().await;
    let created = clients.create(&job(&sandbox)).await.unwrap();
    let (client, secret) = (&created.client, created.secret.expose_secret());
    let id = &client.id;
    assert_eq!(client.name, "CRM sync");
    assert_eq!(client.grant_type, GrantType::ClientCredentials);
    assert_eq!(client.token_duration, Some(RECOMMENDED_TOKEN_DURATION));
    assert_eq!(client.roles, [RoleDivision::new(sandbox.role_id(), "*")]);
    assert_eq!(client.state, ClientState::Active);
    assert!(client.date_created.is_some());

    let own = api_of(&sandbox, id, secret);
    assert_eq!(own.oauth_clients().list().await.unwrap().len(), 2);
    let disabled = clients.disable(id).await.unwrap();
    assert_eq!(disabled.state, ClientState::Disabled);
    // The live token has ended, and there is no other.
    let error = own.oauth_clients().list().await.unwrap_err();
    assert_eq!(crate::support::kind_of(&error), "InvalidClient");
    assert_eq!(clients.enable(id).await.unwrap().state, ClientState::Active);
    assert!(api_of(&sandbox, id, secret).tokens().token().await.is_ok());
    assert_eq!(clients.get(id).await.unwrap().state, ClientState::Active);
}

fn api_of(sandbox: &Sandbox, id: &str, secret: &str) -> PlatformClient {
    let credentials = ClientCredentials::new(id, secret).unwrap();
    PlatformClient::new(TokenProvider::new(sandbox.region(), credentials).unwrap())
}

#[tokio::test]
async fn regenerated_secret_replaces_the_old_one() {
    let (sandbox, clients) = start_clients().await;
    let created = clients.create(&job(&sandbox)).await.unwrap();
    let id = &created.client.id;
    let renewed = clients.regenerate_secret(id).await.unwrap();
    assert_eq!(&renewed.client.id, id);
    let request = sandbox.requests().pop().unwrap();
    assert_eq!(request.path(), format!("/api/v2/oauth/clients/{id}/secret"));
    assert!(request.body().is_empty());
    for (secret, works) in [(created.secret, false), (renewed.secret, true)] {
        let own = api_of(&sandbox, id, secret.expose_secret());
        assert_eq!(own.tokens().token().await.is_ok(), works);
    }
}

#[tokio::test]
async fn new_client_is_sent_with_every_field() {
    let (sandbox, api) = sandbox_and_client().await;
    let job = job(&sandbox)
        .role("other", "a-division")
        .description("Copies contacts. Owner: Jo")
        .token_duration(Duration::from_secs(38_880_000))
        .scim()
        .field("allowedIpAddresses", &["203.0.113.0/24"]);
    let created = api.oauth_clients().create(&job).await.unwrap();
    let expected = serde_json::json!({
        "name": "CRM sync",
        "description": "Copies contacts. Owner: Jo",
        "authorizedGrantType": "CLIENT-CREDENTIALS",
        "accessTokenValiditySeconds": 38_880_000,
        "roleDivisions": [
            { "roleId": sandbox.role_id(), "divisionId": "*" },
            { "roleId": "other", "divisionId": "a-division" },
        ],
        "allowedIpAddresses": ["203.0.113.0/24"],
    });
    assert_eq!(last_body(&sandbox), expected);
    let kept: Vec<String> = created.client.other.get("allowedIpAddresses").unwrap();
    assert_eq!(kept, ["203.0.113.0/24"]);

    let uris = ["https://app.example/callback", "http://localhost"];
    let (name, scopes) = ("Wallboard", ["users:readonly"]);
    for (new, grant_type) in [
        (
            NewOAuthClient::authorization_code(name, uris, scopes),
            "CODE",
        ),
        (
            NewOAuthClient::saml2_bearer(name, uris, scopes),
            "SAML2-BEARER",
        ),
    ] {
        api.oauth_clients().create(&new).await.unwrap();
        let expected = serde_json::json!({
            "name": "Wallboard",
            "authorizedGrantType": grant_type,
            "accessTokenValiditySeconds": 64_800,
            "registeredRedirectUri": uris,
            "scope": scopes,
        });
        assert_eq!(last_body(&sandbox), expected);
    }
}

#[tokio::test]
async fn scopes_and_authorizations_are_listed() {
    let (_sandbox, clients) = start_clients().await;
    let scopes = clients.scopes().await.unwrap();
    let listed = scopes.iter().find(|scope| scope.id == "users:readonly");
    let described = |scope: &OAuthScope| scope.description.clone().unwrap();
    assert_eq!(
        described(listed.unwrap()),
        "Allows what users:readonly says"
    );
    let german = clients.clone().language("de-CH");
    let one = german.scope("users:readonly").await.unwrap();
    assert_eq!(described(&one), "Erlaubt, was users:readonly sagt");
    assert_eq!(
        described(&german.scopes().await.unwrap()[0])[..7],
        *"Erlaubt"
    );
    assert_status(&clients.scope("unknown").await.unwrap_err(), 404);
    let error = clients.clone().language("a\nb").scopes().await.unwrap_err();
    assert_eq!(crate::support::kind_of(&error), "Configuration");
    assert!(clients.authorizations().await.unwrap().is_empty());
    let new = NewOAuthClient::authorization_code("Tool", ["http://localhost"], ["users"]);
    let created = clients.create(&new).await.unwrap();
    let listed = clients.authorizations().await.unwrap();
    let one = clients.authorization(&created.client.id).await.unwrap();
    for authorization in [&listed[0], &one] {
        let client = authorization.client.as_ref().unwrap();
        assert_eq!(client.name.as_deref(), Some("Tool"));
        assert_eq!(authorization.scopes, ["users"]);
        assert_eq!(authorization.state.as_str(), "Authorized");
    }
}

#[track_caller]
fn assert_status(error: &Error, status: u16) {
    let found = error.status().map(|status| status.as_u16());
    assert_eq!(found, Some(status), "{error}");
}

#[track_caller]
fn assert_says(error: &Error, part: &str) {
    assert!(error.to_string().contains(part), "{error}");
}
