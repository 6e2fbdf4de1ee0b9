//! Scopes, and authorisations of OAuth clients.

use std::sync::Arc;

use axum::{Router, response::Response, routing::get};
use http::{HeaderMap, header::ACCEPT_LANGUAGE};
use serde_json::{Value, json};

use crate::sandbox::{
    api_host::{
        call::{ApiCall, ApiResult, found, permitted},
        listings::whole_listing,
    },
    org::{Org, clients::Client, settings::CODE},
    time::format_time,
};

pub(super) fn scope_routes() -> Router<Arc<Org>> {
    Router::new()
        .route(SCOPES, get(list_scopes))
        .route("/api/v2/oauth/scopes/{scopeId}", get(get_scope))
        .route(
            AUTHORIZATIONS,
            get(permitted(AUTHORIZE, list_authorizations)),
        )
        .route(
            "/api/v2/oauth/authorizations/{clientId}",
            get(permitted(AUTHORIZE, get_authorization)),
        )
}

async fn list_scopes(headers: HeaderMap) -> Response {
    whole_listing(SCOPES, &KNOWN_SCOPES.map(|id| scope(id, &headers)))
}

async fn get_scope(headers: HeaderMap, call: ApiCall) -> ApiResult {
    let known = KNOWN_SCOPES.into_iter().find(|known| *known == call.id);
    found(known.map(|id| scope(id, &headers)))
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
fn list_authorizations(call: &ApiCall) -> Response {
    let entities = authorizations(&call.org, |_| true);
    whole_listing(AUTHORIZATIONS, &entities)
}

fn get_authorization(call: &ApiCall) -> ApiResult {
    let only = authorizations(&call.org, |client| *client.id == *call.id);
    found(only.into_iter().next())
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
const AUTHORIZE: &[&str] = &["oauth:client:authorize"];
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
