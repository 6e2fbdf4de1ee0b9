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
use http::StatusCode;
use serde_json::{Value, json};

use crate::sandbox::{
    http::{
        error_response::{ApiErrorResponse, ok_response},
        params::number_parameter,
    },
    org::{Caller, Org, permissions::RequiredPermissions},
};

/// Returns the endpoints that a test can fill.
pub(in crate::sandbox) fn listing_endpoints() -> impl Iterator<Item = &'static str> {
    forms::all().map(|(_, endpoint)| endpoint)
}

pub(super) fn listing_routes() -> Router<Arc<Org>> {
    Router::new()
        .route(USERS, get(list_users))
        .route("/api/v2/tokens/{user_id}", delete(revoke_user))
}

async fn list_users(
    State(org): State<Arc<Org>>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiErrorResponse> {
    let users: Vec<_> = org
        .users
        .iter()
        .map(|user| user.body(&org.division_id))
        .collect();
    numbered_page(USERS, query.as_deref(), &users)
}

/// Returns the page of a listing that the query asks for: `pageSize` and `pageNumber`.
pub(super) fn numbered_page(
    path: &str,
    query: Option<&str>,
    all: &[Value],
) -> Result<Response, ApiErrorResponse> {
    let size = number_parameter(query, "pageSize", 25, 1..=100)?;
    let page = number_parameter(query, "pageNumber", 1, 1..=i32::MAX)?;
    let total = all.len();
    let pages = total.div_ceil(size);
    let start = (page - 1).saturating_mul(size).min(total);
    let end = start.saturating_add(size).min(total);
    let uri = |page: usize| Value::from(format!("{path}?pageSize={size}&pageNumber={page}"));
    let mut body = json!({
        "entities": all[start..end],
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

/// A listing that has no second page.
pub(super) fn whole_listing(entities: &[Value], uri: &str) -> Value {
    let total = entities.len();
    json!({ "entities": entities, "total": total, "pageCount": 1, "selfUri": uri })
}

const USERS: &str = "/api/v2/users";
const DELETE_TOKENS: RequiredPermissions = RequiredPermissions::All(&["oauth:token:delete"]);
