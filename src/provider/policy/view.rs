//! The queries of the policy. They change nothing.

use std::time::Duration;

use super::{
    RefreshPolicy,
    types::{Pause, Ticket, Token},
};
use crate::{clock::Moment, error::Error};

impl<T: Token> RefreshPolicy<T> {
    /// Whether this is the running refresh, not a lost one.
    pub(crate) fn is_running(&self, ticket: Ticket) -> bool {
        self.running
            .is_some_and(|running| running.generation == ticket.generation)
    }

    /// Whether the refresh started after the last revocation, adoption of a token, or change of login.
    pub(crate) fn is_wanted(&self, ticket: Ticket) -> bool {
        ticket.generation >= self.first_wanted_generation
    }

    pub(crate) fn valid_token(&self, now: Moment) -> Option<&T> {
        Some(&self.valid(now)?.token)
    }

    /// Whether a token is valid and was not rejected.
    pub(crate) fn is_usable(&self, token: &T, now: Moment) -> bool {
        now < token.end() && !self.rejected.contains(token.fingerprint(), now)
    }

    /// Whether a token is usable and ends later than the valid token, if there is one.
    pub(crate) fn is_better(&self, token: &T, now: Moment) -> bool {
        let ends_later =
            |valid: &T| valid.fingerprint() != token.fingerprint() && valid.end() < token.end();
        self.is_usable(token, now) && self.valid_token(now).is_none_or(ends_later)
    }

    /// Whether the token of this refresh may be stored.
    pub(crate) fn may_save(&self, ticket: Ticket, token: &T, now: Moment) -> bool {
        self.is_wanted(ticket) && self.is_usable(token, now)
    }

    /// The cause of the last pause, until a token comes in.
    pub(crate) fn pause_cause(&self) -> Option<&Error> {
        Some(&self.pause.as_ref()?.cause)
    }

    /// The rest of the pause.
    pub(crate) fn pause_left(&self, now: Moment) -> Option<Duration> {
        Some(self.active_pause(now)?.until - now)
    }

    pub(super) fn active_pause(&self, now: Moment) -> Option<&Pause> {
        self.pause.as_ref().filter(|pause| now < pause.until)
    }

    /// The valid token, and the moment from which the policy must be asked again.
    pub(crate) fn snapshot(&self, now: Moment) -> Option<(&T, Moment)> {
        let cached = self.valid(now)?;
        let next_refresh = self.next_refresh(now).unwrap_or(now);
        let until = cached.renew_at.max(next_refresh).min(cached.token.end());
        Some((&cached.token, until))
    }

    /// When the background renewal must ask the policy again. `None` until a caller asks for a
    /// token.
    pub(crate) fn wake_at(&self, now: Moment) -> Option<Moment> {
        match self.snapshot(now) {
            Some((_, until)) => Some(until),
            None if self.cached.is_some() => Some(self.next_refresh(now).unwrap_or(now)),
            None => self.next_refresh(now),
        }
    }

    /// The earliest start of the next refresh. `None` if the next refresh may start at once.
    fn next_refresh(&self, now: Moment) -> Option<Moment> {
        if let Some(running) = self.running {
            return Some(running.lost_at);
        }
        let pause = self.active_pause(now)?;
        let probe = self.next_probe(pause).unwrap_or(pause.until);
        Some(probe.min(pause.until))
    }
}
