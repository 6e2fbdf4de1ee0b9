//! Runs data actions.

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::Body,
    extract::{Path, RawQuery, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde_json::{Map, Value, json};

use super::{
    failure::{
        Failure, invalid_credentials, invalid_credentials_with_200, invalid_schema,
        not_in_the_sandbox, of_platform_api, processing_failure,
    },
    json_path::find,
    template::{Unsupported, render, text_of},
};
use crate::sandbox::{
    http::{
        error_response::{ApiErrorResponse, ok_response},
        params::{json_object, query_parameter},
    },
    org::{
        Caller, ClientClaim, Org,
        integrations::{ActionVersion, OAUTH_CLIENT, OWN_ORGANIZATION},
        permissions::RequiredPermissions,
        settings::CLIENT_CREDENTIALS,
    },
};

/// The API host that data actions call, without the calls that run data actions.
#[derive(Clone)]
pub(in crate::sandbox::api_host) struct OwnApi(pub(in crate::sandbox::api_host) Router);

pub(super) async fn execute(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Extension(api): Extension<OwnApi>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(EXECUTE)?;
    let action = find_action(&org, &id, false)?;
    let input = json_object(&headers, &body)?;
    if query_parameter(query.as_deref(), "flatten").as_deref() == Some("true") {
        return Ok(not_in_the_sandbox("flatten").into_response());
    }
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
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(EXECUTE)?;
    let action = find_action(&org, &id, false)?;
    test_action(&org, &api, &action, json_object(&headers, &body)?).await
}

pub(super) async fn test_draft(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Extension(api): Extension<OwnApi>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(EXECUTE_DRAFT)?;
    let action = find_action(&org, &id, true)?;
    test_action(&org, &api, &action, json_object(&headers, &body)?).await
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
            let error = failure.of_test();
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
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiErrorResponse> {
    let action = find_action(&org, &id, false)?;
    let (_, result) = run(&org, &api, &action, json_object(&headers, &body)?).await;
    Ok(ok_response(&match result {
        Ok(result) => json!({ "flow": FLOW, "path": "success", "result": result }),
        Err(failure) => json!({ "flow": FLOW, "path": "failure", "error": failure.of_test() }),
    }))
}

/// An action with what it needs of its integration.
struct RunnableAction {
    version: ActionVersion,
    /// Whether it is the sandbox's own, which returns its input.
    is_own: bool,
    is_active: bool,
    calls_own_organization: bool,
    credential_id: Option<String>,
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

/// Runs an action. Returns the steps, of which the last failed where there is no result.
async fn run(
    org: &Org,
    api: &OwnApi,
    action: &RunnableAction,
    input: Map<String, Value>,
) -> (Vec<Value>, Result<Value, Failure>) {
    let mut steps = Steps(Vec::new());
    let result = run_steps(org, api, action, input, &mut steps).await;
    (steps.0, result)
}

struct Steps(Vec<Value>);

impl Steps {
    fn start(&mut self, name: &str) {
        let step = self.0.len() + 1;
        self.0
            .push(json!({ "step": step, "name": name, "success": true }));
    }

    /// Sets what the last step resulted in.
    fn result(&mut self, result: &Value) {
        if let Some(step) = self.0.last_mut() {
            step["result"] = result.clone();
        }
    }
}

async fn run_steps(
    org: &Org,
    api: &OwnApi,
    action: &RunnableAction,
    input: Map<String, Value>,
    steps: &mut Steps,
) -> Result<Value, Failure> {
    if action.is_own {
        steps.start(AUTHENTICATE);
        if !org.integration_credential_is_valid() {
            return Err(invalid_credential(org));
        }
        steps.start(EXECUTE_STEP);
        let result = Value::from(input);
        steps.result(&result);
        return Ok(result);
    }
    steps.start("Check the input");
    check_input(&action.version.contract, &input)?;
    if !action.is_active {
        return Err(processing_failure("The integration is not active."));
    }
    if !action.calls_own_organization {
        return Err(not_in_the_sandbox(
            "a web service other than the Platform API",
        ));
    }
    let request = &action.version.config["request"];
    steps.start("Fill in the request");
    let request = fill_in(request, input)?;
    steps.result(&json!({ "method": request.method.as_str(), "url": request.url }));
    let response = send(org, api, action, &request, steps).await?;
    steps.result(&response);
    steps.start("Translate the response");
    let result = translate(&action.version.config["response"], &response)?;
    steps.result(&result);
    Ok(result)
}

fn check_input(contract: &Value, input: &Map<String, Value>) -> Result<(), Failure> {
    let required = contract["input"]["inputSchema"]["required"].as_array();
    let names = required.into_iter().flatten().filter_map(Value::as_str);
    for name in names {
        if input.get(name).is_none_or(Value::is_null) {
            return Err(invalid_schema(name));
        }
    }
    Ok(())
}

/// The request of an action, without its authorization.
struct ActionRequest {
    method: Method,
    url: String,
    headers: HeaderMap,
    body: String,
}

fn fill_in(request: &Value, mut input: Map<String, Value>) -> Result<ActionRequest, Failure> {
    let raw = Value::from(input.clone()).to_string();
    input.insert("rawRequest".to_owned(), raw.into());
    let mut scope = Map::new();
    scope.insert("input".to_owned(), input.into());
    let filled = |template: &str| render(template, &scope).map_err(unsupported);
    let text = |field: &str| request[field].as_str().unwrap_or_default();
    let method = text("requestType").to_ascii_uppercase().parse();
    let method: Method = method.map_err(|_| processing_failure("The method is not valid."))?;
    let url = filled(text("requestUrlTemplate"))?;
    if !url.starts_with("/api/v2/") {
        return Err(not_in_the_sandbox(
            "a URL that does not start with /api/v2/",
        ));
    }
    let mut headers = HeaderMap::new();
    for (name, template) in request["headers"].as_object().into_iter().flatten() {
        let value = filled(template.as_str().unwrap_or_default())?;
        let header = HeaderName::try_from(name)
            .ok()
            .zip(HeaderValue::try_from(value).ok());
        let (name, value) = header.ok_or_else(|| processing_failure("A header is not valid."))?;
        headers.insert(name, value);
    }
    let body = if method == Method::GET {
        String::new()
    } else {
        filled(text("requestTemplate"))?
    };
    Ok(ActionRequest {
        method,
        url,
        headers,
        body,
    })
}

/// Sends the request with a token of the integration's credential. A token that is no longer valid is
/// replaced once.
async fn send(
    org: &Org,
    api: &OwnApi,
    action: &RunnableAction,
    request: &ActionRequest,
    steps: &mut Steps,
) -> Result<Value, Failure> {
    steps.start(AUTHENTICATE);
    let id = action.credential_id.as_deref().unwrap_or_default();
    let (token, is_new) = token(org, id).ok_or_else(|| invalid_credential(org))?;
    steps.start(EXECUTE_STEP);
    let (mut status, mut body) = call(api, request, &token).await?;
    if status == StatusCode::UNAUTHORIZED && !is_new {
        org.with_integrations(|table, _| table.tokens.remove(id));
        let (token, _) = self::token(org, id).ok_or_else(|| invalid_credential(org))?;
        (status, body) = call(api, request, &token).await?;
    }
    if !status.is_success() {
        return Err(of_platform_api(status, &body));
    }
    serde_json::from_slice(if body.is_empty() { b"{}" } else { &body })
        .map_err(|_| processing_failure("The response is not JSON."))
}

/// Returns the access token of a credential, and whether it is new. `None` if the credential is not
/// valid.
fn token(org: &Org, credential_id: &str) -> Option<(String, bool)> {
    let (known, id, secret) = org.with_integrations(|table, _| {
        let known = table.tokens.get(credential_id).cloned();
        let fields = &table.credential(credential_id)?.fields;
        let field = |name: &str| fields.get(name).cloned();
        Some((known, field("clientId")?, field("clientSecret")?))
    })?;
    let (id, secret) = (id.as_str(), secret.as_str());
    let client = org.authenticate_client(ClientClaim::Secret { id, secret });
    if let Some(known) = known
        && (client.is_some() || org.settings.data_action_tokens_survive_rotation)
    {
        return Some((known, false));
    }
    let (client, recipient) = client?;
    if !client.has_grant_type(CLIENT_CREDENTIALS) {
        return None;
    }
    let issued = org.with_tokens(|tokens, now| tokens.issue_access_token(&recipient, None, now));
    let token = issued.access_token;
    org.with_integrations(|table, _| {
        table.tokens.insert(credential_id.to_owned(), token.clone());
    });
    Some((token, true))
}

async fn call(
    api: &OwnApi,
    request: &ActionRequest,
    token: &str,
) -> Result<(StatusCode, Bytes), Failure> {
    let mut call = Request::builder()
        .method(&request.method)
        .uri(&request.url)
        .body(Body::from(request.body.clone()))
        .map_err(|_| processing_failure("The URL is not valid."))?;
    *call.headers_mut() = request.headers.clone();
    if !request.body.is_empty() {
        let json = HeaderValue::from_static("application/json");
        call.headers_mut()
            .entry(header::CONTENT_TYPE)
            .or_insert(json);
    }
    if let Ok(value) = format!("Bearer {token}").parse() {
        call.headers_mut().insert(header::AUTHORIZATION, value);
    }
    let service = TowerToHyperService::new(api.0.clone());
    let response = match service.call(call).await {
        Ok(response) => crate::sandbox::http::error_response::with_correlation_id(response, ""),
        Err(never) => match never {},
    };
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), MAX_RESPONSE_BYTES).await;
    let body = body.map_err(|_| processing_failure("The response is too large."))?;
    Ok((status, body))
}

fn translate(config: &Value, response: &Value) -> Result<Value, Failure> {
    let mut scope = Map::new();
    let defaults = &config["translationMapDefaults"];
    let map = config["translationMap"].as_object();
    for (name, path) in map.into_iter().flatten() {
        let path = path.as_str().unwrap_or_default();
        let found = find(path, response).map_err(unsupported)?;
        let text = match found {
            Some(Value::Null) => None,
            Some(value) => Some(value.to_string()),
            None => text_of(&defaults[name]),
        };
        scope.insert(name.clone(), text.map_or(Value::Null, Value::String));
    }
    let raw = response.to_string();
    scope.insert("rawResult".to_owned(), raw.clone().into());
    let template = config["successTemplate"].as_str();
    let template = template.filter(|text| !text.is_empty());
    let result = match template {
        Some(template) => render(template, &scope).map_err(unsupported)?,
        None => raw,
    };
    serde_json::from_str(&result)
        .map_err(|_| processing_failure("The success template does not make JSON."))
}

#[allow(clippy::needless_pass_by_value, reason = "it is for `map_err`")]
fn unsupported(what: Unsupported) -> Failure {
    not_in_the_sandbox(&what.0)
}

fn invalid_credential(org: &Org) -> Failure {
    if org.settings.data_action_fails_with_200 {
        invalid_credentials_with_200()
    } else {
        invalid_credentials()
    }
}

const EXECUTE: RequiredPermissions =
    RequiredPermissions::Any(&["integrations:action:execute", "bridge:actions:execute"]);
const EXECUTE_DRAFT: RequiredPermissions =
    RequiredPermissions::All(&["integrations:action:execute"]);
const AUTHENTICATE: &str = "Authenticate";
const EXECUTE_STEP: &str = "Execute";
const FLOW: &str = "Sandbox flow";
const MAX_RESPONSE_BYTES: usize = 4 * 1024 * 1024;
