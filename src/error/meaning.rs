//! What an error answer means.

use super::{
    AccessDenied, ApiError, Body, ErrorKind, Head, InvalidGrant, OAuthError, RateLimited,
    UnauthorizedClient,
};

/// What the token endpoint's refusal means to who asked by `grant_type`.
pub(crate) fn oauth_error(answer: OAuthError, grant_type: &str) -> ErrorKind {
    match answer.error() {
        "unauthorized_client" => {
            ErrorKind::UnauthorizedClient(UnauthorizedClient::new(answer, grant_type))
        }
        "invalid_grant" => ErrorKind::InvalidGrant(InvalidGrant::new(answer, grant_type)),
        _ => ErrorKind::OAuth(answer),
    }
}

/// What the Platform API's error answer means. `secrets` are those of the request.
pub(crate) fn api_error(mut head: Head, body: &[u8], secrets: &[&str]) -> ErrorKind {
    let body = Body::read(body, head.status == 403, secrets);
    head.correlation_id = head.correlation_id.or_else(|| body.context_id.clone());
    let is_genesys = body.code.is_some() || body.message.is_some();
    let answer = ApiError {
        head,
        code: body.code,
        message: body.message,
        context_id: body.context_id,
        details: body.details,
        limit: body.limit,
    };
    match answer.status() {
        _ if answer.code() == Some("ip.not.authorized") => ErrorKind::IpNotAuthorized(answer),
        429 => ErrorKind::RateLimited(RateLimited {
            head: answer.head.clone(),
            message: answer.message.clone(),
            answer: Some(answer),
        }),
        _ if answer.wants_user() => ErrorKind::UserContextRequired(answer),
        // One that Genesys Cloud did not write is a proxy's or a firewall's.
        403 if is_genesys => {
            ErrorKind::AccessDenied(AccessDenied::new(answer, body.permissions, body.division))
        }
        _ => ErrorKind::Api(answer),
    }
}
