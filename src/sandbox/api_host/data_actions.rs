//! Data actions: published ones, drafts, and their runs.

mod check;
mod failure;
mod json_path;
mod run;
mod send;
mod steps;
mod template;
mod write;

use std::sync::Arc;

use axum::{
    Router,
    response::IntoResponse,
    routing::{get, post},
};
use http::header;
use serde_json::Value;

pub(super) use self::send::OwnApi;
use self::{
    run::{execute, run_flow, test, test_draft},
    write::{change, create, delete, delete_draft, publish, start_draft, validate},
};
use crate::sandbox::{
    api_host::{
        call::{ApiCall, ApiResult, found, permitted},
        listings::numbered_page,
    },
    http::error_response::ApiErrorResponse,
    org::Org,
};

/// The calls that read and change data actions.
pub(super) fn data_action_routes() -> Router<Arc<Org>> {
    Router::new()
        .route(
            ACTIONS,
            get(permitted(VIEW, |call| list(call, ACTIONS, PUBLISHED)))
                .post(permitted(ADD, |call| create(call, PUBLISHED))),
        )
        .route(
            DRAFTS,
            get(permitted(VIEW_DRAFT, |call| list(call, DRAFTS, DRAFT)))
                .post(permitted(ADD, |call| create(call, DRAFT))),
        )
        .route(
            "/api/v2/integrations/actions/{actionId}",
            get(permitted(VIEW, |call| get_one(call, PUBLISHED)))
                .patch(permitted(EDIT, |call| change(call, PUBLISHED)))
                .delete(permitted(DELETE, delete)),
        )
        .route(
            "/api/v2/integrations/actions/{actionId}/draft",
            get(permitted(VIEW_DRAFT, |call| get_one(call, DRAFT)))
                .post(permitted(EDIT, start_draft))
                .patch(permitted(EDIT, |call| change(call, DRAFT)))
                .delete(permitted(EDIT, delete_draft)),
        )
        .route(
            "/api/v2/integrations/actions/{actionId}/draft/validation",
            get(permitted(EDIT, validate)),
        )
        .route(
            "/api/v2/integrations/actions/{actionId}/draft/publish",
            post(permitted(EDIT, publish)),
        )
        .route(
            "/api/v2/integrations/actions/{actionId}/templates/{fileName}",
            get(permitted(VIEW, |call| template(call, PUBLISHED))),
        )
        .route(
            "/api/v2/integrations/actions/{actionId}/draft/templates/{fileName}",
            get(permitted(VIEW_DRAFT, |call| template(call, DRAFT))),
        )
        .route(
            "/api/v2/integrations/actions/{actionId}/schemas/{fileName}",
            get(permitted(VIEW, no_schema)),
        )
        .route(
            "/api/v2/integrations/actions/{actionId}/draft/schemas/{fileName}",
            get(permitted(VIEW_DRAFT, no_schema)),
        )
}

/// The calls that run data actions. A data action cannot call these.
pub(super) fn run_routes() -> Router<Arc<Org>> {
    Router::new()
        .route(
            "/api/v2/integrations/actions/{actionId}/execute",
            post(execute),
        )
        .route("/api/v2/integrations/actions/{actionId}/test", post(test))
        .route(
            "/api/v2/integrations/actions/{actionId}/draft/test",
            post(test_draft),
        )
        .route("/api/v2/sandbox/flows/{actionId}", post(run_flow))
}

fn list(call: &ApiCall, path: &str, is_draft: bool) -> ApiResult {
    let (category, name) = (call.query("category"), call.query("name"));
    let secure = call.query("secure").map(|secure| secure == "true");
    let config = call.query("includeConfig").as_deref() == Some("true");
    let actions: Vec<Value> = call.org.with_integrations(|table, _| {
        let bodies = table.actions.iter();
        let bodies = bodies.filter_map(|action| action.body(is_draft, config, false));
        let text = |body: &Value, field: &str| body[field].as_str().unwrap_or_default().to_owned();
        bodies
            .filter(|body| {
                category
                    .as_ref()
                    .is_none_or(|wanted| text(body, "category") == *wanted)
            })
            .filter(|body| {
                name.as_ref()
                    .is_none_or(|part| text(body, "name").contains(part))
            })
            .filter(|body| secure.is_none_or(|wanted| body["secure"] == wanted))
            .collect()
    });
    numbered_page(call, path, &actions)
}

/// Shows an action, with its configuration and its contract where the query asks for them.
fn get_one(call: &ApiCall, is_draft: bool) -> ApiResult {
    let config = call.query("includeConfig").as_deref() == Some("true");
    let contract = call.query("expand").as_deref() == Some("contract");
    found(call.org.with_integrations(|table, _| {
        let action = table.action(&call.id)?;
        action.body(is_draft, config, contract)
    }))
}

fn template(call: &ApiCall, is_draft: bool) -> ApiResult {
    let text = call.org.with_integrations(|table, _| {
        let action = table.action(&call.id)?;
        action.template(is_draft, &call.part)
    });
    let text = text.ok_or_else(ApiErrorResponse::not_found)?;
    Ok(([(header::CONTENT_TYPE, "text/plain")], text).into_response())
}

const PUBLISHED: bool = false;
const DRAFT: bool = true;
fn no_schema(_: &ApiCall) -> ApiResult {
    Err(ApiErrorResponse::not_in_the_sandbox("files of schemas"))
}

const ACTIONS: &str = "/api/v2/integrations/actions";
const DRAFTS: &str = "/api/v2/integrations/actions/drafts";
const VIEW: &[&str] = &["integrations:action:view", "bridge:actions:view"];
const VIEW_DRAFT: &[&str] = &["integrations:action:view"];
const ADD: &[&str] = &["integrations:action:add"];
const EDIT: &[&str] = &["integrations:action:edit"];
const DELETE: &[&str] = &["integrations:action:delete"];
