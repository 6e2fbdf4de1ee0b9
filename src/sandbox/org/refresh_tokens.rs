//! The refresh tokens that were issued.

use std::{sync::Arc, time::Duration};

use super::settings::{RefreshTokens, Settings};
use crate::{
    clock::Moment,
    sandbox::{bounded_map::BoundedMap, random::random_text},
};

/// Used and expired refresh tokens stay in the table, so that their reuse is noticed.
pub(crate) struct RefreshTokenTable {
    settings: Arc<Settings>,
    tokens: BoundedMap<String, RefreshToken>,
    reuses: usize,
}

struct RefreshToken {
    login: u64,
    end: Moment,
    /// When the token was rotated first.
    rotated: Option<Moment>,
}

impl RefreshTokenTable {
    pub(crate) fn new(settings: Arc<Settings>) -> Self {
        Self {
            settings,
            tokens: BoundedMap::default(),
            reuses: 0,
        }
    }

    pub(crate) fn issue(&mut self, login: u64, now: Moment) -> String {
        let token = random_text::<63>();
        let issued = RefreshToken {
            login,
            end: now + self.settings.refresh_token_lifetime,
            rotated: None,
        };
        self.tokens.insert(token.clone(), issued);
        token
    }

    /// Returns the login that the token belongs to.
    pub(crate) fn login(&self, token: &str) -> Option<u64> {
        self.tokens.get(token).map(|token| token.login)
    }

    /// Counts the use of a token that was rotated before. Returns whether its login must end.
    pub(crate) fn reuse_ends_login(&mut self, token: &str, now: Moment) -> bool {
        let Some(rotated) = self.tokens.get(token).and_then(|token| token.rotated) else {
            return false;
        };
        self.reuses += 1;
        let grace = match self.settings.refresh_tokens {
            RefreshTokens::RotatingWithGrace(grace) => grace,
            _ => Duration::ZERO,
        };
        rotated + grace <= now
    }

    pub(crate) fn is_expired(&self, token: &str, now: Moment) -> bool {
        self.tokens.get(token).is_none_or(|token| token.end <= now)
    }

    /// Returns the refresh token that the response to a refresh contains.
    pub(crate) fn rotate(&mut self, token: &str, now: Moment) -> Option<String> {
        match self.settings.refresh_tokens {
            RefreshTokens::Rotating | RefreshTokens::RotatingWithGrace(_) => {
                let token = self.tokens.get_mut(token)?;
                token.rotated.get_or_insert(now);
                let login = token.login;
                Some(self.issue(login, now))
            }
            RefreshTokens::Reusable => Some(token.to_owned()),
            RefreshTokens::ReusableOmitted | RefreshTokens::None => None,
        }
    }

    pub(crate) fn expire_all(&mut self, now: Moment) {
        for token in self.tokens.values_mut() {
            token.end = token.end.min(now);
        }
    }

    /// Returns how often a token was used again after it had been rotated.
    pub(crate) fn reuses(&self) -> usize {
        self.reuses
    }
}
