//! What readers see: a valid token, without a lock and without allocating.

use std::sync::Arc;

use arc_swap::{ArcSwapOption, Guard};

use crate::{
    clock::{Clock, CoarseTime, Moment},
    token::AccessToken,
};

/// The token that is returned without asking the policy.
#[derive(Default)]
pub(super) struct Snapshot(ArcSwapOption<Shown>);

struct Shown {
    token: AccessToken,
    /// From then on the policy must be asked.
    until: CoarseTime,
}

impl Snapshot {
    /// Shows a token until a moment, or none. What is shown already stays: readers share it.
    pub(super) fn show(&self, shown: Option<(&AccessToken, Moment)>, now: Moment, clock: &Clock) {
        let new = shown.map(|(token, until)| (token, clock.coarse().after(until - now)));
        let is_shown = match (&*self.0.load(), &new) {
            (None, None) => true,
            (Some(old), Some((token, until))) => {
                old.token.fingerprint() == token.fingerprint() && old.until.is_close_to(*until)
            }
            _ => false,
        };
        if !is_shown {
            self.0.store(new.map(|(token, until)| {
                let token = token.clone();
                Arc::new(Shown { token, until })
            }));
        }
    }

    /// Where the shown token is, to tell whether it was shown again.
    #[cfg(test)]
    pub(super) fn address(&self) -> Option<*const ()> {
        self.0
            .load()
            .as_ref()
            .map(|shown| Arc::as_ptr(shown).cast())
    }

    /// Reads the snapshot once.
    #[inline]
    pub(super) fn load(&self) -> LoadedSnapshot {
        LoadedSnapshot(self.0.load())
    }
}

/// A snapshot that is kept while it is read.
pub(super) struct LoadedSnapshot(Guard<Option<Arc<Shown>>>);

impl LoadedSnapshot {
    /// Returns the token, unless the policy must be asked.
    #[allow(
        clippy::inline_always,
        reason = "a call would cost a tenth of the whole"
    )]
    #[inline(always)]
    pub(super) fn token(&self, clock: &Clock) -> Option<&AccessToken> {
        let shown = self.0.as_ref()?;
        let is_valid = clock.coarse().is_before(shown.until);
        is_valid.then_some(&shown.token)
    }
}
