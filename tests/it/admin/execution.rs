//! Executions of data actions, and why they fail.

use std::time::Duration;

use genesys_cloud_auth::{
    Error, ErrorKind, PlatformClient,
    admin::DataActionConfig,
    error::{DataActionError, DataActionErrorClass, Troubleshooting},
    sandbox::Sandbox,
};
use serde_json::{Value, json};

use super::{
    assert_says,
    chain::{Chain, class_of, lookup},
};
use crate::support::{
    cloud::{Cloud, LONG, quick, sandbox_and_client},
    kind_of,
    server::Reply,
};

async fn execute(cloud: &Cloud, reply: Reply) -> Result<Value, Error> {
    cloud.api.answers([reply]);
    let actions = cloud.client.data_actions();
    actions.execute("an-id", &json!({ "a": 1 })).await
}

/// Executes an action that gets this response, which is an error.
async fn failed(cloud: &Cloud, status: u16, body: &Value) -> Error {
    let reply = Reply::json(status, &body.to_string());
    execute(cloud, reply).await.unwrap_err()
}

fn failure_of(error: &Error) -> &DataActionError {
    match error.kind() {
        ErrorKind::Api(response) => response.data_action.as_ref().unwrap(),
        _ => panic!("{error:?}"),
    }
}

type Case = (u16, Value, DataActionErrorClass, Option<u16>);

/// Bodies in the form of the help page.
fn bodies_of_data_actions() -> Vec<Case> {
    use DataActionErrorClass::{Authentication, Certificate, Processing, RemoteEndpoint};
    let failed = "Request to backend service failed.  Response from web service:";
    let remote = |code: &str, detail: &str, words: &str| {
        let words = format!("{failed} {words}");
        json!({
            "errorCode": code,
            "status": 400,
            "correlationId": "c",
            "entityName": "msDynamics",
            "userMessage": "It failed.",
            "userParams": [],
            "details": [{ "errorCode": detail }],
            "errors": [{ "errorCode": code, "status": 400, "userMessage": words }],
        })
    };
    let words = "{\"status\":401}";
    let authentication = remote("INVALID_CREDENTIALS", "ACTION.AUTHENTICATION", words);
    let endpoint = remote("BAD_GATEWAY", "ACTION.REMOTE_ENDPOINT", "no JSON");
    let certificate =
        json!({ "errorCode": "X", "status": 400, "userMessage": "PKIX path building failed" });
    let processing = json!({ "errorCode": "X", "details": [{ "errorCode": "ACTION.PROCESSING" }] });
    vec![
        (400, authentication.clone(), Authentication, Some(401)),
        (401, authentication.clone(), Authentication, Some(401)),
        (500, authentication, Authentication, Some(401)),
        (400, endpoint, RemoteEndpoint, Some(400)),
        (400, certificate, Certificate, None),
        (400, processing, Processing, None),
    ]
}

/// Bodies in the form of the Platform API.
fn bodies_of_platform_api() -> Vec<Case> {
    use DataActionErrorClass::{Authentication, Processing, RemoteEndpoint, Schema, Unknown};
    let body = |code: &str, status: u16, message: &str| json!({ "code": code, "status": status, "message": message, "details": [], "errors": [] });
    let denied = body("not.authorized", 403, "no");
    let message = "permission(s): [routing:queue:view]";
    let lacking = body("missing.permissions", 403, message);
    let credentials = body("invalid.credentials", 400, "There was an issue");
    vec![
        (200, credentials, Authentication, None),
        (400, body("invalid.schema", 400, "x"), Schema, None),
        (400, body("no.results", 400, "x"), Processing, None),
        (400, denied.clone(), RemoteEndpoint, Some(403)),
        (403, denied.clone(), RemoteEndpoint, Some(403)),
        (403, lacking, RemoteEndpoint, Some(403)),
        (200, denied, RemoteEndpoint, Some(403)),
        (400, body("of.tomorrow", 400, "x"), Unknown, None),
    ]
}

#[tokio::test]
async fn failure_has_the_class_and_the_remote_status() {
    let cloud = Cloud::start();
    let cases = bodies_of_data_actions()
        .into_iter()
        .chain(bodies_of_platform_api());
    for (status, body, class, remote) in cases {
        let error = failed(&cloud, status, &body).await;
        let failure = failure_of(&error);
        assert_eq!(failure.class, class, "{status} {body}");
        let found = failure.remote_status.map(|status| status.as_u16());
        assert_eq!(found, remote, "{status} {body}");
        let row = (class == DataActionErrorClass::Authentication)
            .then_some(Troubleshooting::IntegrationFailsAfterRotation);
        assert_eq!(error.troubleshooting(), row, "{body}");
        assert_says(&error, "the data action failed");
    }
    let words = json!({ "errorCode": "X", "status": 400,
        "userMessage": "… Response from web service: bad\u{1b} words" });
    let error = failed(&cloud, 400, &words).await;
    let message = failure_of(&error).remote_message.as_deref();
    assert_eq!(message, Some("bad\\u{1b} words"));
}

