//! Changes of an existing client.

use std::time::Duration;

use genesys_cloud_auth::{
    ErrorKind,
    admin::{ClientState, GrantType, NewOAuthClient, OAuthClient, OAuthClients, RoleDivision},
    error::{ConfigurationKind, Troubleshooting},
    sandbox::Sandbox,
};
use serde_json::{Value, json};

use super::{assert_says, body_of, job, last_body, methods, start_clients};
use crate::support::{
    cloud::Cloud,
    payload,
    server::{Received, Reply},
};

type Change = fn(&mut OAuthClient);

/// A client as a server of tomorrow sends it.
fn tomorrows() -> Value {
    json!({
        "id": "an-id",
        "name": "a",
        "description": "what it is for",
        "accessTokenValiditySeconds": 600,
        "registeredRedirectUri": [],
        "authorizedGrantType": "CLIENT_CREDENTIALS",
        "scope": [],
        "roleDivisions": [{ "roleId": "r", "divisionId": "*", "until": "2030" }],
        "roleIds": ["r"],
        "state": "sleeping",
        "dateToDelete": "2030-01-01T00:00:00.123Z",
        "dateCreated": "2025-01-01T00:00:00Z",
        "dateModified": "2025-01-01T00:00:00Z",
        "createdBy": { "id": "jo" },
        "modifiedBy": { "id": "jo" },
        "selfUri": "/api/v2/oauth/clients/an-id",
        "secret": "an old secret",
        "allowedIpAddresses": [{ "cidr": "203.0.113.0/24" }],
        "tomorrow": null,
    })
}

/// Changes tomorrow's client and returns the body of the `PUT`.
async fn changed(change: impl FnOnce(&mut OAuthClient)) -> Value {
    let cloud = Cloud::start();
    let fetched = Reply::json(200, &tomorrows().to_string());
    cloud.api.answers([fetched.clone(), fetched]);
    let clients = cloud.client.oauth_clients();
    clients.update("an-id", change).await.unwrap();
    let requests: Vec<Received> = cloud.api.requests();
    body_of(requests.last().unwrap())
}

#[tokio::test]
async fn update_sends_every_writable_field_as_it_was() {
    let mut expected = tomorrows();
    let without = |body: &mut Value, names: &[&str]| {
        let body = body.as_object_mut().unwrap();
        body.retain(|name, _| !names.contains(&name.as_str()));
    };
    without(
        &mut expected,
        &["id", "dateCreated", "dateModified", "createdBy"],
    );
    without(&mut expected, &["modifiedBy", "selfUri", "secret"]);
    assert_eq!(changed(|_| {}).await, expected);

    expected["name"] = "b".into();
    expected["accessTokenValiditySeconds"] = 900.into();
    let added = json!({ "roleId": "s", "divisionId": "d" });
    let roles = expected["roleDivisions"].as_array_mut();
    roles.unwrap().push(added);
    without(&mut expected, &["dateToDelete", "description", "tomorrow"]);
    expected["new"] = json!([1]);
    expected["registeredRedirectUri"] = json!(["https://a.example"]);
    expected["scope"] = json!(["users"]);
    expected["roleIds"] = json!(["r", "s"]);
    expected["state"] = "active".into();
    let body = changed(|client| {
        client.name = "b".to_owned();
        client.token_duration = Some(Duration::from_secs(900));
        client.date_to_delete = None;
        client.description = None;
        client.roles.push(RoleDivision::new("s", "d"));
        client.redirect_uris.push("https://a.example".to_owned());
        client.scopes.push("users".to_owned());
        client.role_ids.push("s".to_owned());
        client.state = ClientState::Active;
        client.other.remove("tomorrow");
        client.other.set("new", &[1]).unwrap();
        // What only the server writes is not sent.
        client.id = "another".to_owned();
        client.date_created = None;
    });
    assert_eq!(body.await, expected);

    let date = std::time::UNIX_EPOCH + Duration::from_secs(1_900_000_000);
    let body = changed(|client| client.date_to_delete = Some(date)).await;
    assert_eq!(body["dateToDelete"], "2030-03-17T17:46:40.000Z");
}

