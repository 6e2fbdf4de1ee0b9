//! OAuth clients: creation, changes, secrets, deletion, and what they do to tokens.

use std::time::Duration;

use genesys_cloud_auth::sandbox::Sandbox;
use serde_json::{Value, json};

use super::{
    CLIENT_CREDENTIALS, FORM_HEADER, ORGANIZATION, Response, api_request, assert_get_fails, delete,
    form_headers, get, post_json, post_request, send, start, start_with_token, token,
    token_request_with,
};

async fn create(sandbox: &Sandbox, token: &str, body: &Value) -> Response {
    post_json(sandbox, CLIENTS, token, &body.to_string()).await
}

fn roles() -> Value {
    json!([{ "roleId": "role", "divisionId": "*" }])
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
        let mut fetched = get(&sandbox, uri, &token).await.json();
        fetched["secret"] = client["secret"].clone();
        assert_eq!(fetched, client);
    }
    assert_eq!(get(&sandbox, CLIENTS, &token).await.json()["total"], 11);
}

/// Creates a client with the sandbox's role, and returns its id and secret.
async fn created(sandbox: &Sandbox, token: &str) -> (String, String) {
    let body = job(&json!([{ "roleId": sandbox.role_id(), "divisionId": "*" }]));
    let client = create(sandbox, token, &body).await.json();
    let text = |name: &str| client[name].as_str().unwrap().to_owned();
    (text("id"), text("secret"))
}

fn job(roles: &Value) -> Value {
    json!({ "name": "job", "authorizedGrantType": "CLIENT-CREDENTIALS", "roleDivisions": roles })
}

async fn token_of(sandbox: &Sandbox, id: &str, secret: &str) -> Response {
    let headers = form_headers(id, secret);
    send(sandbox, token_request_with(&headers, CLIENT_CREDENTIALS)).await
}

async fn live_token(sandbox: &Sandbox, id: &str, secret: &str) -> String {
    let response = token_of(sandbox, id, secret).await.json();
    response["access_token"].as_str().unwrap().to_owned()
}

async fn put(sandbox: &Sandbox, id: &str, token: &str, body: &Value) -> Response {
    let request = post_request(
        &format!("{CLIENTS}/{id}"),
        token,
        "Content-Type: application/json\r\n",
        &body.to_string(),
    );
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
    let path = format!("{CLIENTS}/{}", client["id"].as_str().unwrap());
    let renewed = post_json(&sandbox, &format!("{path}/secret"), &token, "")
        .await
        .json();
    assert_ne!(client["id"], "mine");
    let secrets = [&client["secret"], &renewed["secret"]];
    assert!(
        secrets
            .iter()
            .all(|secret| secret.as_str().unwrap().len() == 43)
    );
    assert_ne!(secrets[0], secrets[1]);
    let fetched = get(&sandbox, &path, &token).await.json();
    let listed = get(&sandbox, CLIENTS, &token).await.json();
    let replaced = put(&sandbox, client["id"].as_str().unwrap(), &token, &body)
        .await
        .json();
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
    let (id, secret) = (
        client["id"].as_str().unwrap(),
        client["secret"].as_str().unwrap(),
    );
    token_of(&sandbox, id, "wrong")
        .await
        .assert_invalid_client();
    token_of(&sandbox, sandbox.client_id(), secret)
        .await
        .assert_invalid_client();
    let issued = token_of(&sandbox, id, secret).await.json();
    assert_eq!(issued["expires_in"], 299);
    let own = issued["access_token"].as_str().unwrap();
    assert_eq!(get(&sandbox, CLIENTS, own).await.status, 200);
    create(&sandbox, own, &body)
        .await
        .assert_api_error(403, "missing.permissions");
    let info = get(&sandbox, "/api/v2/tokens/me", own).await.json();
    assert_eq!(info["OAuthClient"]["id"], id);
    let roles = get(&sandbox, "/api/v2/authorization/roles", &token)
        .await
        .json();
    assert_eq!(roles["entities"][1]["id"], role);
    // A role that does not exist allows nothing.
    let unknown = create(&sandbox, &token, &job(&roles_of("unknown")))
        .await
        .json();
    let (id, secret) = (
        unknown["id"].as_str().unwrap(),
        unknown["secret"].as_str().unwrap(),
    );
    let own = live_token(&sandbox, id, secret).await;
    assert_get_fails(&sandbox, CLIENTS, &own, 403, "missing.permissions").await;
}

