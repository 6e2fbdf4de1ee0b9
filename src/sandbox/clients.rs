//! OAuth clients: the one there is, and what a new one would have to be.

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

use super::{
    ApiRefusal, CLIENT_CREDENTIALS, CLIENT_NAME, Needs, Org, ROLE_ID, json_object, ok, random_uuid,
    timestamp,
};

pub(super) fn client_routes() -> Router<Arc<Org>> {
    Router::new()
        .route(CLIENTS, get(clients).post(check_client))
        .route("/api/v2/oauth/clients/{id}", get(client))
}

async fn clients(State(org): State<Arc<Org>>) -> Result<Response, ApiRefusal> {
    org.role().permit(VIEW)?;
    Ok(ok(&json!({
        "entities": [client_body(&org)],
        "total": 1,
        "pageCount": 1,
        "selfUri": CLIENTS,
    })))
}

async fn client(
    State(org): State<Arc<Org>>,
    Path(id): Path<String>,
) -> Result<Response, ApiRefusal> {
    org.role().permit(VIEW)?;
    if id == org.settings.client_id {
        Ok(ok(&client_body(&org)))
    } else {
        Err(ApiRefusal::not_found())
    }
}

/// Says what Genesys Cloud would of a new client, and makes none.
async fn check_client(
    State(org): State<Arc<Org>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiRefusal> {
    org.role().permit(ADD)?;
    let client = json_object(&headers, &body)?;
    check(&client)?;
    Ok(ok(&checked_body(&org, client)))
}

fn check(client: &Map<String, Value>) -> Result<(), ApiRefusal> {
    for (name, value) in client {
        if !value.is_null() && !has_right_type(name, value) {
            return Err(ApiRefusal::bad_request(format!("{name} has a wrong type.")));
        }
    }
    let text = |name: &str| client.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("name").is_empty() {
        return Err(ApiRefusal::bad_request("name is missing."));
    }
    let grant_type = text("authorizedGrantType");
    if grant_type.is_empty() {
        let message = "The grant type is required.";
        return Err(refused("grant.type.required", message));
    }
    // Genesys Cloud's own clients write them with hyphens, underscores, or neither.
    let plain = |grant_type: &str| grant_type.replace(['-', '_'], "");
    if !GRANT_TYPES.contains(&&*plain(grant_type)) {
        return Err(refused("bad.grant.type", "The grant type is not known."));
    }
    let has_roles = ["roleDivisions", "roleIds"]
        .into_iter()
        .filter_map(|name| client.get(name)?.as_array())
        .any(|roles| !roles.is_empty());
    match (plain(grant_type) == plain(CLIENT_CREDENTIALS), has_roles) {
        (true, false) => {
            let message = "A client that uses client credentials must have roles.";
            Err(refused("missing.client.roles", message))
        }
        (false, true) => {
            let message = "Only a client that uses client credentials has roles.";
            Err(refused("bad.grant.type", message))
        }
        _ => Ok(()),
    }
}

fn refused(code: &'static str, message: &'static str) -> ApiRefusal {
    ApiRefusal::new(StatusCode::BAD_REQUEST, code, message)
}

/// Fields that are not known may be anything.
fn has_right_type(name: &str, value: &Value) -> bool {
    match name {
        "name" | "description" | "authorizedGrantType" | "state" => value.is_string(),
        "accessTokenValiditySeconds" => value.is_u64(),
        "registeredRedirectUri" | "scope" | "roleIds" => is_list(value, Value::is_string),
        "roleDivisions" => is_list(value, is_role_division),
        _ => true,
    }
}

fn is_list(value: &Value, is_right: fn(&Value) -> bool) -> bool {
    value
        .as_array()
        .is_some_and(|list| list.iter().all(is_right))
}

fn is_role_division(value: &Value) -> bool {
    value["roleId"].is_string() && value["divisionId"].is_string()
}

/// The client as it would be: what was asked for, and what is set where nothing was.
fn checked_body(org: &Org, mut client: Map<String, Value>) -> Value {
    // A secret would be a promise: nobody can log in with it.
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
    let now = timestamp(org.wall());
    client.insert("selfUri".to_owned(), format!("{CLIENTS}/{id}").into());
    client.insert("id".to_owned(), id.into());
    client.insert("dateCreated".to_owned(), now.clone().into());
    client.insert("dateModified".to_owned(), now.into());
    client.into()
}

/// A client as it is shown after its creation: without its secret.
fn client_body(org: &Org) -> Value {
    let settings = &org.settings;
    // No other client has roles of its own.
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
        "dateCreated": timestamp(org.created),
        "dateModified": timestamp(org.created),
        "selfUri": format!("{CLIENTS}/{}", settings.client_id),
    })
}

const CLIENTS: &str = "/api/v2/oauth/clients";
const VIEW: Needs = Needs::All(&["oauth:client:view"]);
const ADD: Needs = Needs::All(&["oauth:client:add"]);

/// The known ones, less hyphens and underscores.
const GRANT_TYPES: [&str; 5] = [
    "CLIENTCREDENTIALS",
    "CODE",
    "PASSWORD",
    "SAML2BEARER",
    "TOKEN",
];
