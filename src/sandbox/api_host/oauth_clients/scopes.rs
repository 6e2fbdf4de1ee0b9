//! Scopes, and authorisations of OAuth clients.

use std::sync::Arc;

use axum::{Router, response::Response, routing::get};
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

async fn list_scopes() -> Response {
    whole_listing(SCOPES, &KNOWN_SCOPES.map(scope))
}

async fn get_scope(call: ApiCall) -> ApiResult {
    let known = KNOWN_SCOPES.into_iter().find(|known| *known == call.id);
    found(known.map(scope))
}

fn scope(id: &str) -> Value {
    json!({
        "id": id,
        "description": format!("Allows what {id} says"),
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
