//! OAuth clients: creation, changes, secrets, deletion, and what they do to tokens.

mod invalid;

use std::time::Duration;

use genesys_cloud_auth::sandbox::Sandbox;
use serde_json::{Value, json};

use super::{
    CLIENT_CREDENTIALS, JSON_HEADER, ORGANIZATION, Response, api_request, assert_get_fails,
    client_headers, delete, form_headers, get, get_json, post_json, post_request, send, start,
    start_with_token, text, token_request_with, with_token,
};

async fn create(sandbox: &Sandbox, token: &str, body: &Value) -> Response {
    post_json(sandbox, CLIENTS, token, &body.to_string()).await
}

fn roles() -> Value {
    roles_of("role")
}

fn roles_of(role: &str) -> Value {
    json!([{ "roleId": role, "divisionId": "*" }])
}

#[tokio::test]
async fn valid_client_is_created() {
    let (sandbox, token) = start_with_token().await;
    for body in [
        json!({ "name": "a", "authorizedGrantType": "CLIENT-CREDENTIALS", "roleDivisions": roles() }),
        json!({ "name": "a", "authorizedGrantType": "CLIENT_CREDENTIALS", "roleDivisions": roles() }),
        json!({ "name": "a", "authorizedGrantType": "CLIENT-CREDENTIALS", "roleIds": ["role"] }),
        json!({ "name": "a", "authorizedGrantType": "CODE", "description": "é", "roleDivisions": [] }),
        json!({ "name": "a", "authorizedGrantType": "CODE", "roleIds": null }),
        json!({ "name": "a", "authorizedGrantType": "SAML2-BEARER", "scope": ["users"] }),
        json!({ "name": "a", "authorizedGrantType": "SAML2_BEARER" }),
        json!({ "name": "a", "authorizedGrantType": "SAML2BEARER" }),
        json!({ "name": "a", "authorizedGrantType": "TOKEN", "registeredRedirectUri": ["http://localhost"] }),
        json!({ "name": "a", "authorizedGrantType": "PASSWORD", "tomorrows": { "field": 1 } }),
    ] {
        let response = create(&sandbox, &token, &body).await;
        assert_eq!(response.status, 200, "{body}");
        let client = response.json();
        for (name, value) in body.as_object().unwrap() {
            let returned = client.get(name).unwrap_or(&Value::Null);
            assert_eq!(returned, value, "{name}");
        }
        assert_eq!(client["state"], "active");
        assert_eq!(client["accessTokenValiditySeconds"], 86_400);
        let id = client["id"].as_str().unwrap();
        let uri = client["selfUri"].as_str().unwrap();
        assert_eq!(uri, format!("{CLIENTS}/{id}"));
        let mut fetched = get_json(&sandbox, uri, &token).await;
        fetched["secret"] = client["secret"].clone();
        assert_eq!(fetched, client);
    }
    assert_eq!(get_json(&sandbox, CLIENTS, &token).await["total"], 11);
}

/// Creates a client with the sandbox's role, and returns its id and secret.
async fn created(sandbox: &Sandbox, token: &str) -> (String, String) {
    let body = job(&roles_of(sandbox.role_id()));
    let client = create(sandbox, token, &body).await.json();
    let (id, secret) = id_and_secret(&client);
    (id.to_owned(), secret.to_owned())
}

fn id_and_secret(client: &Value) -> (&str, &str) {
    (text(client, "id"), text(client, "secret"))
}

fn job(roles: &Value) -> Value {
    json!({ "name": "job", "authorizedGrantType": "CLIENT-CREDENTIALS", "roleDivisions": roles })
}

async fn token_of(sandbox: &Sandbox, id: &str, secret: &str) -> Response {
    let headers = form_headers(id, secret);
    send(sandbox, token_request_with(&headers, CLIENT_CREDENTIALS)).await
}

async fn live_token(sandbox: &Sandbox, id: &str, secret: &str) -> String {
    text(&token_of(sandbox, id, secret).await.json(), "access_token").to_owned()
}

async fn assert_gets_no_token(sandbox: &Sandbox, id: &str, secret: &str) {
    token_of(sandbox, id, secret).await.assert_invalid_client();
}

async fn put(sandbox: &Sandbox, id: &str, token: &str, body: &Value) -> Response {
    let path = format!("{CLIENTS}/{id}");
    let request = post_request(&path, token, JSON_HEADER, &body.to_string());
    send(sandbox, request.replacen("POST", "PUT", 1)).await
}

async fn set_state(sandbox: &Sandbox, id: &str, token: &str, state: &str) -> Value {
    let mut client = get(sandbox, &format!("{CLIENTS}/{id}"), token).await.json();
    client["state"] = state.into();
    let response = put(sandbox, id, token, &client).await;
    assert_eq!(response.status, 200);
    response.json()
}

