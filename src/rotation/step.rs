//! The steps of a rotation.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A step of a rotation, in this order. Its intent is written to the journal before it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// Generates the new secret. The old one is invalid from then on.
    Regenerate,
    /// Hands the new secret to the vault, and waits until it is stored.
    Store,
    /// Replaces each integration credential.
    ReplaceCredentials,
    /// Requests a token with the new secret.
    ProveToken,
    /// Executes the data actions that were named.
    ExecuteActions,
}

impl Step {
    /// All steps, in their order.
    pub const ALL: [Self; 5] = [
        Self::Regenerate,
        Self::Store,
        Self::ReplaceCredentials,
        Self::ProveToken,
        Self::ExecuteActions,
    ];
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Regenerate => "regenerate the secret",
            Self::Store => "store the secret",
            Self::ReplaceCredentials => "replace the credentials",
            Self::ProveToken => "request a token",
            Self::ExecuteActions => "execute the data actions",
        })
    }
}
