//! A flight with client credentials: the secret is read anew, and a token that another process
//! stored is used.

use std::sync::Arc;

use secrecy::SecretString;

use super::{
    Flight, Keeping, Kept, RefreshResult, SOURCE_LIMIT, STORE_LIMIT, Stored, TURN_LIMIT, failed,
    read, same,
};
use crate::{
    error::Error,
    grant::ClientCredentials,
    secret::ClientSecret,
    store::SharedTurn,
    token::{AccessToken, Record},
    token_endpoint::Issued,
};

impl Flight {
    pub(super) async fn ask_as_client(
        &mut self,
        credentials: &ClientCredentials,
    ) -> RefreshResult<AccessToken, Error> {
        let source = credentials.secret();
        let mut secret = match read(source).await {
            Ok(secret) => secret,
            Err(cause) => return failed(cause),
        };
        if self.ticket.probe {
            if self.was_refused(&secret) {
                return RefreshResult::Unchanged;
            }
            self.shared.changed(self.ticket);
        }
        loop {
            let place = match self.look(&secret).await {
                Look::Found(token) => return RefreshResult::Token(token),
                Look::Lost => return RefreshResult::Lost,
                Look::Missing(place) => Some(place),
                Look::Alone => None,
            };
            let answer = self.request(|| credentials.request(secret.clone())).await;
            let refusal = match answer {
                None => return RefreshResult::Lost,
                Some(Ok(issued)) => return self.arrived(place, issued).await,
                Some(Err(cause)) if cause.has_invalid_credentials() => cause,
                Some(Err(cause)) => return failed(cause),
            };
            match self.other_secret(source, &secret).await {
                Some(other) => secret = other,
                None => return self.refused(secret, refusal),
            }
        }
    }

    /// Another secret than the refused one, which may have been rotated since its source gave it;
    /// asked for once.
    pub(super) async fn other_secret(
        &mut self,
        source: &ClientSecret,
        refused: &SecretString,
    ) -> Option<SecretString> {
        if !source.can_change() || std::mem::replace(&mut self.asked_again, true) {
            return None;
        }
        if !self.step(SOURCE_LIMIT) {
            return None;
        }
        let other = read(source).await.ok()?;
        (!same(&other, refused)).then_some(other)
    }

    pub(super) fn was_refused(&self, secret: &SecretString) -> bool {
        let locked = self.shared.locked.lock();
        let refused = locked.known.refused.as_ref();
        refused.is_some_and(|refused| same(refused, secret))
    }

    pub(super) fn refused(
        &self,
        secret: SecretString,
        cause: Error,
    ) -> RefreshResult<AccessToken, Error> {
        let known = &mut self.shared.locked.lock().known;
        known.refused = Some(secret);
        known.refusal = Some(cause.clone());
        RefreshResult::Refused(cause)
    }

    /// The token that another process stored, without a turn. A store that fails has none.
    pub(super) async fn stored(&mut self, secret: &SecretString) -> Option<AccessToken> {
        let shared = Arc::clone(&self.shared);
        let Stored::UnderSecret(keeping) = &shared.settings.stored else {
            return None;
        };
        let kept = keeping.under_secret(secret).ok()?;
        if !self.step(STORE_LIMIT) {
            return None;
        }
        let record = kept.load().await.ok()??;
        self.found(Some(&record))
    }

    /// Looks into the store, and takes the turn where it has no token. A store that fails is done
    /// without.
    pub(super) async fn look(&mut self, secret: &SecretString) -> Look {
        let shared = Arc::clone(&self.shared);
        let Stored::UnderSecret(keeping) = &shared.settings.stored else {
            return Look::Alone;
        };
        match self.look_into(keeping, secret).await {
            Ok(look) => look,
            Err(error) => {
                shared.store_failed(error);
                Look::Alone
            }
        }
    }

    async fn look_into(&mut self, keeping: &Keeping, secret: &SecretString) -> Result<Look, Error> {
        let kept = keeping.under_secret(secret)?;
        if !self.step(STORE_LIMIT) {
            return Ok(Look::Lost);
        }
        if let Some(token) = self.found(kept.load().await?.as_ref()) {
            return Ok(Look::Found(token));
        }
        if !self.step(TURN_LIMIT) {
            return Ok(Look::Lost);
        }
        let turn = kept.take_turn().await?;
        if !self.step(STORE_LIMIT) {
            return Ok(Look::Lost);
        }
        // Another process may have had the turn meanwhile.
        let former = kept.load().await?;
        Ok(match self.found(former.as_ref()) {
            Some(token) => Look::Found(token),
            None => Look::Missing(Place { kept, turn, former }),
        })
    }

    /// The token of a record, where it is of use.
    pub(super) fn found(&mut self, record: Option<&Record>) -> Option<AccessToken> {
        let token = self.shared.usable(record?)?;
        self.loaded = true;
        Some(token)
    }

    pub(super) async fn arrived(
        &self,
        place: Option<Place>,
        issued: Issued,
    ) -> RefreshResult<AccessToken, Error> {
        let shared = &self.shared;
        if let Some(Place { kept, turn, former }) = place
            && shared.may_save(self.ticket, &issued.token)
        {
            // A good answer is stored though it comes late.
            self.step(STORE_LIMIT);
            let record = Record::new(&issued.token, None, former.as_ref(), &shared.clock);
            match kept.save(turn, &record).await {
                Ok(()) => shared.locked.lock().known.has_seen(&record),
                Err(error) => shared.store_failed(error),
            }
        }
        RefreshResult::Token(issued.token)
    }
}

/// What a look into the store comes to.
pub(super) enum Look {
    Found(AccessToken),
    /// This provider's turn to ask.
    Missing(Place),
    /// Without a store, or with one that is of no use.
    Alone,
    /// The flight is lost.
    Lost,
}

pub(super) struct Place {
    kept: Kept,
    turn: SharedTurn,
    former: Option<Record>,
}
