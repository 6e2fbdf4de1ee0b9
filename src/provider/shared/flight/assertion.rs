//! A flight with a SAML assertion: its source is asked for one that was not handed in before and is
//! in date, and a token that another process stored is used.

use std::collections::VecDeque;

use secrecy::SecretString;

use super::{Answer, Flight, Look, SOURCE_LIMIT, asked, failed, read};
use crate::{
    assertion::{Looked, read as look_at},
    error::{Error, ErrorKind, StaleAssertion, TokenExpired},
    grant::Saml2Bearer,
    token::AccessToken,
};

impl Flight {
    pub(super) async fn ask_with_assertion(
        &mut self,
        grant: &Saml2Bearer,
    ) -> Answer<AccessToken, Error> {
        let source = grant.secret();
        let mut secret = match read(source).await {
            Ok(secret) => secret,
            Err(cause) => return failed(cause),
        };
        let mut next = None;
        if self.launch.probe {
            if self.was_refused(&secret) {
                return Answer::Unchanged;
            }
            match self.next_assertion(grant).await {
                Ok(assertion) => next = Some(assertion),
                Err(NoAssertion::Source(cause)) => return failed(cause),
                Err(NoAssertion::Useless(_)) => return Answer::Unchanged,
            }
            self.shared.changed(self.launch);
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
        assertion: Option<Looked>,
    ) -> Result<Answer<AccessToken, Error>, Error> {
        let place = match self.look(secret).await {
            Look::Found(token) => return Ok(Answer::Token(token)),
            Look::Lost => return Ok(Answer::Lost),
            Look::Missing(place) => Some(place),
            Look::Alone => None,
        };
        let assertion = match assertion {
            Some(assertion) => assertion,
            None => match self.next_assertion(grant).await {
                Ok(assertion) => assertion,
                Err(NoAssertion::Source(cause)) => return Ok(failed(cause)),
                Err(NoAssertion::Useless(cause)) => return Ok(self.grant_refused(cause)),
            },
        };
        let sent = match assertion.encode(grant.form()) {
            Ok(sent) => sent,
            Err(cause) => return Ok(self.grant_refused(cause.into())),
        };
        let request = || grant.request(secret.clone(), sent.clone());
        let refusal = match self.request(request).await {
            None => return Ok(Answer::Lost),
            Some(Ok(issued)) => {
                self.handed_in(&assertion);
                return Ok(self.arrived(place, issued).await);
            }
            Some(Err(cause)) if cause.refuses_credentials() => cause,
            // It may not have been looked at, and is handed in again.
            Some(Err(cause)) => return Ok(failed(cause)),
        };
        self.handed_in(&assertion);
        if matches!(refusal.kind(), ErrorKind::InvalidGrant(_)) {
            return Ok(self.grant_refused(refusal));
        }
        Err(refusal)
    }

    /// An assertion that is in date and was not answered before.
    async fn next_assertion(&self, grant: &Saml2Bearer) -> Result<Looked, NoAssertion> {
        self.step(SOURCE_LIMIT);
        let source = grant.assertion().clone();
        let given = asked("SAML assertion", source.ask()).await;
        let given = given.map_err(NoAssertion::Source)?;
        let looked = look_at(&given).map_err(|error| NoAssertion::Useless(error.into()))?;
        let stale = looked.stale(self.shared.clock.wall());
        let used = self.was_handed_in(&looked).then_some(StaleAssertion::Used);
        let Some(stale) = stale.or(used) else {
            return Ok(looked);
        };
        let expired = ErrorKind::TokenExpired(TokenExpired::of_assertion(stale));
        Err(NoAssertion::Useless(expired.into()))
    }

    fn was_handed_in(&self, assertion: &Looked) -> bool {
        let known = &self.shared.locked.lock().known;
        known.handed_in.has(assertion.fingerprint())
    }

    fn handed_in(&self, assertion: &Looked) {
        let known = &mut self.shared.locked.lock().known;
        known.handed_in.remember(assertion.fingerprint());
    }

    /// Not for the client's secret: another assertion is waited for.
    fn grant_refused(&self, cause: Error) -> Answer<AccessToken, Error> {
        self.shared.locked.lock().known.refused = None;
        Answer::Refused(cause)
    }
}

/// Why there is no assertion to be sent.
enum NoAssertion {
    /// The source gave none.
    Source(Error),
    /// The one it gave would be refused.
    Useless(Error),
}

/// The assertions that were answered: good for one use each.
#[derive(Default)]
pub(in crate::provider) struct HandedIn(VecDeque<[u8; 32]>);

impl HandedIn {
    fn remember(&mut self, assertion: [u8; 32]) {
        self.0.truncate(MOST_REMEMBERED - 1);
        self.0.push_front(assertion);
    }

    fn has(&self, assertion: [u8; 32]) -> bool {
        self.0.contains(&assertion)
    }
}

/// An assertion lives for minutes and a token for hours: its source hardly gives one again after so
/// many others.
const MOST_REMEMBERED: usize = 64;
