//! The API host: `/api/v2/…`.

mod call;
mod contacts;
mod cursor;
mod data_actions;
mod integrations;
mod listings;
mod oauth_clients;
mod roles;

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{MatchedPath, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use self::{
    call::{ApiCall, ApiResult},
    contacts::contact_routes,
    data_actions::{OwnApi, data_action_routes, run_routes},
    integrations::integration_routes,
    listings::{listing_routes, page::ListingRequest},
    oauth_clients::client_routes,
    roles::role_routes,
};
use super::{
    http::{
        error_response::{ApiErrorResponse, ok_response},
        params::query_parameter,
    },
    org::{
        Caller, Org,
        clients::Client,
        tokens::TokenError,
        usage::{CallKey, days},
    },
    time::format_time,
};
pub(super) use listings::listing_endpoints;

pub(super) fn api_host_routes(org: &Arc<Org>) -> Router {
    let own_api = OwnApi(finished(org, platform_routes()));
    let routes = platform_routes().merge(run_routes().layer(Extension(own_api)));
    finished(org, routes).layer(middleware::from_fn_with_state(
        Arc::clone(org),
        require_authorized_ip,
    ))
}

/// The calls that a data action can send, too.
fn platform_routes() -> Router<Arc<Org>> {
    Router::new()
        .route("/api/v2/organizations/me", get(organization))
        .route("/api/v2/users/me", get(current_user))
        .route(TOKENS_ME, get(token_info).delete(revoke_token))
        .route("/api/v2/tokens/timeout", get(idle_timeout))
        .merge(client_routes())
        .merge(contact_routes())
        .merge(data_action_routes())
        .merge(integration_routes())
        .merge(listing_routes())
        .merge(role_routes())
}

/// Adds what all calls have: they need a live token.
fn finished(org: &Arc<Org>, routes: Router<Arc<Org>>) -> Router {
    routes
        .method_not_allowed_fallback(async || ApiErrorResponse::method_not_allowed())
        .route_layer(middleware::from_fn_with_state(
            Arc::clone(org),
            require_live_token,
        ))
        .fallback(listing_or_not_found)
        .with_state(Arc::clone(org))
}

/// Checks the address before the token.
async fn require_authorized_ip(
    State(org): State<Arc<Org>>,
    request: Request,
    next: Next,
) -> Response {
    if org.ip_authorized() {
        next.run(request).await
    } else {
        ApiErrorResponse::ip_not_authorized().into_response()
    }
}

/// Checks the token and its rate limit. A listing that a test has filled takes precedence.
async fn require_live_token(State(org): State<Arc<Org>>, request: Request, next: Next) -> Response {
    let listing = ListingRequest::find(&org, &request, true);
    with_live_token(&org, request, async |request| match listing {
        Some(listing) => listing.respond(request).await,
        None => next.run(request).await,
    })
    .await
}

async fn listing_or_not_found(State(org): State<Arc<Org>>, request: Request) -> Response {
    match ListingRequest::find(&org, &request, false) {
        Some(listing) => {
            with_live_token(&org, request, async |request| {
                listing.respond(request).await
            })
            .await
        }
        None => ApiErrorResponse::not_found().into_response(),
    }
}

async fn with_live_token(
    org: &Org,
    mut request: Request,
    respond: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let caller = match authenticate(org, &request) {
        Ok(caller) => caller,
        Err(error) => return error.into_response(),
    };
    let calls = caller.calls;
    let key = call_key(org, &caller, &request);
    let mut response = if calls.exceeded {
        calls.api_response()
    } else {
        request.extensions_mut().insert(caller);
        respond(request).await
    };
    org.with_usage(|usage, _, _| usage.count(key, response.status()));
    calls.add_headers(&mut response);
    response
}

fn call_key(org: &Org, caller: &Caller, request: &Request) -> CallKey {
    let template = request.extensions().get::<MatchedPath>();
    let template = template.map_or_else(|| request.uri().path(), MatchedPath::as_str);
    let user = caller.user.and_then(|user| org.users.get(user));
    CallKey {
        day: days(org.wall()),
        client: Arc::clone(&caller.client),
        user: user.map(|user| user.id.clone()).unwrap_or_default(),
        template: template.to_owned(),
        method: request.method().to_string(),
    }
}

fn authenticate(org: &Org, request: &Request) -> Result<Caller, ApiErrorResponse> {
    let access_token = bearer_token(request.headers());
    let access_token = access_token.ok_or_else(ApiErrorResponse::authentication_required)?;
    let uri = request.uri();
    let preserve_idle_timer = uri.path() == TOKENS_ME
        && query_parameter(uri.query(), "preserveIdleTTL").as_deref() == Some("true");
    org.authenticate_call(access_token, preserve_idle_timer)
        .map_err(|error| match error {
            TokenError::Unknown => ApiErrorResponse::bad_credentials(),
            TokenError::Expired => ApiErrorResponse::credentials_expired(),
        })
}

/// Returns the token after `Bearer`, in any case. `Bearer` alone has no space after it, because
/// header values are trimmed.
fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

async fn organization(ApiCall { org, .. }: ApiCall) -> Response {
    ok_response(&json!({
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

async fn current_user(ApiCall { org, caller, .. }: ApiCall) -> ApiResult {
    if let Some(user) = caller.user.and_then(|user| org.users.get(user)) {
        return Ok(ok_response(&user.body(&org.division_id)));
    }
    if !org.settings.allow_users_me_without_user {
        return Err(ApiErrorResponse::user_context_required());
    }
    Ok(ok_response(&json!({
        "id": org.settings.client_id,
        "name": "Sandbox User",
        "email": "user@sandbox.example",
        "username": "user@sandbox.example",
        "state": "active",
        "version": 1,
        "selfUri": format!("/api/v2/users/{}", org.settings.client_id),
    })))
}

async fn token_info(ApiCall { org, caller, .. }: ApiCall) -> Response {
    let organization = organization_reference(&org);
    let client = org.with_clients(|clients, _| clients.get(&caller.client).map(Client::body));
    let mut client = client.unwrap_or_default();
    client["organization"] = organization.clone();
    let mut info = json!({
        "organization": organization,
        "homeOrganization": organization,
        "authorizedScope": [],
        "OAuthClient": client,
    });
    if let Some(idle_end) = caller.idle_end {
        info["dateTokenIdles"] = format_time(idle_end).into();
    }
    ok_response(&info)
}

async fn revoke_token(ApiCall { org, caller, .. }: ApiCall) -> StatusCode {
    org.with_tokens(|tokens, _| tokens.revoke(&caller.access_token));
    StatusCode::OK
}

async fn idle_timeout(ApiCall { org, .. }: ApiCall) -> Response {
    let timeout = org.settings.idle_timeout;
    let mut body = json!({ "enableIdleTokenTimeout": timeout.is_some() });
    if let Some(timeout) = timeout {
        body["idleTokenTimeoutSeconds"] = timeout.as_secs().into();
    }
    ok_response(&body)
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
