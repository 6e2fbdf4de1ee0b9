//! Listings: the organisation's users and credentials, and those that a test fills.

mod forms;
pub(super) mod page;

use std::sync::Arc;

use axum::{
    Router,
    response::Response,
    routing::{delete, get},
};
use http::StatusCode;
use serde_json::{Value, json};

use super::call::{ApiCall, ApiResult, permitted};
use crate::sandbox::{
    http::error_response::{ApiErrorResponse, ok_response},
    org::Org,
};

/// Returns the endpoints that a test can fill.
pub(in crate::sandbox) fn listing_endpoints() -> impl Iterator<Item = &'static str> {
    forms::all().map(|(_, endpoint)| endpoint)
}

pub(super) fn listing_routes() -> Router<Arc<Org>> {
    Router::new().route(USERS, get(list_users)).route(
        "/api/v2/tokens/{user_id}",
        delete(permitted(DELETE_TOKENS, revoke_user)),
    )
}

async fn list_users(call: ApiCall) -> ApiResult {
    let users = call.org.users.iter();
    let users = users.map(|user| user.body(&call.org.division_id));
    numbered_page(&call, USERS, &users.collect::<Vec<_>>())
}

/// Returns the page of a listing that the query asks for: `pageSize` and `pageNumber`.
pub(super) fn numbered_page(call: &ApiCall, path: &str, all: &[Value]) -> ApiResult {
    let size = call.number("pageSize", 25, 1..=100)?;
    let page = call.number("pageNumber", 1, 1..=i32::MAX)?;
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

fn revoke_user(call: &ApiCall) -> ApiResult<StatusCode> {
    let ApiCall {
        org, caller, id, ..
    } = call;
    let user = org.users.iter().position(|user| user.id == *id);
    let user = user.ok_or_else(ApiErrorResponse::not_found)?;
    let permissions = &caller.permissions;
    permissions.require_in(&org.division_id, DELETE_TOKENS)?;
    org.with_tokens(|tokens, _| tokens.revoke_user(user));
    Ok(StatusCode::OK)
}

/// A listing that has no second page.
pub(super) fn whole_listing(uri: &str, entities: &[Value]) -> Response {
    let total = entities.len();
    ok_response(&json!({ "entities": entities, "total": total, "pageCount": 1, "selfUri": uri }))
}

const USERS: &str = "/api/v2/users";
const DELETE_TOKENS: &[&str] = &["oauth:token:delete"];
