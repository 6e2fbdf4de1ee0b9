//! The data action, and its integration's credential.

use genesys_cloud_auth::sandbox::Sandbox;
use serde_json::{Value, json};

use super::{Response, post_json, start_with_token, token, with_token};

const INPUT: &str = r#"{"customer":"4711","list":[1,{"deep":null}]}"#;

const ISSUE: &str = "There was an issue validating the credentials.";

async fn run(sandbox: &Sandbox, operation: &str, token: &str) -> Response {
    let id = sandbox.data_action_id();
    let path = format!("/api/v2/integrations/actions/{id}/{operation}");
    post_json(sandbox, &path, token, INPUT).await
}

#[track_caller]
fn assert_success(response: &Response) {
    assert_eq!(response.status, 200, "{response:?}");
    let input: Value = serde_json::from_str(INPUT).unwrap();
    assert_eq!(response.json(), input);
}

/// Asserts the whole body, as Genesys Cloud's help page shows it.
#[track_caller]
fn assert_invalid_credentials(response: &Response) {
    assert_eq!(response.status, 400, "{response:?}");
    let mut body = response.json();
    let inner = body["errors"][0]["userMessage"].take();
    let expected = json!({
        "errorCode": "INVALID_CREDENTIALS",
        "status": 400,
        "correlationId": response.header("inin-correlation-id").unwrap(),
        "entityName": "sandbox",
        "userMessage": ISSUE,
        "userParams": [],
        "details": [{ "errorCode": "ACTION.AUTHENTICATION" }],
        "errors": [{
            "errorCode": "INVALID_CREDENTIALS",
            "status": 400,
            "userMessage": null,
            "userParams": [],
            "details": [],
            "errors": [],
        }],
    });
    assert_eq!(body, expected);
    let message = "Request to backend service failed.  Response from web service: ";
    let error = inner.as_str().unwrap().strip_prefix(message).unwrap();
    let error: Value = serde_json::from_str(error).unwrap();
    assert_eq!(error["error"], "invalid_client");
}

#[tokio::test]
async fn fails_after_rotation_until_the_credential_is_updated() {
    let (sandbox, token) = start_with_token().await;
    assert_success(&run(&sandbox, "execute", &token).await);
    sandbox.rotate_secret();
    for _ in 0..2 {
        assert_invalid_credentials(&run(&sandbox, "execute", &token).await);
    }
    sandbox.update_integration_credential();
    assert_success(&run(&sandbox, "execute", &token).await);
    sandbox.rotate_secret();
    assert_invalid_credentials(&run(&sandbox, "execute", &token).await);
}

#[tokio::test]
async fn fails_with_a_broken_credential() {
    let (sandbox, token) = start_with_token().await;
    sandbox.break_integration_credential();
    assert_invalid_credentials(&run(&sandbox, "execute", &token).await);
    sandbox.update_integration_credential();
    assert_success(&run(&sandbox, "execute", &token).await);
}

#[tokio::test]
async fn may_fail_with_status_200() {
    let (sandbox, token) = with_token(Sandbox::builder().data_action_fails_with_200(true)).await;
    assert_success(&run(&sandbox, "execute", &token).await);
    sandbox.rotate_secret();
    let response = run(&sandbox, "execute", &token).await;
    assert_eq!(response.status, 200);
    let body = response.json();
    assert_eq!(body["status"], 400);
    assert_eq!(body["code"], "invalid.credentials");
    assert_eq!(body["message"], ISSUE);
    let id = response.header("inin-correlation-id");
    assert_eq!(body["contextId"].as_str(), id);
}

#[tokio::test]
async fn test_reports_the_failed_step() {
    let (sandbox, token) = start_with_token().await;
    let result = run(&sandbox, "test", &token).await.json();
    assert_eq!(result["success"], true);
    let input: Value = serde_json::from_str(INPUT).unwrap();
    assert_eq!(result["finalResult"], input);
    let steps = result["operations"].as_array().unwrap();
    assert_eq!(steps.len(), 2);
    assert_eq!(steps[1]["result"], input);

    sandbox.rotate_secret();
    let response = run(&sandbox, "test", &token).await;
    assert_eq!(response.status, 200);
    let result = response.json();
    assert_eq!(result["success"], false);
    assert_eq!(result["error"]["code"], "invalid.credentials");
    assert_eq!(result["operations"].as_array().unwrap().len(), 1);
    assert_eq!(result["operations"][0]["success"], false);
    assert_eq!(result["operations"][0]["error"], result["error"]);
}

#[tokio::test]
async fn other_data_action_is_not_found() {
    let sandbox = Sandbox::start().await.unwrap();
    let other = Sandbox::start().await.unwrap();
    let token = token(&sandbox).await;
    let id = sandbox.data_action_id();
    assert_ne!(id, other.data_action_id());
    for id in [
        other.data_action_id(),
        &id.to_uppercase(),
        &id.replace('-', ""),
        sandbox.client_id(),
        "%FF",
        "custom_-_1",
    ] {
        for operation in ["execute", "test"] {
            let path = format!("/api/v2/integrations/actions/{id}/{operation}");
            let response = post_json(&sandbox, &path, &token, INPUT).await;
            response.assert_api_error(404, "not.found");
        }
    }
}

#[tokio::test]
async fn input_that_is_not_an_object_is_a_bad_request() {
    let (sandbox, token) = start_with_token().await;
    for operation in ["execute", "test"] {
        let id = sandbox.data_action_id();
        let path = format!("/api/v2/integrations/actions/{id}/{operation}");
        for body in ["", "{", "[]", "[{}]", "null", "\"\"", "1", "{} {}"] {
            let response = post_json(&sandbox, &path, &token, body).await;
            response.assert_api_error(400, "bad.request");
        }
        let response = post_json(&sandbox, &path, &token, "{}").await;
        assert_eq!(response.status, 200);
    }
}
