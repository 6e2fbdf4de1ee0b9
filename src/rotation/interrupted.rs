//! A rotation that did not end.

use std::{error::Error as StdError, fmt};

use secrecy::SecretString;

use super::{report::RotationReport, step::Step};
use crate::error::Error;

/// A rotation that stopped before its end. Nothing is lost:
/// [`Rotation::resume`](super::Rotation::resume) continues it, also in another process.
///
/// Where the new secret exists and the vault does not have it,
/// [`into_secret`](Self::into_secret) returns it.
#[must_use = "it may hold the only copy of the new secret, and the rotation must be resumed"]
pub struct RotationInterrupted(Box<Inner>);

struct Inner {
    client_id: String,
    step: Step,
    error: Error,
    secret: Option<SecretString>,
    report: RotationReport,
}

impl RotationInterrupted {
    pub(super) fn new(
        client_id: &str,
        step: Step,
        error: Error,
        secret: Option<SecretString>,
        report: RotationReport,
    ) -> Self {
        Self(Box::new(Inner {
            client_id: client_id.to_owned(),
            step,
            error,
            secret,
            report,
        }))
    }

    /// Returns the step that failed, or before which something failed.
    #[must_use]
    pub fn step(&self) -> Step {
        self.0.step
    }

    /// Returns why.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.0.error
    }

    /// Returns what was done until then.
    #[must_use]
    pub fn report(&self) -> &RotationReport {
        &self.0.report
    }

    /// Returns the new secret where the vault does not have it. Store it, or resume the rotation, which
    /// generates another.
    #[must_use]
    pub fn into_secret(self) -> Option<SecretString> {
        self.0.secret
    }
}

impl fmt::Display for RotationInterrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            client_id, step, ..
        } = &*self.0;
        write!(
            f,
            "the rotation of the secret of the OAuth client {client_id} stopped at the step “{step}”; \
             remove the cause and resume it"
        )?;
        if self.0.secret.is_some() {
            f.write_str("; the vault does not have the new secret, which `into_secret` returns")?;
        }
        Ok(())
    }
}

impl fmt::Debug for RotationInterrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}\n\nCaused by:\n    {:?}", self.0.error)
    }
}

impl StdError for RotationInterrupted {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0.error)
    }
}
