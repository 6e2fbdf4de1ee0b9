//! The hash of a state. It is equal for states from which the same follows: it contains times
//! relative to now, tokens and refreshes by the order of their appearance, and nothing that is
//! over.

use std::time::Duration;

use super::{
    Issued, LIFE, START,
    model::{EARLY_REJECTION, SECOND},
    step::State,
};
use crate::{
    clock::Moment,
    error::ErrorKind,
    provider::policy::types::{Pause, Token},
    token::Fingerprint,
};

impl State {
    pub(super) fn hash(&self) -> u128 {
        // Every event settles the policy first.
        let mut settled = self.clone();
        settled.policy.settle(self.now);
        let mut hash = StateHash {
            hash: OFFSET,
            now: self.now,
            tokens: Vec::with_capacity(8),
        };
        settled.add_policy(&mut hash);
        settled.add_model(&mut hash);
        hash.hash
    }

    fn add_policy(&self, hash: &mut StateHash) {
        let policy = &self.policy;
        hash.add_option(policy.cached.as_ref(), |hash, cached| {
            hash.add_token(cached.token);
            hash.add_left(cached.renew_at);
        });
        hash.add_option(policy.running, |hash, running| {
            hash.add(self.rank(running.generation));
            hash.add(running.probe);
            hash.add_left(running.lost_at);
        });
        hash.add(self.rank(policy.first_wanted_generation));
        hash.add_option(policy.active_pause(self.now), StateHash::add_pause);
        hash.add_option(policy.failures, |hash, failures| {
            hash.add_age(failures.first, SECOND * 60);
            hash.add(failures.early);
            hash.add(failures.late);
        });
        hash.add_age(policy.source_asked_at.unwrap_or(START), SECOND);
        hash.add(policy.invalid_credentials);
        hash.add(policy.early_rejections);
        for rejected in policy.rejected.0 {
            hash.add_rejected(rejected);
        }
    }

    fn add_model(&self, hash: &mut StateHash) {
        let model = &self.model;
        hash.add_option(model.token, StateHash::add_token);
        for token in &model.rejected {
            hash.add_rejected(Some((token.fingerprint(), token.end)));
        }
        for refresh in &model.refreshes {
            hash.add(self.rank(refresh.ticket.generation));
            hash.add(refresh.ticket.probe);
            hash.add(refresh.lost);
            hash.add(refresh.before_revoke);
            hash.add_age(refresh.sent, LIFE);
            let lost_at = refresh.ticket.lost_at;
            hash.add_left(if refresh.lost { self.now } else { lost_at });
        }
        hash.add_option(model.active_pause(self.now), StateHash::add_pause);
        hash.add_age(model.source_asked_at.unwrap_or(START), SECOND);
        let is_young = model.token.is_none_or(|token| token.is_young(self.now));
        hash.add(model.rejected_early && is_young);
    }

    /// The number of refreshes that can still end and have a lower generation.
    fn rank(&self, generation: u64) -> u8 {
        let refreshes = self.model.refreshes.iter();
        let lower = refreshes.filter(|refresh| refresh.ticket.generation < generation);
        lower.fold(0, |count, _| count + 1)
    }
}

struct StateHash {
    hash: u128,
    now: Moment,
    /// The tokens so far, in the order of their appearance.
    tokens: Vec<Fingerprint>,
}

impl StateHash {
    /// FNV-1a by words: wide enough to stand for the state, and fast without optimization.
    fn add(&mut self, part: impl Into<u128>) {
        self.hash = (self.hash ^ part.into()).wrapping_mul(PRIME);
    }

    /// Adds how far away a moment is, if it is not past. `NEVER` is always equally far.
    fn add_left(&mut self, moment: Moment) {
        let left = (moment - self.now).as_nanos();
        self.add(if moment == Moment::NEVER {
            u128::MAX
        } else {
            left
        });
    }

    /// Adds how long ago a moment was, up to the time from which that does not matter.
    fn add_age(&mut self, moment: Moment, max: Duration) {
        self.add((self.now - moment).min(max).as_nanos());
    }

    fn add_fingerprint(&mut self, token: Fingerprint) {
        let known = self.tokens.iter().position(|known| *known == token);
        let index = known.unwrap_or_else(|| {
            self.tokens.push(token);
            self.tokens.len() - 1
        });
        self.add(index as u128);
    }

    fn add_token(&mut self, token: Issued) {
        self.add_fingerprint(token.fingerprint());
        self.add_age(token.requested, EARLY_REJECTION);
        self.add_left(token.end);
    }

    fn add_rejected(&mut self, token: Option<(Fingerprint, Moment)>) {
        let remembered = token.filter(|(_, end)| self.now < *end);
        self.add_option(remembered, |hash, (token, end)| {
            hash.add_fingerprint(token);
            hash.add_left(end);
        });
    }

    fn add_pause(&mut self, pause: &Pause) {
        self.add_left(pause.until);
        self.add(match pause.cause.kind() {
            ErrorKind::Timeout => 0_u8,
            ErrorKind::TokenRejected => 1,
            ErrorKind::TokenExpired(_) => 2,
            _ => 3,
        });
        self.add(pause.invalid_credentials);
    }

    fn add_option<T>(&mut self, part: Option<T>, add: impl FnOnce(&mut Self, T)) {
        self.add(part.is_some());
        if let Some(part) = part {
            add(self, part);
        }
    }
}

const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0100_0000_0000_0000_0000_013b;
