//! Changes that may have been made although the call failed, and waits that ended too early.

use std::{fmt, sync::Arc};

use super::{Error, Inner, kind::ErrorKind};

impl Error {
    /// Whether a call of the module [`admin`](crate::admin) may have created something, or generated a
    /// secret, although it failed. The text says how to find out.
    #[must_use]
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(&*self.0, Inner::OutcomeUnknown { .. })
    }

    /// Whether the server may have done what a request asked for that failed with this error.
    pub(crate) fn may_have_effect(&self) -> bool {
        self.kind().may_have_effect()
    }

    /// Returns this error of a request that the server may have done, with `advice`.
    pub(crate) fn with_unknown_outcome(self, advice: impl fmt::Display) -> Self {
        let text = format!("{self}; {advice}");
        Self(Arc::new(Inner::OutcomeUnknown { cause: self, text }))
    }

    /// The end of a wait for something that `text` names.
    pub(crate) fn wait_ended(text: String) -> Self {
        Self(Arc::new(Inner::Named(ErrorKind::Timeout, text)))
    }
}
