//! What the machine shows of its state; nothing here changes it.

use std::time::Duration;

use super::{RefreshPolicy, Token};
use crate::clock::Moment;

impl<T: Token> RefreshPolicy<T> {
    /// Whether this flight is the one that others wait for.
    pub(crate) fn is_under_way(&self, number: u64) -> bool {
        self.flight.is_some_and(|flight| flight.number == number)
    }

    /// The token that is handed out, until another takes its place.
    pub(crate) fn token_in_hand(&self, now: Moment) -> Option<&T> {
        Some(&self.valid(now)?.token)
    }

    /// Whether a token from elsewhere is good, and better than the one in hand.
    pub(crate) fn is_better(&self, token: &T, now: Moment) -> bool {
        let in_hand = self.valid(now).map(|held| &held.token);
        self.is_good(token, now)
            && in_hand.is_none_or(|held| {
                held.fingerprint() != token.fingerprint() && held.end() < token.end()
            })
    }

    /// Whether others may get to know the token that a flight brought: not what was revoked
    /// meanwhile, nor what is of no use.
    pub(crate) fn may_save(&self, number: u64, token: &T, now: Moment) -> bool {
        self.is_wanted(number) && self.is_good(token, now)
    }

    /// Whether a flight started after what was last given up.
    pub(crate) fn is_wanted(&self, number: u64) -> bool {
        number >= self.saves_from
    }

    pub(crate) fn is_good(&self, token: &T, now: Moment) -> bool {
        now < token.end() && !self.refused.contains(token.fingerprint(), now)
    }

    /// What is left of the pause.
    pub(crate) fn pause_left(&self, now: Moment) -> Option<Duration> {
        Some(self.active_pause(now)?.until - now)
    }

    /// The valid token, and the moment from which the machine must be asked again.
    pub(crate) fn snapshot(&self, now: Moment) -> Option<(&T, Moment)> {
        let held = self.valid(now)?;
        let until = held.renew.max(self.boundary(now).unwrap_or(now));
        Some((&held.token, until.min(held.token.end())))
    }

    /// When there is something to do for somebody who keeps the token warm; none where only a
    /// caller brings it on.
    pub(crate) fn wake(&self, now: Moment) -> Option<Moment> {
        match self.snapshot(now) {
            Some((_, until)) => Some(until),
            None if self.held.is_some() => Some(self.boundary(now).unwrap_or(now)),
            None => self.boundary(now),
        }
    }

    /// The end of what keeps the next flight from starting.
    fn boundary(&self, now: Moment) -> Option<Moment> {
        match (self.flight, self.active_pause(now)) {
            (Some(flight), _) => Some(flight.due),
            (None, Some(pause)) if self.may_probe(pause) => {
                Some(pause.until.min(self.next_question()))
            }
            (None, pause) => Some(pause?.until),
        }
    }
}
