//! The calls of OAuth clients.

use std::time::{Duration, UNIX_EPOCH};

use genesys_cloud_auth::{
    ErrorKind,
    admin::{UsageDimension, UsageGranularity, UsageQuery},
    sandbox::Sandbox,
};
use serde_json::{Value, json};

use super::{all_calls, api_of, assert_says, body_of, job, start_clients};
use crate::support::{
    advance_until_done,
    cloud::{Cloud, client_of},
    kind_of,
    server::Reply,
};
use secrecy::ExposeSecret;

#[tokio::test]
async fn calls_of_a_client_are_counted() {
    let (sandbox, clients) = start_clients().await;
    let created = clients.create(&job(&sandbox)).await.unwrap();
    let id = &created.client.id;
    let own = api_of(&sandbox, id, created.secret.expose_secret()).oauth_clients();
    for _ in 0..3 {
        own.list().await.unwrap();
    }
    assert!(own.get("unknown").await.is_err());
    let query = all_calls()
        .granularity(UsageGranularity::Day)
        .group_by(UsageDimension::TemplateUri);
    let usage = clients.usage(id, &query).await.unwrap();
    let rows = usage.rows.iter();
    let rows = rows.map(|row| (row.template_uri.as_deref(), row.status200, row.status400));
    let expected = [
        (Some("/api/v2/oauth/clients"), 3, 0),
        (Some("/api/v2/oauth/clients/{clientId}"), 0, 1),
    ];
    assert_eq!(rows.collect::<Vec<_>>(), expected);
    assert_eq!(usage.rows[0].client_id, None);
    assert!(usage.rows[0].date.is_some() && !usage.has_more);
    let summary = clients.usage_summary(id, 7).await.unwrap();
    assert_eq!(summary.rows[0].requests, 4);
}

#[tokio::test]
async fn usage_of_the_organization_is_grouped_by_client() {
    let sandbox = Sandbox::builder().other_clients(2).usage_running(0);
    let sandbox = sandbox.start().await.unwrap();
    let clients = client_of(&sandbox).oauth_clients();
    clients.list().await.unwrap();
    let usage = clients.organization_usage(&all_calls()).await.unwrap();
    let [row] = &usage.rows[..] else {
        panic!("{usage:?}")
    };
    assert_eq!(row.client_id.as_deref(), Some(sandbox.client_id()));
    assert_eq!(row.client_name.as_deref(), Some("Sandbox client"));
    assert_eq!(row.requests, 1);
    let query: Value = serde_json::from_slice(sandbox.requests()[2].body()).unwrap();
    assert_eq!(query["groupBy"], json!(["OAuthClientId"]));
    assert_eq!(query["metrics"].as_array().unwrap().len(), 6);
    assert!(query.get("granularity").is_none());
}

/// Runs a query against these results, and returns how often they were asked for.
async fn asked(replies: &[&str]) -> (Result<usize, genesys_cloud_auth::Error>, usize, Duration) {
    let cloud = Cloud::start();
    let started = r#"{"executionId":"e/1","resultsUri":"https://evil.example/steal"}"#;
    let replies = std::iter::once(&started).chain(replies);
    let replies = replies.map(|body| Reply::json(200, body));
    cloud.api.answers_all(replies.collect());
    let clients = cloud.client.oauth_clients();
    let (result, waited) = advance_until_done(&cloud.clock, clients.usage("a", &all_calls())).await;
    let requests = cloud.api.requests();
    let body = body_of(&requests[0]);
    let interval = body["interval"].as_str().unwrap();
    assert_eq!(interval.matches('/').count(), 1, "{interval}");
    let path = "/api/v2/oauth/clients/a/usage/query/results/e%2F1";
    assert_eq!(requests[1].target, path);
    let rows = result.map(|usage| usage.rows.len());
    (rows, requests.len() - 1, waited)
}

const RUNNING: &str = r#"{"queryStatus":"Running"}"#;

#[tokio::test]
async fn results_are_asked_for_until_they_are_complete() {
    let complete = r#"{"queryStatus":"Complete","results":[{},{"status200":null,"new":1}]}"#;
    let tomorrow = r#"{"queryStatus":"Queued_Again","results":null}"#;
    let (rows, requests, _) = asked(&[RUNNING, tomorrow, "{}", RUNNING, complete]).await;
    assert_eq!((rows.unwrap(), requests), (2, 5));
    let (rows, ..) = asked(&[r#"{"queryStatus":"COMPLETE","results":null}"#]).await;
    assert_eq!(rows.unwrap(), 0);
}

#[tokio::test]
async fn failed_or_endless_query_is_an_error() {
    let (result, requests, _) = asked(&[RUNNING, r#"{"queryStatus":"Failed"}"#]).await;
    let error = result.unwrap_err();
    assert_eq!(kind_of(&error), "UnexpectedResponse");
    assert_eq!(requests, 2);
    assert_says(&error, "a query that failed");

    let (result, requests, waited) = asked(&[RUNNING]).await;
    let error = result.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
    assert_says(&error, "usage query");
    // Two minutes; the clock moves on by itself, too.
    assert!(waited >= Duration::from_secs(110), "{waited:?}");
    assert!(requests < 30, "{requests} requests");
}

#[tokio::test]
async fn results_with_more_rows_say_so() {
    let cloud = Cloud::start();
    let results = r#"{"queryStatus":"Complete","results":[],"cursors":{"after":"x"}}"#;
    let started = Reply::json(200, r#"{"executionId":"e"}"#);
    cloud.api.answers([started, Reply::json(200, results)]);
    let clients = cloud.client.oauth_clients();
    assert!(clients.usage_summary("a", 7).await.unwrap().has_more);
}

#[test]
fn interval_must_start_before_it_ends() {
    let now = UNIX_EPOCH;
    assert!(UsageQuery::between(now, now).is_err());
    assert!(UsageQuery::between(now + Duration::from_secs(1), now).is_err());
}
