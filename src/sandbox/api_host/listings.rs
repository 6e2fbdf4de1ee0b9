//! Listings: the organisation's users and credentials, and those that a test fills.

mod forms;
pub(super) mod page;

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{Path, RawQuery, State},
    response::Response,
    routing::{delete, get},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::StatusCode;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::sandbox::{
    http::{
        error_response::{ApiErrorResponse, ok_response},
        params::{number_parameter, query_parameter},
    },
    org::{Caller, Org, permissions::RequiredPermissions, users::fixed_id},
    time::format_time,
};

/// Returns the endpoints that a test can fill.
pub(in crate::sandbox) fn listing_endpoints() -> impl Iterator<Item = &'static str> {
    forms::all().map(|(_, endpoint)| endpoint)
}

pub(super) fn listing_routes() -> Router<Arc<Org>> {
    Router::new()
        .route(USERS, get(list_users))
        .route("/api/v2/tokens/{user_id}", delete(revoke_user))
        .route(CREDENTIALS, get(list_credentials))
}

async fn list_users(
    State(org): State<Arc<Org>>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiErrorResponse> {
    let size = number_parameter(query.as_deref(), "pageSize", 25, 1..=100)?;
    let page = number_parameter(query.as_deref(), "pageNumber", 1, 1..=i32::MAX)?;
    let total = org.users.len();
    let pages = total.div_ceil(size);
    let start = (page - 1).saturating_mul(size).min(total);
    let end = start.saturating_add(size).min(total);
    let entities: Vec<_> = org.users[start..end]
        .iter()
        .map(|user| user.body(&org.division_id))
        .collect();
    let uri = |page: usize| Value::from(format!("{USERS}?pageSize={size}&pageNumber={page}"));
    let mut body = json!({
        "entities": entities,
        "pageSize": size,
        "pageNumber": page,
        "total": total,
        "pageCount": pages,
        "firstUri": uri(1),
        "lastUri": uri(pages.max(1)),
        "selfUri": uri(page),
    });
    if page > 1 {
        body["previousUri"] = uri((page - 1).min(pages.max(1)));
    }
    if page < pages {
        body["nextUri"] = uri(page + 1);
    }
    Ok(ok_response(&body))
}

async fn revoke_user(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiErrorResponse> {
    caller.permissions.require(DELETE_TOKENS)?;
    let user = org.users.iter().position(|user| user.id == id);
    let user = user.ok_or_else(ApiErrorResponse::not_found)?;
    caller
        .permissions
        .require_in(&org.division_id, DELETE_TOKENS)?;
    org.with_tokens(|tokens, _| tokens.revoke_user(user));
    Ok(StatusCode::OK)
}

async fn list_credentials(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW_INTEGRATIONS)?;
    let query = query.as_deref();
    let size = number_parameter(query, "pageSize", 25, 1..=200)?;
    let total = org.settings.integration_credentials;
    let (start, end) = match (
        parse_cursor(query, "before", total)?,
        parse_cursor(query, "after", total)?,
    ) {
        (Some(_), Some(_)) => {
            return Err(ApiErrorResponse::bad_request(
                "before and after exclude each other.",
            ));
        }
        (Some(end), None) => (end.saturating_sub(size), end),
        (None, start) => {
            let start = start.unwrap_or(0);
            (start, start.saturating_add(size).min(total))
        }
    };
    let entities: Vec<_> = (start..end).map(|index| credential(&org, index)).collect();
    let uri = |name: &str, index: usize| {
        let cursor = cursor_at(index);
        let cursor: String = form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
        Value::from(format!("{CREDENTIALS}?{name}={cursor}&pageSize={size}"))
    };
    let mut body = json!({ "entities": entities, "selfUri": uri("after", start) });
    if end < total {
        body["nextUri"] = uri("after", end);
    }
    if start > 0 {
        body["previousUri"] = uri("before", start);
    }
    Ok(ok_response(&body))
}

fn credential(org: &Org, index: usize) -> Value {
    let id = fixed_id(CREDENTIAL_IDS, index);
    json!({
        "id": id,
        "name": format!("Credential {}", index + 1),
        "createdDate": format_time(org.created),
        "modifiedDate": format_time(org.created),
        "type": { "name": "pureCloudOAuthClient" },
        "selfUri": format!("/api/v2/integrations/credentials/{id}"),
    })
}

/// A listing that has no second page.
pub(super) fn whole_listing(entities: &[Value], uri: &str) -> Value {
    let total = entities.len();
    json!({ "entities": entities, "total": total, "pageCount": 1, "selfUri": uri })
}

/// Returns the index that a cursor in the query names.
fn parse_cursor(
    query: Option<&str>,
    name: &str,
    total: usize,
) -> Result<Option<usize>, ApiErrorResponse> {
    let Some(cursor) = query_parameter(query, name) else {
        return Ok(None);
    };
    STANDARD
        .decode(&cursor)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.strip_prefix(CURSOR)?.parse().ok())
        .filter(|index| *index <= total)
        .map(Some)
        .ok_or_else(|| ApiErrorResponse::invalid_value(format!("{name} is not a cursor.")))
}

/// Returns a cursor that is opaque and contains characters that a link must escape.
fn cursor_at(index: usize) -> String {
    STANDARD.encode(format!("{CURSOR}{index}"))
}

const USERS: &str = "/api/v2/users";
const CREDENTIALS: &str = "/api/v2/integrations/credentials/listing";
const DELETE_TOKENS: RequiredPermissions = RequiredPermissions::All(&["oauth:token:delete"]);
const VIEW_INTEGRATIONS: RequiredPermissions =
    RequiredPermissions::All(&["integrations:integration:view"]);
const CREDENTIAL_IDS: u32 = 0x5e1f_0002;
const CURSOR: &str = "credentials>";
