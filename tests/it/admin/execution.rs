//! Executions of data actions, and why they fail.

use std::time::Duration;

use genesys_cloud_auth::{
    Error, ErrorKind,
    admin::DataActionConfig,
    error::{DataActionError, DataActionErrorClass, Troubleshooting},
    sandbox::Sandbox,
};
use serde_json::{Value, json};

use super::chain::{Chain, class_of, lookup};
use crate::support::{
    cloud::{Cloud, LONG, quick},
    kind_of,
    server::Reply,
};

async fn execute(cloud: &Cloud, reply: Reply) -> Result<Value, Error> {
    cloud.api.answers([reply]);
    cloud
        .client
        .data_actions()
        .execute("an-id", &json!({ "a": 1 }))
        .await
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
    let remote = |code: &str, detail: &str, words: &str| {
        let words =
            format!("Request to backend service failed.  Response from web service: {words}");
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
    let authentication = remote(
        "INVALID_CREDENTIALS",
        "ACTION.AUTHENTICATION",
        "{\"status\":401}",
    );
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
    let lacking = body(
        "missing.permissions",
        403,
        "permission(s): [routing:queue:view]",
    );
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
        let reply = Reply::json(status, &body.to_string());
        let error = execute(&cloud, reply).await.unwrap_err();
        let failure = failure_of(&error);
        assert_eq!(failure.class, class, "{status} {body}");
        let found = failure.remote_status.map(|status| status.as_u16());
        assert_eq!(found, remote, "{status} {body}");
        let row = (class == DataActionErrorClass::Authentication)
            .then_some(Troubleshooting::IntegrationFailsAfterRotation);
        assert_eq!(error.troubleshooting(), row, "{body}");
        assert!(
            error.to_string().contains("the data action failed"),
            "{error}"
        );
    }
    let words = json!({ "errorCode": "X", "status": 400,
        "userMessage": "… Response from web service: bad\u{1b} words" });
    let error = execute(&cloud, Reply::json(400, &words.to_string()))
        .await
        .unwrap_err();
    assert_eq!(
        failure_of(&error).remote_message.as_deref(),
        Some("bad\\u{1b} words")
    );
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
        let error = execute(&cloud, Reply::json(status, &body.to_string()))
            .await
            .unwrap_err();
        assert_eq!(
            (kind_of(&error).as_str(), class_of(&error)),
            (kind, None),
            "{error}"
        );
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
        let error = execute(&cloud, Reply::json(status, "{}"))
            .await
            .unwrap_err();
        assert_eq!(cloud.requests().api, 1, "{error}");
        assert_eq!(error.is_outcome_unknown(), status != 429, "{error}");
    }
    let sandbox = Sandbox::start().await.unwrap();
    let api = crate::support::cloud::client_of(&sandbox);
    sandbox.at_api().drop_response();
    let id = sandbox.data_action_id();
    let error = api
        .data_actions()
        .execute::<_, Value>(id, &json!({}))
        .await
        .unwrap_err();
    assert!(
        error.is_outcome_unknown() && !error.is_transient(),
        "{error}"
    );
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
    let cloud = Cloud::start_with(|client| client.timeout(Duration::from_millis(1)).retry(quick()));
    // The client's own deadline would have ended the call.
    let sandbox = Sandbox::start().await.unwrap();
    drop(cloud);
    let (tokens, _) = crate::support::with_clock(&sandbox, sandbox.client_credentials());
    let api = genesys_cloud_auth::PlatformClient::builder(tokens)
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
    assert_eq!(
        failure.remote_status.map(|status| status.as_u16()),
        Some(403)
    );
    assert!(error.to_string().contains("oauth:client:view"), "{error}");
    let test = actions.test(&id, &input).await.unwrap();
    let last = test.steps.last().unwrap();
    assert!(!test.success && !last.success && last.name == "Execute");
    let error = test.error.unwrap();
    assert_eq!(error.code.as_deref(), Some("missing.permissions"));
}

#[tokio::test]
async fn what_the_sandbox_does_not_have_is_named() {
    let chain = Chain::start().await;
    let input = json!({ "email": "ada" });
    for (config, text) in [
        (lookup().success_template("#if($name)x#end"), "#if"),
        (lookup().map("x", "$.entities[?(@.n > 1)]"), "the path"),
        (
            DataActionConfig::new("GET", "https://elsewhere.example"),
            "does not start with",
        ),
        (lookup().header("X", "$math.add(1,2)"), "math.add"),
    ] {
        let id = chain.publish(config).await;
        let error = chain
            .api
            .data_actions()
            .execute::<_, Value>(&id, &input)
            .await
            .unwrap_err();
        let shown = error.to_string();
        assert!(
            shown.contains("not in the sandbox") && shown.contains(text),
            "{shown}"
        );
        assert_eq!(class_of(&error), Some(DataActionErrorClass::Processing));
    }
}
