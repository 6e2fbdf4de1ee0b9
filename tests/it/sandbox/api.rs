//! The endpoints of the API host, and the ends of tokens.

use std::{collections::HashSet, time::Duration};

use genesys_cloud_auth::sandbox::Sandbox;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{
    ORGANIZATION, Response, TOKENS_ME, USERS_ME, Wire, api_request, assert_get_fails, delete, find,
    get, get_json, send, start, start_with_token, text, token, with_headers, with_token,
};

#[tokio::test]
async fn every_endpoint_responds() {
    let (sandbox, token) = start_with_token().await;
    let client = format!("/api/v2/oauth/clients/{}", sandbox.client_id());
    let mut bodies = Vec::new();
    for path in [
        ORGANIZATION,
        TOKENS_ME,
        "/api/v2/tokens/timeout",
        "/api/v2/authorization/roles",
        "/api/v2/oauth/clients",
        &client,
    ] {
        let response = get(&sandbox, path, &token).await;
        assert_eq!(response.status, 200, "{path}");
        let secret = sandbox.client_secret();
        let secret = secret.expose_secret().as_bytes();
        assert_eq!(find(&response.body, secret), None);
        bodies.push(response.json());
    }
    let [organization, info, timeout, roles, clients, client] = bodies.try_into().unwrap();
    assert_eq!(info["organization"]["id"], organization["id"]);
    assert_eq!(info["homeOrganization"]["id"], organization["id"]);
    assert_eq!(info["OAuthClient"]["id"], sandbox.client_id());
    assert!(info.get("dateTokenIdles").is_none());
    assert_eq!(timeout, json!({ "enableIdleTokenTimeout": false }));
    for page in [&roles, &clients] {
        assert_eq!(page["entities"].as_array().unwrap().len(), 1);
        assert_eq!(page["total"], 1);
        assert_eq!(page["pageCount"], 1);
    }
    assert_eq!(roles["pageSize"], 25);
    assert_eq!(roles["pageNumber"], 1);
    assert_eq!(clients["entities"][0], client);
    assert_eq!(client["id"], sandbox.client_id());
    assert_eq!(client["authorizedGrantType"], "CLIENT-CREDENTIALS");
    assert_eq!(client["accessTokenValiditySeconds"], 86_400);
    let role = &roles["entities"][0]["id"];
    assert_eq!(&client["roleDivisions"][0]["roleId"], role);
    assert!(client.get("secret").is_none());

    let other = "/api/v2/oauth/clients/other";
    assert_get_fails(&sandbox, other, &token, 404, "not.found").await;
}

#[tokio::test]
async fn users_me_needs_a_user_unless_allowed_without() {
    let sandbox = Sandbox::start().await.unwrap();
    let response = get(&sandbox, USERS_ME, &token(&sandbox).await).await;
    assert_eq!(
        response.assert_api_error(400, "bad.request"),
        "This request requires a user context. \
         Client credentials cannot be used for requests to this resource."
    );

    let sandbox = start(Sandbox::builder().allow_users_me_without_user(true)).await;
    let response = get(&sandbox, USERS_ME, &token(&sandbox).await).await;
    assert_eq!(response.status, 200);
    assert!(response.json()["name"].is_string());
}

#[tokio::test]
async fn call_without_token_needs_authentication() {
    let sandbox = Sandbox::start().await.unwrap();
    for authorization in [
        "",
        "Authorization: Bearer \r\n",
        "Authorization: Bearer \t \r\n",
        "Authorization: Bearer\r\n",
        "Authorization:\r\n",
        "Authorization: Basic eDp5\r\n",
        "Authorization: \u{fc}\r\n",
    ] {
        let host = "Host: api.mypurecloud.ie";
        let request = format!("GET {ORGANIZATION} HTTP/1.1\r\n{host}\r\n{authorization}\r\n");
        let response = send(&sandbox, request).await;
        let message = response.assert_api_error(401, "authentication.required");
        let expected = "No authentication bearer token specified in authorization header.";
        assert_eq!(message, expected);
        assert_eq!(response.header("inin-ratelimit-count"), None);
    }
}

