//! The data action, and the secret that its integration holds.

use genesys_cloud_auth::sandbox::Sandbox;
use serde_json::{Value, json};

use super::{Answer, post, token};

const INPUT: &str = r#"{"customer":"4711","list":[1,{"deep":null}]}"#;

async fn run(sandbox: &Sandbox, how: &str, token: &str) -> Answer {
    let id = sandbox.data_action_id();
    let path = format!("/api/v2/integrations/actions/{id}/{how}");
    post(sandbox, &path, token, INPUT).await
}

#[track_caller]
fn worked(answer: &Answer) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json(), serde_json::from_str::<Value>(INPUT).unwrap());
}

/// The whole body, as Genesys Cloud's help page shows it.
#[track_caller]
fn failed(answer: &Answer) {
    assert_eq!(answer.status, 400, "{answer:?}");
    let mut body = answer.json();
    let inner = body["errors"][0]["userMessage"].take();
    assert_eq!(
        body,
        json!({
            "errorCode": "INVALID_CREDENTIALS",
            "status": 400,
            "correlationId": answer.header("inin-correlation-id").unwrap(),
            "entityName": "sandbox",
            "userMessage": "There was an issue validating the credentials.",
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
        })
    );
    let words = "Request to backend service failed.  Response from web service: ";
    let refused = inner.as_str().unwrap().strip_prefix(words).unwrap();
    let refused: Value = serde_json::from_str(refused).unwrap();
    assert_eq!(refused["error"], "invalid_client");
}

#[tokio::test]
async fn it_fails_from_a_rotation_to_the_update_of_its_credential() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = token(&sandbox).await;
    worked(&run(&sandbox, "execute", &token).await);
    sandbox.rotate_secret();
    for _ in 0..2 {
        failed(&run(&sandbox, "execute", &token).await);
    }
    sandbox.update_integration_credential();
    worked(&run(&sandbox, "execute", &token).await);
    sandbox.rotate_secret();
    failed(&run(&sandbox, "execute", &token).await);
}

#[tokio::test]
async fn it_fails_when_told_to() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = token(&sandbox).await;
    sandbox.break_integration_credential();
    failed(&run(&sandbox, "execute", &token).await);
    sandbox.update_integration_credential();
    worked(&run(&sandbox, "execute", &token).await);
}

#[tokio::test]
async fn it_may_fail_with_the_status_of_a_success() {
    let sandbox = Sandbox::builder()
        .data_action_fails_with_200(true)
        .start()
        .await
        .unwrap();
    let token = token(&sandbox).await;
    worked(&run(&sandbox, "execute", &token).await);
    sandbox.rotate_secret();
    let answer = run(&sandbox, "execute", &token).await;
    let message = answer.refusal(200, "invalid.credentials");
    assert_eq!(message, "There was an issue validating the credentials.");
}

#[tokio::test]
async fn a_test_of_it_tells_the_step_that_failed() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = token(&sandbox).await;
    let result = run(&sandbox, "test", &token).await.json();
    assert_eq!(result["success"], true);
    let input: Value = serde_json::from_str(INPUT).unwrap();
    assert_eq!(result["finalResult"], input);
    let steps = result["operations"].as_array().unwrap();
    assert_eq!((steps.len(), &steps[1]["result"]), (2, &input));

    sandbox.rotate_secret();
    let answer = run(&sandbox, "test", &token).await;
    assert_eq!(answer.status, 200);
    let result = answer.json();
    assert_eq!(result["success"], false);
    assert_eq!(result["error"]["code"], "invalid.credentials");
    assert_eq!(result["operations"].as_array().unwrap().len(), 1);
    assert_eq!(result["operations"][0]["success"], false);
    assert_eq!(result["operations"][0]["error"], result["error"]);
}

#[tokio::test]
async fn another_data_action_is_not_found() {
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
        for how in ["execute", "test"] {
            let path = format!("/api/v2/integrations/actions/{id}/{how}");
            post(&sandbox, &path, &token, INPUT)
                .await
                .refusal(404, "not.found");
        }
    }
}

#[tokio::test]
async fn an_input_that_is_no_object_is_a_bad_request() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = token(&sandbox).await;
    for how in ["execute", "test"] {
        let path = format!(
            "/api/v2/integrations/actions/{}/{how}",
            sandbox.data_action_id()
        );
        for body in ["", "{", "[]", "[{}]", "null", "\"\"", "1", "{} {}"] {
            let answer = post(&sandbox, &path, &token, body).await;
            answer.refusal(400, "bad.request");
        }
        let answer = post(&sandbox, &path, &token, "{}").await;
        assert_eq!(answer.status, 200);
    }
}
