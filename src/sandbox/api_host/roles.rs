//! Roles, and what they allow.

use std::sync::Arc;

use axum::{Router, routing::get};
use serde_json::{Value, json};

use super::{
    call::{ApiCall, ApiResult, found, permitted},
    listings::numbered_page,
};
use crate::sandbox::org::{Org, settings::ROLE_ID};

pub(super) fn role_routes() -> Router<Arc<Org>> {
    Router::new()
        .route(ROLES, get(permitted(VIEW, list)))
        .route(ROLE, get(permitted(VIEW, get_one)))
}

fn list(call: &ApiCall) -> ApiResult {
    let others = call.org.other_roles();
    let ids = std::iter::once(ROLE_ID).chain(others.iter().map(String::as_str));
    numbered_page(call, ROLES, &ids.map(body).collect::<Vec<_>>())
}

/// One role with its permissions.
fn get_one(call: &ApiCall) -> ApiResult {
    let permissions = call.org.role_permissions(&call.id);
    found(permissions.map(|permissions| {
        let mut role = body(&call.id);
        role["permissions"] = json!([]);
        role["permissionPolicies"] = permissions.iter().map(|one| policy(one)).collect();
        role["default"] = false.into();
        role["base"] = false.into();
        role
    }))
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
const ROLE: &str = "/api/v2/authorization/roles/{roleId}";
const VIEW: &[&str] = &["authorization:role:view"];
