//! What happened, and what follows from it.

use std::fmt;

use super::{
    AccessDenied, ApiError, Configuration, Head, InvalidAssertion, InvalidCallback, InvalidClient,
    InvalidGrant, InvalidGrantCause, InvalidPath, InvalidRegion, ListenerError, LoginRefused,
    LoginRequired, NoBrowser, OAuthError, RateLimited, SecretError, StoreError, TokenExpired,
    Transport, TransportKind, Troubleshooting, UnauthorizedClient, UnexpectedResponse,
};
use crate::platform_limits::{IMPLICIT_GRANT_CLOSED_SINCE, IMPLICIT_GRANT_ENDS};

/// What happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A region that does not exist, or custom hosts that may not be used.
    InvalidRegion(InvalidRegion),
    /// Something given to this crate is missing or malformed. Nothing was sent.
    Configuration(Configuration),
    /// A path that would leave the Platform API, or names no one place in it. Nothing was sent.
    InvalidPath(InvalidPath),
    /// The source of the client secret or of the SAML assertion failed, panicked, or took longer than
    /// 10 seconds.
    Secret(SecretError),
    /// What was given as a SAML assertion cannot be exchanged for a token. Nothing was sent.
    InvalidAssertion(InvalidAssertion),
    /// The token endpoint does not know the client, or not with this secret.
    InvalidClient(InvalidClient),
    /// The OAuth client has another grant type.
    UnauthorizedClient(UnauthorizedClient),
    /// What was exchanged for a token was refused.
    InvalidGrant(InvalidGrant),
    /// Nobody is logged in, or no longer: a user has to log in.
    LoginRequired(LoginRequired),
    /// The login page sent the browser back with an error.
    LoginRefused(LoginRefused),
    /// What was called back, or pasted, does not end this login. No code was sent.
    InvalidCallback(InvalidCallback),
    /// What was called back, or pasted, is the implicit grant's, which this crate does not speak.
    ImplicitGrant,
    /// No browser was opened here.
    NoBrowser(NoBrowser),
    /// The listener for the login's callback found no port, or waited in vain.
    Listener(ListenerError),
    /// The token endpoint answered with another OAuth error (RFC 6749 5.2).
    OAuth(OAuthError),
    /// Too many requests: HTTP 429, or the token endpoint's 400 "rate limit exceeded".
    RateLimited(RateLimited),
    /// The token's life is over, and nothing could renew it in time.
    TokenExpired(TokenExpired),
    /// The token endpoint handed out a token again that the API had refused, or the API refuses
    /// every new token.
    TokenRejected,
    /// HTTP 403: the token is good, but a permission is missing.
    AccessDenied(AccessDenied),
    /// The organisation does not allow calls from this address (`ip.not.authorized`). Another token
    /// does not help.
    IpNotAuthorized(ApiError),
    /// What was called for needs a user's token, and this one is a client's.
    UserContextRequired(ApiError),
    /// The Platform API answered with another error.
    Api(ApiError),
    /// No answer came back.
    Transport(Transport),
    /// An answer came back that nobody can use.
    UnexpectedResponse(UnexpectedResponse),
    /// The store of tokens failed.
    Store(StoreError),
    /// The deadline passed before there was a token, or before the request could be sent.
    Timeout,
    /// Something has to be asked for or waited for, and that needs a tokio runtime.
    NoRuntime,
}

