//! Error responses of the token endpoint.

use std::{fmt, time::SystemTime};

use super::response::ResponseHead;
use crate::region::Region;

/// An error response of the token endpoint (RFC 6749 5.2). It is recognised by its `error`, whatever
/// its status is.
#[derive(Debug)]
pub struct OAuthError {
    pub(super) head: ResponseHead,
    kind: OAuthErrorKind,
    /// The error's code, such as `invalid_client` or `unauthorized_client`.
    pub error: String,
    /// The server's own words.
    pub description: Option<String>,
}

/// What an [`OAuthError`] means for the request that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OAuthErrorKind {
    /// The token endpoint does not accept the client with this secret.
    InvalidClient,
    /// The OAuth client has another grant type than the request.
    UnauthorizedClient {
        /// The grant type that the client needs, as Admin → Integrations → OAuth names it.
        needed: &'static str,
    },
    /// The code, refresh token or assertion was not accepted.
    InvalidGrant(InvalidGrantCause),
    /// Any other error.
    Other,
}

/// Why the token endpoint did not accept a grant, as far as its response says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidGrantCause {
    /// The authorization code is unknown, expired or used. Where the response does not say why, the
    /// code verifier or the redirect URI may be wrong (RFC 6749 5.2).
    Code,
    /// The code verifier does not belong to the code (RFC 7636 4.6).
    CodeVerifier,
    /// The redirect URI differs from that of the authorization request.
    RedirectUri,
    /// The refresh token is unknown, expired, revoked or used.
    RefreshToken,
    /// The SAML assertion was not accepted.
    Assertion,
    /// The response does not say.
    Unknown,
}

impl OAuthError {
    /// Makes the error of a response whose texts were sanitized, to a request of `grant_type`.
    pub(crate) fn new(
        head: ResponseHead,
        error: String,
        description: Option<String>,
        grant_type: &str,
    ) -> Self {
        let words = description.as_deref().unwrap_or_default();
        let kind = OAuthErrorKind::classify(&error, words, grant_type);
        Self {
            head,
            kind,
            error,
            description,
        }
    }

    /// Returns what the error means for the request that was sent.
    #[must_use]
    pub fn kind(&self) -> OAuthErrorKind {
        self.kind
    }

    pub(super) fn is_transient(&self) -> bool {
        match self.error.as_str() {
            "server_error" | "temporarily_unavailable" => true,
            "access_denied"
            | "invalid_client"
            | "invalid_grant"
            | "invalid_request"
            | "invalid_scope"
            | "unauthorized_client"
            | "unsupported_grant_type" => false,
            // Gateways use codes of their own.
            _ => self.head.status.as_u16() >= 500,
        }
    }
}

impl fmt::Display for OAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.head, self.error)?;
        if let Some(description) = &self.description {
            write!(f, ": {description}")?;
        }
        f.write_str(&self.head.id())?;
        match self.kind {
            OAuthErrorKind::UnauthorizedClient { needed } => write!(
                f,
                "; the OAuth client has another grant type: use a client with the grant type \
                 {needed} (Admin → Integrations → OAuth)"
            ),
            OAuthErrorKind::InvalidGrant(cause) => write!(f, "; {}", cause.cure()),
            OAuthErrorKind::InvalidClient | OAuthErrorKind::Other => Ok(()),
        }
    }
}

impl std::error::Error for OAuthError {}

impl OAuthErrorKind {
    fn classify(error: &str, description: &str, grant_type: &str) -> Self {
        match error {
            "invalid_client" => Self::InvalidClient,
            "unauthorized_client" => {
                let needed = match grant_type {
                    "client_credentials" => "Client Credentials",
                    "authorization_code" | "refresh_token" => "Code Authorization",
                    SAML2_BEARER => "SAML2 Bearer",
                    _ => "of the request",
                };
                Self::UnauthorizedClient { needed }
            }
            "invalid_grant" => {
                Self::InvalidGrant(InvalidGrantCause::classify(description, grant_type))
            }
            _ => Self::Other,
        }
    }
}

impl InvalidGrantCause {
    fn classify(description: &str, grant_type: &str) -> Self {
        let words = description.to_ascii_lowercase();
        let names = |any: &[&str]| any.iter().any(|word| words.contains(word));
        match grant_type {
            "authorization_code" if names(&["verifier", "challenge", "pkce"]) => Self::CodeVerifier,
            "authorization_code" if names(&["redirect"]) => Self::RedirectUri,
            "authorization_code" => Self::Code,
            "refresh_token" => Self::RefreshToken,
            SAML2_BEARER => Self::Assertion,
            _ => Self::Unknown,
        }
    }

