//! `POST /api/v2/oauth/clients`, which checks a client and creates none.

use genesys_cloud_auth::sandbox::Sandbox;
use serde_json::{Value, json};

use super::{
    FORM_HEADER, Response, assert_get_fails, get, post_json, post_request, send, start_with_token,
    token,
};

async fn create(sandbox: &Sandbox, token: &str, body: &Value) -> Response {
    post_json(sandbox, CLIENTS, token, &body.to_string()).await
}

fn roles() -> Value {
    json!([{ "roleId": "role", "divisionId": "*" }])
}

#[tokio::test]
async fn valid_client_is_returned_and_not_created() {
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
        assert_get_fails(&sandbox, uri, &token, 404, "not.found").await;
    }
    assert_eq!(get(&sandbox, CLIENTS, &token).await.json()["total"], 1);
}

#[tokio::test]
async fn no_secret_is_returned() {
    let sandbox = Sandbox::start().await.unwrap();
    let body =
        json!({ "name": "a", "authorizedGrantType": "CODE", "id": "mine", "secret": "mine" });
    let client = create(&sandbox, &token(&sandbox).await, &body).await.json();
    assert!(client.get("secret").is_none());
    assert_ne!(client["id"], "mine");
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
