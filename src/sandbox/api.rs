//! The API host: `/api/v2/…`.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    extract::{Path, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{ApiRefusal, Caller, NotLive, Org, json_response, timestamp};

pub(super) fn api_routes(org: Arc<Org>) -> Router {
    Router::new()
        .route("/api/v2/organizations/me", get(organization))
        .route("/api/v2/users/me", get(user))
        .route(TOKENS_ME, get(token_info).delete(revoke_token))
        .route("/api/v2/tokens/timeout", get(idle_timeout))
        .route("/api/v2/authorization/roles", get(roles))
        .route("/api/v2/oauth/clients", get(clients))
        .route("/api/v2/oauth/clients/{id}", get(client))
        .method_not_allowed_fallback(async || ApiRefusal::method_not_allowed())
        .route_layer(middleware::from_fn_with_state(
            Arc::clone(&org),
            authenticated,
        ))
        .fallback(async || ApiRefusal::not_found())
        .with_state(org)
}

/// Lets only calls with a live token through, and counts them.
async fn authenticated(State(org): State<Arc<Org>>, mut request: Request, next: Next) -> Response {
    let caller = match caller(&org, &request) {
        Ok(caller) => caller,
        Err(refusal) => return refusal.into_response(),
    };
    let rate_limit = [
        ("inin-ratelimit-count", u64::from(caller.calls_in_minute)),
        ("inin-ratelimit-allowed", CALLS_PER_MINUTE),
        ("inin-ratelimit-reset", whole_seconds(caller.minute_left)),
    ];
    request.extensions_mut().insert(caller);
    let mut response = next.run(request).await;
    for (name, number) in rate_limit {
        response.headers_mut().insert(name, number.into());
    }
    response
}

fn caller(org: &Org, request: &Request) -> Result<Caller, ApiRefusal> {
    let access_token = bearer(request.headers()).ok_or_else(ApiRefusal::authentication_required)?;
    let keeps_idling = request.uri().path() == TOKENS_ME
        && form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
            .any(|(name, value)| name == "preserveIdleTTL" && value == "true");
    org.authenticate(access_token, keeps_idling)
        .map_err(|why| match why {
            NotLive::Unknown => ApiRefusal::bad_credentials(),
            NotLive::Expired => ApiRefusal::credentials_expired(),
        })
}

/// The token after `Bearer`, in any case. Where nothing follows there is no space either: it is no
/// part of a header's value.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

async fn organization(State(org): State<Arc<Org>>) -> Response {
    ok(&json!({
        "id": org.id,
        "name": ORGANIZATION_NAME,
        "thirdPartyOrgName": "sandbox",
        "domain": "sandbox",
        "defaultLanguage": "en-us",
        "defaultCountryCode": "US",
        "state": "active",
        "version": 1,
        "selfUri": format!("/api/v2/organizations/{}", org.id),
    }))
}

async fn user(State(org): State<Arc<Org>>) -> Response {
    if !org.settings.answer_users_me {
        return ApiRefusal::bad_request(
            "This request requires a user context. \
             Client credentials cannot be used for requests to this resource.",
        )
        .into_response();
    }
    ok(&json!({
        "id": org.settings.client_id,
        "name": "Sandbox User",
        "email": "user@sandbox.example",
        "username": "user@sandbox.example",
        "state": "active",
        "version": 1,
        "selfUri": format!("/api/v2/users/{}", org.settings.client_id),
    }))
}

async fn token_info(State(org): State<Arc<Org>>, Extension(caller): Extension<Caller>) -> Response {
    let organization = organization_reference(&org);
    let mut info = json!({
        "organization": organization,
        "homeOrganization": organization,
        "authorizedScope": [],
        "OAuthClient": {
            "id": org.settings.client_id,
            "name": CLIENT_NAME,
            "authorizedGrantType": org.settings.authorized_grant_type,
            "state": "active",
            "organization": organization,
        },
    });
    if let Some(idles) = caller.idles {
        info["dateTokenIdles"] = timestamp(idles).into();
    }
    ok(&info)
}

async fn revoke_token(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
) -> StatusCode {
    org.revoke(&caller.access_token);
    StatusCode::OK
}

async fn idle_timeout(State(org): State<Arc<Org>>) -> Response {
    let timeout = org.settings.idle_timeout;
    let mut answer = json!({ "enableIdleTokenTimeout": timeout.is_some() });
    if let Some(timeout) = timeout {
        answer["idleTokenTimeoutSeconds"] = timeout.as_secs().into();
    }
    ok(&answer)
}

async fn roles() -> Response {
    ok(&json!({
        "entities": [{
            "id": ROLE_ID,
            "name": "Sandbox",
            "description": "The role of the sandbox's client",
            "selfUri": format!("/api/v2/authorization/roles/{ROLE_ID}"),
        }],
        "pageSize": 25,
        "pageNumber": 1,
        "total": 1,
        "pageCount": 1,
        "firstUri": "/api/v2/authorization/roles?pageSize=25&pageNumber=1",
        "lastUri": "/api/v2/authorization/roles?pageSize=25&pageNumber=1",
        "selfUri": "/api/v2/authorization/roles?pageSize=25&pageNumber=1",
    }))
}

async fn clients(State(org): State<Arc<Org>>) -> Response {
    ok(&json!({
        "entities": [client_body(&org)],
        "total": 1,
        "pageCount": 1,
        "selfUri": "/api/v2/oauth/clients",
    }))
}

async fn client(State(org): State<Arc<Org>>, Path(id): Path<String>) -> Response {
    if id == org.settings.client_id {
        ok(&client_body(&org))
    } else {
        ApiRefusal::not_found().into_response()
    }
}

/// A client as it is shown after its creation: without its secret.
fn client_body(org: &Org) -> Value {
    let settings = &org.settings;
    json!({
        "id": settings.client_id,
        "name": CLIENT_NAME,
        "authorizedGrantType": settings.authorized_grant_type,
        "accessTokenValiditySeconds": settings.token_lifetime.as_secs(),
        "registeredRedirectUri": [],
        "scope": [],
        "roleDivisions": [{ "roleId": ROLE_ID, "divisionId": "*" }],
        "state": "active",
        "dateCreated": timestamp(org.created),
        "dateModified": timestamp(org.created),
        "selfUri": format!("/api/v2/oauth/clients/{}", settings.client_id),
    })
}

fn organization_reference(org: &Org) -> Value {
    json!({
        "id": org.id,
        "name": ORGANIZATION_NAME,
        "selfUri": format!("/api/v2/organizations/{}", org.id),
    })
}

fn ok(body: &Value) -> Response {
    json_response(StatusCode::OK, body)
}

/// Rounded up, so that a wait this long is long enough.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

const TOKENS_ME: &str = "/api/v2/tokens/me";
const ORGANIZATION_NAME: &str = "Sandbox";
const CLIENT_NAME: &str = "Sandbox client";
const ROLE_ID: &str = "5c0b7c2e-6f0e-4f4b-9d0a-2f6a3c1d8e90";
const CALLS_PER_MINUTE: u64 = 300;
