//! OAuth clients.

mod check;
mod scopes;
mod usage;

use std::sync::Arc;

use axum::{
    Router,
    response::Response,
    routing::{get, post},
};
use http::StatusCode;

use self::{
    check::{check, check_new},
    scopes::scope_routes,
    usage::usage_routes,
};
use crate::sandbox::{
    api_host::{
        call::{ApiCall, ApiResult, permitted},
        listings::whole_listing,
    },
    http::error_response::{ApiErrorResponse, ok_response},
    org::{
        Org,
        clients::{Client, ClientDeletion, DISABLED},
    },
};

pub(super) fn client_routes() -> Router<Arc<Org>> {
    Router::new()
        .route(
            CLIENTS,
            get(permitted(VIEW, list)).post(permitted(ADD, create)),
        )
        .route(
            "/api/v2/oauth/clients/{clientId}",
            get(permitted(VIEW, get_one))
                .put(permitted(EDIT, replace))
                .delete(permitted(DELETE, delete)),
        )
        .route(
            "/api/v2/oauth/clients/{clientId}/secret",
            post(permitted(EDIT, regenerate_secret)),
        )
        .merge(scope_routes())
        .merge(usage_routes())
}

/// All clients, in one response.
fn list(call: &ApiCall) -> Response {
    let entities: Vec<_> = call.org.with_clients(|clients, _| {
        let existing = clients.iter().filter(|client| client.exists());
        existing.map(Client::body).collect()
    });
    whole_listing(CLIENTS, &entities)
}

fn get_one(call: &ApiCall) -> ApiResult {
    with_client(call, |client| ok_response(&client.body()))
}

fn create(call: &ApiCall) -> ApiResult {
    let fields = call.object()?;
    check(&fields)?;
    check_new(&fields)?;
    call.org.with_clients(|clients, now| {
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

fn replace(call: &ApiCall) -> ApiResult {
    let fields = call.object()?;
    with_client(call, |_| ())?;
    check(&fields)?;
    let now = call.org.wall();
    let (response, is_disabled) = with_client(call, |client| {
        client.replace(fields, now);
        let is_disabled = client.state() == DISABLED;
        (ok_response(&client.body()), is_disabled)
    })?;
    if is_disabled {
        call.org.end_tokens_of(&call.id);
    }
    Ok(response)
}

fn delete(call: &ApiCall) -> ApiResult<StatusCode> {
    let ApiCall { org, id, .. } = call;
    with_client(call, |_| ())?;
    match org.with_clients(|clients, now| clients.delete(id, now)) {
        None => Err(ApiErrorResponse::not_found()),
        Some(ClientDeletion::NotInactive) => Err(ApiErrorResponse::new(
            StatusCode::BAD_REQUEST,
            "cannot.delete.client",
            "Clients must be marked as inactive to be eligible for deletion.",
        )),
        Some(deletion) => {
            if deletion == ClientDeletion::Deleted {
                org.end_tokens_of(id);
            }
            Ok(StatusCode::NO_CONTENT)
        }
    }
}

fn regenerate_secret(call: &ApiCall) -> ApiResult {
    let now = call.org.wall();
    with_client(call, |client| {
        client.regenerate_secret(now);
        ok_response(&client.body_with_secret())
    })
}

fn with_client<T>(call: &ApiCall, f: impl FnOnce(&mut Client) -> T) -> ApiResult<T> {
    call.org.with_clients(|clients, _| {
        let client = clients.get_mut(&call.id);
        let client = client.filter(|client| client.exists());
        client.map(f).ok_or_else(ApiErrorResponse::not_found)
    })
}

const CLIENTS: &str = "/api/v2/oauth/clients";
const VIEW: &[&str] = &["oauth:client:view"];
const ADD: &[&str] = &["oauth:client:add"];
const EDIT: &[&str] = &["oauth:client:edit"];
const DELETE: &[&str] = &["oauth:client:delete"];
