//! The platform client and its tokens, against the sandbox.

mod bodies;
mod organization;
mod pages;
pub mod upload;

use std::{collections::HashMap, time::Duration};

use genesys_cloud_auth::{
    ClientCredentials, Error, ErrorKind, FixedToken, HttpClient, PlatformClient, TokenProvider,
    error::{ApiError, TransportKind},
    sandbox::{FaultResponse, Sandbox, SandboxHost},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::{
    assert_contains,
    cloud::{Cloud, Requests, client_of, sandbox_and_client},
    kind_of, payload, with_clock,
};

#[tokio::test]
async fn call_is_authorized_and_its_response_decoded() {
    #[derive(Deserialize)]
    struct Organization {
        name: String,
    }
    let (sandbox, api) = sandbox_and_client().await;
    for _ in 0..3 {
        let organization: Organization = api.get(ORGANIZATION).fetch().await.unwrap();
        assert!(!organization.name.is_empty());
    }
    assert_eq!(Requests::to(&sandbox), Requests { token: 1, api: 3 });

    let response = api.get(ORGANIZATION).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.correlation_id().is_some());
    let limit = response.rate_limit().unwrap();
    assert_eq!(limit.count, 4);
    assert_eq!(limit.allowed, 300);
    assert!(response.text().await.unwrap().contains("name"));
}

#[tokio::test]
async fn path_query_headers_and_json_arrive_as_given() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.at_api().respond(FaultResponse::new(204));
    let tokens = TokenProvider::builder(sandbox.region(), sandbox.client_credentials());
    let api = PlatformClient::new(tokens.app("crm-sync/1.4").build().unwrap());
    let post = api.post("/api/v2/users?expand=team").segment("a/b ü");
    let post = post.query(&[("q", "x & y"), ("pageSize", "100")]);
    let post = post.header("Genesys-Test", "yes");
    post.json(&json!({ "name": "Jo" })).send().await.unwrap();
    let delete = api.delete("/api/v2/users").segment("1");
    delete.fetch::<()>().await.unwrap();

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
    let start = "crm-sync/1.4 genesys-cloud-auth/";
    assert!(agent.starts_with(start), "{agent}");
    assert_eq!(post.body(), br#"{"name":"Jo"}"#);
    assert_eq!(delete.method(), "DELETE");
    assert_eq!(delete.path(), "/api/v2/users/1");
    assert!(!delete.headers().contains_key("content-type"));
}

#[tokio::test]
async fn query_accepts_what_serde_serializes_as_pairs() {
    #[derive(Serialize)]
    struct Page {
        size: u8,
        expand: Option<&'static str>,
        deleted: bool,
    }
    let cloud = Cloud::start();
    let users = || cloud.client.get("/api/v2/users");
    let page = Page {
        size: 25,
        expand: None,
        deleted: false,
    };
    let numbers = users().query(&[("size", 100), ("number", -1)]);
    for (call, query) in [
        (numbers, "size=100&number=-1"),
        (users().query(&[("id", "a"), ("id", "b c")]), "id=a&id=b+c"),
        (users().query(&[("a", Some(1.5)), ("b", None)]), "a=1.5"),
        (users().query(&page), "size=25&deleted=false"),
        (users().query(&HashMap::from([("q", 'ü')])), "q=%C3%BC"),
        (users().query(&[("a", 1)]).query(&[("b", 2)]), "a=1&b=2"),
    ] {
        call.send().await.unwrap();
        let sent = cloud.api.requests().pop().unwrap();
        assert_eq!(sent.target, format!("/api/v2/users?{query}"));
    }
    users().query(&[(); 0]).send().await.unwrap();
    assert_eq!(cloud.api.requests().pop().unwrap().target, "/api/v2/users");
}

