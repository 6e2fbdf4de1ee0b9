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
    Extension, Router,
    extract::{Path, RawQuery, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::header;
use serde_json::Value;

pub(super) use self::send::OwnApi;
use self::{
    run::{execute, run_flow, test, test_draft},
    write::{
        change, change_draft, create, create_draft, delete, delete_draft, publish, start_draft,
        validate,
    },
};
use crate::sandbox::{
    api_host::listings::numbered_page,
    http::{
        error_response::{ApiErrorResponse, ok_response},
        params::query_parameter,
    },
    org::{Caller, Org, permissions::RequiredPermissions},
};

/// The calls that read and change data actions.
pub(super) fn data_action_routes() -> Router<Arc<Org>> {
    Router::new()
        .route(ACTIONS, get(list).post(create))
        .route(DRAFTS, get(list_drafts).post(create_draft))
        .route(
            "/api/v2/integrations/actions/{actionId}",
            get(get_one).patch(change).delete(delete),
        )
        .route(
            "/api/v2/integrations/actions/{actionId}/draft",
            get(get_draft)
                .post(start_draft)
                .patch(change_draft)
                .delete(delete_draft),
        )
        .route(
            "/api/v2/integrations/actions/{actionId}/draft/validation",
            get(validate),
        )
        .route(
            "/api/v2/integrations/actions/{actionId}/draft/publish",
            post(publish),
        )
        .route(
            "/api/v2/integrations/actions/{actionId}/templates/{fileName}",
            get(template),
        )
        .route(
            "/api/v2/integrations/actions/{actionId}/draft/templates/{fileName}",
            get(draft_template),
        )
        .route(
            "/api/v2/integrations/actions/{actionId}/schemas/{fileName}",
            get(schema),
        )
        .route(
            "/api/v2/integrations/actions/{actionId}/draft/schemas/{fileName}",
            get(draft_schema),
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

async fn list(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW)?;
    page_of(&org, ACTIONS, query.as_deref(), false)
}

async fn list_drafts(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW_DRAFT)?;
    page_of(&org, DRAFTS, query.as_deref(), true)
}

fn page_of(
    org: &Org,
    path: &str,
    query: Option<&str>,
    is_draft: bool,
) -> Result<Response, ApiErrorResponse> {
    let (category, name) = (
        query_parameter(query, "category"),
        query_parameter(query, "name"),
    );
    let secure = query_parameter(query, "secure").map(|secure| secure == "true");
    let config = query_parameter(query, "includeConfig").as_deref() == Some("true");
    let actions: Vec<Value> = org.with_integrations(|table, _| {
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
    numbered_page(path, query, &actions)
}

async fn get_one(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW)?;
    show(&org, &id, false, query.as_deref())
}

async fn get_draft(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW_DRAFT)?;
    show(&org, &id, true, query.as_deref())
}

/// Shows an action, with its configuration and its contract where the query asks for them.
fn show(
    org: &Org,
    id: &str,
    is_draft: bool,
    query: Option<&str>,
) -> Result<Response, ApiErrorResponse> {
    let config = query_parameter(query, "includeConfig").as_deref() == Some("true");
    let contract = query_parameter(query, "expand").as_deref() == Some("contract");
    let body = org.with_integrations(|table, _| {
        let action = table.action(id)?;
        action.body(is_draft, config, contract)
    });
    Ok(ok_response(&body.ok_or_else(ApiErrorResponse::not_found)?))
}

async fn template(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path((id, file)): Path<(String, String)>,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW)?;
    template_text(&org, &id, false, &file)
}

async fn draft_template(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path((id, file)): Path<(String, String)>,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW_DRAFT)?;
    template_text(&org, &id, true, &file)
}

async fn schema(Extension(caller): Extension<Caller>) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW)?;
    Err(ApiErrorResponse::not_in_the_sandbox("files of schemas"))
}

async fn draft_schema(Extension(caller): Extension<Caller>) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW_DRAFT)?;
    Err(ApiErrorResponse::not_in_the_sandbox("files of schemas"))
}

fn template_text(
    org: &Org,
    id: &str,
    is_draft: bool,
    file: &str,
) -> Result<Response, ApiErrorResponse> {
    let text = org.with_integrations(|table, _| table.action(id)?.template(is_draft, file));
    let text = text.ok_or_else(ApiErrorResponse::not_found)?;
    Ok(([(header::CONTENT_TYPE, "text/plain")], text).into_response())
}

const ACTIONS: &str = "/api/v2/integrations/actions";
const DRAFTS: &str = "/api/v2/integrations/actions/drafts";
const VIEW: RequiredPermissions =
    RequiredPermissions::Any(&["integrations:action:view", "bridge:actions:view"]);
const VIEW_DRAFT: RequiredPermissions = RequiredPermissions::All(&["integrations:action:view"]);
