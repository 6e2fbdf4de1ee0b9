//! The usage of OAuth clients.

use std::time::Duration;

use genesys_cloud_auth::sandbox::Sandbox;
use serde_json::{Value, json};

use super::{
    ORGANIZATION, Response, assert_get_fails, get, get_json, post_json, start_with_token, text,
    with_token,
};

/// Sends a query and returns the rows, after one response that it still runs.
async fn rows(sandbox: &Sandbox, path: &str, token: &str, query: &Value) -> Vec<Value> {
    let started = post_json(sandbox, path, token, &query.to_string()).await;
    rows_of(sandbox, token, started).await
}

async fn rows_of(sandbox: &Sandbox, token: &str, started: Response) -> Vec<Value> {
    assert_eq!(started.status, 200);
    let started = started.json();
    let uri = text(&started, "resultsUri");
    assert!(uri.contains(text(&started, "executionId")));
    let running = get_json(sandbox, uri, token).await;
    assert_eq!(running, json!({ "queryStatus": "Running" }));
    let complete = get_json(sandbox, uri, token).await;
    assert_eq!(complete["queryStatus"], "Complete");
    complete["results"].as_array().unwrap().clone()
}

#[tokio::test]
async fn calls_are_counted_by_client_path_and_status() {
    let (sandbox, token) = with_token(Sandbox::builder().other_clients(2)).await;
    let id = sandbox.client_id();
    let client = format!("/api/v2/oauth/clients/{id}");
    let other = "/api/v2/oauth/clients/other";
    for path in [ORGANIZATION, ORGANIZATION, &client, other] {
        get(&sandbox, path, &token).await;
    }
    let query = json!({
        "interval": ALL,
        "granularity": "Month",
        "groupBy": ["TemplateUri", "HttpMethod"],
    });
    let path = format!("{client}/usage/query");
    let found = rows(&sandbox, &path, &token, &query).await;
    assert_eq!(found.len(), 2);
    for (row, uri, counts) in [
        (&found[0], "/api/v2/oauth/clients/{clientId}", [1, 1, 2]),
        (&found[1], ORGANIZATION, [2, 0, 2]),
    ] {
        assert_eq!((text(row, "clientId"), text(row, "userId")), ("", ""));
        assert!(text(row, "date").ends_with("-01T00:00:00.000Z"));
        assert_eq!(text(row, "templateUri"), uri);
        let names = ["status200", "status400", "requests"];
        assert_eq!(names.map(|name| row[name].as_u64().unwrap()), counts);
    }
    let query = json!({ "interval": ALL, "groupBy": ["OAuthClientId"], "metrics": ["Requests"] });
    let found = rows(&sandbox, "/api/v2/usage/query", &token, &query).await;
    // A client without calls has no row.
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["clientId"], id);
    assert_eq!(found[0]["clientName"], "Sandbox client");
    assert_eq!(found[0]["requests"], 7);
    assert!(found[0].get("status200").is_none());
}

#[tokio::test]
async fn interval_and_summary_select_days() {
    let (sandbox, token) = start_with_token().await;
    get(&sandbox, ORGANIZATION, &token).await;
    let path = format!("/api/v2/oauth/clients/{}/usage", sandbox.client_id());
    let old = json!({ "interval": "2020-01-01T00:00:00.000Z/2020-02-01T00:00:00.000Z" });
    let query = format!("{path}/query");
    assert!(rows(&sandbox, &query, &token, &old).await.is_empty());
    let summary = format!("{path}/summary?days=7");
    let started = get(&sandbox, &summary, &token).await;
    assert_eq!(rows_of(&sandbox, &token, started).await[0]["requests"], 4);
    sandbox.advance(Duration::from_secs(9 * 86_400));
    let fresh = super::token(&sandbox).await;
    let started = get(&sandbox, &summary, &fresh).await;
    assert!(rows_of(&sandbox, &fresh, started).await.is_empty());
}

#[tokio::test]
async fn malformed_query_is_a_bad_request() {
    let (sandbox, token) = start_with_token().await;
    for query in [
        json!({}),
        json!({ "interval": "today" }),
        json!({ "interval": "2026-02-01T00:00:00Z/2026-01-01T00:00:00Z" }),
        json!({ "interval": ALL, "granularity": "Hour" }),
        json!({ "interval": ALL, "metrics": ["Calls"] }),
        json!({ "interval": ALL, "groupBy": [7] }),
    ] {
        let body = query.to_string();
        let response = post_json(&sandbox, "/api/v2/usage/query", &token, &body).await;
        response.assert_api_error(400, "bad.request");
    }
    let unknown = "/api/v2/oauth/clients/other/usage/summary";
    assert_get_fails(&sandbox, unknown, &token, 404, "not.found").await;
    let results = "/api/v2/usage/query/unknown/results";
    assert_get_fails(&sandbox, results, &token, 404, "not.found").await;
}

const ALL: &str = "2020-01-01T00:00:00.000Z/2100-01-01T00:00:00.000Z";