fn roles_of(role: &str) -> Value {
    json!([{ "roleId": role, "divisionId": "*" }])
}

#[tokio::test]
async fn state_decides_about_new_and_live_tokens() {
    let (sandbox, token) = start_with_token().await;
    let (id, secret) = created(&sandbox, &token).await;
    let live = live_token(&sandbox, &id, &secret).await;
    set_state(&sandbox, &id, &token, "inactive").await;
    token_of(&sandbox, &id, &secret)
        .await
        .assert_invalid_client();
    assert_eq!(get(&sandbox, ORGANIZATION, &live).await.status, 200);

    set_state(&sandbox, &id, &token, "disabled").await;
    token_of(&sandbox, &id, &secret)
        .await
        .assert_invalid_client();
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
        let message = response.assert_api_error(400, "cannot.delete.client");
        assert_eq!(
            message,
            "Clients must be marked as inactive to be eligible for deletion."
        );
    }
    set_state(&sandbox, &id, &token, "inactive").await;
    assert_eq!(delete(&sandbox, &path, &token).await.status, 204);
    assert_get_fails(&sandbox, &path, &token, 404, "not.found").await;
    assert_get_fails(&sandbox, ORGANIZATION, &live, 401, "bad.credentials").await;
    for method in ["DELETE", "PUT"] {
        let response = send(&sandbox, api_request(method, &path, &token)).await;
        assert_eq!(response.status, if method == "PUT" { 415 } else { 404 });
    }
    token_of(&sandbox, &id, &secret)
        .await
        .assert_invalid_client();
    assert_eq!(get(&sandbox, CLIENTS, &token).await.json()["total"], 1);
}