#[tokio::test]
async fn body_is_sent_as_it_is() {
    let cloud = Cloud::start();
    let post = || cloud.client.post(ORGANIZATION);
    let csv = post().header("Content-Type", "text/csv").body("a,b");
    for (call, content_type, body) in [
        (post().body("{}"), None, "{}"),
        (post().body(b"<x/>".to_vec()), None, "<x/>"),
        (csv, Some("text/csv"), "a,b"),
        (post().json("{}"), Some("application/json"), r#""{}""#),
    ] {
        call.send().await.unwrap();
        let sent = cloud.api.requests().pop().unwrap();
        assert_eq!(sent.header("content-type"), content_type);
        assert_eq!(sent.body, body.as_bytes());
    }
}

#[tokio::test]
async fn malformed_values_are_configuration_errors() {
    let cloud = Cloud::start();
    let get = || cloud.client.get(ORGANIZATION);
    for call in [
        get().query("text"),
        get().query(&[("ids", ["a", "b"])]),
        get().header("a header", "x"),
        get().header("x", "line\nbreak"),
        get().json(&HashMap::from([((), 1)])),
    ] {
        let error = call.send().await.unwrap_err();
        assert_eq!(kind_of(&error), "Configuration", "{error}");
    }
    assert_eq!(cloud.requests(), Requests { token: 0, api: 0 });
}

#[tokio::test]
async fn rejected_token_is_replaced_and_the_call_sent_again() {
    let (sandbox, api) = sandbox_and_client().await;
    organization(&api).await.unwrap();
    for end in [Sandbox::revoke_access_tokens, Sandbox::expire_access_tokens] {
        let before = Requests::to(&sandbox);
        end(&sandbox);
        organization(&api).await.unwrap();
        assert_eq!(Requests::to(&sandbox).token, before.token + 1);
        assert_eq!(Requests::to(&sandbox).api, before.api + 2);
    }
    let empty = FaultResponse::new(401).body("");
    let unreadable = FaultResponse::new(401).header("Content-Encoding", "gzip");
    for rejection in [empty, unreadable] {
        let api = client_of(&sandbox);
        organization(&api).await.unwrap();
        let before = Requests::to(&sandbox);
        sandbox.at_api().times(1).respond(rejection);
        let post = api.post(ORGANIZATION).json(&json!({})).send().await;
        assert_eq!(post.unwrap_err().status().unwrap(), 405);
        assert_eq!(Requests::to(&sandbox).token, before.token + 1);
        assert_eq!(Requests::to(&sandbox).api, before.api + 2);
    }
}

#[tokio::test]
async fn rejection_is_returned_if_no_new_token_arrives_in_time() {
    let (sandbox, api) = sandbox_and_client().await;
    organization(&api).await.unwrap();
    sandbox.revoke_access_tokens();
    sandbox.at_token_endpoint().stall();
    let call = api.get(ORGANIZATION).timeout(SHORT);
    let error = call.send().await.unwrap_err();
    assert_eq!(api_error(&error).code.as_deref(), Some("bad.credentials"));
}

#[tokio::test]
async fn error_has_status_code_message_and_correlation_id() {
    let (sandbox, api) = sandbox_and_client().await;
    let error = api.get("/api/v2/nothing").send().await.unwrap_err();
    assert_eq!(error.status().unwrap(), 404);
    assert_eq!(api_error(&error).code.as_deref(), Some("not.found"));
    assert!(api_error(&error).message.is_some());
    assert!(error.correlation_id().is_some());
    let text = error.to_string();
    let host = sandbox.region().api_url().authority().to_owned();
    assert_contains(&text, &format!("GET {host}/api/v2/nothing"));
    assert_contains(&text, "404");

    let error = api.get("/api/v2/users/me").send().await.unwrap_err();
    assert_contains(&error, "requires a user context");
}

#[tokio::test]
async fn undecodable_body_is_located_but_not_shown() {
    let (sandbox, api) = sandbox_and_client().await;
    let body = r#"{"name": "sentinel"}"#;
    sandbox.at_api().respond(FaultResponse::new(200).body(body));
    let error = api.get(ORGANIZATION).fetch::<Vec<u8>>().await.unwrap_err();
    assert_eq!(kind_of(&error), "UnexpectedResponse");
    assert_contains(&error, "line 1, column 0");
    assert!(!format!("{error} {error:?}").contains("sentinel"));
    assert!(error.correlation_id().is_some());
}

#[tokio::test]
async fn token_pause_is_waited_out_within_the_timeout() {
    let (sandbox, api) = sandbox_and_client().await;
    sandbox.at_token_endpoint().times(1).respond(503);
    organization(&api).await.unwrap();
    assert_eq!(Requests::to(&sandbox), Requests { token: 2, api: 1 });

    let later = FaultResponse::new(503).header("Retry-After", "30");
    sandbox.at_token_endpoint().times(1).respond(later);
    let call = client_of(&sandbox).get(ORGANIZATION);
    let call = call.timeout(Duration::from_secs(20));
    let error = call.send().await.unwrap_err();
    assert_eq!(error.status().unwrap(), 503);
    assert!(error.is_transient(), "{error}");
    assert_eq!(error.retry_after().map(|wait| wait.as_secs()), Some(30));
    assert_eq!(Requests::to(&sandbox), Requests { token: 3, api: 1 });
}

#[tokio::test]
async fn invalid_credentials_end_a_call_at_once() {
    let sandbox = Sandbox::start().await.unwrap();
    let wrong = ClientCredentials::new(sandbox.client_id(), "wrong").unwrap();
    let tokens = TokenProvider::new(sandbox.region(), wrong).unwrap();
    let api = PlatformClient::new(tokens);
    let error = organization(&api).await.unwrap_err();
    let invalid = payload!(error, InvalidClient);
    assert_eq!(invalid.region, sandbox.region());
    let description = invalid.response.description.as_deref();
    assert_eq!(description, Some("authentication failed"));
    assert_eq!(Requests::to(&sandbox), Requests { token: 1, api: 0 });
}

#[tokio::test]
async fn call_ends_with_its_timeout() {
    let (sandbox, api) = sandbox_and_client().await;
    sandbox.at_api().stall();
    let call = api.get(ORGANIZATION).timeout(SHORT);
    let error = call.send().await.unwrap_err();
    let transport = payload!(error, Transport);
    assert_eq!(transport.kind(), TransportKind::Timeout);
    assert!(!transport.nothing_sent());

    let sandbox = Sandbox::start().await.unwrap();
    sandbox.at_token_endpoint().stall();
    let call = client_of(&sandbox).get(ORGANIZATION).timeout(SHORT);
    let error = call.send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
    assert_eq!(Requests::to(&sandbox), Requests { token: 1, api: 0 });
}

#[tokio::test]
async fn rejected_fixed_token_is_expired() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = client_of(&sandbox).tokens().token().await.unwrap();
    let fixed = FixedToken::new(token.expose_secret()).unwrap();
    let api = PlatformClient::new(TokenProvider::new(sandbox.region(), fixed).unwrap());
    organization(&api).await.unwrap();
    sandbox.revoke_access_tokens();
    let error = organization(&api).await.unwrap_err();
    assert_eq!(kind_of(&error), "TokenExpired");
    assert!(!error.needs_login());
    assert_eq!(Requests::to(&sandbox), Requests { token: 1, api: 2 });
}

