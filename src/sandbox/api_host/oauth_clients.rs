//! OAuth clients: the existing one, and the check of a new one.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use crate::sandbox::{
    http::{
        error_response::{ApiErrorResponse, ok_response},
        params::json_object,
    },
    org::{
        CLIENT_NAME, Org, ROLE_ID, permissions::RequiredPermissions, settings::CLIENT_CREDENTIALS,
    },
    random::random_uuid,
    time::format_time,
};

pub(super) fn client_routes() -> Router<Arc<Org>> {
    Router::new()
        .route(CLIENTS, get(list_clients).post(check_client))
        .route("/api/v2/oauth/clients/{id}", get(get_client))
}

async fn list_clients(State(org): State<Arc<Org>>) -> Result<Response, ApiErrorResponse> {
    org.role().require(VIEW)?;
    Ok(ok_response(&json!({
        "entities": [client_body(&org)],
        "total": 1,
        "pageCount": 1,
        "selfUri": CLIENTS,
    })))
}

async fn get_client(
    State(org): State<Arc<Org>>,
    Path(id): Path<String>,
) -> Result<Response, ApiErrorResponse> {
    org.role().require(VIEW)?;
    if id == org.settings.client_id {
        Ok(ok_response(&client_body(&org)))
    } else {
        Err(ApiErrorResponse::not_found())
    }
}

/// Responds as Genesys Cloud does to a new client, and creates none.
async fn check_client(
    State(org): State<Arc<Org>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiErrorResponse> {
    org.role().require(ADD)?;
    let client = json_object(&headers, &body)?;
    check(&client)?;
    Ok(ok_response(&created_body(&org, client)))
}

fn check(client: &Map<String, Value>) -> Result<(), ApiErrorResponse> {
    for (name, value) in client {
        if !value.is_null() && !has_right_type(name, value) {
            return Err(ApiErrorResponse::bad_request(format!(
                "{name} has a wrong type."
            )));
        }
    }
    let text = |name: &str| client.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("name").is_empty() {
        return Err(ApiErrorResponse::bad_request("name is missing."));
    }
    let grant_type = text("authorizedGrantType");
    if grant_type.is_empty() {
        let message = "The grant type is required.";
        return Err(bad_request("grant.type.required", message));
    }
    // Genesys' own SDKs write grant types with hyphens, with underscores or with neither.
    let normalized = |grant_type: &str| grant_type.replace(['-', '_'], "");
    if !GRANT_TYPES.contains(&&*normalized(grant_type)) {
        return Err(bad_request(
            "bad.grant.type",
            "The grant type is not known.",
        ));
    }
    let has_roles = ["roleDivisions", "roleIds"]
        .into_iter()
        .filter_map(|name| client.get(name)?.as_array())
        .any(|roles| !roles.is_empty());
    match (
        normalized(grant_type) == normalized(CLIENT_CREDENTIALS),
        has_roles,
    ) {
        (true, false) => {
            let message = "A client that uses client credentials must have roles.";
            Err(bad_request("missing.client.roles", message))
        }
        (false, true) => {
            let message = "Only a client that uses client credentials has roles.";
            Err(bad_request("bad.grant.type", message))
        }
        _ => Ok(()),
    }
}

fn bad_request(code: &'static str, message: &'static str) -> ApiErrorResponse {
    ApiErrorResponse::new(StatusCode::BAD_REQUEST, code, message)
}

/// Accepts any value of an unknown field.
fn has_right_type(name: &str, value: &Value) -> bool {
    match name {
        "name" | "description" | "authorizedGrantType" | "state" => value.is_string(),
        "accessTokenValiditySeconds" => value.is_u64(),
        "registeredRedirectUri" | "scope" | "roleIds" => is_list(value, Value::is_string),
        "roleDivisions" => is_list(value, is_role_division),
        _ => true,
    }
}

fn is_list(value: &Value, is_valid: fn(&Value) -> bool) -> bool {
    value
        .as_array()
        .is_some_and(|list| list.iter().all(is_valid))
}

fn is_role_division(value: &Value) -> bool {
    value["roleId"].is_string() && value["divisionId"].is_string()
}

/// Returns the client as it would be created, with defaults for what is missing.
fn created_body(org: &Org, mut client: Map<String, Value>) -> Value {
    // A secret would be useless, because the client does not exist.
    client.remove("secret");
    client.retain(|_, value| !value.is_null());
    for (name, value) in [
        ("accessTokenValiditySeconds", json!(86_400)),
        ("registeredRedirectUri", json!([])),
        ("scope", json!([])),
        ("state", json!("active")),
    ] {
        client.entry(name).or_insert(value);
    }
    let id = random_uuid();
    let now = format_time(org.wall());
    client.insert("selfUri".to_owned(), format!("{CLIENTS}/{id}").into());
    client.insert("id".to_owned(), id.into());
    client.insert("dateCreated".to_owned(), now.clone().into());
    client.insert("dateModified".to_owned(), now.into());
    client.into()
}

/// Returns the existing client, without its secret.
fn client_body(org: &Org) -> Value {
    let settings = &org.settings;
    // Only clients with this grant type have roles.
    let role = (settings.authorized_grant_type == CLIENT_CREDENTIALS).then(|| org.role());
    let divisions = role.map(|role| role.divisions).unwrap_or_default();
    let role_divisions: Vec<_> = divisions
        .into_iter()
        .map(|division| json!({ "roleId": ROLE_ID, "divisionId": division }))
        .collect();
    json!({
        "id": settings.client_id,
        "name": CLIENT_NAME,
        "authorizedGrantType": settings.authorized_grant_type,
        "accessTokenValiditySeconds": settings.token_lifetime.as_secs(),
        "registeredRedirectUri": settings.redirect_uris,
        "scope": [],
        "roleDivisions": role_divisions,
        "state": "active",
        "dateCreated": format_time(org.created),
        "dateModified": format_time(org.created),
        "selfUri": format!("{CLIENTS}/{}", settings.client_id),
    })
}

const CLIENTS: &str = "/api/v2/oauth/clients";
const VIEW: RequiredPermissions = RequiredPermissions::All(&["oauth:client:view"]);
const ADD: RequiredPermissions = RequiredPermissions::All(&["oauth:client:add"]);

/// The known grant types, without hyphens and underscores.
const GRANT_TYPES: [&str; 5] = [
    "CLIENTCREDENTIALS",
    "CODE",
    "PASSWORD",
    "SAML2BEARER",
    "TOKEN",
];
