//! The calls that run data actions.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, RawQuery, State},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{
    send::{OwnApi, RunnableAction},
    steps::run,
};
use crate::sandbox::{
    http::{
        error_response::{ApiErrorResponse, ok_response},
        params::{JsonBody, query_parameter},
    },
    org::{
        Caller, Org,
        integrations::{OAUTH_CLIENT, OWN_ORGANIZATION},
        permissions::RequiredPermissions,
    },
};

pub(super) async fn execute(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Extension(api): Extension<OwnApi>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    body: JsonBody,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(EXECUTE)?;
    let action = find_action(&org, &id, false)?;
    let input = body.object()?;
    check_not_flat(query.as_deref())?;
    let (_, result) = run(&org, &api, &action, input).await;
    Ok(match result {
        Ok(result) => ok_response(&result),
        Err(failure) => failure.into_response(),
    })
}

pub(super) async fn test(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Extension(api): Extension<OwnApi>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    body: JsonBody,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(EXECUTE)?;
    let action = find_action(&org, &id, false)?;
    check_not_flat(query.as_deref())?;
    test_action(&org, &api, &action, body.object()?).await
}

pub(super) async fn test_draft(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Extension(api): Extension<OwnApi>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    body: JsonBody,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(EXECUTE_DRAFT)?;
    let action = find_action(&org, &id, true)?;
    check_not_flat(query.as_deref())?;
    test_action(&org, &api, &action, body.object()?).await
}

async fn test_action(
    org: &Org,
    api: &OwnApi,
    action: &RunnableAction,
    input: Map<String, Value>,
) -> Result<Response, ApiErrorResponse> {
    let (mut steps, result) = run(org, api, action, input).await;
    let mut body = json!({ "success": result.is_ok() });
    match result {
        Ok(result) => body["finalResult"] = result,
        Err(failure) => {
            let error = failure.as_tested();
            if let Some(last) = steps.last_mut() {
                last["success"] = false.into();
                last["error"] = error.clone();
            }
            body["error"] = error;
        }
    }
    body["operations"] = steps.into();
    Ok(ok_response(&body))
}

/// Runs a flow that calls the action, and returns what the flow has then: the path that it took, and the
/// result. Genesys Cloud has no such call.
pub(super) async fn run_flow(
    State(org): State<Arc<Org>>,
    Extension(api): Extension<OwnApi>,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Response, ApiErrorResponse> {
    let action = find_action(&org, &id, false)?;
    let (_, result) = run(&org, &api, &action, body.object()?).await;
    Ok(ok_response(&match result {
        Ok(result) => json!({ "flow": FLOW, "path": "success", "result": result }),
        Err(failure) => json!({ "flow": FLOW, "path": "failure", "error": failure.as_tested() }),
    }))
}

/// Fails where the query asks for the flat form of Architect.
fn check_not_flat(query: Option<&str>) -> Result<(), ApiErrorResponse> {
    match query_parameter(query, "flatten").as_deref() {
        None | Some("false") => Ok(()),
        Some(_) => Err(ApiErrorResponse::not_in_the_sandbox("flatten")),
    }
}

fn find_action(org: &Org, id: &str, is_draft: bool) -> Result<RunnableAction, ApiErrorResponse> {
    let found = org.with_integrations(|table, _| {
        let action = table.action(id)?;
        let version = action.version(is_draft)?.clone();
        let integration_id = action.integration_id.clone();
        let integration = table.integration(&integration_id)?;
        Some(RunnableAction {
            version,
            is_own: id == org.data_action_id,
            is_active: integration.is_active(),
            calls_own_organization: integration.kind == OWN_ORGANIZATION,
            credential_id: integration.credential(OAUTH_CLIENT).map(str::to_owned),
        })
    });
    found.ok_or_else(ApiErrorResponse::not_found)
}

const EXECUTE: RequiredPermissions =
    RequiredPermissions::Any(&["integrations:action:execute", "bridge:actions:execute"]);
const EXECUTE_DRAFT: RequiredPermissions =
    RequiredPermissions::All(&["integrations:action:execute"]);
const FLOW: &str = "Sandbox flow";
