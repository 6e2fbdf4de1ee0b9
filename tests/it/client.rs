//! The platform client and its tokens, against the sandbox.

mod bodies;
mod organization;
mod pages;
pub mod upload;

use std::time::Duration;

use genesys_cloud_auth::{
    ClientCredentials, Error, ErrorKind, FixedToken, PlatformClient, TokenProvider,
    client::RetryPolicy,
    error::{ApiError, TransportKind},
    sandbox::{FaultResponse, Sandbox, SandboxHost},
};
use serde_json::{Value, json};

use crate::support::with_clock;

const ORGANIZATION: &str = "/api/v2/organizations/me";

fn client(sandbox: &Sandbox) -> PlatformClient {
    let tokens = TokenProvider::new(sandbox.region(), sandbox.client_credentials());
    PlatformClient::new(tokens.unwrap())
}

/// Five attempts, with pauses that nobody notices.
pub fn quick() -> RetryPolicy {
    RetryPolicy::default().backoff(Duration::from_millis(1), Duration::from_millis(1))
}

/// Token requests and API requests so far.
fn requests(sandbox: &Sandbox) -> (usize, usize) {
    (sandbox.token_requests(), sandbox.api_requests())
}

async fn organization(api: &PlatformClient) -> Result<Value, Error> {
    api.get(ORGANIZATION).fetch().await
}

fn api_error(error: &Error) -> &ApiError {
    match error.kind() {
        ErrorKind::Api(error) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_call_is_authorised_and_its_answer_typed() {
    #[derive(serde::Deserialize)]
    struct Organization {
        name: String,
    }
    let sandbox = Sandbox::start().await.unwrap();
    let api = client(&sandbox);
    for _ in 0..3 {
        let organization: Organization = api.get(ORGANIZATION).fetch().await.unwrap();
        assert!(!organization.name.is_empty());
    }
    assert_eq!(requests(&sandbox), (1, 3));

    let response = api.get(ORGANIZATION).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.correlation_id().is_some());
    let limit = response.rate_limit().unwrap();
    assert_eq!((limit.count, limit.allowed), (4, 300));
    assert!(response.text().await.unwrap().contains("name"));
}

#[tokio::test]
async fn paths_queries_headers_and_bodies_arrive_as_given() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.at_api().respond(FaultResponse::new(204));
    let tokens = TokenProvider::builder(sandbox.region(), sandbox.client_credentials())
        .app("crm-sync/1.4")
        .build()
        .unwrap();
    let api = PlatformClient::new(tokens);
    api.post("/api/v2/users?expand=team")
        .segment("a/b ü")
        .query(&[("q", "x & y"), ("pageSize", "100")])
        .header("Genesys-Test", "yes")
        .body(&json!({ "name": "Jo" }))
        .send()
        .await
        .unwrap();
    api.delete("/api/v2/users")
        .segment("1")
        .fetch::<()>()
        .await
        .unwrap();

    let record = sandbox.requests();
    let [_, post, delete] = &record[..] else {
        panic!("{record:?}")
    };
    assert_eq!(post.method(), "POST");
    assert_eq!(post.path(), "/api/v2/users/a%2Fb%20%C3%BC");
    assert_eq!(post.query(), Some("expand=team&q=x+%26+y&pageSize=100"));
    assert_eq!(post.headers()["content-type"], "application/json");
    assert_eq!(post.headers()["genesys-test"], "yes");
    assert_eq!(post.headers()["genesys-app"], "crm-sync/1.4");
    let agent = post.headers()["user-agent"].to_str().unwrap();
    assert!(
        agent.starts_with("crm-sync/1.4 genesys-cloud-auth/"),
        "{agent}"
    );
    assert_eq!(post.body(), br#"{"name":"Jo"}"#);
    assert_eq!(
        (delete.method().as_str(), delete.path()),
        ("DELETE", "/api/v2/users/1")
    );
    assert!(!delete.headers().contains_key("content-type"));
}

#[tokio::test]
async fn a_refused_token_is_replaced_and_the_request_sent_once_more() {
    let sandbox = Sandbox::start().await.unwrap();
    let api = client(&sandbox);
    organization(&api).await.unwrap();
    for end in [Sandbox::revoke_access_tokens, Sandbox::expire_access_tokens] {
        let (tokens, calls) = requests(&sandbox);
        end(&sandbox);
        organization(&api).await.unwrap();
        assert_eq!(requests(&sandbox), (tokens + 1, calls + 2));
    }
    // A 401 that says nothing at all, and one that nobody can read.
    let silent = FaultResponse::new(401).body("");
    let encoded = FaultResponse::new(401).header("Content-Encoding", "gzip");
    for refusal in [silent, encoded] {
        let api = client(&sandbox);
        organization(&api).await.unwrap();
        let (tokens, calls) = requests(&sandbox);
        sandbox.at_api().times(1).respond(refusal);
        let post = api.post(ORGANIZATION).body(&json!({})).send().await;
        assert_eq!(post.unwrap_err().status().map(u16::from), Some(405));
        assert_eq!(requests(&sandbox), (tokens + 1, calls + 2));
    }
}

#[tokio::test]
async fn a_hundred_callers_with_a_revoked_token_cost_one_token_request() {
    let sandbox = Sandbox::start().await.unwrap();
    let api = client(&sandbox);
    organization(&api).await.unwrap();
    sandbox.revoke_access_tokens();
    let gate = sandbox.at_api().times(100).gate();
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let api = api.clone();
            tokio::spawn(async move { organization(&api).await })
        })
        .collect();
    gate.wait_for(100).await;
    gate.release();
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    assert_eq!(requests(&sandbox), (2, 201));
}