#[tokio::test]
async fn organizations_in_one_process_share_only_connections() {
    let one = Sandbox::start().await.unwrap();
    let other = Sandbox::start().await.unwrap();
    let http_client = HttpClient::default();
    let [one_api, other_api] = [&one, &other].map(|sandbox| {
        let tokens = TokenProvider::builder(sandbox.region(), sandbox.client_credentials());
        PlatformClient::new(tokens.http_client(http_client.clone()).build().unwrap())
    });
    other.at_token_endpoint().respond(503);
    organization(&one_api).await.unwrap();
    other_api.tokens().token().await.unwrap_err();
    organization(&one_api).await.unwrap();
    assert_eq!(Requests::to(&one), Requests { token: 1, api: 2 });
    assert_eq!(Requests::to(&other), Requests { token: 1, api: 0 });
}

#[tokio::test]
async fn idle_token_costs_one_rejected_call() {
    let idle = Duration::from_secs(15 * 60);
    let builder = Sandbox::builder().idle_timeout(Some(idle));
    let sandbox = builder.start().await.unwrap();
    let (tokens, clock) = with_clock(&sandbox, sandbox.client_credentials());
    let api = PlatformClient::new(tokens);
    organization(&api).await.unwrap();
    for time in [idle, idle + Duration::from_secs(1)] {
        sandbox.advance(time);
        clock.advance(time);
        organization(&api).await.unwrap();
    }
    assert_eq!(sandbox.token_requests(), 1 + 2);
    let mut calls = sandbox.requests();
    calls.retain(|request| request.host() == Some(SandboxHost::Api));
    let statuses: Vec<_> = calls.iter().map(|call| call.status().unwrap()).collect();
    assert_eq!(statuses, [200, 401, 200, 401, 200]);
}

async fn organization(api: &PlatformClient) -> Result<Value, Error> {
    api.get(ORGANIZATION).fetch().await
}

fn api_error(error: &Error) -> &ApiError {
    payload!(error, Api)
}

const ORGANIZATION: &str = "/api/v2/organizations/me";
const SHORT: Duration = Duration::from_millis(300);
