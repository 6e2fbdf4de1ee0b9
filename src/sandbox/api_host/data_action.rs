//! A data action, whose integration has a copy of the client's secret.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::post,
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use crate::sandbox::{
    http::{
        error_response::{ApiErrorResponse, OAuthErrorResponse, WithoutCorrelationId, ok_response},
        params::json_object,
    },
    org::{Caller, Org, permissions::RequiredPermissions},
};

pub(super) fn data_action_routes() -> Router<Arc<Org>> {
    Router::new()
        .route("/api/v2/integrations/actions/{id}/execute", post(execute))
        .route("/api/v2/integrations/actions/{id}/test", post(test))
}

async fn execute(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiErrorResponse> {
    let input = parse_input(&org, &caller, &id, &headers, &body)?;
    Ok(if org.integration_credential_is_valid() {
        ok_response(&input.into())
    } else if org.settings.data_action_fails_with_200 {
        ApiErrorResponse::new(StatusCode::OK, "invalid.credentials", MESSAGE).into_response()
    } else {
        invalid_credentials()
    })
}

async fn test(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiErrorResponse> {
    let input = Value::from(parse_input(&org, &caller, &id, &headers, &body)?);
    if org.integration_credential_is_valid() {
        return Ok(ok_response(&json!({
            "operations": [
                { "step": 1, "name": AUTHENTICATE_STEP, "success": true },
                { "step": 2, "name": "Execute", "success": true, "result": input },
            ],
            "finalResult": input,
            "success": true,
        })));
    }
    let error = json!({
        "message": MESSAGE,
        "code": "invalid.credentials",
        "status": 400,
        "details": [{ "errorCode": AUTHENTICATION_ERROR }],
        "errors": [],
    });
    Ok(ok_response(&json!({
        "operations": [{ "step": 1, "name": AUTHENTICATE_STEP, "success": false, "error": error }],
        "error": error,
        "success": false,
    })))
}

fn parse_input(
    org: &Org,
    caller: &Caller,
    id: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Map<String, Value>, ApiErrorResponse> {
    caller.permissions.require(EXECUTE)?;
    if id != org.data_action_id {
        return Err(ApiErrorResponse::not_found());
    }
    json_object(headers, body)
}

/// Returns the error in the form of data actions, which is not an `ErrorBody`.
fn invalid_credentials() -> Response {
    let response = OAuthErrorResponse::invalid_client().body();
    let body = json!({
        "errorCode": INVALID_CREDENTIALS,
        "status": 400,
        "entityName": "sandbox",
        "userMessage": MESSAGE,
        "userParams": [],
        "details": [{ "errorCode": AUTHENTICATION_ERROR }],
        "errors": [{
            "errorCode": INVALID_CREDENTIALS,
            "status": 400,
            "userMessage": format!(
                "Request to backend service failed.  Response from web service: {response}"
            ),
            "userParams": [],
            "details": [],
            "errors": [],
        }],
    });
    WithoutCorrelationId::new(StatusCode::BAD_REQUEST, body, "correlationId").into_response()
}

const EXECUTE: RequiredPermissions =
    RequiredPermissions::Any(&["integrations:action:execute", "bridge:actions:execute"]);
const INVALID_CREDENTIALS: &str = "INVALID_CREDENTIALS";
const AUTHENTICATION_ERROR: &str = "ACTION.AUTHENTICATION";
const MESSAGE: &str = "There was an issue validating the credentials.";
const AUTHENTICATE_STEP: &str = "Authenticate";