#[tokio::test]
async fn an_api_that_refuses_every_token_is_asked_twice_and_its_first_answer_given() {
    let sandbox = Sandbox::start().await.unwrap();
    let api = client(&sandbox);
    let refusal = |message: &str| {
        FaultResponse::new(401)
            .body(json!({ "code": "bad.credentials", "message": message }).to_string())
    };
    sandbox.at_api().times(1).respond(refusal("the first"));
    sandbox.at_api().respond(refusal("another"));
    let error = organization(&api).await.unwrap_err();
    assert_eq!(api_error(&error).message.as_deref(), Some("the first"));
    assert_eq!(api_error(&error).code.as_deref(), Some("bad.credentials"));
    assert_eq!(requests(&sandbox), (2, 2));
}

#[tokio::test]
async fn a_refusal_comes_back_where_no_new_token_comes_in_time() {
    let sandbox = Sandbox::start().await.unwrap();
    let api = client(&sandbox);
    organization(&api).await.unwrap();
    sandbox.revoke_access_tokens();
    sandbox.at_token_endpoint().stall();
    let call = api.get(ORGANIZATION).timeout(Duration::from_millis(300));
    let error = call.send().await.unwrap_err();
    assert_eq!(api_error(&error).code.as_deref(), Some("bad.credentials"));
}

#[tokio::test]
async fn an_address_that_is_not_authorised_costs_no_token() {
    let sandbox = Sandbox::start().await.unwrap();
    let api = client(&sandbox);
    let body = r#"{"status":401,"code":"ip.not.authorized","message":"Not from there."}"#;
    let fault = sandbox.at_api().respond(FaultResponse::new(401).body(body));
    let error = organization(&api).await.unwrap_err();
    assert!(api_error(&error).is_ip_not_authorized());
    assert_eq!(requests(&sandbox), (1, 1));
    fault.remove();
    organization(&api).await.unwrap();
    assert_eq!(requests(&sandbox), (1, 2));
}

#[tokio::test]
async fn errors_carry_status_code_message_and_correlation_id() {
    let sandbox = Sandbox::start().await.unwrap();
    let api = client(&sandbox);
    let error = api.get("/api/v2/nothing").send().await.unwrap_err();
    assert_eq!(
        (
            error.status().map(u16::from),
            api_error(&error).code.as_deref()
        ),
        (Some(404), Some("not.found"))
    );
    assert!(api_error(&error).message.is_some());
    assert!(error.correlation_id().is_some());
    assert!(
        error
            .to_string()
            .starts_with("GET /api/api/v2/nothing returned HTTP 404"),
        "{error}"
    );

    // A service has no user, and says so in Genesys Cloud's words.
    let error = api.get("/api/v2/users/me").send().await.unwrap_err();
    assert!(
        error.to_string().contains("requires a user context"),
        "{error}"
    );

    let denied = r#"{"code":"missing.permissions","message":"You are missing the following permission(s): oauth:client:view"}"#;
    sandbox
        .at_api()
        .times(1)
        .respond(FaultResponse::new(403).body(denied));
    let error = organization(&api).await.unwrap_err();
    let ErrorKind::AccessDenied(denied) = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!(denied.permissions, ["oauth:client:view"]);

    let limited = FaultResponse::new(429).header("Retry-After", "42");
    sandbox.at_api().times(1).respond(limited);
    let call = api.get(ORGANIZATION).retry(RetryPolicy::never());
    let error = call.send().await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::RateLimited(_)),
        "{error:?}"
    );
    assert_eq!(error.retry_after(), Some(Duration::from_secs(42)));
}

#[tokio::test]
async fn an_answer_that_does_not_decode_says_where_and_nothing_of_it() {
    let sandbox = Sandbox::start().await.unwrap();
    let api = client(&sandbox);
    sandbox
        .at_api()
        .respond(FaultResponse::new(200).body(r#"{"name": "sentinel"}"#));
    let error = api.get(ORGANIZATION).fetch::<Vec<u8>>().await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::UnexpectedResponse(_)),
        "{error:?}"
    );
    assert!(error.to_string().contains("line 1, column 0"), "{error}");
    assert!(!format!("{error} {error:?}").contains("sentinel"));
    assert!(error.correlation_id().is_some());
}

