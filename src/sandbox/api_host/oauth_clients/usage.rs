//! How many calls OAuth clients have made. The sandbox counts its own.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    routing::{get, post},
};
use serde_json::{Value, json};

use crate::sandbox::{
    api_host::call::{ApiCall, ApiResult, found, permitted},
    http::error_response::{ApiErrorResponse, ok_response},
    org::{
        Org,
        usage::{Granularity, METRICS, UsageQuery},
    },
    time::parse_time,
};

pub(super) fn usage_routes() -> Router<Arc<Org>> {
    Router::new()
        .route(
            "/api/v2/oauth/clients/{clientId}/usage/query",
            post(permitted(VIEW_CLIENT, query_client)),
        )
        .route(
            "/api/v2/oauth/clients/{clientId}/usage/query/results/{executionId}",
            get(permitted(VIEW_CLIENT, client_results)),
        )
        .route(
            "/api/v2/oauth/clients/{clientId}/usage/summary",
            get(permitted(VIEW_CLIENT, summarize_client)),
        )
        .route(
            "/api/v2/usage/query",
            post(permitted(VIEW_ORGANIZATION, query_organization)),
        )
        .route(
            "/api/v2/usage/query/{executionId}/results",
            get(permitted(VIEW_ORGANIZATION, organization_results)),
        )
}

fn query_client(call: &ApiCall) -> ApiResult {
    start(&call.org, parse_query(call, Some(call.id.clone()))?)
}

fn client_results(call: &ApiCall) -> ApiResult {
    results(&call.org, &call.part, Some(&call.id))
}

fn summarize_client(call: &ApiCall) -> ApiResult {
    let days = call.number("days", 7, 1..=365)?;
    let to = call.org.wall();
    let seconds = u64::try_from(days).unwrap_or_default() * 86_400;
    let from = to.checked_sub(Duration::from_secs(seconds));
    let query = UsageQuery {
        client: Some(call.id.clone()),
        from: from.unwrap_or(SystemTime::UNIX_EPOCH),
        to,
        granularity: None,
        metrics: METRICS.map(str::to_owned).to_vec(),
        group_by: vec!["OAuthClientId".to_owned()],
    };
    start(&call.org, query)
}

fn query_organization(call: &ApiCall) -> ApiResult {
    start(&call.org, parse_query(call, None)?)
}

fn organization_results(call: &ApiCall) -> ApiResult {
    results(&call.org, &call.id, None)
}

fn start(org: &Org, query: UsageQuery) -> ApiResult {
    if let Some(id) = &query.client
        && org.with_clients(|clients, _| clients.get(id).is_none())
    {
        return Err(ApiErrorResponse::not_found());
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

fn results(org: &Org, execution: &str, client: Option<&str>) -> ApiResult {
    found(org.with_usage(|usage, _, _| usage.results(execution, client)))
}

fn parse_query(call: &ApiCall, client: Option<String>) -> ApiResult<UsageQuery> {
    let body = call.object()?;
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
        let known_name = |value: &Value| {
            let name = value.as_str()?;
            let mut known = known.iter();
            known
                .any(|one| one.eq_ignore_ascii_case(name))
                .then(|| name.to_owned())
        };
        let values = body.get(field).and_then(Value::as_array);
        let names: Option<Vec<_>> = values.into_iter().flatten().map(known_name).collect();
        names.ok_or_else(|| invalid(field))
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

const VIEW_CLIENT: &[&str] = &["oauth:client:view", "usage:client:view"];
const VIEW_ORGANIZATION: &[&str] = &["oauth:client:view", "usage:organization:view"];
const DIMENSIONS: [&str; 5] = [
    "OAuthClientId",
    "OrganizationId",
    "UserId",
    "TemplateUri",
    "HttpMethod",
];