#[tokio::test]
async fn token_ends_by_expiry_revocation_and_deletion() {
    let sandbox = Sandbox::start().await.unwrap();
    let first = token(&sandbox).await;
    assert_unknown(&get(&sandbox, ORGANIZATION, "never-issued").await);

    sandbox.advance(Duration::from_secs(86_390));
    assert_eq!(get(&sandbox, ORGANIZATION, &first).await.status, 200);
    let second = token(&sandbox).await;
    sandbox.advance(Duration::from_secs(10));
    assert_expired(&get(&sandbox, ORGANIZATION, &first).await);
    assert_eq!(get(&sandbox, ORGANIZATION, &second).await.status, 200);

    sandbox.revoke_access_tokens();
    assert_unknown(&get(&sandbox, ORGANIZATION, &second).await);

    let third = token(&sandbox).await;
    sandbox.expire_access_tokens();
    assert_expired(&get(&sandbox, ORGANIZATION, &third).await);

    let (fourth, fifth) = (token(&sandbox).await, token(&sandbox).await);
    assert_eq!(delete(&sandbox, TOKENS_ME, &fourth).await.status, 200);
    assert_unknown(&get(&sandbox, ORGANIZATION, &fourth).await);
    assert_unknown(&delete(&sandbox, TOKENS_ME, &fourth).await);
    assert_eq!(get(&sandbox, ORGANIZATION, &fifth).await.status, 200);

    sandbox.advance(Duration::MAX);
    sandbox.advance(Duration::MAX);
    assert_expired(&get(&sandbox, ORGANIZATION, &fifth).await);
}

#[tokio::test]
async fn bearer_scheme_ignores_case_and_token_does_not() {
    let (sandbox, token) = start_with_token().await;
    let lower = api_request("GET", ORGANIZATION, &token).replace("Bearer", "bearer");
    assert_eq!(send(&sandbox, lower).await.status, 200);
    let changed = get(&sandbox, ORGANIZATION, &token.to_lowercase()).await;
    assert_unknown(&changed);
}

#[tokio::test]
async fn idle_token_ends() {
    let timeout = Duration::from_secs(900);
    let almost_timeout = Duration::from_secs(880);
    let (sandbox, token) = with_token(Sandbox::builder().idle_timeout(Some(timeout))).await;
    let timeout = get_json(&sandbox, "/api/v2/tokens/timeout", &token).await;
    let expected = json!({ "enableIdleTokenTimeout": true, "idleTokenTimeoutSeconds": 900 });
    assert_eq!(timeout, expected);
    // Every call resets the idle timer …
    let not_preserving = "/api/v2/tokens/me?preserveIdleTTL=false";
    for path in [not_preserving, ORGANIZATION, USERS_ME, TOKENS_ME] {
        sandbox.advance(almost_timeout);
        assert_ne!(get(&sandbox, path, &token).await.status, 401, "{path}");
    }
    // … except this one.
    let before = get_json(&sandbox, TOKENS_ME, &token).await;
    sandbox.advance(Duration::from_secs(500));
    let preserving = "/api/v2/tokens/me?preserveIdleTTL=true";
    let info = get_json(&sandbox, preserving, &token).await;
    let [before, after] = [&before, &info].map(|info| text(info, "dateTokenIdles"));
    assert!(after.ends_with('Z'));
    assert!(after[..16] >= before[..16]);
    sandbox.advance(Duration::from_secs(400));
    assert_unknown(&get(&sandbox, preserving, &token).await);
    assert_unknown(&get(&sandbox, ORGANIZATION, &token).await);
}

#[tokio::test]
async fn preserve_idle_ttl_applies_to_tokens_me_only() {
    let builder = Sandbox::builder().idle_timeout(Some(Duration::from_secs(900)));
    let (sandbox, token) = with_token(builder).await;
    sandbox.advance(Duration::from_secs(600));
    let elsewhere = format!("{ORGANIZATION}?preserveIdleTTL=true");
    assert_eq!(get(&sandbox, &elsewhere, &token).await.status, 200);
    sandbox.advance(Duration::from_secs(600));
    assert_eq!(get(&sandbox, ORGANIZATION, &token).await.status, 200);
}