#[tokio::test]
async fn a_pause_between_token_requests_is_waited_out_inside_the_timeout() {
    let sandbox = Sandbox::start().await.unwrap();
    let api = client(&sandbox);
    sandbox.at_token_endpoint().times(1).respond(503);
    organization(&api).await.unwrap();
    assert_eq!(requests(&sandbox), (2, 1));

    let api = client(&sandbox).timeout(Duration::from_secs(20));
    let later = FaultResponse::new(503).header("Retry-After", "30");
    sandbox.at_token_endpoint().times(1).respond(later);
    let error = organization(&api).await.unwrap_err();
    assert_eq!(
        (error.status().map(u16::from), error.is_transient()),
        (Some(503), true)
    );
    assert_eq!(error.retry_after().map(|wait| wait.as_secs()), Some(30));
    assert_eq!(requests(&sandbox), (3, 1));
}

#[tokio::test]
async fn refused_credentials_end_a_call_at_once() {
    let sandbox = Sandbox::start().await.unwrap();
    let wrong = ClientCredentials::new(sandbox.client_id(), "wrong").unwrap();
    let tokens = TokenProvider::new(sandbox.region(), wrong).unwrap();
    let error = organization(&PlatformClient::new(tokens))
        .await
        .unwrap_err();
    let ErrorKind::InvalidClient(refused) = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!(refused.region, sandbox.region());
    assert_eq!(
        refused.response.description.as_deref(),
        Some("authentication failed")
    );
    assert_eq!(requests(&sandbox), (1, 0));
}

#[tokio::test]
async fn a_call_ends_with_its_timeout() {
    let sandbox = Sandbox::start().await.unwrap();
    let api = client(&sandbox);
    sandbox.at_api().stall();
    let call = api.get(ORGANIZATION).timeout(Duration::from_millis(300));
    let error = call.send().await.unwrap_err();
    let ErrorKind::Transport(transport) = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!(transport.kind(), TransportKind::Timeout);
    assert!(!transport.nothing_sent());

    let sandbox = Sandbox::start().await.unwrap();
    sandbox.at_token_endpoint().stall();
    let call = client(&sandbox).timeout(Duration::from_millis(300));
    let error = organization(&call).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
    assert_eq!(requests(&sandbox), (1, 0));
}

#[tokio::test]
async fn a_token_given_from_outside_ends_with_its_refusal() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = client(&sandbox).tokens().token().await.unwrap();
    let fixed = FixedToken::new(token.expose_secret()).unwrap();
    let tokens = TokenProvider::new(sandbox.region(), fixed).unwrap();
    let api = PlatformClient::new(tokens);
    organization(&api).await.unwrap();
    sandbox.revoke_access_tokens();
    let error = organization(&api).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::TokenExpired(_)),
        "{error:?}"
    );
    assert!(!error.needs_login());
    assert_eq!(requests(&sandbox), (1, 2));
}

#[tokio::test]
async fn organisations_in_one_process_share_nothing() {
    let (one, other) = (
        Sandbox::start().await.unwrap(),
        Sandbox::start().await.unwrap(),
    );
    let connections = genesys_cloud_auth::HttpClient::default();
    let [one_api, other_api] = [&one, &other].map(|sandbox| {
        let builder = TokenProvider::builder(sandbox.region(), sandbox.client_credentials());
        PlatformClient::new(builder.http_client(connections.clone()).build().unwrap())
    });
    other.at_token_endpoint().respond(503);
    organization(&one_api).await.unwrap();
    other_api.tokens().token().await.unwrap_err();
    organization(&one_api).await.unwrap();
    assert_eq!((requests(&one), requests(&other)), ((1, 2), (1, 0)));
}

#[tokio::test]
async fn an_idle_token_costs_one_refused_call() {
    let idle = Duration::from_secs(15 * 60);
    let sandbox = Sandbox::builder()
        .idle_timeout(Some(idle))
        .start()
        .await
        .unwrap();
    let (tokens, clock) = with_clock(&sandbox, sandbox.client_credentials());
    let api = PlatformClient::new(tokens);
    organization(&api).await.unwrap();
    for time in [idle, idle + Duration::from_secs(1)] {
        sandbox.advance(time);
        clock.advance(time);
        organization(&api).await.unwrap();
    }
    assert_eq!(sandbox.token_requests(), 1 + 2);
    let calls = sandbox.requests().into_iter();
    let statuses: Vec<_> = calls
        .filter(|request| request.host() == Some(SandboxHost::Api))
        .map(|request| request.status().unwrap().as_u16())
        .collect();
    assert_eq!(statuses, [200, 401, 200, 401, 200]);
}
