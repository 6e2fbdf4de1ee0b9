//! What a row of a report is about.

use std::fmt;

use serde::Serialize;

use crate::{admin::OAuthClient, error::sanitize};

/// What a row of a report is about. Its `Display` is what a table shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Subject {
    /// An OAuth client.
    #[non_exhaustive]
    Client {
        /// Its id.
        id: String,
        /// Its name. Several clients may have the same.
        name: String,
    },
    /// A credential of integrations.
    #[non_exhaustive]
    Credential {
        /// Its id.
        id: String,
        /// Its name. One that was made in the admin pages is called `Integration-` and the id of its
        /// integration.
        name: String,
    },
    /// All OAuth clients, where none could be checked.
    AllClients,
    /// All credentials of integrations, where none could be checked.
    AllCredentials,
    /// The organisation.
    Organization,
}

impl Subject {
    pub(super) fn client(client: &OAuthClient) -> Self {
        Self::Client {
            id: sanitize(&client.id, &[]),
            name: sanitize(&client.name, &[]),
        }
    }

    pub(super) fn credential(id: &str, name: &str) -> Self {
        Self::Credential {
            id: sanitize(id, &[]),
            name: sanitize(name, &[]),
        }
    }

    /// Returns the id of a single client or credential.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Client { id, .. } | Self::Credential { id, .. } => Some(id),
            _ => None,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client { id, name } => write!(f, "client {name} ({id})"),
            Self::Credential { id, name } => write!(f, "credential {name} ({id})"),
            Self::AllClients => f.pad("all clients"),
            Self::AllCredentials => f.pad("all credentials"),
            Self::Organization => f.pad("the organisation"),
        }
    }
}
