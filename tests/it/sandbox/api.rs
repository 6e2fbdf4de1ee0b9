//! The endpoints of the API host, and what becomes of tokens there.

use std::{collections::HashSet, time::Duration};

use genesys_cloud_auth::sandbox::Sandbox;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{Answer, ORGANIZATION, TOKEN, USER, Wire, ask, call, find, get, token};

#[tokio::test]
async fn every_endpoint_answers() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = token(&sandbox).await;
    let client = format!("/api/v2/oauth/clients/{}", sandbox.client_id());
    let mut bodies = Vec::new();
    for path in [
        ORGANIZATION,
        TOKEN,
        "/api/v2/tokens/timeout",
        "/api/v2/authorization/roles",
        "/api/v2/oauth/clients",
        &client,
    ] {
        let answer = get(&sandbox, path, &token).await;
        assert_eq!(answer.status, 200, "{path}");
        let secret = sandbox.client_secret();
        assert_eq!(find(&answer.body, secret.expose_secret().as_bytes()), None);
        bodies.push(answer.json());
    }
    let [organization, info, timeout, roles, clients, client] = bodies.try_into().unwrap();
    assert_eq!(info["organization"]["id"], organization["id"]);
    assert_eq!(info["homeOrganization"]["id"], organization["id"]);
    assert_eq!(info["OAuthClient"]["id"], sandbox.client_id());
    assert!(info.get("dateTokenIdles").is_none());
    assert_eq!(timeout, json!({ "enableIdleTokenTimeout": false }));
    for (page, total) in [(&roles, 1), (&clients, 1)] {
        assert_eq!(page["entities"].as_array().unwrap().len(), total);
        assert_eq!(
            (&page["total"], &page["pageCount"]),
            (&json!(total), &json!(1))
        );
    }
    assert_eq!(
        (&roles["pageSize"], &roles["pageNumber"]),
        (&json!(25), &json!(1))
    );
    assert_eq!(clients["entities"][0], client);
    assert_eq!(client["id"], sandbox.client_id());
    assert_eq!(client["authorizedGrantType"], "CLIENT-CREDENTIALS");
    assert_eq!(client["accessTokenValiditySeconds"], 86_400);
    assert_eq!(
        client["roleDivisions"][0]["roleId"],
        roles["entities"][0]["id"]
    );
    assert!(client.get("secret").is_none());

    get(&sandbox, "/api/v2/oauth/clients/other", &token)
        .await
        .refusal(404, "not.found");
}

#[tokio::test]
async fn users_me_wants_a_user_unless_told_otherwise() {
    let sandbox = Sandbox::start().await.unwrap();
    let answer = get(&sandbox, USER, &token(&sandbox).await).await;
    assert_eq!(
        answer.refusal(400, "bad.request"),
        "This request requires a user context. \
         Client credentials cannot be used for requests to this resource."
    );

    let sandbox = Sandbox::builder()
        .allow_users_me_without_user(true)
        .start()
        .await
        .unwrap();
    let answer = get(&sandbox, USER, &token(&sandbox).await).await;
    assert_eq!(answer.status, 200);
    assert!(answer.json()["name"].is_string());
}

#[tokio::test]
async fn a_call_without_a_token_is_told_so() {
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
        let request = format!("GET /api{ORGANIZATION} HTTP/1.1\r\nHost: x\r\n{authorization}\r\n");
        let answer = ask(&sandbox, request).await;
        assert_eq!(
            answer.refusal(401, "authentication.required"),
            "No authentication bearer token specified in authorization header."
        );
        assert_eq!(answer.header("inin-ratelimit-count"), None);
    }
}

#[tokio::test]
async fn a_token_ends_by_time_revocation_and_deletion() {
    let sandbox = Sandbox::start().await.unwrap();
    let first = token(&sandbox).await;
    unknown(&get(&sandbox, ORGANIZATION, "never-issued").await);

    sandbox.advance(Duration::from_secs(86_390));
    assert_eq!(get(&sandbox, ORGANIZATION, &first).await.status, 200);
    let second = token(&sandbox).await;
    sandbox.advance(Duration::from_secs(10));
    expired(&get(&sandbox, ORGANIZATION, &first).await);
    assert_eq!(get(&sandbox, ORGANIZATION, &second).await.status, 200);

    sandbox.revoke_access_tokens();
    unknown(&get(&sandbox, ORGANIZATION, &second).await);

    let third = token(&sandbox).await;
    sandbox.expire_access_tokens();
    expired(&get(&sandbox, ORGANIZATION, &third).await);

    let (fourth, fifth) = (token(&sandbox).await, token(&sandbox).await);
    assert_eq!(
        ask(&sandbox, call("DELETE", TOKEN, &fourth)).await.status,
        200
    );
    unknown(&get(&sandbox, ORGANIZATION, &fourth).await);
    unknown(&ask(&sandbox, call("DELETE", TOKEN, &fourth)).await);
    assert_eq!(get(&sandbox, ORGANIZATION, &fifth).await.status, 200);

    sandbox.advance(Duration::MAX);
    sandbox.advance(Duration::MAX);
    expired(&get(&sandbox, ORGANIZATION, &fifth).await);
}

#[tokio::test]
async fn a_token_is_taken_in_either_case() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = token(&sandbox).await;
    let lower = call("GET", ORGANIZATION, &token).replace("Bearer", "bearer");
    assert_eq!(ask(&sandbox, lower).await.status, 200);
    let changed = get(&sandbox, ORGANIZATION, &token.to_lowercase()).await;
    unknown(&changed);
}