#[tokio::test]
async fn update_replaces_the_client_at_its_own_path() {
    let (sandbox, clients) = start_clients().await;
    let created = clients.create(&job(&sandbox)).await.unwrap();
    let id = &created.client.id;
    let update = clients.update(id, |client| client.description = Some("Owner: Jo".into()));
    let changed = update.await.unwrap();
    assert_eq!(changed.description.as_deref(), Some("Owner: Jo"));
    assert_eq!(methods(&sandbox), ["POST", "GET", "PUT"]);
    let request = sandbox.requests().pop().unwrap();
    assert_eq!(request.path(), format!("/api/v2/oauth/clients/{id}"));
    assert!(last_body(&sandbox).get("secret").is_none());
}

/// Creates a client for users and one with a role, and returns their ids.
async fn tool_and_job(sandbox: &Sandbox, clients: &OAuthClients) -> [String; 2] {
    let tool = NewOAuthClient::authorization_code("Tool", ["http://localhost"], ["users"]);
    let tool = clients.create(&tool).await.unwrap();
    let job = clients.create(&job(sandbox)).await.unwrap();
    [tool.client.id, job.client.id]
}

#[tokio::test]
async fn roles_for_another_grant_are_refused() {
    let (sandbox, clients) = start_clients().await;
    let [tool, job] = tool_and_job(&sandbox, &clients).await;
    let changes: [(&str, Change); 4] = [
        (&tool, |client| {
            client.roles.push(RoleDivision::new("r", "*"));
        }),
        (&tool, |client| client.role_ids.push("r".into())),
        (&job, |client| {
            client.grant_type = GrantType::AuthorizationCode;
        }),
        (&job, |client| client.grant_type = GrantType::Saml2Bearer),
    ];
    let before = methods(&sandbox).len();
    for (id, change) in changes {
        let error = clients.update(id, change).await.unwrap_err();
        let invalid = payload!(error, Configuration);
        let kind = ConfigurationKind::RolesWithoutClientCredentials;
        assert_eq!(*invalid.kind(), kind);
        let row = Some(Troubleshooting::RolesTabNotVisible);
        assert_eq!(error.troubleshooting(), row);
    }
    assert_eq!(methods(&sandbox)[before..], ["GET"; 4]);
}

#[tokio::test]
async fn change_that_breaks_a_rule_is_refused() {
    let (sandbox, clients) = start_clients().await;
    let [tool, job] = tool_and_job(&sandbox, &clients).await;
    let changes: [(&str, Change, &str); 9] = [
        (&job, |client| client.name.clear(), "name"),
        (&job, |client| client.roles.clear(), "role"),
        (
            &job,
            |client| client.token_duration = Some(Duration::ZERO),
            "token duration",
        ),
        (
            &job,
            |client| client.grant_type = GrantType::Implicit,
            "May 2027",
        ),
        (
            &job,
            |client| client.other.set("roleIds", &["r"]).unwrap(),
            "roleIds",
        ),
        (&tool, |client| client.redirect_uris.clear(), "redirect URI"),
        (
            &tool,
            |client| client.redirect_uris.push("http://a.example".into()),
            "https",
        ),
        (&tool, |client| client.scopes.clear(), "scope"),
        (
            &tool,
            |client| client.grant_type = GrantType::ClientCredentials,
            "role",
        ),
    ];
    for (id, change, part) in changes {
        let error = clients.update(id, change).await.unwrap_err();
        let is_configuration = matches!(error.kind(), ErrorKind::Configuration(_));
        assert!(is_configuration, "{error:?}");
        assert_says(&error, part);
    }
    assert!(!methods(&sandbox).contains(&"PUT".to_owned()));
}

#[tokio::test]
async fn old_client_that_breaks_a_rule_can_be_disabled() {
    let cloud = Cloud::start();
    let old = json!({
        "id": "old", "name": "", "accessTokenValiditySeconds": 1, "state": "active",
        "authorizedGrantType": "TOKEN", "roleDivisions": [{ "roleId": "r", "divisionId": "*" }],
    });
    let reply = Reply::json(200, &old.to_string());
    cloud.api.answers([reply.clone(), reply]);
    cloud.client.oauth_clients().disable("old").await.unwrap();
    let body = body_of(cloud.api.requests().last().unwrap());
    assert_eq!(body["state"], "disabled");
    assert_eq!(body["authorizedGrantType"], "TOKEN");
}
