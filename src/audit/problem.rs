//! What can be wrong, and its cure.

use std::{fmt, time::Duration};

use serde::{Serialize, Serializer};

use super::check::Check;
use crate::{
    admin::ClientState,
    platform_limits::{
        IMPLICIT_GRANT_CLOSED_SINCE, IMPLICIT_GRANT_EARLIEST_CLOSING, IMPLICIT_GRANT_EARLIEST_END,
        IMPLICIT_GRANT_ENDS, Month, TOKEN_DURATION,
    },
};

/// What is not as it should be.
///
/// Source of the rules: Genesys Cloud Resource Center, "Create an OAuth client".
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Problem {
    /// The client has the implicit grant, which Genesys ends. Days are negative where the date has
    /// passed; they count to the first day of the month in UTC.
    #[non_exhaustive]
    ImplicitGrant {
        /// The days until no such client can be created, by the
        /// [published date](crate::limits::IMPLICIT_GRANT_CLOSED_SINCE).
        days_to_closing: i64,
        /// The same by the [earlier date](crate::limits::IMPLICIT_GRANT_EARLIEST_CLOSING).
        days_to_earliest_closing: i64,
        /// The days until it gets no tokens, by the
        /// [published date](crate::limits::IMPLICIT_GRANT_ENDS).
        days_to_end: i64,
        /// The same by the [earlier date](crate::limits::IMPLICIT_GRANT_EARLIEST_END).
        days_to_earliest_end: i64,
    },
    /// Roles with permissions to change OAuth clients, roles or the organisation.
    #[non_exhaustive]
    AdministrativeRoles {
        /// The roles with these permissions.
        roles: Vec<AuditedRole>,
    },
    /// Roles that apply to all divisions.
    #[non_exhaustive]
    AllDivisions {
        /// The roles.
        roles: Vec<AuditedRole>,
    },
    /// Redirect URIs on plain http that is not loopback, so the code crosses the network in clear; or
    /// texts that are no URIs.
    #[non_exhaustive]
    UnsafeRedirectUris {
        /// The URIs without user, password, query and fragment.
        uris: Vec<String>,
    },
    /// Tokens that are valid for longer than allowed.
    #[non_exhaustive]
    LongTokenDuration {
        /// The token duration, in seconds.
        #[serde(serialize_with = "seconds", rename = "seconds")]
        duration: Duration,
        /// The longest that is allowed, in seconds.
        #[serde(serialize_with = "seconds", rename = "max_seconds")]
        max: Duration,
    },
    /// A token duration that Genesys Cloud accepts for no client, or for SCIM only.
    #[non_exhaustive]
    TokenDurationOutOfRange {
        /// The token duration, in seconds.
        #[serde(serialize_with = "seconds", rename = "seconds")]
        duration: Duration,
    },
    /// A secret that is older than allowed.
    #[non_exhaustive]
    OldSecret {
        /// Its age in days, or the least that it can be.
        min_days: u64,
        /// Its age in days, or the most that it can be.
        max_days: Option<u64>,
    },
    /// No call was made.
    #[non_exhaustive]
    Unused {
        /// In this number of days.
        days: u32,
    },
    /// The client gets no tokens and still exists.
    #[non_exhaustive]
    NotActive {
        /// Its state.
        state: ClientState,
    },
    /// The client has no description.
    NoDescription,
    /// No integration uses the credential.
    UnusedCredential,
    /// The organisation has no idle timeout.
    NoIdleTimeout,
    /// The organisation's idle timeout is longer than allowed.
    #[non_exhaustive]
    LongIdleTimeout {
        /// The idle timeout, in seconds.
        #[serde(serialize_with = "seconds", rename = "seconds")]
        timeout: Duration,
        /// The longest that is allowed, in seconds.
        #[serde(serialize_with = "seconds", rename = "max_seconds")]
        max: Duration,
    },
}

/// A role of an OAuth client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditedRole {
    /// Its id.
    pub id: String,
    /// Its name, if the role could be read.
    pub name: Option<String>,
    /// Its permissions to administer, if the role could be read.
    pub permissions: Vec<String>,
}

impl Problem {
    /// Returns the check that finds it.
    #[must_use]
    pub fn check(&self) -> Check {
        match self {
            Self::ImplicitGrant { .. } => Check::ImplicitGrant,
            Self::AdministrativeRoles { .. } => Check::AdministrativeRoles,
            Self::AllDivisions { .. } => Check::AllDivisions,
            Self::UnsafeRedirectUris { .. } => Check::RedirectUris,
            Self::LongTokenDuration { .. } | Self::TokenDurationOutOfRange { .. } => {
                Check::TokenDuration
            }
            Self::OldSecret { .. } => Check::SecretAge,
            Self::Unused { .. } => Check::Use,
            Self::NotActive { .. } => Check::State,
            Self::NoDescription => Check::Description,
            Self::UnusedCredential => Check::Credentials,
            Self::NoIdleTimeout | Self::LongIdleTimeout { .. } => Check::IdleTimeout,
        }
    }

