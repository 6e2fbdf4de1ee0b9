//! The kinds of errors, and what follows from each.

use super::{
    api::{AccessDenied, ApiError, RateLimited},
    api_body::Body,
    assertion::InvalidAssertion,
    local::{
        ConfigurationKind, CredentialSourceError, InvalidConfiguration, StoreError, TokenExpired,
    },
    login::{LoginError, LoginErrorKind},
    response::{ResponseHead, UnexpectedResponse},
    token_endpoint::{InvalidClient, InvalidGrantCause, OAuthError, OAuthErrorKind},
    transport::TransportError,
    troubleshooting::Troubleshooting,
};

/// What happened.
///
/// ```
/// # use genesys_cloud_auth::{ErrorKind, error::LoginErrorKind};
/// fn is_no_browser(kind: &ErrorKind) -> bool {
///     match kind {
///         ErrorKind::Login(login) => matches!(login.kind(), LoginErrorKind::NoBrowser { .. }),
///         _ => false,
///     }
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is missing or malformed. Nothing was sent.
    #[error(transparent)]
    Configuration(InvalidConfiguration),
    /// The source of the client secret, of the SAML assertion or of the token
    /// ([`Grant::from_fn`](crate::Grant::from_fn)) failed, panicked, or took longer than 10 seconds.
    #[error(transparent)]
    CredentialSource(CredentialSourceError),
    /// The SAML assertion cannot be exchanged for a token. Nothing was sent.
    #[error(transparent)]
    Assertion(InvalidAssertion),
    /// The token endpoint does not accept the client with this secret.
    #[error(transparent)]
    InvalidClient(InvalidClient),
    /// The token endpoint returned another OAuth error (RFC 6749 5.2).
    #[error(transparent)]
    OAuth(OAuthError),
    /// A login is needed, or it failed.
    #[error(transparent)]
    Login(LoginError),
    /// Too many requests: HTTP 429, or the token endpoint's 400 "rate limit exceeded".
    #[error(transparent)]
    RateLimited(RateLimited),
    /// The token has expired, and nothing renewed it in time.
    #[error(transparent)]
    TokenExpired(TokenExpired),
    /// The token endpoint issued a token again that the API had rejected, or the API rejects every
    /// new token.
    #[error(
        "the API rejects every new token; check whether the organisation revokes tokens, and \
         whether the API and the source of the tokens belong to the same region"
    )]
    TokenRejected,
    /// HTTP 403: the token is valid, but a permission is missing.
    #[error(transparent)]
    AccessDenied(AccessDenied),
    /// The Platform API returned another error.
    #[error(transparent)]
    Api(ApiError),
    /// No response arrived.
    #[error(transparent)]
    Transport(TransportError),
    /// A response arrived that cannot be used.
    #[error(transparent)]
    UnexpectedResponse(UnexpectedResponse),
    /// The token store failed.
    #[error(transparent)]
    Store(StoreError),
    /// The allowed time ended before there was a token, or before the request could be sent.
    #[error("the allowed time ended before there was a token or a response; allow more time")]
    Timeout,
    /// A request or a wait needs a tokio runtime with timers and sockets.
    ///
    /// Tokio's own panic about a runtime without them is caught, but its message is printed, once on each
    /// thread of the runtime; with `panic = "abort"` it ends the program.
    #[error(
        "there is no tokio runtime here, or it has no timers or no sockets; call this inside a \
         tokio runtime that was built with `enable_all`"
    )]
    NoRuntime,
}

