//! A refresh with a SAML assertion: the source is asked for one that is valid and was not used, and a
//! token that another process stored is used.

use std::sync::Arc;

use secrecy::SecretString;

use super::Refresh;
use crate::{
    assertion::ParsedAssertion,
    error::{Error, StaleAssertion, TokenExpired},
    grant::Saml2Bearer,
    provider::{
        outside_code::{SOURCE_LIMIT, ask, read_secret},
        policy::RefreshResult,
        storage::{Lookup, STORE_LIMIT, Storage},
    },
    token::AccessToken,
};

/// An assertion, and the form in which it is sent.
type Outgoing = (ParsedAssertion, SecretString);

impl Refresh {
    pub(super) async fn saml2_bearer(
        &mut self,
        grant: &Saml2Bearer,
    ) -> Result<AccessToken, RefreshResult> {
        let source = grant.secret();
        let mut secret = read_secret(source).await?;
        let mut probed = None;
        if self.ticket.probe {
            // Another process of this user may have stored a token meanwhile.
            if let Some(token) = self.stored_token(&secret).await {
                return Ok(token);
            }
            probed = Some(self.probe_assertion(grant, &secret).await?);
        }
        loop {
            let turn = match self.look_up(&secret).await? {
                Some(Lookup::Found(token)) => return Ok(token),
                Some(Lookup::Turn(turn)) => Some(turn),
                None => None,
            };
            let (assertion, encoded) = match probed.take() {
                Some(assertion) => assertion,
                None => match self.next_assertion(grant).await {
                    Err(RefreshResult::InvalidCredentials(error)) => {
                        return Err(self.no_assertion(&secret, error));
                    }
                    assertion => assertion?,
                },
            };
            let request = || grant.request(secret.clone(), encoded.clone());
            let error = match self.request(request).await? {
                Ok(issued) => {
                    self.assertion_used(&assertion, false);
                    return Ok(self.store(turn, issued).await);
                }
                Err(error) if error.has_invalid_credentials() => error,
                Err(error) => return Err(error.into()),
            };
            if !error.has_invalid_client() {
                self.assertion_used(&assertion, true);
                return Err(RefreshResult::InvalidCredentials(error));
            }
            self.assertion_used(&assertion, false);
            secret = match self.other_secret(source, &secret).await {
                Some(other) => other,
                None => return Err(self.secret_rejected(secret, error)),
            };
        }
    }

    /// Returns the token that another process stored, without taking the turn.
    async fn stored_token(&mut self, secret: &SecretString) -> Option<AccessToken> {
        let cache = Arc::clone(&self.cache);
        let Storage::BySecret(scope) = &cache.settings.storage else {
            return None;
        };
        let slot = scope.slot_of_secret(secret).ok()?;
        self.step(STORE_LIMIT).ok()?;
        let record = slot.load().await.ok()?;
        self.token_of(&record?)
    }

    /// Returns an assertion, where the secret or the assertion may have changed since the rejection.
    async fn probe_assertion(
        &self,
        grant: &Saml2Bearer,
        secret: &SecretString,
    ) -> Result<Outgoing, RefreshResult> {
        // A source that makes a new assertion each time is asked only after the pauses.
        let rejected = self.cache.read(|state, _| {
            state.client.is_rejected(secret) || state.assertions.rejected_repeatedly()
        });
        if rejected {
            return Err(RefreshResult::Unchanged);
        }
        let assertion = match self.next_assertion(grant).await {
            Err(RefreshResult::InvalidCredentials(_)) => return Err(RefreshResult::Unchanged),
            assertion => assertion?,
        };
        self.cache
            .update(|state, _| state.policy.credentials_changed(self.ticket));
        Ok(assertion)
    }

    /// Returns a valid assertion that was not used: first the one that no response came to.
    async fn next_assertion(&self, grant: &Saml2Bearer) -> Result<Outgoing, RefreshResult> {
        let wall = self.cache.clock().wall();
        let unexchanged = self
            .cache
            .read(|state, _| state.assertions.unexchanged(wall));
        let assertion = match unexchanged {
            Some(assertion) => assertion,
            None => self.new_assertion(grant).await?,
        };
        let encoded = assertion
            .encode(grant.encoding())
            .map_err(|error| RefreshResult::InvalidCredentials(error.into()))?;
        self.cache
            .update(|state, _| state.assertions.assertion_obtained(&assertion));
        Ok((assertion, encoded))
    }

    async fn new_assertion(&self, grant: &Saml2Bearer) -> Result<ParsedAssertion, RefreshResult> {
        self.step(SOURCE_LIMIT)?;
        let raw = ask("SAML assertion", grant.assertion().clone().read()).await?;
        let assertion = ParsedAssertion::parse(&raw)
            .map_err(|error| RefreshResult::InvalidCredentials(error.into()))?;
        let is_used = self
            .cache
            .read(|state, _| state.assertions.is_used(&assertion));
        let times = assertion.check_times(self.cache.clock().wall());
        times.map_err(RefreshResult::InvalidCredentials)?;
        if is_used {
            let used = TokenExpired::of_assertion(StaleAssertion::Used);
            return Err(RefreshResult::InvalidCredentials(used.into()));
        }
        Ok(assertion)
    }

    fn assertion_used(&self, assertion: &ParsedAssertion, rejected: bool) {
        self.cache.update(|state, _| {
            state.assertions.assertion_used(assertion, rejected);
            if rejected {
                state.client.forget_rejection();
            }
        });
    }

    /// There is no assertion to send. If the client was rejected before, that is still the reason.
    fn no_assertion(&self, secret: &SecretString, error: Error) -> RefreshResult {
        let earlier = self.cache.update(|state, _| {
            let earlier = state.client.rejection_of(secret).cloned();
            if earlier.is_none() {
                state.client.forget_rejection();
            }
            earlier
        });
        RefreshResult::InvalidCredentials(earlier.unwrap_or(error))
    }
}
