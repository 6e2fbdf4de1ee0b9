//! The calls that run data actions.

use axum::{Extension, response::IntoResponse};
use serde_json::json;

use super::{
    send::{OwnApi, RunnableAction},
    steps::run,
};
use crate::sandbox::{
    api_host::call::{ApiCall, ApiResult},
    http::error_response::{ApiErrorResponse, ok_response},
    org::integrations::{OAUTH_CLIENT, OWN_ORGANIZATION},
};

pub(super) async fn execute(Extension(api): Extension<OwnApi>, call: ApiCall) -> ApiResult {
    call.require(EXECUTE)?;
    let action = find_action(&call, false)?;
    let input = call.object()?;
    check_not_flat(&call)?;
    let (_, result) = run(&call.org, &api, &action, input).await;
    Ok(match result {
        Ok(result) => ok_response(&result),
        Err(failure) => failure.into_response(),
    })
}

pub(super) async fn test(Extension(api): Extension<OwnApi>, call: ApiCall) -> ApiResult {
    call.require(EXECUTE)?;
    test_action(&api, &call, false).await
}

pub(super) async fn test_draft(Extension(api): Extension<OwnApi>, call: ApiCall) -> ApiResult {
    call.require(EXECUTE_DRAFT)?;
    test_action(&api, &call, true).await
}

async fn test_action(api: &OwnApi, call: &ApiCall, is_draft: bool) -> ApiResult {
    let action = find_action(call, is_draft)?;
    check_not_flat(call)?;
    let (mut steps, result) = run(&call.org, api, &action, call.object()?).await;
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
pub(super) async fn run_flow(Extension(api): Extension<OwnApi>, call: ApiCall) -> ApiResult {
    let action = find_action(&call, false)?;
    let (_, result) = run(&call.org, &api, &action, call.object()?).await;
    Ok(ok_response(&match result {
        Ok(result) => json!({ "flow": FLOW, "path": "success", "result": result }),
        Err(failure) => json!({ "flow": FLOW, "path": "failure", "error": failure.as_tested() }),
    }))
}

/// Fails where the query asks for the flat form of Architect.
fn check_not_flat(call: &ApiCall) -> ApiResult<()> {
    match call.query("flatten").as_deref() {
        None | Some("false") => Ok(()),
        Some(_) => Err(ApiErrorResponse::not_in_the_sandbox("flatten")),
    }
}

fn find_action(call: &ApiCall, is_draft: bool) -> ApiResult<RunnableAction> {
    let found = call.org.with_integrations(|table, _| {
        let action = table.action(&call.id)?;
        let version = action.version(is_draft)?.clone();
        let integration_id = action.integration_id.clone();
        let integration = table.integration(&integration_id)?;
        Some(RunnableAction {
            version,
            is_own: call.id == call.org.data_action_id,
            is_active: integration.is_active(),
            calls_own_organization: integration.kind == OWN_ORGANIZATION,
            credential_id: integration.credential(OAUTH_CLIENT).map(str::to_owned),
        })
    });
    found.ok_or_else(ApiErrorResponse::not_found)
}

const EXECUTE: &[&str] = &["integrations:action:execute", "bridge:actions:execute"];
const EXECUTE_DRAFT: &[&str] = &["integrations:action:execute"];
const FLOW: &str = "Sandbox flow";