impl ErrorKind {
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::CredentialSource(_)
            | Self::RateLimited(_)
            | Self::TokenRejected
            | Self::Store(_)
            | Self::Timeout => true,
            Self::Transport(error) => error.is_transient(),
            Self::OAuth(error) => error.is_transient(),
            Self::Login(error) => error.is_transient(),
            Self::Api(error) => error.is_transient(),
            Self::UnexpectedResponse(response) => response.is_transient(),
            Self::TokenExpired(expired) => expired.is_renewable(),
            Self::Configuration(_)
            | Self::Assertion(_)
            | Self::InvalidClient(_)
            | Self::AccessDenied(_)
            | Self::NoRuntime => false,
        }
    }

    /// Whether the server may have done what it was asked to do.
    pub(super) fn may_have_effect(&self) -> bool {
        match self {
            Self::Transport(error) => !error.nothing_sent,
            Self::Api(error) => error.is_transient(),
            Self::UnexpectedResponse(_) => true,
            _ => false,
        }
    }

    pub(super) fn has_invalid_credentials(&self) -> bool {
        match self {
            Self::InvalidClient(_) | Self::Assertion(_) => true,
            Self::OAuth(error) => !error.is_transient(),
            _ => false,
        }
    }

    pub(super) fn needs_login(&self) -> bool {
        match self {
            Self::TokenExpired(expired) => expired.needs_login(),
            Self::OAuth(error) => matches!(error.kind(), OAuthErrorKind::InvalidGrant(_)),
            Self::Login(error) => *error.kind() == LoginErrorKind::LoginRequired,
            _ => false,
        }
    }

    /// Returns the head of the response that led to this error.
    pub(super) fn head(&self) -> Option<&ResponseHead> {
        match self {
            Self::InvalidClient(error) => Some(&error.response.head),
            Self::OAuth(error) => Some(&error.head),
            Self::Login(error) => error.head(),
            Self::RateLimited(error) => Some(&error.head),
            Self::AccessDenied(error) => Some(&error.response.head),
            Self::Api(error) => Some(&error.head),
            Self::TokenExpired(error) => Some(&error.response()?.head),
            Self::UnexpectedResponse(error) => Some(&error.head),
            _ => None,
        }
    }

    pub(super) fn troubleshooting(&self) -> Option<Troubleshooting> {
        match self {
            Self::InvalidClient(error) if error.accepted_before.is_some() => {
                Some(Troubleshooting::IntegrationFailsAfterRotation)
            }
            Self::InvalidClient(_) => Some(Troubleshooting::TokenRequestFails),
            Self::AccessDenied(_) => Some(Troubleshooting::ApiAccessDenied),
            Self::TokenExpired(_) => Some(Troubleshooting::TokenExpired),
            Self::Login(error) => error.response().map(|_| Troubleshooting::TokenExpired),
            Self::OAuth(error) if error.kind() == ENDED_LOGIN => {
                Some(Troubleshooting::TokenExpired)
            }
            Self::Configuration(error) if *error.kind() == ConfigurationKind::MissingSecret => {
                Some(Troubleshooting::SecretNotVisible)
            }
            Self::Configuration(error) if *error.kind() == ROLES_OF_ANOTHER_GRANT => {
                Some(Troubleshooting::RolesTabNotVisible)
            }
            Self::Api(error) => error.troubleshooting(),
            _ => None,
        }
    }
}

/// Returns the kind of an error response of the Platform API. `secrets` are those of the request.
pub(crate) fn classify_api(mut head: ResponseHead, body: &[u8], secrets: &[&str]) -> ErrorKind {
    let body = Body::read(body, head.status == 403, secrets);
    head.correlation_id = head.correlation_id.or_else(|| body.context_id.clone());
    let is_from_genesys = body.code.is_some() || body.message.is_some();
    let data_action = is_data_action_failure(&head, &body).then(|| body.data_action(head.status));
    let response = ApiError {
        head,
        code: body.code,
        message: body.message,
        context_id: body.context_id,
        details: body.details,
        limit: body.limit,
        data_action,
    };
    match response.head.status.as_u16() {
        _ if response.is_ip_not_authorized() || response.data_action.is_some() => {
            ErrorKind::Api(response)
        }
        429 => ErrorKind::RateLimited(RateLimited {
            head: response.head.clone(),
            message: response.message.clone(),
            response: Some(response),
        }),
        // A 403 without such a body comes from a proxy or a firewall.
        403 if is_from_genesys && !response.is_user_required() => {
            ErrorKind::AccessDenied(AccessDenied {
                permissions: body.permissions,
                division: body.division,
                response,
            })
        }
        _ => ErrorKind::Api(response),
    }
}

/// Whether a data action failed, and not the call that executed it. Which status a failure has is not
/// documented, so its body decides.
fn is_data_action_failure(head: &ResponseHead, body: &Body) -> bool {
    let endpoint = &head.endpoint;
    if !(endpoint.contains("/integrations/actions/") && endpoint.ends_with("/execute")) {
        return false;
    }
    let is_from_genesys = body.code.is_some() || body.message.is_some();
    match head.status.as_u16() {
        _ if body.is_of_data_action => true,
        401 | 404 | 405 | 413 | 415 | 429 | 500.. => false,
        // What the caller lacks is always named.
        403 => {
            let is_of_the_caller = |name: &String| EXECUTE.contains(&name.as_str());
            is_from_genesys && !body.permissions.iter().any(is_of_the_caller)
        }
        _ => is_from_genesys,
    }
}

/// One of these lets a caller execute data actions.
const EXECUTE: [&str; 2] = ["integrations:action:execute", "bridge:actions:execute"];

const ROLES_OF_ANOTHER_GRANT: ConfigurationKind = ConfigurationKind::RolesWithoutClientCredentials;

/// The token endpoint does not accept a refresh token.
pub(super) const ENDED_LOGIN: OAuthErrorKind =
    OAuthErrorKind::InvalidGrant(InvalidGrantCause::RefreshToken);