#[tokio::test]
async fn a_token_that_idles_dies() {
    let quarter = Duration::from_secs(900);
    let almost = Duration::from_secs(880);
    let sandbox = Sandbox::builder()
        .idle_timeout(Some(quarter))
        .start()
        .await
        .unwrap();
    let token = token(&sandbox).await;
    let timeout = get(&sandbox, "/api/v2/tokens/timeout", &token).await;
    assert_eq!(
        timeout.json(),
        json!({ "enableIdleTokenTimeout": true, "idleTokenTimeoutSeconds": 900 })
    );
    // Every call keeps it alive …
    for path in [
        "/api/v2/tokens/me?preserveIdleTTL=false",
        ORGANIZATION,
        USER,
        TOKEN,
    ] {
        sandbox.advance(almost);
        assert_ne!(get(&sandbox, path, &token).await.status, 401, "{path}");
    }
    // … but one, which says when it will die.
    let ahead = get(&sandbox, TOKEN, &token).await.json();
    sandbox.advance(Duration::from_secs(500));
    let preserving = "/api/v2/tokens/me?preserveIdleTTL=true";
    let info = get(&sandbox, preserving, &token).await.json();
    let idles =
        |info: &serde_json::Value| info["dateTokenIdles"].as_str().unwrap()[..16].to_owned();
    assert!(info["dateTokenIdles"].as_str().unwrap().ends_with('Z'));
    assert!(idles(&info) >= idles(&ahead));
    sandbox.advance(Duration::from_secs(400));
    unknown(&get(&sandbox, preserving, &token).await);
    unknown(&get(&sandbox, ORGANIZATION, &token).await);
}

#[tokio::test]
async fn the_parameter_counts_for_tokens_me_only() {
    let sandbox = Sandbox::builder()
        .idle_timeout(Some(Duration::from_secs(900)))
        .start()
        .await
        .unwrap();
    let token = token(&sandbox).await;
    sandbox.advance(Duration::from_secs(600));
    let elsewhere = format!("{ORGANIZATION}?preserveIdleTTL=true");
    assert_eq!(get(&sandbox, &elsewhere, &token).await.status, 200);
    sandbox.advance(Duration::from_secs(600));
    assert_eq!(get(&sandbox, ORGANIZATION, &token).await.status, 200);
}

#[tokio::test]
async fn head_answers_as_get_does_without_a_body() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = token(&sandbox).await;
    let mut wire = Wire::connect(&sandbox).await;
    wire.send(call("HEAD", TOKEN, &token)).await;
    assert_eq!(wire.answer_to_head().await.status, 200);
    wire.send(call("HEAD", TOKEN, "dead")).await;
    assert_eq!(wire.answer_to_head().await.status, 401);
    // Nothing of a body stands before the next answer.
    wire.send(call("GET", TOKEN, &token)).await;
    assert_eq!(wire.answer().await.status, 200);
}

#[tokio::test]
async fn calls_are_counted_by_token_and_minute() {
    let sandbox = Sandbox::start().await.unwrap();
    let (first, second) = (token(&sandbox).await, token(&sandbox).await);
    sandbox.advance(Duration::from_secs(1000));
    let counted = |answer: &Answer| {
        assert_eq!(answer.header("inin-ratelimit-allowed"), Some("300"));
        let reset = answer.header("inin-ratelimit-reset").unwrap();
        assert!((1..=60).contains(&reset.parse::<u32>().unwrap()), "{reset}");
        let count = answer.header("inin-ratelimit-count").unwrap();
        count.parse::<u32>().unwrap()
    };
    assert_eq!(counted(&get(&sandbox, ORGANIZATION, &first).await), 1);
    assert_eq!(counted(&get(&sandbox, USER, &first).await), 2);
    assert_eq!(counted(&get(&sandbox, ORGANIZATION, &second).await), 1);
    sandbox.advance(Duration::from_secs(60));
    assert_eq!(counted(&get(&sandbox, ORGANIZATION, &first).await), 1);
}

#[tokio::test]
async fn every_answer_has_a_correlation_id_of_its_own() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = token(&sandbox).await;
    let mut ids = HashSet::new();
    for path in [ORGANIZATION, USER, "/api/v2/nothing", ORGANIZATION] {
        let answer = get(&sandbox, path, &token).await;
        let id = answer.header("inin-correlation-id").unwrap().to_owned();
        let dashes = id.match_indices('-').map(|(at, _)| at);
        assert_eq!(dashes.collect::<Vec<_>>(), [8, 13, 18, 23]);
        assert_eq!((id.len(), &id[14..15]), (36, "4"));
        ids.insert(id);
    }
    assert_eq!(ids.len(), 4);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = token(&sandbox).await;
    for path in ["/api/v2/nothing", "/api/v2/users/me/", "/oauth/token", "/"] {
        get(&sandbox, path, &token).await.refusal(404, "not.found");
    }
    for (method, path) in [
        ("POST", ORGANIZATION),
        ("PUT", TOKEN),
        ("PATCH", "/api/v2/oauth/clients"),
    ] {
        ask(&sandbox, call(method, path, &token))
            .await
            .refusal(405, "method.not.allowed");
    }
}

#[tokio::test]
async fn a_get_may_say_that_it_is_json() {
    let sandbox = Sandbox::start().await.unwrap();
    let request = call("GET", ORGANIZATION, &token(&sandbox).await);
    let request = request.replace(
        "Host: x\r\n",
        "Host: x\r\nContent-Type: application/json\r\nAccept-Encoding: identity\r\n",
    );
    assert_eq!(ask(&sandbox, request).await.status, 200);
}

#[track_caller]
fn unknown(answer: &Answer) {
    assert_eq!(
        answer.refusal(401, "bad.credentials"),
        "Invalid login credentials."
    );
}

#[track_caller]
fn expired(answer: &Answer) {
    assert_eq!(
        answer.refusal(401, "credentials.expired"),
        "The supplied credentials are expired and cannot be used."
    );
}
