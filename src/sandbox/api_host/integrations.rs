//! Integrations and their configurations.

mod credentials;
mod types;

use std::sync::Arc;

use axum::{Router, routing::get};
use serde_json::{Map, Value};

use self::{
    credentials::credential_routes,
    types::{ADD, DELETE, EDIT, VIEW, credential_kind, is_known_type, type_routes},
};
use crate::sandbox::{
    api_host::{
        call::{ApiCall, ApiResult, found, permitted},
        listings::numbered_page,
    },
    http::error_response::{ApiErrorResponse, ok_response},
    org::{
        Org,
        integrations::{Integration, IntegrationTable},
    },
};

pub(super) fn integration_routes() -> Router<Arc<Org>> {
    Router::new()
        .route(
            INTEGRATIONS,
            get(permitted(VIEW, list)).post(permitted(ADD, create)),
        )
        .route(
            "/api/v2/integrations/{integrationId}",
            get(permitted(VIEW, get_one))
                .patch(permitted(EDIT, change_state))
                .delete(permitted(DELETE, delete)),
        )
        .route(
            "/api/v2/integrations/{integrationId}/config/current",
            get(permitted(VIEW, configuration)).put(permitted(EDIT, replace_configuration)),
        )
        .merge(credential_routes())
        .merge(type_routes())
}

fn list(call: &ApiCall) -> ApiResult {
    let kind = call.query("integrationType");
    let credential = call.query("credentialId");
    let credential = credential.filter(|_| !call.org.settings.ignore_credential_filter);
    let entities = call.org.with_integrations(|table, _| {
        let integrations = table.integrations.iter_mut();
        let matching = integrations.filter(|one| {
            kind.as_ref().is_none_or(|kind| one.kind == *kind)
                && credential.as_ref().is_none_or(|id| one.uses_credential(id))
        });
        matching.map(Integration::report).collect::<Vec<_>>()
    });
    numbered_page(call, INTEGRATIONS, &entities)
}

fn create(call: &ApiCall) -> ApiResult {
    let body = Value::from(call.object()?);
    let kind = body["integrationType"]["id"].as_str().unwrap_or_default();
    if !is_known_type(kind) {
        let message = "The type of the integration is not known.";
        return Err(ApiErrorResponse::invalid_field("integrationType", message));
    }
    call.org.with_integrations(|table, _| {
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
        let mut new = Integration::new(kind, body["name"].as_str(), &call.org.settings);
        let response = ok_response(&new.report());
        table.integrations.push(new);
        Ok(response)
    })
}

fn get_one(call: &ApiCall) -> ApiResult {
    with_integration(call, |one| Ok(one.report()))
}

fn change_state(call: &ApiCall) -> ApiResult {
    let body = call.object()?;
    with_integration(call, |one| {
        one.is_enabled = match body.get("intendedState").and_then(Value::as_str) {
            Some("ENABLED") => true,
            Some("DISABLED") => false,
            _ => {
                let message = "The state is not valid.";
                return Err(ApiErrorResponse::invalid_field("intendedState", message));
            }
        };
        Ok(one.report())
    })
}

fn delete(call: &ApiCall) -> ApiResult {
    let removed = call
        .org
        .with_integrations(|table, _| table.remove_integration(&call.id));
    found(removed.map(|mut removed| removed.report()))
}

fn configuration(call: &ApiCall) -> ApiResult {
    with_integration(call, |one| Ok(one.configuration_body()))
}

fn replace_configuration(call: &ApiCall) -> ApiResult {
    let mut body = call.object()?;
    call.org
        .with_integrations(|table, _| check_credentials(table, &call.id, &body))?;
    with_integration(call, |one| {
        call.check_version(&body, one.version)?;
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
        Ok(one.configuration_body())
    })
}

/// Fails if a credential does not exist, or has another type than the integration's type wants.
fn check_credentials(
    table: &mut IntegrationTable,
    id: &str,
    body: &Map<String, Value>,
) -> ApiResult<()> {
    let kind = table.integration(id).map(|one| one.kind.clone());
    let kind = kind.ok_or_else(ApiErrorResponse::not_found)?;
    let credentials = body.get("credentials").and_then(Value::as_object);
    for (name, reference) in credentials.into_iter().flatten() {
        let id = reference["id"].as_str().unwrap_or_default();
        let message = match (credential_kind(&kind, name), table.credential(id)) {
            (None, _) => "The integration has no credential with this name.",
            (_, None) => "The credential does not exist.",
            (Some(wanted), Some(credential)) if credential.kind == wanted => continue,
            _ => "The credential has another type than the integration needs.",
        };
        let field = format!("credentials.{name}");
        return Err(ApiErrorResponse::invalid_field(&field, message));
    }
    Ok(())
}

fn with_integration(
    call: &ApiCall,
    f: impl FnOnce(&mut Integration) -> ApiResult<Value>,
) -> ApiResult {
    call.org.with_integrations(|table, _| {
        let integration = table.integration(&call.id);
        let integration = integration.ok_or_else(ApiErrorResponse::not_found)?;
        Ok(ok_response(&f(integration)?))
    })
}

const INTEGRATIONS: &str = "/api/v2/integrations";
