//! What readers see: a valid token, without a lock and without allocating.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

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
    /// Shows a token until a moment, or none.
    pub(super) fn show(&self, shown: Option<(&AccessToken, Moment)>, now: Moment, clock: &Clock) {
        self.0.store(shown.map(|(token, until)| {
            Arc::new(Shown {
                token: token.clone(),
                until: clock.coarse().after(until - now),
            })
        }));
    }

    #[inline]
    pub(super) fn token(&self, clock: &Clock) -> Option<AccessToken> {
        let shown = self.0.load();
        let shown = shown.as_ref()?;
        let is_valid = clock.coarse().is_before(shown.until);
        is_valid.then(|| shown.token.clone())
    }
}
