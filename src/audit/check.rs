//! The names of the checks.

use std::fmt;

use serde::Serialize;

/// A check of an audit. Its `Display` is its name in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Check {
    /// The client does not have the implicit grant.
    ImplicitGrant,
    /// None of its roles may administer the organisation.
    AdministrativeRoles,
    /// None of its roles is in all divisions.
    AllDivisions,
    /// Its redirect URIs are on https or loopback, or are those of an app.
    RedirectUris,
    /// Its tokens are not valid for longer than needed.
    TokenDuration,
    /// Its secret is not older than allowed.
    SecretAge,
    /// It has made a call lately.
    Use,
    /// It is active. A client that is disabled or inactive is a leftover.
    State,
    /// It has a description.
    Description,
    /// The credential is used by an integration.
    Credentials,
    /// The organisation has an idle timeout, which is not longer than allowed.
    IdleTimeout,
}

impl Check {
    /// All checks.
    pub const ALL: [Self; 11] = [
        Self::ImplicitGrant,
        Self::AdministrativeRoles,
        Self::AllDivisions,
        Self::RedirectUris,
        Self::TokenDuration,
        Self::SecretAge,
        Self::Use,
        Self::State,
        Self::Description,
        Self::Credentials,
        Self::IdleTimeout,
    ];
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ImplicitGrant => "implicit grant",
            Self::AdministrativeRoles => "administrative roles",
            Self::AllDivisions => "all divisions",
            Self::RedirectUris => "redirect URIs",
            Self::TokenDuration => "token duration",
            Self::SecretAge => "age of the secret",
            Self::Use => "use",
            Self::State => "state",
            Self::Description => "description",
            Self::Credentials => "credentials",
            Self::IdleTimeout => "idle timeout",
        })
    }
}
