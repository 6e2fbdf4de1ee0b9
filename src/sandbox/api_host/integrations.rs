//! Integrations and their configurations.

mod credentials;
mod types;

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{Path, RawQuery, State},
    response::Response,
    routing::{get, patch},
};
use http::StatusCode;
use serde_json::{Map, Value};

use self::{
    credentials::credential_routes,
    types::{credential_kind, is_known_type, type_routes},
};
use crate::sandbox::{
    api_host::listings::numbered_page,
    http::{
        error_response::{ApiErrorResponse, ok_response},
        params::{JsonBody, query_parameter},
    },
    org::{
        Caller, Org,
        integrations::{Integration, IntegrationTable},
        permissions::RequiredPermissions,
    },
};

pub(super) fn integration_routes() -> Router<Arc<Org>> {
    Router::new()
        .route(INTEGRATIONS, get(list).post(create))
        .route(
            "/api/v2/integrations/{integrationId}",
            patch(change_state).get(get_one).delete(delete_one),
        )
        .route(
            "/api/v2/integrations/{integrationId}/config/current",
            get(configuration).put(replace_configuration),
        )
        .merge(credential_routes())
        .merge(type_routes())
}

async fn list(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW)?;
    let query = query.as_deref();
    let kind = query_parameter(query, "integrationType");
    let credential = query_parameter(query, "credentialId");
    let credential = credential.filter(|_| !org.settings.ignore_credential_filter);
    let entities = org.with_integrations(|table, _| {
        let integrations = table.integrations.iter_mut();
        let matching = integrations.filter(|one| {
            kind.as_ref().is_none_or(|kind| one.kind == *kind)
                && credential.as_ref().is_none_or(|id| one.uses_credential(id))
        });
        matching.map(Integration::report).collect::<Vec<_>>()
    });
    numbered_page(INTEGRATIONS, query, &entities)
}

async fn create(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    body: JsonBody,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(ADD)?;
    let body = Value::from(body.object()?);
    let kind = body["integrationType"]["id"].as_str().unwrap_or_default();
    if !is_known_type(kind) {
        let error = ApiErrorResponse::bad_request("The type of the integration is not known.");
        return Err(error.detail("invalid.value", "integrationType"));
    }
    org.with_integrations(|table, _| {
        let same = table.integrations.iter().filter(|one| one.kind == kind);
        let max = match kind {
            "custom-rest-actions" | "salesforce-datadip" => 50,
            _ => 10,
        };
        if same.count() >= max {
            return Err(ApiErrorResponse::bad_request(format!(
                "The organization has the maximum of {max} integrations of this type."
            )));
        }
        let mut new = Integration::new(kind, body["name"].as_str(), &org.settings);
        let response = ok_response(&new.report());
        table.integrations.push(new);
        Ok(response)
    })
}

async fn get_one(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW)?;
    with_integration(&org, &id, |one| Ok(ok_response(&one.report())))
}

async fn change_state(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(EDIT)?;
    let body = body.object()?;
    with_integration(&org, &id, |one| {
        one.is_enabled = match body.get("intendedState").and_then(Value::as_str) {
            Some("ENABLED") => true,
            Some("DISABLED") => false,
            _ => {
                let error = ApiErrorResponse::bad_request("The state is not valid.");
                return Err(error.detail("invalid.value", "intendedState"));
            }
        };
        Ok(ok_response(&one.report()))
    })
}

async fn delete_one(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(DELETE)?;
    let removed = org.with_integrations(|table, _| table.remove_integration(&id));
    let mut removed = removed.ok_or_else(ApiErrorResponse::not_found)?;
    Ok(ok_response(&removed.report()))
}

async fn configuration(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW)?;
    with_integration(&org, &id, |one| Ok(ok_response(&one.configuration_body())))
}

async fn replace_configuration(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(EDIT)?;
    let mut body = body.object()?;
    org.with_integrations(|table, _| {
        check_credentials(table, &id, &body)?;
        let one = table
            .integration(&id)
            .ok_or_else(ApiErrorResponse::not_found)?;
        if body.get("version").and_then(Value::as_u64) != Some(one.version) {
            return Err(version_conflict(&org));
        }
        body.retain(|name, value| {
            !value.is_null() && !["id", "version", "selfUri"].contains(&name.as_str())
        });
        for (name, empty) in [
            ("name", Value::from(one.kind.as_str())),
            ("notes", "".into()),
            ("properties", Map::new().into()),
            ("advanced", Map::new().into()),
            ("credentials", Map::new().into()),
        ] {
            body.entry(name).or_insert(empty);
        }
        one.configuration = body;
        one.version += 1;
        Ok(ok_response(&one.configuration_body()))
    })
}

/// Fails if a credential does not exist, or has another type than the integration's type wants.
fn check_credentials(
    table: &mut IntegrationTable,
    id: &str,
    body: &Map<String, Value>,
) -> Result<(), ApiErrorResponse> {
    let kind = table.integration(id).map(|one| one.kind.clone());
    let kind = kind.ok_or_else(ApiErrorResponse::not_found)?;
    let credentials = body.get("credentials").and_then(Value::as_object);
    for (name, reference) in credentials.into_iter().flatten() {
        let invalid = |message: &str| {
            ApiErrorResponse::bad_request(message.to_owned())
                .detail("invalid.value", &format!("credentials.{name}"))
        };
        let wanted = credential_kind(&kind, name)
            .ok_or_else(|| invalid("The integration has no credential with this name."))?;
        let id = reference["id"].as_str().unwrap_or_default();
        let credential = table.credential(id);
        let credential = credential.ok_or_else(|| invalid("The credential does not exist."))?;
        if credential.kind != wanted {
            return Err(invalid(
                "The credential has another type than the integration needs.",
            ));
        }
    }
    Ok(())
}

/// The two forms of a version that is not the current one.
pub(super) fn version_conflict(org: &Org) -> ApiErrorResponse {
    let message = "The version does not match the current version.";
    if org.settings.version_conflicts_are_bad_requests {
        ApiErrorResponse::bad_request(message)
    } else {
        ApiErrorResponse::new(StatusCode::CONFLICT, "general.conflict", message)
    }
}

fn with_integration(
    org: &Org,
    id: &str,
    f: impl FnOnce(&mut Integration) -> Result<Response, ApiErrorResponse>,
) -> Result<Response, ApiErrorResponse> {
    org.with_integrations(|table, _| {
        f(table
            .integration(id)
            .ok_or_else(ApiErrorResponse::not_found)?)
    })
}

const INTEGRATIONS: &str = "/api/v2/integrations";
const VIEW: RequiredPermissions = RequiredPermissions::All(&["integrations:integration:view"]);
const ADD: RequiredPermissions = RequiredPermissions::All(&["integrations:integration:add"]);
const EDIT: RequiredPermissions = RequiredPermissions::All(&["integrations:integration:edit"]);
const DELETE: RequiredPermissions = RequiredPermissions::All(&["integrations:integration:delete"]);