    fn cure(self) -> &'static str {
        match self {
            Self::Code => {
                "the authorization code is unknown, expired or already used, or the code verifier \
                 or the redirect URI is not that of the authorization request: log in again, and \
                 use each code once, with the pending login that started it"
            }
            Self::CodeVerifier => {
                "the code verifier does not belong to the code: finish each login with the pending \
                 login that started it"
            }
            Self::RedirectUri => {
                "the redirect URI differs from that of the authorization request: send the same \
                 one in both"
            }
            Self::RefreshToken => {
                "the refresh token is unknown, expired, revoked or already used: log in again"
            }
            Self::Assertion => {
                "the assertion is expired, not valid yet (compare the clocks of this machine and of \
                 the identity provider), already used, for another audience, or from an identity \
                 provider that the organisation does not trust: get a new one"
            }
            Self::Unknown => "what was sent in exchange for a token is not valid: get a new one",
        }
    }
}

/// The token endpoint does not accept the client with this secret (`invalid_client`).
///
/// A wrong client id, a wrong secret, a disabled client and a wrong region all look the same.
#[derive(Debug)]
#[non_exhaustive]
pub struct InvalidClient {
    /// The region that the request was sent to.
    pub region: Region,
    /// The last time at which the same client was accepted. Since then its secret was regenerated,
    /// or the client was disabled or deleted.
    pub accepted_before: Option<SystemTime>,
    /// The response itself.
    pub response: OAuthError,
}

impl fmt::Display for InvalidClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            response, region, ..
        } = self;
        write!(f, "{response}; region {region} ")?;
        f.write_str(if self.accepted_before.is_some() {
            "accepted this client before: its secret was regenerated, or the client was disabled; \
             put the new secret where this program reads it"
        } else {
            "does not accept this client id with this secret: one of them is wrong, the client is \
             disabled, or it belongs to another region; check them, and regenerate the secret if \
             it is lost (Admin → Integrations → OAuth)"
        })
    }
}

impl std::error::Error for InvalidClient {}

const SAML2_BEARER: &str = "urn:ietf:params:oauth:grant-type:saml2-bearer";

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn response(error: &str, description: &str, grant_type: &str) -> OAuthError {
        let head = ResponseHead {
            endpoint: "POST /oauth/token".into(),
            status: StatusCode::BAD_REQUEST,
            retry_after: None,
            correlation_id: Some("abc-1".into()),
        };
        OAuthError::new(head, error.into(), Some(description.into()), grant_type)
    }

    #[test]
    fn invalid_grant_names_its_cause_and_cure() {
        use InvalidGrantCause as Cause;
        for (grant_type, words, cause) in [
            ("authorization_code", "", Cause::Code),
            ("authorization_code", "code expired", Cause::Code),
            (
                "authorization_code",
                "Code_Verifier mismatch",
                Cause::CodeVerifier,
            ),
            (
                "authorization_code",
                "bad PKCE package",
                Cause::CodeVerifier,
            ),
            (
                "authorization_code",
                "redirect_uri mismatch",
                Cause::RedirectUri,
            ),
            ("refresh_token", "redirect", Cause::RefreshToken),
            (SAML2_BEARER, "expired", Cause::Assertion),
            ("client_credentials", "expired", Cause::Unknown),
        ] {
            let error = response("invalid_grant", words, grant_type);
            let kind = OAuthErrorKind::InvalidGrant(cause);
            assert_eq!(error.kind(), kind, "{grant_type} {words}");
            assert!(error.to_string().ends_with(cause.cure()), "{error}");
        }
    }

    #[test]
    fn unauthorized_client_names_the_needed_grant_type() {
        for (grant_type, needed) in [
            ("client_credentials", "Client Credentials"),
            ("authorization_code", "Code Authorization"),
            ("refresh_token", "Code Authorization"),
            (SAML2_BEARER, "SAML2 Bearer"),
        ] {
            let error = response("unauthorized_client", "no", grant_type);
            let kind = OAuthErrorKind::UnauthorizedClient { needed };
            assert_eq!(error.kind(), kind);
            assert!(error.to_string().contains(needed), "{error}");
        }
    }

    #[test]
    fn text_names_endpoint_status_and_correlation_id() {
        assert_eq!(
            response("invalid_scope", "no", "").to_string(),
            "POST /oauth/token returned HTTP 400 invalid_scope: no (correlation id abc-1)"
        );
    }
}