    pub(super) fn cure(&self) -> String {
        let text = match self {
            Self::ImplicitGrant { .. } => {
                "move its app to the authorization code with PKCE, and change the grant type"
            }
            Self::AdministrativeRoles { .. } => {
                "give it a role with only the permissions for the calls that it makes"
            }
            Self::AllDivisions { .. } => "give it each role in the divisions that it works in",
            Self::UnsafeRedirectUris { .. } => {
                "replace each by an https URI, or by one on localhost for a local app"
            }
            Self::LongTokenDuration { max, .. } => {
                return format!("set a token duration of at most {} s", max.as_secs());
            }
            Self::TokenDurationOutOfRange { .. } => {
                let (min, max) = (TOKEN_DURATION.start(), TOKEN_DURATION.end());
                return format!(
                    "set a token duration from {} to {} s; only a client for SCIM may have more",
                    min.as_secs(),
                    max.as_secs()
                );
            }
            Self::OldSecret { .. } => "rotate the secret wherever it is used",
            Self::Unused { .. } => "ask its owner; disable it, and delete it if nothing fails",
            Self::NotActive { .. } => "delete it, or enable it if it is still needed",
            Self::NoDescription => "describe what it is for and who owns it",
            Self::UnusedCredential => "ask its owner, and delete it with the secret that it holds",
            Self::NoIdleTimeout => "turn on the idle timeout of the organisation",
            Self::LongIdleTimeout { max, .. } => {
                return format!("set an idle timeout of at most {} min", minutes(*max));
            }
        };
        text.to_owned()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ImplicitGrant {
                days_to_closing,
                days_to_earliest_closing,
                days_to_end,
                days_to_earliest_end,
            } => f.write_str(&implicit_grant(
                [*days_to_closing, *days_to_earliest_closing],
                [*days_to_end, *days_to_earliest_end],
            )),
            Self::AdministrativeRoles { roles } => {
                let roles = roles.iter().map(AuditedRole::with_permissions);
                write!(f, "its roles may administer: {}", list(roles))
            }
            Self::AllDivisions { roles } => {
                let roles = roles.iter().map(|role| role.label().to_owned());
                write!(f, "it has roles in all divisions: {}", list(roles))
            }
            Self::UnsafeRedirectUris { uris } => {
                write!(
                    f,
                    "users are sent back without TLS, or nowhere: {}",
                    list(uris.iter().cloned())
                )
            }
            Self::LongTokenDuration { duration, max } => {
                let (time, max) = (duration.as_secs(), max.as_secs());
                write!(
                    f,
                    "its tokens are valid for {time} s, and {max} s are allowed"
                )
            }
            Self::TokenDurationOutOfRange { duration: time } => {
                write!(
                    f,
                    "its tokens are valid for {} s, out of the range",
                    time.as_secs()
                )
            }
            Self::OldSecret { min_days, max_days } => {
                write!(f, "its secret is {} days old", age(*min_days, *max_days))
            }
            Self::Unused { days } => write!(f, "it has made no call in {days} days"),
            Self::NotActive { state } => write!(f, "it is {state} and still exists"),
            Self::NoDescription => f.write_str("it has no description"),
            Self::UnusedCredential => f.write_str("no integration uses it"),
            Self::NoIdleTimeout => f.write_str("no idle timeout ends tokens that nobody uses"),
            Self::LongIdleTimeout { timeout, max } => {
                let (time, max) = (minutes(*timeout), minutes(*max));
                write!(
                    f,
                    "unused tokens end after {time} min, and {max} min are allowed"
                )
            }
        }
    }
}

impl AuditedRole {
    fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    fn with_permissions(&self) -> String {
        let permissions = list(self.permissions.iter().cloned());
        format!("{} ({permissions})", self.label())
    }
}

/// An age of which the bounds are known.
pub(super) fn age(min_days: u64, max_days: Option<u64>) -> String {
    match max_days {
        Some(max) if max == min_days => format!("{max}"),
        Some(max) => format!("{min_days} to {max}"),
        None => format!("at least {min_days}"),
    }
}

/// The published date comes first, then the earlier one.
fn implicit_grant(closing: [i64; 2], end: [i64; 2]) -> String {
    let [published, early] = end;
    let end = dated(IMPLICIT_GRANT_ENDS, published);
    let early_end = dated(IMPLICIT_GRANT_EARLIEST_END, early);
    let [published, early] = closing;
    let closing = dated(IMPLICIT_GRANT_CLOSED_SINCE, published);
    let early_closing = dated(IMPLICIT_GRANT_EARLIEST_CLOSING, early);
    format!(
        "it has the implicit grant, whose published end is {end}, or {early_end} by Genesys staff; \
         the dates for new clients are {closing} and {early_closing}"
    )
}

fn dated(month: Month, days: i64) -> String {
    match days {
        0 => format!("{month} (today)"),
        1.. => format!("{month} ({days} days left)"),
        _ => format!("{month} ({} days ago)", days.unsigned_abs()),
    }
}

fn minutes(duration: Duration) -> u64 {
    duration.as_secs().div_ceil(60)
}

/// The first items, and how many there are besides.
fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<_> = items.collect();
    let more = items.len().saturating_sub(MAX_LISTED);
    let shown: Vec<_> = items.into_iter().take(MAX_LISTED).collect();
    let shown = shown.join(", ");
    match more {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(duration.as_secs())
}

/// The number of items that a row of a table names.
const MAX_LISTED: usize = 3;
