//! A refresh with client credentials: the secret is read each time, and a token that another process
//! stored is used.

use std::sync::Arc;

use secrecy::SecretString;

use super::Refresh;
use crate::{
    error::Error,
    grant::ClientCredentials,
    provider::{
        event::Event,
        outside_code::read_secret,
        policy::RefreshResult,
        storage::{HeldTurn, LOOKUP_LIMIT, Lookup, SAVE_LIMIT, Storage},
    },
    token::{AccessToken, Record},
    token_endpoint::Issued,
};

impl Refresh {
    pub(super) async fn client_credentials(
        &mut self,
        credentials: &ClientCredentials,
    ) -> Result<AccessToken, RefreshResult> {
        let source = credentials.secret();
        let mut secret = read_secret(source).await?;
        if self.ticket.probe {
            self.cache.update(|state, _| {
                if state.client.is_rejected(&secret) {
                    return Err(RefreshResult::Unchanged);
                }
                state.policy.credentials_changed(self.ticket);
                Ok(())
            })?;
        }
        loop {
            let turn = match self.look_up(&secret).await? {
                Some(Lookup::Found(token)) => return Ok(token),
                Some(Lookup::Turn(turn)) => Some(turn),
                None => None,
            };
            let request = || credentials.request(secret.clone());
            let error = match self.request(request).await? {
                Ok(issued) => return Ok(self.store(turn, issued).await),
                Err(error) if error.has_invalid_credentials() => error,
                Err(error) => return Err(error.into()),
            };
            secret = match self.other_secret(source, &secret).await {
                Some(other) => other,
                None => return Err(self.secret_rejected(secret, error)),
            };
        }
    }

    pub(super) fn secret_rejected(&self, secret: SecretString, error: Error) -> RefreshResult {
        self.cache
            .update(|state, _| state.client.secret_rejected(secret, error.clone()));
        RefreshResult::InvalidCredentials(error)
    }

    /// Looks for a token in the store, and takes the turn where there is none. A failing store, or none,
    /// never fails the token.
    pub(super) async fn look_up(
        &mut self,
        secret: &SecretString,
    ) -> Result<Option<Lookup<AccessToken>>, RefreshResult> {
        let cache = Arc::clone(&self.cache);
        let Storage::BySecret(scope) = &cache.settings.storage else {
            return Ok(None);
        };
        self.step(LOOKUP_LIMIT)?;
        let lookup = async {
            let slot = scope.slot_of_secret(secret)?;
            slot.find_or_take_turn(|record| self.token_of(record)).await
        };
        let lookup = lookup.await.map_err(|error| self.store_failed(error));
        Ok(lookup.ok())
    }

    /// Stores a token that was issued, and returns it.
    pub(super) async fn store(&mut self, turn: Option<HeldTurn>, issued: Issued) -> AccessToken {
        let (cache, ticket) = (Arc::clone(&self.cache), self.ticket);
        let token = issued.token;
        let may_save = cache.update(|state, now| {
            state.client.credentials_accepted(cache.clock().wall());
            let may_save = state.policy.may_save(ticket, &token, now);
            if may_save && turn.is_some() {
                // A valid token is stored even if it arrived late.
                state.policy.begin_step(ticket, now, SAVE_LIMIT);
            }
            may_save
        });
        if let Some(turn) = turn.filter(|_| may_save) {
            let record = Record::new(&token, None, turn.record.as_ref(), cache.clock());
            match turn.save(&record).await {
                Ok(()) => self.stored = Some(record),
                Err(error) => self.store_failed(error),
            }
        }
        token
    }

    fn store_failed(&self, error: Error) {
        self.cache
            .update(|state, _| state.emit(Event::StoreFailed { error }));
    }
}
