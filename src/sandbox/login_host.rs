//! The login host: the token endpoint and the login pages.

mod authorization_request;
mod authorize;
pub(super) mod browser_sessions;
mod page;
mod redirect;
mod token_endpoint;

use std::sync::Arc;

use axum::Router;

use self::{
    authorize::authorize_routes, browser_sessions::BrowserSessions, token_endpoint::token_routes,
};
use super::{http::error_response::ApiErrorResponse, org::Org};

pub(super) fn login_host_routes(org: &Arc<Org>, sessions: &Arc<BrowserSessions>) -> Router {
    authorize_routes(Arc::clone(org), Arc::clone(sessions))
        .merge(token_routes(Arc::clone(org)))
        .fallback(async || ApiErrorResponse::not_found())
        .method_not_allowed_fallback(async || ApiErrorResponse::method_not_allowed())
}
