//! The tokens that the API refused.

use super::Token;
use crate::{clock::Moment, token::Fingerprint};

/// The last four of them, for as long as each would have lived.
#[derive(Clone, Debug, Default)]
pub(super) struct Refused(pub(super) [Option<(Fingerprint, Moment)>; 4]);

impl Refused {
    pub(super) fn remember(&mut self, token: &impl Token) {
        self.0.rotate_right(1);
        if let Some(oldest) = self.0.first_mut() {
            *oldest = Some((token.fingerprint(), token.end()));
        }
    }

    pub(super) fn contains(&self, token: Fingerprint, now: Moment) -> bool {
        self.0
            .iter()
            .flatten()
            .any(|(refused, end)| *refused == token && now < *end)
    }
}
