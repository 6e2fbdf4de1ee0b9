//! OAuth clients that cannot be created, and ids that name none.

use serde_json::{Value, json};

use super::{CLIENTS, create, roles};
use crate::sandbox::{
    FORM_HEADER, assert_get_fails, post_json, post_request, send, start_with_token,
};

#[tokio::test]
async fn value_outside_its_range_is_named() {
    let (sandbox, token) = start_with_token().await;
    let many = (0..126).map(|n| format!("https://app.example/{n}"));
    let many: Vec<_> = many.collect();
    for (field, value) in [
        ("accessTokenValiditySeconds", json!(299)),
        ("accessTokenValiditySeconds", json!(38_880_001)),
        ("registeredRedirectUri", json!(many)),
        ("registeredRedirectUri", json!(["http://app.example"])),
        ("registeredRedirectUri", json!(["https://app.example/#a"])),
        ("registeredRedirectUri", json!(["https://app.example/a\nb"])),
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
async fn grant_type_that_does_not_fit_roles_is_an_error() {
    let (sandbox, token) = start_with_token().await;
    let (required, bad) = ("grant.type.required", "bad.grant.type");
    let missing = "missing.client.roles";
    for (code, mut body) in [
        (required, json!({})),
        (required, json!({ "authorizedGrantType": null })),
        (
            required,
            json!({ "authorizedGrantType": "", "roleIds": ["r"] }),
        ),
        (bad, json!({ "authorizedGrantType": "IMPLICIT" })),
        (bad, json!({ "authorizedGrantType": "client-credentials" })),
        (bad, json!({ "authorizedGrantType": "-" })),
        (
            bad,
            json!({ "authorizedGrantType": "CODE", "roleDivisions": roles() }),
        ),
        (
            bad,
            json!({ "authorizedGrantType": "SAML2_BEARER", "roleIds": ["r"] }),
        ),
        (
            missing,
            json!({ "authorizedGrantType": "CLIENT-CREDENTIALS" }),
        ),
        (
            missing,
            json!({ "authorizedGrantType": "CLIENT_CREDENTIALS", "roleDivisions": [] }),
        ),
        (
            missing,
            json!({ "authorizedGrantType": "CLIENT-CREDENTIALS", "roleDivisions": null, "roleIds": [] }),
        ),
    ] {
        body["name"] = "a".into();
        let response = create(&sandbox, &token, &body).await;
        response.assert_api_error(400, code);
    }
}

#[tokio::test]
async fn malformed_client_is_a_bad_request() {
    let (sandbox, token) = start_with_token().await;
    let bodies = [
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
    ];
    let mut bodies = bodies.map(str::to_owned).to_vec();
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
    let upper = sandbox.client_id().to_uppercase();
    assert_ne!(upper, sandbox.client_id());
    for id in ["%FF", "%00", "%2e%2e", "a%2Fb", &upper] {
        let path = format!("{CLIENTS}/{id}");
        assert_get_fails(&sandbox, &path, &token, 404, "not.found").await;
    }
}