#[tokio::test]
async fn secret_is_returned_only_when_it_is_generated() {
    let (sandbox, token) = start_with_token().await;
    let body =
        json!({ "name": "a", "authorizedGrantType": "CODE", "id": "mine", "secret": "mine" });
    let client = create(&sandbox, &token, &body).await.json();
    let (id, secret) = id_and_secret(&client);
    let path = format!("{CLIENTS}/{id}");
    let renewed = post_json(&sandbox, &format!("{path}/secret"), &token, "").await;
    let renewed = renewed.json();
    assert_ne!(id, "mine");
    let renewed = text(&renewed, "secret");
    assert_eq!((secret.len(), renewed.len()), (43, 43));
    assert_ne!(secret, renewed);
    let fetched = get_json(&sandbox, &path, &token).await;
    let listed = get_json(&sandbox, CLIENTS, &token).await;
    let replaced = put(&sandbox, id, &token, &body).await.json();
    for body in [fetched, listed, replaced] {
        assert!(!body.to_string().contains("secret"), "{body}");
    }
}

#[tokio::test]
async fn created_client_has_its_own_secret_roles_and_lifetime() {
    let (sandbox, token) = start_with_token().await;
    let role = sandbox.add_role(["oauth:client:view"]);
    let mut body = job(&json!([{ "roleId": role, "divisionId": "a" }]));
    body["accessTokenValiditySeconds"] = 300.into();
    let client = create(&sandbox, &token, &body).await.json();
    let (id, secret) = id_and_secret(&client);
    assert_gets_no_token(&sandbox, id, "wrong").await;
    assert_gets_no_token(&sandbox, sandbox.client_id(), secret).await;
    let issued = token_of(&sandbox, id, secret).await.json();
    assert_eq!(issued["expires_in"], 299);
    let own = text(&issued, "access_token");
    assert_eq!(get(&sandbox, CLIENTS, own).await.status, 200);
    let denied = create(&sandbox, own, &body).await;
    denied.assert_api_error(403, "missing.permissions");
    let info = get_json(&sandbox, "/api/v2/tokens/me", own).await;
    assert_eq!(info["OAuthClient"]["id"], id);
    let roles = get_json(&sandbox, "/api/v2/authorization/roles", &token).await;
    assert_eq!(roles["entities"][1]["id"], role);
    // A role that does not exist allows nothing.
    let unknown = create(&sandbox, &token, &job(&roles_of("unknown"))).await;
    let unknown = unknown.json();
    let (id, secret) = id_and_secret(&unknown);
    let own = live_token(&sandbox, id, secret).await;
    assert_get_fails(&sandbox, CLIENTS, &own, 403, "missing.permissions").await;
}

#[tokio::test]
async fn state_decides_about_new_and_live_tokens() {
    let (sandbox, token) = start_with_token().await;
    let (id, secret) = created(&sandbox, &token).await;
    let live = live_token(&sandbox, &id, &secret).await;
    set_state(&sandbox, &id, &token, "inactive").await;
    assert_gets_no_token(&sandbox, &id, &secret).await;
    assert_eq!(get(&sandbox, ORGANIZATION, &live).await.status, 200);

    set_state(&sandbox, &id, &token, "disabled").await;
    assert_gets_no_token(&sandbox, &id, &secret).await;
    assert_get_fails(&sandbox, ORGANIZATION, &live, 401, "bad.credentials").await;

    set_state(&sandbox, &id, &token, "active").await;
    assert_get_fails(&sandbox, ORGANIZATION, &live, 401, "bad.credentials").await;
    assert_eq!(token_of(&sandbox, &id, &secret).await.status, 200);
    // The first client stays as it is.
    assert_eq!(get(&sandbox, ORGANIZATION, &token).await.status, 200);
    let mut client = get(&sandbox, &format!("{CLIENTS}/{id}"), &token)
        .await
        .json();
    client["state"] = "sleeping".into();
    let response = put(&sandbox, &id, &token, &client).await;
    response.assert_api_error(400, "bad.request");
}

#[tokio::test]
async fn young_client_is_deleted_at_once_if_inactive() {
    let (sandbox, token) = start_with_token().await;
    let (id, secret) = created(&sandbox, &token).await;
    let path = format!("{CLIENTS}/{id}");
    let live = live_token(&sandbox, &id, &secret).await;
    for state in ["active", "disabled"] {
        set_state(&sandbox, &id, &token, state).await;
        let response = delete(&sandbox, &path, &token).await;
        let expected = "Clients must be marked as inactive to be eligible for deletion.";
        let message = response.assert_api_error(400, "cannot.delete.client");
        assert_eq!(message, expected);
    }
    set_state(&sandbox, &id, &token, "inactive").await;
    assert_eq!(delete(&sandbox, &path, &token).await.status, 204);
    assert_get_fails(&sandbox, &path, &token, 404, "not.found").await;
    assert_get_fails(&sandbox, ORGANIZATION, &live, 401, "bad.credentials").await;
    for method in ["DELETE", "PUT"] {
        let response = send(&sandbox, api_request(method, &path, &token)).await;
        assert_eq!(response.status, if method == "PUT" { 415 } else { 404 });
    }
    assert_gets_no_token(&sandbox, &id, &secret).await;
    assert_eq!(get_json(&sandbox, CLIENTS, &token).await["total"], 1);
}

