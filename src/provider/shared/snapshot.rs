//! What readers see: a valid token, without a lock and without allocating.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use http::HeaderValue;

use crate::{
    clock::{Clock, CoarseTime, Moment},
    token::AccessToken,
};

/// The token that is handed out at a glance.
#[derive(Default)]
pub(in crate::provider) struct Snapshot(ArcSwapOption<Shown>);

struct Shown {
    token: AccessToken,
    /// From then on somebody must think.
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

    pub(in crate::provider) fn token(&self, clock: &Clock) -> Option<AccessToken> {
        self.look(clock, AccessToken::clone)
    }

    pub(in crate::provider) fn header(&self, clock: &Clock) -> Option<HeaderValue> {
        self.look(clock, |token| token.header().clone())
    }

    #[inline]
    fn look<R>(&self, clock: &Clock, take: impl FnOnce(&AccessToken) -> R) -> Option<R> {
        let shown = self.0.load();
        let shown = shown.as_ref()?;
        let valid = clock.coarse().is_before(shown.until);
        valid.then(|| take(&shown.token))
    }
}
