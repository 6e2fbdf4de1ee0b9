//! What the token endpoint refuses.

use std::{fmt, time::SystemTime};

use super::Head;
use crate::region::Region;

/// An error answer of the token endpoint (RFC 6749 5.2), recognised by its `error`, whatever its
/// status.
#[derive(Debug)]
pub struct OAuthError {
    pub(crate) head: Head,
    pub(crate) error: String,
    pub(crate) description: Option<String>,
}

impl OAuthError {
    /// The code, such as `invalid_client` or `unauthorized_client`.
    #[must_use]
    pub fn error(&self) -> &str {
        &self.error
    }

    /// The server's own words.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// The HTTP status; Genesys Cloud answers 400 for most.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// The id under which Genesys Cloud's support finds the request.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        self.head.correlation_id.as_deref()
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
            // Gateways have words of their own.
            _ => self.status() >= 500,
        }
    }
}

impl fmt::Display for OAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the token endpoint answered {}", self.error)?;
        if let Some(description) = &self.description {
            write!(f, ": {description}")?;
        }
        write!(f, " (HTTP {})", self.status())
    }
}

/// The token endpoint does not know the client, or not with this secret.
///
/// A wrong client id, a wrong secret, a disabled client and the wrong region all look the same.
#[derive(Debug)]
pub struct InvalidClient {
    pub(crate) answer: OAuthError,
    pub(crate) region: Region,
    pub(crate) accepted_before: Option<SystemTime>,
}

impl InvalidClient {
    /// The region that was asked.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// When the same client was last accepted: since then its secret was regenerated, or the client
    /// was disabled or deleted.
    #[must_use]
    pub fn accepted_before(&self) -> Option<SystemTime> {
        self.accepted_before
    }

    /// The answer itself.
    #[must_use]
    pub fn answer(&self) -> &OAuthError {
        &self.answer
    }
}

impl fmt::Display for InvalidClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { answer, region, .. } = self;
        write!(f, "{answer}; region {region} ")?;
        f.write_str(if self.accepted_before.is_some() {
            "accepted this client before: its secret was regenerated, or the client was disabled; \
             put the new secret where this program reads it"
        } else {
            "does not know this client id with this secret: one of them is wrong, the client is \
             disabled, or it belongs to another region; verify them, and regenerate the secret if \
             it is lost (Admin → Integrations → OAuth)"
        })
    }
}

/// The OAuth client has another grant type than the one that was asked for.
#[derive(Debug)]
pub struct UnauthorizedClient {
    answer: OAuthError,
    needed: &'static str,
}

impl UnauthorizedClient {
    pub(super) fn new(answer: OAuthError, grant_type: &str) -> Self {
        let needed = needed(grant_type);
        Self { answer, needed }
    }

    /// The grant type that the client needs for what was asked, as Admin → Integrations → OAuth
    /// names it.
    #[must_use]
    pub fn needed(&self) -> &'static str {
        self.needed
    }

    /// The answer itself.
    #[must_use]
    pub fn answer(&self) -> &OAuthError {
        &self.answer
    }
}

impl fmt::Display for UnauthorizedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { answer, needed } = self;
        write!(
            f,
            "{answer}; the OAuth client has another grant type and needs {needed} for this: use a \
             client that has it (Admin → Integrations → OAuth)"
        )
    }
}

/// What was exchanged for a token was refused (`invalid_grant`).
#[derive(Debug)]
pub struct InvalidGrant {
    answer: OAuthError,
    cause: InvalidGrantCause,
}

/// Why an exchange was refused, as far as the answer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidGrantCause {
    /// The authorization code is unknown, expired or used.
    Code,
    /// The code verifier does not belong to the code (RFC 7636 4.6).
    CodeVerifier,
    /// The redirect URI is another than that of the authorization request.
    RedirectUri,
    /// The refresh token is unknown, expired, revoked or used.
    RefreshToken,
    /// The SAML assertion was not accepted.
    Assertion,
    /// The answer does not tell.
    Unknown,
}

impl InvalidGrant {
    pub(super) fn new(answer: OAuthError, grant_type: &str) -> Self {
        let words = answer.description().unwrap_or_default();
        let cause = InvalidGrantCause::of(grant_type, words);
        Self { answer, cause }
    }

    /// Why, as far as the answer tells.
    #[must_use]
    pub fn cause(&self) -> InvalidGrantCause {
        self.cause
    }

    /// The answer itself.
    #[must_use]
    pub fn answer(&self) -> &OAuthError {
        &self.answer
    }
}

impl InvalidGrantCause {
    fn of(grant_type: &str, words: &str) -> Self {
        let words = words.to_ascii_lowercase();
        let told = |any: &[&str]| any.iter().any(|word| words.contains(word));
        match grant_type {
            "authorization_code" if told(&["verifier", "challenge", "pkce"]) => Self::CodeVerifier,
            "authorization_code" if told(&["redirect"]) => Self::RedirectUri,
            "authorization_code" => Self::Code,
            "refresh_token" => Self::RefreshToken,
            SAML2_BEARER => Self::Assertion,
            _ => Self::Unknown,
        }
    }

    fn cure(self) -> &'static str {
        match self {
            Self::Code => {
                "the authorization code is unknown, expired or used already: log in anew, and hand \
                 each code in once"
            }
            Self::CodeVerifier => {
                "the code verifier does not belong to the code: finish each login with what began \
                 it"
            }
            Self::RedirectUri => {
                "the redirect URI is another than that of the authorization request: send the same \
                 one in both"
            }
            Self::RefreshToken => {
                "the refresh token is unknown, expired, revoked or used already: log in anew"
            }
            Self::Assertion => {
                "the assertion is out of date, used already, for another audience, or of an \
                 identity provider that the organisation does not trust: get a new one"
            }
            Self::Unknown => "what was exchanged for a token is not valid: get a new one",
        }
    }
}

impl fmt::Display for InvalidGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.answer, self.cause.cure())
    }
}

/// The grant type a client needs, by the name that Genesys Cloud's forms have for it.
fn needed(grant_type: &str) -> &'static str {
    match grant_type {
        "client_credentials" => "Client Credentials",
        "authorization_code" | "refresh_token" => "Code Authorization",
        SAML2_BEARER => "SAML2 Bearer",
        _ => "the grant type that is asked for",
    }
}

const SAML2_BEARER: &str = "urn:ietf:params:oauth:grant-type:saml2-bearer";

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(error: &str, description: &str) -> OAuthError {
        let head = Head {
            place: "POST /oauth/token".into(),
            status: 400,
            retry_after: None,
            correlation_id: None,
        };
        OAuthError {
            head,
            error: error.into(),
            description: Some(description.into()),
        }
    }

    #[test]
    fn an_invalid_grant_tells_what_was_refused() {
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
            let refused = InvalidGrant::new(answer("invalid_grant", words), grant_type);
            assert_eq!(refused.cause(), cause, "{grant_type} {words}");
            assert!(refused.to_string().ends_with(cause.cure()));
        }
    }

    #[test]
    fn an_unauthorized_client_is_told_which_grant_type_it_needs() {
        for (grant_type, needed) in [
            ("client_credentials", "Client Credentials"),
            ("authorization_code", "Code Authorization"),
            ("refresh_token", "Code Authorization"),
            (SAML2_BEARER, "SAML2 Bearer"),
        ] {
            let refused = answer("unauthorized_client", "no");
            let client = UnauthorizedClient::new(refused, grant_type);
            assert_eq!(client.needed(), needed);
            assert!(client.to_string().contains(needed));
        }
    }
}
