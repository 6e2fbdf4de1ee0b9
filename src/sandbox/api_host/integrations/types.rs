//! The types of integrations and of credentials.

use std::sync::Arc;

use axum::{Extension, Router, extract::Path, extract::RawQuery, response::Response, routing::get};
use serde_json::{Map, Value, json};

use crate::sandbox::{
    api_host::listings::numbered_page,
    http::error_response::{ApiErrorResponse, ok_response},
    org::{Caller, Org, permissions::RequiredPermissions},
};

pub(super) fn type_routes() -> Router<Arc<Org>> {
    Router::new()
        .route(TYPES, get(list))
        .route("/api/v2/integrations/types/{typeId}", get(get_one))
        .route(
            "/api/v2/integrations/credentials/types",
            get(credential_types),
        )
}

pub(super) fn is_known_type(id: &str) -> bool {
    INTEGRATION_TYPES.iter().any(|(known, _)| *known == id)
}

/// Returns the type of the credential that an integration's type has under `name`.
pub(super) fn credential_kind(integration_type: &str, name: &str) -> Option<&'static str> {
    let mut types = INTEGRATION_TYPES.iter();
    let (_, credentials) = types.find(|(known, _)| *known == integration_type)?;
    let mut credentials = credentials.iter();
    Some(credentials.find(|(known, _)| *known == name)?.1)
}

/// Returns the fields that a type of credentials must have, or `None` for an unknown type.
pub(super) fn required_fields(kind: &str) -> Option<&'static [&'static str]> {
    let mut types = CREDENTIAL_TYPES.iter();
    Some(types.find(|(known, _)| *known == kind)?.1)
}

async fn list(
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW)?;
    let types: Vec<_> = INTEGRATION_TYPES.iter().map(type_body).collect();
    numbered_page(TYPES, query.as_deref(), &types)
}

async fn get_one(
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW)?;
    let found = INTEGRATION_TYPES.iter().find(|(known, _)| *known == id);
    Ok(ok_response(&type_body(
        found.ok_or_else(ApiErrorResponse::not_found)?,
    )))
}

/// A bare array.
async fn credential_types(
    Extension(caller): Extension<Caller>,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW)?;
    let types = CREDENTIAL_TYPES.iter().map(|(name, required)| {
        let properties = required.iter().map(|field| {
            (
                (*field).to_owned(),
                json!({ "type": "string", "title": field }),
            )
        });
        json!({
            "id": name,
            "name": name,
            "properties": properties.collect::<Map<_, _>>(),
            "displayOrder": required,
            "required": required,
        })
    });
    Ok(ok_response(&types.collect()))
}

fn type_body((id, credentials): &(&str, &[(&str, &str)])) -> Value {
    let credentials = credentials.iter().map(|(name, kind)| {
        let credential = json!({
            "required": *kind == "pureCloudOAuthClient",
            "title": name,
            "credentialTypes": [kind],
        });
        ((*name).to_owned(), credential)
    });
    json!({
        "id": id,
        "name": id,
        "credentials": credentials.collect::<Map<_, _>>(),
        "selfUri": format!("{TYPES}/{id}"),
    })
}

/// The types of integrations, and the names and types of their credentials.
type IntegrationType = (&'static str, &'static [(&'static str, &'static str)]);
const INTEGRATION_TYPES: [IntegrationType; 4] = [
    (
        "purecloud-data-actions",
        &[("pureCloudOAuthClient", "pureCloudOAuthClient")],
    ),
    (
        "custom-rest-actions",
        &[
            ("basicAuth", "basicAuth"),
            ("userDefined", "userDefined"),
            ("userDefinedOAuth", "userDefinedOAuth"),
        ],
    ),
    ("salesforce-datadip", &[("salesforceUser", "salesforce")]),
    ("function-data-actions", &[]),
];

/// The types of credentials, and the fields that they must have.
const CREDENTIAL_TYPES: [(&str, &[&str]); 5] = [
    ("pureCloudOAuthClient", &["clientId", "clientSecret"]),
    ("userDefinedOAuth", &[]),
    ("userDefined", &[]),
    ("basicAuth", &["userName", "password"]),
    (
        "salesforce",
        &["username", "password", "securityToken", "loginUrl"],
    ),
];
const TYPES: &str = "/api/v2/integrations/types";
const VIEW: RequiredPermissions = RequiredPermissions::All(&["integrations:integration:view"]);
