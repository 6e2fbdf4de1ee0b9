//! Genesys Cloud's troubleshooting table for OAuth clients, as data.

use std::fmt;

/// A row of the troubleshooting table. Its text is the issue and the resolution, in one line.
///
/// Source: Genesys Cloud Resource Center, "OAuth clients", troubleshooting.
///
/// ```
/// use genesys_cloud_auth::error::Troubleshooting;
///
/// for row in Troubleshooting::ALL {
///     println!("{row}");
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Troubleshooting {
    /// The token request fails.
    TokenRequestFails,
    /// The API denies access.
    ApiAccessDenied,
    /// The token expired.
    TokenExpired,
    /// The Roles tab is not visible.
    RolesTabNotVisible,
    /// The secret is not visible after creation.
    SecretNotVisible,
    /// An integration fails after a secret rotation.
    IntegrationFailsAfterRotation,
}

impl Troubleshooting {
    /// All rows, in the table's order.
    pub const ALL: [Self; 6] = [
        Self::TokenRequestFails,
        Self::ApiAccessDenied,
        Self::TokenExpired,
        Self::RolesTabNotVisible,
        Self::SecretNotVisible,
        Self::IntegrationFailsAfterRotation,
    ];

    /// Returns what a user observes.
    #[must_use]
    pub fn issue(self) -> &'static str {
        match self {
            Self::TokenRequestFails => "Token request fails",
            Self::ApiAccessDenied => "API access denied",
            Self::TokenExpired => "Token expired",
            Self::RolesTabNotVisible => "Roles tab not visible",
            Self::SecretNotVisible => "Secret not visible after creation",
            Self::IntegrationFailsAfterRotation => "Integration fails after secret rotation",
        }
    }

    /// Returns the most likely cause.
    #[must_use]
    pub fn likely_cause(self) -> &'static str {
        match self {
            Self::TokenRequestFails => "wrong client id or secret",
            Self::ApiAccessDenied => "a role of the client lacks a permission",
            Self::TokenExpired => "the token's lifetime is exceeded",
            Self::RolesTabNotVisible => "the grant type is not client credentials",
            Self::SecretNotVisible => {
                "expected: since November 2025 a secret is shown only when it is generated"
            }
            Self::IntegrationFailsAfterRotation => "the old secret is still in use",
        }
    }

    /// Returns what to do, and in which menu.
    #[must_use]
    pub fn resolution(self) -> &'static str {
        match self {
            Self::TokenRequestFails => {
                "check the client id, the secret and the region under Admin → Integrations → OAuth; \
                 regenerate the secret if it is lost"
            }
            Self::ApiAccessDenied => {
                "assign a role with the missing permission to the client: Admin → Integrations → \
                 OAuth → the client → Roles"
            }
            Self::TokenExpired => {
                "use a grant that renews the token before it expires (client credentials), or set a \
                 token duration that fits under Admin → Integrations → OAuth → the client"
            }
            Self::RolesTabNotVisible => {
                "switch the grant type to client credentials under Admin → Integrations → OAuth → \
                 the client"
            }
            Self::SecretNotVisible => {
                "copy the secret when it is generated; if it is lost, generate a new one under Admin \
                 → Integrations → OAuth → the client, which ends the old one"
            }
            Self::IntegrationFailsAfterRotation => {
                "put the new secret into the integration's or program's configuration: Admin → \
                 Integrations → the integration → Configuration → Credentials"
            }
        }
    }
}

impl fmt::Display for Troubleshooting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.issue(), self.resolution())
    }
}
