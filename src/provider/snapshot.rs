//! What readers see: a valid token, without a lock and without allocating.

use std::{
    array,
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use arc_swap::{ArcSwapOption, Guard};

use crate::{
    clock::{Clock, CoarseTime, Moment},
    token::AccessToken,
};

/// The token that is returned without asking the policy.
#[derive(Default)]
pub(super) struct Snapshot(ArcSwapOption<Shown>);

struct Shown {
    /// One token with several reference counts. Each thread uses the same one each time, so that few
    /// threads wait for each other when they clone the token.
    tokens: [AccessToken; COUNTS],
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
                old.token().fingerprint() == token.fingerprint() && old.until.is_close_to(*until)
            }
            _ => false,
        };
        if !is_shown {
            self.0.store(new.map(|(token, until)| {
                let tokens = array::from_fn(|_| token.with_own_counts());
                Arc::new(Shown { tokens, until })
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
        is_valid.then(|| shown.token())
    }
}

impl Shown {
    /// Returns the token with the reference count of this thread.
    #[inline]
    fn token(&self) -> &AccessToken {
        let [first, ..] = &self.tokens;
        self.tokens.get(count_of_thread()).unwrap_or(first)
    }
}

/// Returns which of the reference counts this thread uses: threads take turns.
#[inline]
fn count_of_thread() -> usize {
    let chosen = CHOSEN.get();
    if chosen < COUNTS {
        chosen
    } else {
        choose_count()
    }
}

#[cold]
fn choose_count() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let chosen = NEXT.fetch_add(1, Ordering::Relaxed) % COUNTS;
    CHOSEN.set(chosen);
    chosen
}

thread_local! {
    /// `COUNTS` until the thread has chosen.
    static CHOSEN: Cell<usize> = const { Cell::new(COUNTS) };
}

/// How many reference counts a shown token has. Each takes 128 bytes.
const COUNTS: usize = 8;