impl ErrorKind {
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::RateLimited(_)
            | Self::TokenRejected
            | Self::Secret(_)
            | Self::Store(_)
            | Self::Timeout => true,
            // The caller's own stream failed.
            Self::Transport(transport) => transport.kind() != TransportKind::Upload,
            Self::OAuth(error) => error.is_transient(),
            Self::Api(error) => error.is_transient(),
            Self::UnexpectedResponse(answer) => answer.is_transient(),
            Self::TokenExpired(expired) => expired.is_renewable(),
            Self::LoginRefused(refused) => refused.is_transient(),
            Self::InvalidRegion(_)
            | Self::Configuration(_)
            | Self::InvalidPath(_)
            | Self::InvalidAssertion(_)
            | Self::InvalidClient(_)
            | Self::UnauthorizedClient(_)
            | Self::InvalidGrant(_)
            | Self::LoginRequired(_)
            | Self::InvalidCallback(_)
            | Self::ImplicitGrant
            | Self::NoBrowser(_)
            | Self::Listener(_)
            | Self::AccessDenied(_)
            | Self::IpNotAuthorized(_)
            | Self::UserContextRequired(_)
            | Self::NoRuntime => false,
        }
    }

    pub(super) fn refuses_credentials(&self) -> bool {
        match self {
            Self::InvalidClient(_)
            | Self::UnauthorizedClient(_)
            | Self::InvalidGrant(_)
            | Self::InvalidAssertion(_) => true,
            Self::OAuth(error) => !error.is_transient(),
            _ => false,
        }
    }

    /// What the answer told beside its body, where there was one.
    pub(super) fn head(&self) -> Option<&Head> {
        match self {
            Self::InvalidClient(refused) => Some(&refused.answer().head),
            Self::UnauthorizedClient(refused) => Some(&refused.answer().head),
            Self::InvalidGrant(refused) => Some(&refused.answer().head),
            Self::LoginRequired(required) => required.head(),
            Self::OAuth(error) => Some(&error.head),
            Self::RateLimited(limited) => Some(&limited.head),
            Self::AccessDenied(denied) => Some(&denied.answer().head),
            Self::IpNotAuthorized(error) | Self::UserContextRequired(error) | Self::Api(error) => {
                Some(&error.head)
            }
            Self::UnexpectedResponse(answer) => Some(&answer.head),
            _ => None,
        }
    }

    pub(super) fn troubleshooting(&self) -> Option<Troubleshooting> {
        match self {
            Self::InvalidClient(refused) if refused.accepted_before().is_some() => {
                Some(Troubleshooting::IntegrationFailsAfterRotation)
            }
            Self::InvalidClient(_) => Some(Troubleshooting::TokenRequestFails),
            Self::AccessDenied(_) => Some(Troubleshooting::ApiAccessDenied),
            Self::TokenExpired(_) => Some(Troubleshooting::TokenExpired),
            Self::LoginRequired(required) if required.answer().is_some() => {
                Some(Troubleshooting::TokenExpired)
            }
            Self::InvalidGrant(refused) if refused.cause() == InvalidGrantCause::RefreshToken => {
                Some(Troubleshooting::TokenExpired)
            }
            Self::Configuration(configuration) if configuration.secret_missing() => {
                Some(Troubleshooting::SecretNotVisible)
            }
            Self::Api(error) => error.troubleshooting(),
            _ => None,
        }
    }
}

/// Never repeats a source's text.
impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidRegion(error) => error.fmt(f),
            Self::Configuration(error) => error.fmt(f),
            Self::InvalidPath(error) => error.fmt(f),
            Self::Secret(error) => error.fmt(f),
            Self::InvalidAssertion(error) => error.fmt(f),
            Self::InvalidClient(error) => error.fmt(f),
            Self::UnauthorizedClient(error) => error.fmt(f),
            Self::InvalidGrant(error) => error.fmt(f),
            Self::LoginRequired(error) => error.fmt(f),
            Self::LoginRefused(error) => error.fmt(f),
            Self::InvalidCallback(error) => error.fmt(f),
            Self::ImplicitGrant => write!(
                f,
                "this is the implicit grant's: no client can be created with it since \
                 {IMPLICIT_GRANT_CLOSED_SINCE}, and those there are get no more tokens from \
                 {IMPLICIT_GRANT_ENDS} on; make an OAuth client with the grant type Code \
                 Authorization (Admin → Integrations → OAuth) and log in with PKCE, as the guide \
                 \"From the implicit grant to PKCE\" shows"
            ),
            Self::NoBrowser(error) => error.fmt(f),
            Self::Listener(error) => error.fmt(f),
            Self::OAuth(error) => error.fmt(f),
            Self::RateLimited(error) => error.fmt(f),
            Self::TokenExpired(error) => error.fmt(f),
            Self::TokenRejected => f.write_str(
                "the API refuses every token the token endpoint hands out; see whether the \
                 organisation revokes tokens or the hosts belong to different regions",
            ),
            Self::AccessDenied(error) => error.fmt(f),
            Self::IpNotAuthorized(error) => write!(
                f,
                "{error}; the organisation does not allow calls from this address: add it to the \
                 allowed addresses of the organisation"
            ),
            Self::UserContextRequired(error) => write!(
                f,
                "{error}; a user's token is needed here: log a user in by the authorization code \
                 grant"
            ),
            Self::Api(error) => error.fmt(f),
            Self::Transport(error) => error.fmt(f),
            Self::UnexpectedResponse(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::Timeout => f.write_str("the time allowed is over"),
            Self::NoRuntime => f.write_str(
                "something has to be asked for here, and that needs a tokio runtime; call this inside \
                 one",
            ),
        }
    }
}
