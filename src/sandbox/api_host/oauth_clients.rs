//! OAuth clients.

mod check;
mod scopes;
mod usage;

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;

use self::{
    check::{check, check_new},
    scopes::scope_routes,
    usage::usage_routes,
};
use crate::sandbox::{
    api_host::listings::whole_listing,
    http::{
        error_response::{ApiErrorResponse, ok_response},
        params::JsonBody,
    },
    org::{
        Caller, Org,
        clients::{Client, ClientDeletion, DISABLED},
        permissions::RequiredPermissions,
    },
};

pub(super) fn client_routes() -> Router<Arc<Org>> {
    Router::new()
        .route(CLIENTS, get(list_clients).post(create_client))
        .route(
            "/api/v2/oauth/clients/{clientId}",
            get(get_client).put(replace_client).delete(delete_client),
        )
        .route(
            "/api/v2/oauth/clients/{clientId}/secret",
            post(regenerate_secret),
        )
        .merge(scope_routes())
        .merge(usage_routes())
}

/// All clients, in one response.
async fn list_clients(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW)?;
    let entities: Vec<_> = org.with_clients(|clients, _| {
        let existing = clients.iter().filter(|client| client.exists());
        existing.map(Client::body).collect()
    });
    Ok(ok_response(&whole_listing(&entities, CLIENTS)))
}

async fn get_client(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(VIEW)?;
    with_client(&org, &id, |client| ok_response(&client.body()))
}

async fn create_client(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    body: JsonBody,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(ADD)?;
    let fields = body.object()?;
    check(&fields)?;
    check_new(&fields)?;
    org.with_clients(|clients, now| {
        if clients.is_full() {
            return Err(ApiErrorResponse::new(
                StatusCode::BAD_REQUEST,
                "auth.too.many.clients",
                "The organisation has too many OAuth clients.",
            ));
        }
        let client = Client::new(fields, now);
        let response = ok_response(&client.body_with_secret());
        clients.add(client);
        Ok(response)
    })
}

async fn replace_client(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(EDIT)?;
    let fields = body.object()?;
    with_client(&org, &id, |_| ())?;
    check(&fields)?;
    let now = org.wall();
    let (response, is_disabled) = with_client(&org, &id, |client| {
        client.replace(fields, now);
        let is_disabled = client.state() == DISABLED;
        (ok_response(&client.body()), is_disabled)
    })?;
    if is_disabled {
        org.end_tokens_of(&id);
    }
    Ok(response)
}

async fn delete_client(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(DELETE)?;
    with_client(&org, &id, |_| ())?;
    match org.with_clients(|clients, now| clients.delete(&id, now)) {
        None => Err(ApiErrorResponse::not_found()),
        Some(ClientDeletion::NotInactive) => Err(ApiErrorResponse::new(
            StatusCode::BAD_REQUEST,
            "cannot.delete.client",
            "Clients must be marked as inactive to be eligible for deletion.",
        )),
        Some(ClientDeletion::Deleted) => {
            org.end_tokens_of(&id);
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        Some(ClientDeletion::Scheduled) => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

async fn regenerate_secret(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, ApiErrorResponse> {
    caller.permissions.require(EDIT)?;
    let now = org.wall();
    with_client(&org, &id, |client| {
        client.regenerate_secret(now);
        ok_response(&client.body_with_secret())
    })
}

fn with_client<T>(
    org: &Org,
    id: &str,
    f: impl FnOnce(&mut Client) -> T,
) -> Result<T, ApiErrorResponse> {
    org.with_clients(|clients, _| {
        let client = clients.get_mut(id).filter(|client| client.exists());
        client.map(f).ok_or_else(ApiErrorResponse::not_found)
    })
}

const CLIENTS: &str = "/api/v2/oauth/clients";
const VIEW: RequiredPermissions = RequiredPermissions::All(&["oauth:client:view"]);
const ADD: RequiredPermissions = RequiredPermissions::All(&["oauth:client:add"]);
const EDIT: RequiredPermissions = RequiredPermissions::All(&["oauth:client:edit"]);
const DELETE: RequiredPermissions = RequiredPermissions::All(&["oauth:client:delete"]);
