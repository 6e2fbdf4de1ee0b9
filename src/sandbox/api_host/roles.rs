//! Roles, and what they allow.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use serde_json::{Value, json};

use crate::sandbox::{
    http::error_response::{ApiErrorResponse, ok_response},
    org::{Caller, Org, permissions::RequiredPermissions, settings::ROLE_ID},
};

pub(super) fn role_routes() -> Router<Arc<Org>> {
    Router::new()
        .route(ROLES, get(roles))
        .route("/api/v2/authorization/roles/{roleId}", get(role))
}

async fn roles(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW)?;
    let others = org.other_roles();
    let ids = std::iter::once(ROLE_ID).chain(others.iter().map(String::as_str));
    let entities: Vec<_> = ids.map(body).collect();
    let uri = format!("{ROLES}?pageSize=25&pageNumber=1");
    Ok(ok_response(&json!({
        "total": entities.len(),
        "entities": entities,
        "pageSize": 25,
        "pageNumber": 1,
        "pageCount": 1,
        "firstUri": uri,
        "lastUri": uri,
        "selfUri": uri,
    })))
}

/// One role with its permissions.
async fn role(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW)?;
    let permissions = org.role_permissions(&id);
    let permissions = permissions.ok_or_else(ApiErrorResponse::not_found)?;
    let policies: Vec<_> = permissions.iter().map(|one| policy(one)).collect();
    let mut role = body(&id);
    role["permissions"] = json!([]);
    role["permissionPolicies"] = policies.into();
    role["default"] = false.into();
    role["base"] = false.into();
    Ok(ok_response(&role))
}

fn body(id: &str) -> Value {
    let name = if id == ROLE_ID {
        "Sandbox"
    } else {
        "Added by the test"
    };
    json!({
        "id": id,
        "name": name,
        "description": "A role of the sandbox",
        "selfUri": format!("{ROLES}/{id}"),
    })
}

/// The policy of a permission such as `oauth:client:view`; `*` stands for all.
fn policy(permission: &str) -> Value {
    let mut parts = permission.splitn(3, ':');
    let mut part = || parts.next().unwrap_or("*");
    json!({
        "domain": part(),
        "entityName": part(),
        "policyName": "",
        "actionSet": [part()],
        "allowConditions": false,
    })
}

const ROLES: &str = "/api/v2/authorization/roles";
const VIEW: RequiredPermissions = RequiredPermissions::All(&["authorization:role:view"]);
