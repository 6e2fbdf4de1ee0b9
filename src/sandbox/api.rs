//! The API host: `/api/v2/…`.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{
    ApiRefusal, CLIENT_NAME, Caller, Needs, NotLive, Org, ROLE_ID, client_routes,
    data_action_routes, listing_routes, ok, timestamp,
};

pub(super) fn api_routes(org: Arc<Org>) -> Router {
    Router::new()
        .route("/api/v2/organizations/me", get(organization))
        .route("/api/v2/users/me", get(user))
        .route(TOKENS_ME, get(token_info).delete(revoke_token))
        .route("/api/v2/tokens/timeout", get(idle_timeout))
        .route("/api/v2/authorization/roles", get(roles))
        .merge(client_routes())
        .merge(data_action_routes())
        .merge(listing_routes())
        .method_not_allowed_fallback(async || ApiRefusal::method_not_allowed())
        .route_layer(middleware::from_fn_with_state(
            Arc::clone(&org),
            authenticated,
        ))
        .fallback(async || ApiRefusal::not_found())
        .layer(middleware::from_fn_with_state(
            Arc::clone(&org),
            from_an_authorized_ip,
        ))
        .with_state(org)
}

/// Refuses a call before anyone looks at its token.
async fn from_an_authorized_ip(
    State(org): State<Arc<Org>>,
    request: Request,
    next: Next,
) -> Response {
    if org.ip_authorized() {
        next.run(request).await
    } else {
        ApiRefusal::ip_not_authorized().into_response()
    }
}

/// Lets only calls with a live token through, and not too many.
async fn authenticated(State(org): State<Arc<Org>>, mut request: Request, next: Next) -> Response {
    let caller = match caller(&org, &request) {
        Ok(caller) => caller,
        Err(refusal) => return refusal.into_response(),
    };
    let counted = caller.counted;
    let mut response = if counted.refused {
        counted.too_many_calls()
    } else {
        request.extensions_mut().insert(caller);
        next.run(request).await
    };
    counted.tell(&mut response);
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
        "thirdPartyOrgName": org.settings.org_short_name,
        "domain": org.settings.org_short_name,
        "defaultLanguage": "en-us",
        "defaultCountryCode": "US",
        "state": "active",
        "version": 1,
        "selfUri": format!("/api/v2/organizations/{}", org.id),
    }))
}

async fn user(
    State(org): State<Arc<Org>>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, ApiRefusal> {
    if let Some(user) = caller.user.and_then(|user| org.users.get(user)) {
        return Ok(ok(&user.body(&org.division_id)));
    }
    if !org.settings.allow_users_me_without_user {
        return Err(ApiRefusal::user_context_required());
    }
    Ok(ok(&json!({
        "id": org.settings.client_id,
        "name": "Sandbox User",
        "email": "user@sandbox.example",
        "username": "user@sandbox.example",
        "state": "active",
        "version": 1,
        "selfUri": format!("/api/v2/users/{}", org.settings.client_id),
    })))
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
    org.with_tokens(|tokens, _| tokens.revoke(&caller.access_token, &org.settings));
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

async fn roles(State(org): State<Arc<Org>>) -> Result<Response, ApiRefusal> {
    org.role().permit(VIEW_ROLES)?;
    Ok(ok(&json!({
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
    })))
}

fn organization_reference(org: &Org) -> Value {
    json!({
        "id": org.id,
        "name": ORGANIZATION_NAME,
        "selfUri": format!("/api/v2/organizations/{}", org.id),
    })
}

const TOKENS_ME: &str = "/api/v2/tokens/me";
const ORGANIZATION_NAME: &str = "Sandbox";
const VIEW_ROLES: Needs = Needs::All(&["authorization:role:view"]);
