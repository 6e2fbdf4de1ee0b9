//! Sends the request of a data action to the sandbox's own API.

use std::collections::BTreeMap;

use axum::{Router, body::Body};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};

use super::failure::{
    Failure, invalid_credentials, invalid_credentials_with_200, platform_api_failure,
    processing_failure,
};
use crate::sandbox::{
    http::error_response::with_correlation_id,
    org::{ClientClaim, Org, integrations::ActionVersion, settings::CLIENT_CREDENTIALS},
};

/// The API host that data actions call, without the calls that run data actions.
#[derive(Clone)]
pub(in crate::sandbox::api_host) struct OwnApi(pub(in crate::sandbox::api_host) Router);

/// An action with what it needs of its integration.
pub(super) struct RunnableAction {
    pub(super) version: ActionVersion,
    /// Whether it is the sandbox's own, which returns its input.
    pub(super) is_own: bool,
    pub(super) is_active: bool,
    pub(super) calls_own_organization: bool,
    pub(super) credential_id: Option<String>,
}

/// What was done.
pub(super) struct Steps(pub(super) Vec<Value>);

impl Steps {
    pub(super) fn start(&mut self, name: &str) {
        let step = self.0.len() + 1;
        self.0
            .push(json!({ "step": step, "name": name, "success": true }));
    }

    /// Sets what the last step resulted in.
    pub(super) fn result(&mut self, result: &Value) {
        if let Some(step) = self.0.last_mut() {
            step["result"] = result.clone();
        }
    }
}

/// What the credential of an integration gives to a run.
pub(super) struct Authorization {
    pub(super) token: String,
    is_new: bool,
    /// The values of the credential.
    pub(super) fields: BTreeMap<String, String>,
}

/// The request of an action.
pub(super) struct ActionRequest {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

/// Sends the request that `fill_in` makes with a token of the integration's credential. A token that is
/// no longer valid is replaced once.
pub(super) async fn send(
    org: &Org,
    api: &OwnApi,
    action: &RunnableAction,
    fill_in: impl Fn(&Authorization) -> Result<ActionRequest, Failure>,
    steps: &mut Steps,
) -> Result<Value, Failure> {
    steps.start(AUTHENTICATE);
    let id = action.credential_id.as_deref().unwrap_or_default();
    let authorize = || authorize(org, id).ok_or_else(|| invalid_credential(org));
    let authorization = authorize()?;
    steps.start("Fill in the request");
    let request = fill_in(&authorization)?;
    steps.result(&json!({ "method": request.method.as_str(), "url": request.url }));
    steps.start(EXECUTE);
    let (mut status, mut body) = call(api, request).await?;
    if status == StatusCode::UNAUTHORIZED && !authorization.is_new {
        org.with_integrations(|table, _| table.tokens.remove(id));
        (status, body) = call(api, fill_in(&authorize()?)?).await?;
    }
    if !status.is_success() {
        return Err(platform_api_failure(status, &body));
    }
    serde_json::from_slice(if body.is_empty() { b"{}" } else { &body })
        .map_err(|_| processing_failure("The response is not JSON."))
}

/// Gets the access token of a credential, or the one that it already has. `None` if the credential is
/// not valid.
fn authorize(org: &Org, credential_id: &str) -> Option<Authorization> {
    let (known, fields) = org.with_integrations(|table, _| {
        let known = table.tokens.get(credential_id).cloned();
        Some((known, table.credential(credential_id)?.fields.clone()))
    })?;
    let (id, secret) = (fields.get("clientId")?, fields.get("clientSecret")?);
    let client = org.authenticate_client(ClientClaim::Secret { id, secret });
    if let Some(token) = known
        && (client.is_some() || org.settings.data_action_tokens_survive_rotation)
    {
        return Some(Authorization {
            token,
            is_new: false,
            fields,
        });
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
    Some(Authorization {
        token,
        is_new: true,
        fields,
    })
}

async fn call(api: &OwnApi, request: ActionRequest) -> Result<(StatusCode, Bytes), Failure> {
    let mut call = Request::builder()
        .method(request.method)
        .uri(request.url)
        .body(Body::from(request.body))
        .map_err(|_| processing_failure("The URL is not valid."))?;
    *call.headers_mut() = request.headers;
    let service = TowerToHyperService::new(api.0.clone());
    let response = match service.call(call).await {
        Ok(response) => with_correlation_id(response, ""),
        Err(never) => match never {},
    };
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), MAX_RESPONSE_BYTES).await;
    let body = body.map_err(|_| processing_failure("The response is too large."))?;
    Ok((status, body))
}

pub(super) fn invalid_credential(org: &Org) -> Failure {
    if org.settings.data_action_fails_with_200 {
        invalid_credentials_with_200()
    } else {
        invalid_credentials()
    }
}

pub(super) const AUTHENTICATE: &str = "Authenticate";
pub(super) const EXECUTE: &str = "Execute";
const MAX_RESPONSE_BYTES: usize = 4 * 1024 * 1024;
