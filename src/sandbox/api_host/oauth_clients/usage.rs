//! How many calls OAuth clients have made. The sandbox counts its own.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    Extension, Router,
    extract::{Path, RawQuery, State},
    response::Response,
    routing::{get, post},
};
use serde_json::{Map, Value, json};

use crate::sandbox::{
    http::{
        error_response::{ApiErrorResponse, ok_response},
        params::{JsonBody, number_parameter},
    },
    org::{
        Caller, Org,
        permissions::RequiredPermissions,
        usage::{Granularity, METRICS, UsageQuery},
    },
    time::parse_time,
};

pub(super) fn usage_routes() -> Router<Arc<Org>> {
    Router::new()
        .route(
            "/api/v2/oauth/clients/{clientId}/usage/query",
            post(query_client),
        )
        .route(
            "/api/v2/oauth/clients/{clientId}/usage/query/results/{executionId}",
            get(client_results),
        )
        .route(
            "/api/v2/oauth/clients/{clientId}/usage/summary",
            get(summarize_client),
        )
        .route("/api/v2/usage/query", post(query_organization))
        .route(
            "/api/v2/usage/query/{executionId}/results",
            get(organization_results),
        )
}

async fn query_client(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW_CLIENT)?;
    let query = parse_query(&body.object()?, Some(id))?;
    start(&org, query)
}

async fn client_results(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path((id, execution)): Path<(String, String)>,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW_CLIENT)?;
    results(&org, &execution, Some(&id))
}

async fn summarize_client(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW_CLIENT)?;
    let days = number_parameter(query.as_deref(), "days", 7, 1..=365)?;
    let to = org.wall();
    let seconds = u64::try_from(days).unwrap_or_default() * 86_400;
    let from = to.checked_sub(Duration::from_secs(seconds));
    let query = UsageQuery {
        client: Some(id),
        from: from.unwrap_or(SystemTime::UNIX_EPOCH),
        to,
        granularity: None,
        metrics: METRICS.map(str::to_owned).to_vec(),
        group_by: vec!["OAuthClientId".to_owned()],
    };
    start(&org, query)
}

async fn query_organization(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    body: JsonBody,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW_ORGANIZATION)?;
    start(&org, parse_query(&body.object()?, None)?)
}

async fn organization_results(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(execution): Path<String>,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW_ORGANIZATION)?;
    results(&org, &execution, None)
}

fn start(org: &Org, query: UsageQuery) -> Result<Response, ApiErrorResponse> {
    if let Some(id) = &query.client {
        let exists = |id: &str| org.with_clients(|clients, _| clients.get(id).is_some());
        if !exists(id) {
            return Err(ApiErrorResponse::not_found());
        }
    }
    let client = query.client.clone();
    let id = org
        .with_usage(|usage, _, name| usage.start(query, org.settings.usage_running, &org.id, name));
    let uri = match client {
        Some(client) => format!("/api/v2/oauth/clients/{client}/usage/query/results/{id}"),
        None => format!("/api/v2/usage/query/{id}/results"),
    };
    Ok(ok_response(
        &json!({ "executionId": id, "resultsUri": uri }),
    ))
}

fn results(org: &Org, execution: &str, client: Option<&str>) -> Result<Response, ApiErrorResponse> {
    let results = org.with_usage(|usage, _, _| usage.results(execution, client));
    let results = results.ok_or_else(ApiErrorResponse::not_found)?;
    Ok(ok_response(&results))
}

fn parse_query(
    body: &Map<String, Value>,
    client: Option<String>,
) -> Result<UsageQuery, ApiErrorResponse> {
    let invalid = |name: &str| ApiErrorResponse::bad_request(format!("{name} is not valid."));
    let interval = body.get("interval").and_then(Value::as_str);
    let (from, to) = interval
        .and_then(|interval| interval.split_once('/'))
        .and_then(|(from, to)| Some((parse_time(from)?, parse_time(to)?)))
        .filter(|(from, to)| from < to)
        .ok_or_else(|| invalid("interval"))?;
    let granularity = match body.get("granularity").and_then(Value::as_str) {
        None => None,
        Some("Day") => Some(Granularity::Day),
        Some("Week") => Some(Granularity::Week),
        Some("Month") => Some(Granularity::Month),
        Some(_) => return Err(invalid("granularity")),
    };
    let names = |field: &str, known: &[&str]| {
        let values = body.get(field).and_then(Value::as_array);
        let values = values.into_iter().flatten();
        let names: Option<Vec<_>> = values
            .map(|value| value.as_str().map(str::to_owned))
            .collect();
        names
            .filter(|names| {
                let is_known =
                    |name: &String| known.iter().any(|one| one.eq_ignore_ascii_case(name));
                names.iter().all(is_known)
            })
            .ok_or_else(|| invalid(field))
    };
    let mut metrics = names("metrics", &METRICS)?;
    if metrics.is_empty() {
        metrics = METRICS.map(str::to_owned).to_vec();
    }
    Ok(UsageQuery {
        client,
        from,
        to,
        granularity,
        metrics,
        group_by: names("groupBy", &DIMENSIONS)?,
    })
}

const VIEW_CLIENT: RequiredPermissions =
    RequiredPermissions::Any(&["oauth:client:view", "usage:client:view"]);
const VIEW_ORGANIZATION: RequiredPermissions =
    RequiredPermissions::Any(&["oauth:client:view", "usage:organization:view"]);
const DIMENSIONS: [&str; 5] = [
    "OAuthClientId",
    "OrganizationId",
    "UserId",
    "TemplateUri",
    "HttpMethod",
];