#[tokio::test]
async fn error_of_the_call_is_no_failure_of_the_action() {
    let cloud = Cloud::start();
    let denied = "You must have at least one of the following permissions assigned: \
                  [integrations:action:execute, bridge:actions:execute]";
    for (status, code, message, kind) in [
        (403, "missing.any.permissions", denied, "AccessDenied"),
        (404, "not.found", "x", "Api"),
        (429, "too.many.requests", "x", "RateLimited"),
        (503, "service.unavailable", "x", "Api"),
        (413, "request.entity.too.large", "x", "Api"),
    ] {
        let body = json!({ "code": code, "status": status, "message": message });
        let error = failed(&cloud, status, &body).await;
        assert_eq!(kind_of(&error), kind, "{error}");
        assert_eq!(class_of(&error), None, "{error}");
    }
}

#[tokio::test]
async fn result_that_looks_like_an_error_is_a_result() {
    let cloud = Cloud::start();
    for body in [
        json!({ "status": 404 }),
        json!({ "status": 200, "code": "x" }),
        json!({ "status": "404", "code": "x" }),
        json!({ "code": "x", "errorCode": "y" }),
        json!({ "status": 404, "code": 7 }),
        json!({ "inner": { "status": 404, "code": "x" } }),
        json!([{ "status": 404, "code": "x" }]),
        json!(null),
        json!("text"),
    ] {
        let result = execute(&cloud, Reply::json(200, &body.to_string())).await;
        assert_eq!(result.unwrap(), body);
    }
    let result = execute(&cloud, Reply::json(200, "")).await;
    assert_eq!(result.unwrap(), Value::Null);
    let marked = execute(&cloud, Reply::json(200, "\u{feff}{\"a\":1}")).await;
    assert_eq!(marked.unwrap(), json!({ "a": 1 }));
}

#[tokio::test]
async fn execution_is_sent_once() {
    for status in [429, 500, 502, 503, 504] {
        let cloud = Cloud::start();
        let error = failed(&cloud, status, &json!({})).await;
        assert_eq!(cloud.requests().api, 1, "{error}");
        assert_eq!(error.is_outcome_unknown(), status != 429, "{error}");
    }
    let (sandbox, api) = sandbox_and_client().await;
    sandbox.at_api().drop_response();
    let (actions, id) = (api.data_actions(), sandbox.data_action_id());
    let lost = actions.execute::<_, Value>(id, &json!({})).await;
    let error = lost.unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
    assert!(!error.is_transient(), "{error}");
    assert_eq!(sandbox.api_requests(), 1);
}

#[tokio::test]
async fn result_of_10_mb_is_returned_and_a_limit_is_kept() {
    let text = "x".repeat(10 * 1024 * 1024);
    let reply = || Reply::json(200, &json!({ "a": text }).to_string());
    let result = execute(&Cloud::start(), reply()).await.unwrap();
    assert_eq!(result["a"].as_str().map(str::len), Some(text.len()));
    let limited =
        Cloud::start_with(|client| client.timeout(LONG).retry(quick()).body_limit(1024 * 1024));
    let error = execute(&limited, reply()).await.unwrap_err();
    assert_eq!(kind_of(&error), "UnexpectedResponse");
    assert!(error.is_outcome_unknown(), "{error}");
}

#[tokio::test]
async fn deadline_of_an_execution_is_its_own() {
    let sandbox = Sandbox::start().await.unwrap();
    let (tokens, _) = crate::support::with_clock(&sandbox, sandbox.client_credentials());
    // The client's own deadline would have ended the call.
    let api = PlatformClient::builder(tokens)
        .timeout(Duration::ZERO)
        .build();
    let id = sandbox.data_action_id();
    let actions = api.data_actions();
    let result: Value = actions.execute(id, &json!({ "a": 1 })).await.unwrap();
    assert_eq!(result, json!({ "a": 1 }));
    let late = actions.execution_timeout(Duration::ZERO);
    assert!(late.execute::<_, Value>(id, &json!({})).await.is_err());
}

#[tokio::test]
async fn remote_error_is_passed_on() {
    let chain = Chain::start().await;
    let config = DataActionConfig::new("GET", "/api/v2/oauth/clients");
    let id = chain.publish(config).await;
    let input = json!({ "email": "ada" });
    let actions = chain.api.data_actions();
    let error = actions.execute::<_, Value>(&id, &input).await.unwrap_err();
    let failure = failure_of(&error);
    assert_eq!(failure.class, DataActionErrorClass::RemoteEndpoint);
    let status = failure.remote_status.map(|status| status.as_u16());
    assert_eq!(status, Some(403));
    assert_says(&error, "oauth:client:view");
    let test = actions.test(&id, &input).await.unwrap();
    let last = test.steps.last().unwrap();
    assert!(!test.success && !last.success && last.name == "Execute");
    let error = test.error.unwrap();
    assert_eq!(error.code.as_deref(), Some("missing.permissions"));
}

#[tokio::test]
async fn what_the_sandbox_does_not_have_is_named() {
    let chain = Chain::start().await;
    let (actions, input) = (chain.api.data_actions(), json!({ "email": "ada" }));
    let elsewhere = DataActionConfig::new("GET", "https://elsewhere.example");
    for (config, text) in [
        (lookup().success_template("#if($name)x#end"), "#if"),
        (lookup().map("x", "$.entities[?(@.n > 1)]"), "the path"),
        (elsewhere, "does not start with"),
        (lookup().header("X", "$math.add(1,2)"), "math.add"),
    ] {
        let id = chain.publish(config).await;
        let error = actions.execute::<_, Value>(&id, &input).await.unwrap_err();
        assert_says(&error, "not in the sandbox");
        assert_says(&error, text);
        assert_eq!(class_of(&error), Some(DataActionErrorClass::Processing));
    }
}
