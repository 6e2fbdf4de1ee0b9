//! Scopes, and authorisations of OAuth clients.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use http::{HeaderMap, header::ACCEPT_LANGUAGE};
use serde_json::{Value, json};

use crate::sandbox::{
    api_host::listings::whole_listing,
    http::error_response::{ApiErrorResponse, ok_response},
    org::{Caller, Org, clients::Client, permissions::RequiredPermissions, settings::CODE},
    time::format_time,
};

pub(super) fn scope_routes() -> Router<Arc<Org>> {
    Router::new()
        .route(SCOPES, get(list_scopes))
        .route("/api/v2/oauth/scopes/{scopeId}", get(get_scope))
        .route(AUTHORIZATIONS, get(list_authorizations))
        .route(
            "/api/v2/oauth/authorizations/{clientId}",
            get(get_authorization),
        )
}

async fn list_scopes(headers: HeaderMap) -> Response {
    let entities = KNOWN_SCOPES.map(|id| scope(id, &headers));
    ok_response(&whole_listing(&entities, SCOPES))
}

async fn get_scope(
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiErrorResponse> {
    let known = KNOWN_SCOPES.into_iter().find(|known| *known == id);
    let known = known.ok_or_else(ApiErrorResponse::not_found)?;
    Ok(ok_response(&scope(known, &headers)))
}

/// The description is in English, or in German where the request asks for it.
fn scope(id: &str, headers: &HeaderMap) -> Value {
    let language = headers.get(ACCEPT_LANGUAGE);
    let is_german = language.is_some_and(|tags| tags.as_bytes().starts_with(b"de"));
    let description = if is_german {
        format!("Erlaubt, was {id} sagt")
    } else {
        format!("Allows what {id} says")
    };
    json!({
        "id": id,
        "description": description,
        "selfUri": format!("{SCOPES}/{id}"),
    })
}

/// The clients for which users log in.
async fn list_authorizations(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(AUTHORIZE)?;
    let entities = authorizations(&org, |_| true);
    Ok(ok_response(&whole_listing(&entities, AUTHORIZATIONS)))
}

async fn get_authorization(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(AUTHORIZE)?;
    let found = authorizations(&org, |client| *client.id == *id);
    let found = found.first().ok_or_else(ApiErrorResponse::not_found)?;
    Ok(ok_response(found))
}

fn authorizations(org: &Org, is_wanted: impl Fn(&Client) -> bool) -> Vec<Value> {
    let created = format_time(org.created);
    org.with_clients(|clients, _| {
        let clients = clients.iter();
        let clients = clients.filter(|one| one.exists() && one.has_grant_type(CODE));
        let authorizations = clients.filter(|one| is_wanted(one)).map(|client| {
            let body = client.body();
            json!({
                "client": { "id": body["id"], "name": body["name"], "selfUri": body["selfUri"] },
                "scope": body["scope"],
                "roles": [],
                "dateCreated": created,
                "dateModified": created,
                "pending": false,
                "state": "Authorized",
                "selfUri": format!("{AUTHORIZATIONS}/{}", client.id),
            })
        });
        authorizations.collect()
    })
}

const SCOPES: &str = "/api/v2/oauth/scopes";
const AUTHORIZATIONS: &str = "/api/v2/oauth/authorizations";
const AUTHORIZE: RequiredPermissions = RequiredPermissions::All(&["oauth:client:authorize"]);
const KNOWN_SCOPES: [&str; 9] = [
    "authorization",
    "authorization:readonly",
    "integrations",
    "integrations:readonly",
    "oauth",
    "oauth:readonly",
    "user-basic-info",
    "users",
    "users:readonly",
];
