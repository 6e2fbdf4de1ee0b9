//! Checks the fields of an OAuth client.

use std::ops::RangeInclusive;

use http::StatusCode;
use serde_json::{Map, Value};

use crate::sandbox::{
    http::error_response::ApiErrorResponse,
    org::{
        clients::{ACTIVE, DISABLED, INACTIVE, normalized},
        settings::CLIENT_CREDENTIALS,
    },
};

/// Checks what is the same for new clients and changed ones.
pub(super) fn check(client: &Map<String, Value>) -> Result<(), ApiErrorResponse> {
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
    if !GRANT_TYPES.contains(&&*normalized(grant_type)) {
        return Err(bad_request(
            "bad.grant.type",
            "The grant type is not known.",
        ));
    }
    if has_roles(client) && !is_client_credentials(client) {
        let message = "Only a client that uses client credentials has roles.";
        return Err(bad_request("bad.grant.type", message));
    }
    check_duration(client)?;
    check_redirect_uris(client)?;
    match client.get("state").and_then(Value::as_str) {
        None | Some(ACTIVE | DISABLED | INACTIVE) => Ok(()),
        Some(_) => Err(ApiErrorResponse::bad_request("state is not known.")),
    }
}

/// Checks what a client needs when it is created.
pub(super) fn check_new(client: &Map<String, Value>) -> Result<(), ApiErrorResponse> {
    if is_client_credentials(client) && !has_roles(client) {
        let message = "A client that uses client credentials must have roles.";
        return Err(bad_request("missing.client.roles", message));
    }
    Ok(())
}

fn is_client_credentials(client: &Map<String, Value>) -> bool {
    let grant_type = client.get("authorizedGrantType").and_then(Value::as_str);
    grant_type.map(normalized) == Some(normalized(CLIENT_CREDENTIALS))
}

fn has_roles(client: &Map<String, Value>) -> bool {
    ["roleDivisions", "roleIds"]
        .into_iter()
        .filter_map(|name| client.get(name)?.as_array())
        .any(|roles| !roles.is_empty())
}

fn check_duration(client: &Map<String, Value>) -> Result<(), ApiErrorResponse> {
    let name = "accessTokenValiditySeconds";
    let seconds = client.get(name).and_then(Value::as_u64);
    if seconds.is_none_or(|seconds| TOKEN_SECONDS.contains(&seconds)) {
        return Ok(());
    }
    let (min, max) = (TOKEN_SECONDS.start(), TOKEN_SECONDS.end());
    let message = format!("{name} must be from {min} to {max}.");
    Err(ApiErrorResponse::invalid_value(message).detail("invalid.value", name))
}

fn check_redirect_uris(client: &Map<String, Value>) -> Result<(), ApiErrorResponse> {
    let name = "registeredRedirectUri";
    let uris = client.get(name).and_then(Value::as_array);
    let uris = uris.into_iter().flatten().filter_map(Value::as_str);
    // A control character cannot stand in the header that sends the browser there.
    let is_foreign = |c: char| c == '#' || c.is_control();
    let is_valid = |uri: &str| {
        let mut prefixes = REDIRECT_URI_PREFIXES.iter();
        prefixes.any(|prefix| uri.starts_with(prefix)) && !uri.contains(is_foreign)
    };
    let uris: Vec<_> = uris.map(is_valid).collect();
    if uris.len() <= MAX_REDIRECT_URIS && !uris.contains(&false) {
        return Ok(());
    }
    let message = format!("{name} has too many redirect URIs or an invalid one.");
    Err(ApiErrorResponse::invalid_value(message).detail("invalid.value", name))
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

/// The known grant types, without hyphens and underscores.
const GRANT_TYPES: [&str; 5] = [
    "CLIENTCREDENTIALS",
    "CODE",
    "PASSWORD",
    "SAML2BEARER",
    "TOKEN",
];

/// Up to 450 days, which only SCIM integrations need.
const TOKEN_SECONDS: RangeInclusive<u64> = 300..=38_880_000;

const MAX_REDIRECT_URIS: usize = 125;

const REDIRECT_URI_PREFIXES: [&str; 4] = [
    "https://",
    "http://localhost",
    "http://127.0.0.1",
    "http://[::1]",
];
