//! A flight with a SAML assertion: its source is asked for one that was not handed in before and is
//! in date, and a token that another process stored is used.

use std::collections::VecDeque;

use secrecy::SecretString;

use super::{Flight, Look, RefreshResult, SOURCE_LIMIT, asked, failed, read, same};
use crate::{
    assertion::{Looked, read as look_at},
    error::{Error, StaleAssertion, TokenExpired},
    grant::Saml2Bearer,
    token::AccessToken,
};

impl Flight {
    pub(super) async fn ask_with_assertion(
        &mut self,
        grant: &Saml2Bearer,
    ) -> RefreshResult<AccessToken, Error> {
        let source = grant.secret();
        let mut secret = match read(source).await {
            Ok(secret) => secret,
            Err(cause) => return failed(cause),
        };
        let mut next = None;
        if self.ticket.probe {
            // Another process of this user may have stored a token meanwhile.
            if let Some(token) = self.stored(&secret).await {
                return RefreshResult::Token(token);
            }
            if self.was_refused(&secret) || self.were_refused() {
                return RefreshResult::Unchanged;
            }
            match self.next_assertion(grant).await {
                Ok(assertion) => next = Some(assertion),
                Err(NoAssertion::Lost) => return RefreshResult::Lost,
                Err(NoAssertion::Source(cause)) => return failed(cause),
                Err(NoAssertion::Useless(_)) => return RefreshResult::Unchanged,
            }
            self.shared.changed(self.ticket);
        }
        loop {
            let refusal = match self.hand_in(grant, &secret, next.take()).await {
                Ok(answer) => return answer,
                Err(refusal) => refusal,
            };
            match self.other_secret(source, &secret).await {
                Some(other) => secret = other,
                None => return self.refused(secret, refusal),
            }
        }
    }

    /// From a look into the store to the answer; an error is the client's refusal.
    async fn hand_in(
        &mut self,
        grant: &Saml2Bearer,
        secret: &SecretString,
        assertion: Option<(Looked, SecretString)>,
    ) -> Result<RefreshResult<AccessToken, Error>, Error> {
        let place = match self.look(secret).await {
            Look::Found(token) => return Ok(RefreshResult::Token(token)),
            Look::Lost => return Ok(RefreshResult::Lost),
            Look::Missing(place) => Some(place),
            Look::Alone => None,
        };
        let next = match assertion {
            Some(next) => Ok(next),
            None => self.next_assertion(grant).await,
        };
        let (assertion, sent) = match next {
            Ok(next) => next,
            Err(NoAssertion::Lost) => return Ok(RefreshResult::Lost),
            Err(NoAssertion::Source(cause)) => return Ok(failed(cause)),
            Err(NoAssertion::Useless(cause)) => return Ok(self.useless(secret, cause)),
        };
        let request = || grant.request(secret.clone(), sent.clone());
        let Some(answer) = self.request(request).await else {
            return Ok(RefreshResult::Lost);
        };
        let refusal = match answer {
            Ok(issued) => {
                self.handed_in(&assertion, false);
                return Ok(self.arrived(place, issued).await);
            }
            Err(cause) if cause.has_invalid_credentials() => cause,
            Err(cause) => return Ok(failed(cause)),
        };
        let is_the_clients = refusal.has_invalid_client();
        self.handed_in(&assertion, !is_the_clients);
        if is_the_clients {
            return Err(refusal);
        }
        let known = &mut self.shared.locked.lock().known;
        known.refused = None;
        Ok(RefreshResult::Refused(refusal))
    }

    /// An assertion that is in date and was not answered before, and how it is sent: first the one
    /// that is still without an answer.
    async fn next_assertion(
        &self,
        grant: &Saml2Bearer,
    ) -> Result<(Looked, SecretString), NoAssertion> {
        let unanswered = self.shared.locked.lock().known.unanswered.clone();
        let wall = self.shared.clock.wall();
        let looked = match unanswered.filter(|looked| looked.stale(wall).is_none()) {
            Some(looked) => looked,
            None => self.ask_source(grant).await?,
        };
        let sent = looked.encode(grant.form());
        let sent = sent.map_err(|error| NoAssertion::Useless(error.into()))?;
        // Its source may give it once: until it is answered it is at hand, whatever ends this flight.
        self.shared.locked.lock().known.unanswered = Some(looked.clone());
        Ok((looked, sent))
    }

    async fn ask_source(&self, grant: &Saml2Bearer) -> Result<Looked, NoAssertion> {
        if !self.step(SOURCE_LIMIT) {
            return Err(NoAssertion::Lost);
        }
        let source = grant.assertion().clone();
        let given = asked("SAML assertion", source.ask()).await;
        let given = given.map_err(NoAssertion::Source)?;
        let looked = look_at(&given).map_err(|error| NoAssertion::Useless(error.into()))?;
        let stale = looked.stale(self.shared.clock.wall());
        let used = self.was_handed_in(&looked).then_some(StaleAssertion::Used);
        let Some(stale) = stale.or(used) else {
            return Ok(looked);
        };
        let expired = TokenExpired::of_assertion(stale);
        Err(NoAssertion::Useless(expired.into()))
    }

    fn was_handed_in(&self, assertion: &Looked) -> bool {
        let known = &self.shared.locked.lock().known;
        known.handed_in.has(assertion.fingerprint())
    }

    fn handed_in(&self, assertion: &Looked, refused: bool) {
        let known = &mut self.shared.locked.lock().known;
        known.unanswered = None;
        known.handed_in.remember(assertion.fingerprint(), refused);
    }

    /// Whether one assertion after the other was refused: a source that makes them anew is then
    /// asked by the pauses alone.
    fn were_refused(&self) -> bool {
        self.shared.locked.lock().known.handed_in.refused_in_a_row > 1
    }

    /// There is no assertion to be sent; where the client was refused, that is the reason still.
    fn useless(&self, secret: &SecretString, cause: Error) -> RefreshResult<AccessToken, Error> {
        let known = &mut self.shared.locked.lock().known;
        let is_same = known
            .refused
            .as_ref()
            .is_some_and(|refused| same(refused, secret));
        let earlier = known.refusal.clone().filter(|_| is_same);
        if earlier.is_none() {
            known.refused = None;
        }
        RefreshResult::Refused(earlier.unwrap_or(cause))
    }
}

/// Why there is no assertion to be sent.
enum NoAssertion {
    /// The source gave none.
    Source(Error),
    /// The one it gave would be refused.
    Useless(Error),
    /// The flight is lost.
    Lost,
}

/// The assertions that were answered: good for one use each.
#[derive(Default)]
pub(in crate::provider) struct HandedIn {
    newest_first: VecDeque<[u8; 32]>,
    refused_in_a_row: u32,
}

impl HandedIn {
    fn remember(&mut self, assertion: [u8; 32], refused: bool) {
        self.newest_first.truncate(MOST_REMEMBERED - 1);
        self.newest_first.push_front(assertion);
        self.refused_in_a_row = if refused {
            self.refused_in_a_row + 1
        } else {
            0
        };
    }

    fn has(&self, assertion: [u8; 32]) -> bool {
        self.newest_first.contains(&assertion)
    }
}

/// An assertion lives for minutes and a token for hours: its source hardly gives one again after so
/// many others.
const MOST_REMEMBERED: usize = 64;