#[tokio::test]
async fn old_client_is_deleted_after_seven_days() {
    let builder = Sandbox::builder().token_lifetime(Duration::from_secs(1_000 * DAY));
    let (sandbox, token) = with_token(builder).await;
    let (id, _) = created(&sandbox, &token).await;
    let path = format!("{CLIENTS}/{id}");
    sandbox.advance(Duration::from_secs(30 * DAY));
    for days in [6, 7] {
        set_state(&sandbox, &id, &token, "inactive").await;
        assert_eq!(delete(&sandbox, &path, &token).await.status, 204);
        let scheduled = get_json(&sandbox, &path, &token).await;
        assert!(scheduled["dateToDelete"].is_string());
        sandbox.advance(Duration::from_secs(days * DAY));
        if days == 6 {
            let mut restored = scheduled.clone();
            restored["state"] = "active".into();
            restored.as_object_mut().unwrap().remove("dateToDelete");
            put(&sandbox, &id, &token, &restored).await;
            sandbox.advance(Duration::from_secs(DAY));
            let restored = get_json(&sandbox, &path, &token).await;
            assert!(restored.get("dateToDelete").is_none());
        }
    }
    assert_get_fails(&sandbox, &path, &token, 404, "not.found").await;
}

const DAY: u64 = 86_400;

#[tokio::test]
async fn change_replaces_every_field() {
    let (sandbox, token) = start_with_token().await;
    let mut body = job(&roles());
    body["description"] = "what it is for".into();
    body["tomorrows"] = 7.into();
    let client = create(&sandbox, &token, &body).await.json();
    let id = client["id"].as_str().unwrap();
    sandbox.advance(Duration::from_secs(60));
    let replaced = put(&sandbox, id, &token, &job(&roles())).await.json();
    for name in ["description", "tomorrows"] {
        assert!(replaced.get(name).is_none(), "{name}");
    }
    assert_eq!(replaced["dateCreated"], client["dateCreated"]);
    assert_ne!(replaced["dateModified"], client["dateModified"]);
    body["authorizedGrantType"] = "CODE".into();
    for (id, status, code) in [(id, 400, "bad.grant.type"), ("other", 404, "not.found")] {
        let response = put(&sandbox, id, &token, &body).await;
        response.assert_api_error(status, code);
    }
}

#[tokio::test]
async fn number_of_clients_is_limited() {
    let (sandbox, token) = with_token(Sandbox::builder().other_clients(19_998)).await;
    assert_eq!(create(&sandbox, &token, &job(&roles())).await.status, 200);
    let response = create(&sandbox, &token, &job(&roles())).await;
    response.assert_api_error(400, "auth.too.many.clients");
}

#[tokio::test]
async fn code_of_one_client_is_useless_to_another() {
    let sandbox = start(Sandbox::builder().code_client(["http://localhost"])).await;
    let admin = sandbox.users()[0].clone();
    let url = |id: &str| {
        let path = "/login/oauth/authorize?response_type=code&redirect_uri=http://localhost";
        format!("{}{path}&client_id={id}", sandbox.url())
    };
    let exchange = async |redirected: &str, headers: &str| {
        let code = redirected.split("code=").nth(1).unwrap();
        let redirect = "redirect_uri=http%3A%2F%2Flocalhost";
        let form = format!("grant_type=authorization_code&code={code}&{redirect}");
        send(&sandbox, token_request_with(headers, &form)).await
    };
    let own_headers = client_headers(&sandbox);
    let redirected = sandbox.log_in(&url(sandbox.client_id()), &admin).await;
    let first = exchange(&redirected, &own_headers).await.json();
    let user = text(&first, "access_token");
    let body = json!({
        "name": "tool", "authorizedGrantType": "CODE", "registeredRedirectUri": ["http://localhost"]
    });
    let tool = create(&sandbox, user, &body).await.json();
    let (id, secret) = id_and_secret(&tool);
    let redirected = sandbox.log_in(&url(id), &admin).await;
    let other = exchange(&redirected, &own_headers).await;
    other.assert_oauth_error("invalid_grant", "the authorization code is not valid");
    let own = exchange(&redirected, &form_headers(id, secret)).await;
    assert_eq!(own.status, 200);
    let listed = get_json(&sandbox, "/api/v2/oauth/authorizations", user).await;
    assert_eq!(listed["total"], 2);
    assert_eq!(listed["entities"][1]["client"]["id"], id);
    let one = format!("/api/v2/oauth/authorizations/{id}");
    let one = get_json(&sandbox, &one, user).await;
    assert_eq!(one, listed["entities"][1]);
}

#[tokio::test]
async fn scopes_are_listed_whole() {
    let (sandbox, token) = start_with_token().await;
    let scopes = get_json(&sandbox, "/api/v2/oauth/scopes", &token).await;
    let entities = scopes["entities"].as_array().unwrap();
    assert_eq!(scopes["total"], entities.len());
    for scope in entities {
        let uri = scope["selfUri"].as_str().unwrap();
        assert_eq!(&get_json(&sandbox, uri, &token).await, scope);
    }
    let unknown = "/api/v2/oauth/scopes/unknown";
    assert_get_fails(&sandbox, unknown, &token, 404, "not.found").await;
}

const CLIENTS: &str = "/api/v2/oauth/clients";
