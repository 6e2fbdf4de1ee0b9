//! The types of integrations and of credentials.

use std::sync::Arc;

use axum::{Router, response::Response, routing::get};
use serde_json::{Map, Value, json};

use crate::sandbox::{
    api_host::{
        call::{ApiCall, ApiResult, found, permitted},
        listings::numbered_page,
    },
    http::error_response::ok_response,
    org::Org,
};

pub(super) fn type_routes() -> Router<Arc<Org>> {
    Router::new()
        .route(TYPES, get(permitted(VIEW, list)))
        .route(
            "/api/v2/integrations/types/{typeId}",
            get(permitted(VIEW, get_one)),
        )
        .route(
            "/api/v2/integrations/credentials/types",
            get(permitted(VIEW, credential_types)),
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

fn list(call: &ApiCall) -> ApiResult {
    let types: Vec<_> = INTEGRATION_TYPES.iter().map(type_body).collect();
    numbered_page(call, TYPES, &types)
}

fn get_one(call: &ApiCall) -> ApiResult {
    let mut types = INTEGRATION_TYPES.iter();
    found(types.find(|(known, _)| *known == call.id).map(type_body))
}

/// A bare array.
fn credential_types(_: &ApiCall) -> Response {
    let types = CREDENTIAL_TYPES.iter().map(|(name, required)| {
        let property = |field: &&str| json!({ "type": "string", "title": field });
        let properties = required
            .iter()
            .map(|field| ((*field).to_owned(), property(field)));
        json!({
            "id": name,
            "name": name,
            "properties": properties.collect::<Map<_, _>>(),
            "displayOrder": required,
            "required": required,
        })
    });
    ok_response(&types.collect())
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
pub(super) const VIEW: &[&str] = &["integrations:integration:view"];
pub(super) const ADD: &[&str] = &["integrations:integration:add"];
pub(super) const EDIT: &[&str] = &["integrations:integration:edit"];
pub(super) const DELETE: &[&str] = &["integrations:integration:delete"];