#[tokio::test]
async fn head_responds_like_get_without_body() {
    let (sandbox, token) = start_with_token().await;
    let mut wire = Wire::with_request(&sandbox, api_request("HEAD", TOKENS_ME, &token)).await;
    assert_eq!(wire.response_to_head().await.status, 200);
    wire.send(api_request("HEAD", TOKENS_ME, "dead")).await;
    assert_eq!(wire.response_to_head().await.status, 401);
    // There is no body before the next response.
    wire.send(api_request("GET", TOKENS_ME, &token)).await;
    assert_eq!(wire.response().await.status, 200);
}

#[tokio::test]
async fn calls_are_counted_per_token_and_minute() {
    let sandbox = Sandbox::start().await.unwrap();
    let (first, second) = (token(&sandbox).await, token(&sandbox).await);
    sandbox.advance(Duration::from_secs(1000));
    let count = |response: &Response| {
        assert_eq!(response.header("inin-ratelimit-allowed"), Some("300"));
        let reset = response.header("inin-ratelimit-reset").unwrap();
        assert!((1..=60).contains(&reset.parse::<u32>().unwrap()), "{reset}");
        let count = response.header("inin-ratelimit-count").unwrap();
        count.parse::<u32>().unwrap()
    };
    assert_eq!(count(&get(&sandbox, ORGANIZATION, &first).await), 1);
    assert_eq!(count(&get(&sandbox, USERS_ME, &first).await), 2);
    assert_eq!(count(&get(&sandbox, ORGANIZATION, &second).await), 1);
    sandbox.advance(Duration::from_secs(60));
    assert_eq!(count(&get(&sandbox, ORGANIZATION, &first).await), 1);
}

#[tokio::test]
async fn every_response_has_its_own_correlation_id() {
    let (sandbox, token) = start_with_token().await;
    let mut ids = HashSet::new();
    for path in [ORGANIZATION, USERS_ME, "/api/v2/nothing", ORGANIZATION] {
        let response = get(&sandbox, path, &token).await;
        let id = response.header("inin-correlation-id").unwrap().to_owned();
        let dashes = id.match_indices('-').map(|(at, _)| at);
        assert_eq!(dashes.collect::<Vec<_>>(), [8, 13, 18, 23]);
        assert_eq!(id.len(), 36);
        assert_eq!(&id[14..15], "4", "the UUID's version");
        ids.insert(id);
    }
    assert_eq!(ids.len(), 4);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_errors() {
    let (sandbox, token) = start_with_token().await;
    for path in ["/api/v2/nothing", "/api/v2/users/me/", "/oauth/token", "/"] {
        assert_get_fails(&sandbox, path, &token, 404, "not.found").await;
    }
    for (method, path) in [
        ("POST", ORGANIZATION),
        ("PUT", TOKENS_ME),
        ("PATCH", "/api/v2/oauth/clients"),
    ] {
        let response = send(&sandbox, api_request(method, path, &token)).await;
        response.assert_api_error(405, "method.not.allowed");
    }
}

#[tokio::test]
async fn get_may_have_a_content_type() {
    let sandbox = Sandbox::start().await.unwrap();
    let request = api_request("GET", ORGANIZATION, &token(&sandbox).await);
    let headers = "Content-Type: application/json\r\nAccept-Encoding: identity\r\n";
    let response = send(&sandbox, with_headers(&request, headers)).await;
    assert_eq!(response.status, 200);
}

#[track_caller]
fn assert_unknown(response: &Response) {
    let message = response.assert_api_error(401, "bad.credentials");
    assert_eq!(message, "Invalid login credentials.");
}

#[track_caller]
fn assert_expired(response: &Response) {
    let message = response.assert_api_error(401, "credentials.expired");
    let expected = "The supplied credentials are expired and cannot be used.";
    assert_eq!(message, expected);
}