#[tokio::test]
async fn old_client_is_deleted_after_seven_days() {
    let sandbox = start(Sandbox::builder().token_lifetime(Duration::from_secs(1_000 * DAY))).await;
    let token = token(&sandbox).await;
    let (id, _) = created(&sandbox, &token).await;
    let path = format!("{CLIENTS}/{id}");
    sandbox.advance(Duration::from_secs(30 * DAY));
    for days in [6, 7] {
        set_state(&sandbox, &id, &token, "inactive").await;
        assert_eq!(delete(&sandbox, &path, &token).await.status, 204);
        let scheduled = get(&sandbox, &path, &token).await.json();
        assert!(scheduled["dateToDelete"].is_string());
        sandbox.advance(Duration::from_secs(days * DAY));
        if days == 6 {
            let mut restored = scheduled.clone();
            restored["state"] = "active".into();
            restored.as_object_mut().unwrap().remove("dateToDelete");
            put(&sandbox, &id, &token, &restored).await;
            sandbox.advance(Duration::from_secs(DAY));
            let restored = get(&sandbox, &path, &token).await.json();
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
    put(&sandbox, id, &token, &body)
        .await
        .assert_api_error(400, "bad.grant.type");
    put(&sandbox, "other", &token, &body)
        .await
        .assert_api_error(404, "not.found");
}

#[tokio::test]
async fn value_outside_its_range_is_named() {
    let (sandbox, token) = start_with_token().await;
    let many: Vec<_> = (0..126)
        .map(|n| format!("https://app.example/{n}"))
        .collect();
    for (field, value) in [
        ("accessTokenValiditySeconds", json!(299)),
        ("accessTokenValiditySeconds", json!(38_880_001)),
        ("registeredRedirectUri", json!(many)),
        ("registeredRedirectUri", json!(["http://app.example"])),
        ("registeredRedirectUri", json!(["https://app.example/#a"])),
    ] {
        let mut body = json!({ "name": "a", "authorizedGrantType": "CODE" });
        body[field] = value;
        let response = create(&sandbox, &token, &body).await;
        assert_eq!(response.status, 400);
        let error = response.json();
        assert_eq!(error["code"], "invalid.value");
        let detail = json!([{ "errorCode": "invalid.value", "fieldName": field }]);
        assert_eq!(error["details"], detail);
    }
}

#[tokio::test]
async fn number_of_clients_is_limited() {
    let sandbox = start(Sandbox::builder().other_clients(19_998)).await;
    let token = token(&sandbox).await;
    assert_eq!(create(&sandbox, &token, &job(&roles())).await.status, 200);
    let response = create(&sandbox, &token, &job(&roles())).await;
    response.assert_api_error(400, "auth.too.many.clients");
}

#[tokio::test]
async fn code_of_one_client_is_useless_to_another() {
    let sandbox = start(Sandbox::builder().code_client(["http://localhost"])).await;
    let admin = sandbox.users()[0].clone();
    let url = |id: &str| {
        format!(
            "{}/login/oauth/authorize?response_type=code&client_id={id}&redirect_uri={}",
            sandbox.url(),
            "http://localhost"
        )
    };
    let exchange = async |redirected: &str, headers: &str| {
        let code = redirected.split("code=").nth(1).unwrap();
        let form = format!(
            "grant_type=authorization_code&code={code}&redirect_uri=http%3A%2F%2Flocalhost"
        );
        send(&sandbox, token_request_with(headers, &form)).await
    };
    let redirected = sandbox.log_in(&url(sandbox.client_id()), &admin).await;
    let first = exchange(&redirected, &super::client_headers(&sandbox))
        .await
        .json();
    let user = first["access_token"].as_str().unwrap();
    let body = json!({
        "name": "tool", "authorizedGrantType": "CODE", "registeredRedirectUri": ["http://localhost"]
    });
    let tool = create(&sandbox, user, &body).await.json();
    let (id, secret) = (
        tool["id"].as_str().unwrap(),
        tool["secret"].as_str().unwrap(),
    );
    let redirected = sandbox.log_in(&url(id), &admin).await;
    let other = exchange(&redirected, &super::client_headers(&sandbox)).await;
    other.assert_oauth_error("invalid_grant", "the authorization code is not valid");
    let own = exchange(&redirected, &form_headers(id, secret)).await;
    assert_eq!(own.status, 200);
    let listed = get(&sandbox, "/api/v2/oauth/authorizations", user)
        .await
        .json();
    assert_eq!(listed["total"], 2);
    assert_eq!(listed["entities"][1]["client"]["id"], id);
    let one = format!("/api/v2/oauth/authorizations/{id}");
    assert_eq!(
        get(&sandbox, &one, user).await.json(),
        listed["entities"][1]
    );
}

#[tokio::test]
async fn scopes_are_listed_whole() {
    let (sandbox, token) = start_with_token().await;
    let scopes = get(&sandbox, "/api/v2/oauth/scopes", &token).await.json();
    let entities = scopes["entities"].as_array().unwrap();
    assert_eq!(scopes["total"], entities.len());
    for scope in entities {
        let uri = scope["selfUri"].as_str().unwrap();
        assert_eq!(&get(&sandbox, uri, &token).await.json(), scope);
    }
    let unknown = "/api/v2/oauth/scopes/unknown";
    assert_get_fails(&sandbox, unknown, &token, 404, "not.found").await;
}

#[tokio::test]
async fn grant_type_that_does_not_fit_roles_is_an_error() {
    let (sandbox, token) = start_with_token().await;
    for (code, body) in [
        ("grant.type.required", json!({ "name": "a" })),
        (
            "grant.type.required",
            json!({ "name": "a", "authorizedGrantType": null }),
        ),
        (
            "grant.type.required",
            json!({ "name": "a", "authorizedGrantType": "", "roleIds": ["r"] }),
        ),
        (
            "bad.grant.type",
            json!({ "name": "a", "authorizedGrantType": "IMPLICIT" }),
        ),
        (
            "bad.grant.type",
            json!({ "name": "a", "authorizedGrantType": "client-credentials" }),
        ),
        (
            "bad.grant.type",
            json!({ "name": "a", "authorizedGrantType": "-" }),
        ),
        (
            "bad.grant.type",
            json!({ "name": "a", "authorizedGrantType": "CODE", "roleDivisions": roles() }),
        ),
        (
            "bad.grant.type",
            json!({ "name": "a", "authorizedGrantType": "SAML2_BEARER", "roleIds": ["r"] }),
        ),
        (
            "missing.client.roles",
            json!({ "name": "a", "authorizedGrantType": "CLIENT-CREDENTIALS" }),
        ),
        (
            "missing.client.roles",
            json!({ "name": "a", "authorizedGrantType": "CLIENT_CREDENTIALS", "roleDivisions": [] }),
        ),
        (
            "missing.client.roles",
            json!({ "name": "a", "authorizedGrantType": "CLIENT-CREDENTIALS", "roleDivisions": null, "roleIds": [] }),
        ),
    ] {
        create(&sandbox, &token, &body)
            .await
            .assert_api_error(400, code);
    }
}

#[tokio::test]
async fn malformed_client_is_a_bad_request() {
    let (sandbox, token) = start_with_token().await;
    let mut bodies = [
        "",
        "{",
        "{\"name\":\"a\",}",
        "\u{0}",
        "null",
        "7",
        "\"CODE\"",
        "[]",
        "[\"a\",\"CODE\"]",
        "[{\"name\":\"a\",\"authorizedGrantType\":\"CODE\"}]",
        "{\"name\":\"a\",\"authorizedGrantType\":\"CODE\"} x",
        "name=a&authorizedGrantType=CODE",
        "{}",
    ]
    .map(str::to_owned)
    .to_vec();
    for (field, value) in [
        ("name", json!(7)),
        ("name", json!("")),
        ("name", Value::Null),
        ("description", json!(["a"])),
        ("authorizedGrantType", json!(["CODE"])),
        ("authorizedGrantType", json!({})),
        ("accessTokenValiditySeconds", json!("86400")),
        ("accessTokenValiditySeconds", json!(-1)),
        ("accessTokenValiditySeconds", json!(1.5)),
        ("registeredRedirectUri", json!("http://localhost")),
        ("scope", json!([7])),
        ("roleIds", json!({ "0": "role" })),
        ("roleDivisions", json!({ "roleId": "a", "divisionId": "b" })),
        ("roleDivisions", json!([["a", "b"]])),
        ("roleDivisions", json!([{ "roleId": "a" }])),
        ("roleDivisions", json!([{ "roleId": 1, "divisionId": "b" }])),
        ("state", json!(true)),
    ] {
        let mut body = json!({ "name": "a", "authorizedGrantType": "CODE" });
        body[field] = value;
        bodies.push(body.to_string());
    }
    bodies.push("[".repeat(100_000));
    for body in bodies {
        let response = post_json(&sandbox, CLIENTS, &token, &body).await;
        assert_eq!(response.status, 400, "{}", &body[..body.len().min(80)]);
        response.assert_api_error(400, "bad.request");
    }
}

#[tokio::test]
async fn body_must_have_the_json_content_type() {
    let (sandbox, token) = start_with_token().await;
    let body = "{\"name\":\"a\",\"authorizedGrantType\":\"CODE\"}";
    for (header, status) in [
        ("", 415),
        ("Content-Type: text/plain\r\n", 415),
        (FORM_HEADER, 415),
        ("Content-Type: Application/JSON ; charset=utf-8\r\n", 200),
    ] {
        let request = post_request(CLIENTS, &token, header, body);
        let response = send(&sandbox, request).await;
        assert_eq!(response.status, status, "{header}");
        if status == 415 {
            response.assert_api_error(415, "unsupported.media.type");
        }
    }
}

#[tokio::test]
async fn malformed_id_is_not_found() {
    let (sandbox, token) = start_with_token().await;
    for id in ["%FF", "%00", "%2e%2e", "a%2Fb"] {
        let path = format!("{CLIENTS}/{id}");
        assert_get_fails(&sandbox, &path, &token, 404, "not.found").await;
    }
}

const CLIENTS: &str = "/api/v2/oauth/clients";
