//! Creates, changes, publishes and deletes data actions.

use axum::response::IntoResponse;
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    check::{check, check_publishable, missing_fields, parse_new},
    failure::processing_failure,
};
use crate::sandbox::{
    api_host::call::{ApiCall, ApiResult},
    http::error_response::{ApiErrorResponse, ok_response},
    org::integrations::{Action, check_room},
    random::random_uuid,
};

pub(super) fn create(call: &ApiCall, is_draft: bool) -> ApiResult {
    let body = call.object()?;
    let new = parse_new(&body)?;
    if !is_draft {
        check_publishable(&new)?;
    }
    let integration_id = body.get("integrationId").and_then(Value::as_str);
    let integration_id = integration_id.unwrap_or_default();
    call.org.with_integrations(|table, _| {
        check_room(table.actions.len())?;
        let Some(integration) = table.integration(integration_id) else {
            let message = "The integration does not exist.";
            return Err(ApiErrorResponse::invalid_field("integrationId", message));
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
        let body = shown(&action, is_draft)?;
        table.actions.push(action);
        Ok(ok_response(&body))
    })
}

/// Replaces the fields that are sent. The configuration is replaced as a whole.
pub(super) fn change(call: &ApiCall, is_draft: bool) -> ApiResult {
    let body = call.object()?;
    if !is_draft && (body.contains_key("contract") || body.contains_key("secure")) {
        return Err(ApiErrorResponse::bad_request(
            "The contract of a published action cannot be changed.",
        ));
    }
    with_action(call, |action| {
        let version = if is_draft {
            action.draft.as_mut()
        } else {
            action.published.as_mut()
        };
        let version = version.ok_or_else(ApiErrorResponse::not_found)?;
        call.check_version(&body, version.version)?;
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

pub(super) fn delete(call: &ApiCall) -> ApiResult<StatusCode> {
    call.org.with_integrations(|table, _| {
        let before = table.actions.len();
        table.actions.retain(|action| action.id != call.id);
        if table.actions.len() == before {
            return Err(ApiErrorResponse::not_found());
        }
        Ok(StatusCode::NO_CONTENT)
    })
}

/// Starts a draft of a published action.
pub(super) fn start_draft(call: &ApiCall) -> ApiResult {
    with_action(call, |action| {
        if action.draft.is_some() {
            let message = "The action has a draft already.";
            let code = "general.conflict";
            return Err(ApiErrorResponse::new(StatusCode::CONFLICT, code, message));
        }
        action.draft.clone_from(&action.published);
        shown(action, true)
    })
}

pub(super) fn delete_draft(call: &ApiCall) -> ApiResult<StatusCode> {
    call.org.with_integrations(|table, _| {
        let action = table.action(&call.id);
        let draft = action.and_then(|action| action.draft.take());
        draft.ok_or_else(ApiErrorResponse::not_found)?;
        let actions = &mut table.actions;
        actions.retain(|one| one.published.is_some() || one.draft.is_some());
        Ok(StatusCode::NO_CONTENT)
    })
}

pub(super) fn validate(call: &ApiCall) -> ApiResult {
    with_action(call, |action| {
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
        Ok(json!({ "valid": errors.is_empty(), "errors": errors }))
    })
}

pub(super) fn publish(call: &ApiCall) -> ApiResult {
    let body = call.object()?;
    with_action(call, |action| {
        let draft = action.draft.as_ref();
        let mut draft = draft.ok_or_else(ApiErrorResponse::not_found)?.clone();
        call.check_version(&body, draft.version)?;
        check_publishable(&draft)?;
        let published = action.published.as_ref();
        draft.version = published.map_or(1, |published| published.version + 1);
        action.published = Some(draft);
        action.draft = None;
        shown(action, false)
    })
}

fn shown(action: &Action, is_draft: bool) -> ApiResult<Value> {
    let body = action.body(is_draft, true, true);
    body.ok_or_else(ApiErrorResponse::not_found)
}

fn with_action(call: &ApiCall, f: impl FnOnce(&mut Action) -> ApiResult<Value>) -> ApiResult {
    call.org.with_integrations(|table, _| {
        let action = table.action(&call.id);
        let action = action.ok_or_else(ApiErrorResponse::not_found)?;
        Ok(ok_response(&f(action)?))
    })
}
