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

    /// Returns this error of a token request, as a call fails with it.
    pub(crate) fn without_token(self) -> Self {
        Self(Arc::new(Inner::NoToken { cause: self }))
    }

    /// Returns this error of a call with `advice` if the server may have done what the call asked for.
    /// Other errors stay as they are.
    pub(crate) fn with_possible_effect(self, advice: impl FnOnce() -> String) -> Self {
        if self.may_have_effect() {
            self.with_unknown_outcome(advice())
        } else {
            self
        }
    }

    /// Whether the server may have done what the call asked for.
    pub(crate) fn may_have_effect(&self) -> bool {
        !matches!(&*self.0, Inner::NoToken { .. }) && self.kind().may_have_effect()
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
