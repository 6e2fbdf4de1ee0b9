//! Creates, changes, publishes and deletes data actions.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    check::{check, check_publishable, missing_fields, parse_new},
    failure::processing_failure,
};
use crate::sandbox::{
    api_host::integrations::version_conflict,
    http::{
        error_response::{ApiErrorResponse, ok_response},
        params::JsonBody,
    },
    org::{
        Caller, Org,
        integrations::{Action, ActionVersion, check_room},
        permissions::RequiredPermissions,
    },
    random::random_uuid,
};

pub(super) async fn create(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    body: JsonBody,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(ADD)?;
    let body = body.object()?;
    let new = parse_new(&body)?;
    check_publishable(&new)?;
    add(&org, &body, new, false)
}

pub(super) async fn create_draft(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    body: JsonBody,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(ADD)?;
    let body = body.object()?;
    let new = parse_new(&body)?;
    add(&org, &body, new, true)
}

fn add(
    org: &Org,
    body: &Map<String, Value>,
    new: ActionVersion,
    is_draft: bool,
) -> Result<Response, ApiErrorResponse> {
    let integration_id = body.get("integrationId").and_then(Value::as_str);
    let integration_id = integration_id.unwrap_or_default();
    org.with_integrations(|table, _| {
        check_room(table.actions.len())?;
        let Some(integration) = table.integration(integration_id) else {
            let error = ApiErrorResponse::bad_request("The integration does not exist.");
            return Err(error.detail("invalid.value", "integrationId"));
        };
        if let Some(left) = integration.unknown.checked_sub(1) {
            integration.unknown = left;
            return Ok(processing_failure("The integration is not known yet.").into_response());
        }
        if integration.kind == "function-data-actions" && !is_draft {
            return Err(ApiErrorResponse::bad_request(
                "Integration of type 'function-data-actions' does not support creating published \
                 actions.",
            ));
        }
        let mut action = Action {
            id: format!("custom_-_{}", random_uuid()),
            integration_id: integration_id.to_owned(),
            published: None,
            draft: None,
        };
        if is_draft {
            action.draft = Some(new);
        } else {
            action.published = Some(new);
        }
        let response = shown(&action, is_draft);
        table.actions.push(action);
        response
    })
}

pub(super) async fn change(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(EDIT)?;
    let body = body.object()?;
    if body.contains_key("contract") || body.contains_key("secure") {
        return Err(ApiErrorResponse::bad_request(
            "The contract of a published action cannot be changed.",
        ));
    }
    change_version(&org, &id, false, &body)
}

pub(super) async fn change_draft(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(EDIT)?;
    change_version(&org, &id, true, &body.object()?)
}

/// Replaces the fields that are sent. The configuration is replaced as a whole.
fn change_version(
    org: &Org,
    id: &str,
    is_draft: bool,
    body: &Map<String, Value>,
) -> Result<Response, ApiErrorResponse> {
    with_action(org, id, |action| {
        let version = if is_draft {
            action.draft.as_mut()
        } else {
            action.published.as_mut()
        };
        let version = version.ok_or_else(ApiErrorResponse::not_found)?;
        if body.get("version").and_then(Value::as_u64) != Some(version.version) {
            return Err(version_conflict(org));
        }
        let mut changed = version.clone();
        for (field, text) in [
            ("name", &mut changed.name),
            ("category", &mut changed.category),
        ] {
            if let Some(new) = body.get(field).and_then(Value::as_str) {
                new.clone_into(text);
            }
        }
        if let Some(config) = body.get("config") {
            changed.config = config.clone();
        }
        if let Some(contract) = body.get("contract") {
            changed.contract = contract.clone();
        }
        if let Some(secure) = body.get("secure").and_then(Value::as_bool) {
            changed.secure = secure;
        }
        check(&changed)?;
        changed.version += 1;
        *version = changed;
        shown(action, is_draft)
    })
}

pub(super) async fn delete(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(DELETE)?;
    org.with_integrations(|table, _| {
        let before = table.actions.len();
        table.actions.retain(|action| action.id != id);
        if table.actions.len() == before {
            return Err(ApiErrorResponse::not_found());
        }
        Ok(StatusCode::NO_CONTENT.into_response())
    })
}

/// Starts a draft of a published action.
pub(super) async fn start_draft(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(EDIT)?;
    with_action(&org, &id, |action| {
        if action.draft.is_some() {
            let message = "The action has a draft already.";
            let code = "general.conflict";
            return Err(ApiErrorResponse::new(StatusCode::CONFLICT, code, message));
        }
        action.draft.clone_from(&action.published);
        shown(action, true)
    })
}

pub(super) async fn delete_draft(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(EDIT)?;
    org.with_integrations(|table, _| {
        let draft = table.action(&id).and_then(|action| action.draft.take());
        draft.ok_or_else(ApiErrorResponse::not_found)?;
        let actions = &mut table.actions;
        actions.retain(|one| one.published.is_some() || one.draft.is_some());
        Ok(StatusCode::NO_CONTENT.into_response())
    })
}

pub(super) async fn validate(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(EDIT)?;
    with_action(&org, &id, |action| {
        let draft = action.draft.as_ref();
        let draft = draft.ok_or_else(ApiErrorResponse::not_found)?;
        let errors: Vec<Value> = missing_fields(draft)
            .map(|field| {
                json!({
                    "code": "invalid.value",
                    "message": "A field that a published action needs is missing.",
                    "status": 400,
                    "details": [{ "errorCode": "invalid.value", "fieldName": field }],
                    "errors": [],
                })
            })
            .collect();
        Ok(ok_response(
            &json!({ "valid": errors.is_empty(), "errors": errors }),
        ))
    })
}

pub(super) async fn publish(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(EDIT)?;
    let body = body.object()?;
    with_action(&org, &id, |action| {
        let draft = action.draft.as_ref();
        let mut draft = draft.ok_or_else(ApiErrorResponse::not_found)?.clone();
        if body.get("version").and_then(Value::as_u64) != Some(draft.version) {
            return Err(version_conflict(&org));
        }
        check_publishable(&draft)?;
        let published = action.published.as_ref();
        draft.version = published.map_or(1, |published| published.version + 1);
        action.published = Some(draft);
        action.draft = None;
        shown(action, false)
    })
}

fn shown(action: &Action, is_draft: bool) -> Result<Response, ApiErrorResponse> {
    let body = action.body(is_draft, true, true);
    Ok(ok_response(&body.ok_or_else(ApiErrorResponse::not_found)?))
}

fn with_action(
    org: &Org,
    id: &str,
    f: impl FnOnce(&mut Action) -> Result<Response, ApiErrorResponse>,
) -> Result<Response, ApiErrorResponse> {
    org.with_integrations(|table, _| f(table.action(id).ok_or_else(ApiErrorResponse::not_found)?))
}

const ADD: RequiredPermissions = RequiredPermissions::All(&["integrations:action:add"]);
const EDIT: RequiredPermissions = RequiredPermissions::All(&["integrations:action:edit"]);
const DELETE: RequiredPermissions = RequiredPermissions::All(&["integrations:action:delete"]);
