//! What a login does with its provider: it exchanges a code, and asks whether a login is stored.

use std::sync::{Arc, Weak};

use secrecy::SecretString;

use super::{
    TokenProvider,
    cache::TokenCache,
    driver::keep_until_stored,
    event::Event,
    memory::UnsavedLogin,
    source::read_secret,
    storage::{HeldTurn, Storage},
};
use crate::{
    clock::Moment,
    error::Error,
    grant::Kind,
    token::{Lineage, Record},
    token_endpoint::Issued,
};

/// A handle that keeps nothing alive.
#[derive(Clone)]
pub(crate) struct WeakTokenProvider(Weak<TokenCache>);

impl WeakTokenProvider {
    pub(crate) fn upgrade(&self) -> Option<TokenProvider> {
        let cache = self.0.upgrade()?;
        Some(TokenProvider { cache })
    }
}

impl WeakTokenProvider {
    /// Whether there is a handle. Unlike [`upgrade`](Self::upgrade) it makes none, which would drop
    /// the provider if it were the last.
    pub(crate) fn is_alive(&self) -> bool {
        self.0.strong_count() > 0
    }
}

impl TokenProvider {
    pub(crate) fn downgrade(&self) -> WeakTokenProvider {
        WeakTokenProvider(Arc::downgrade(&self.cache))
    }

    /// Exchanges a code for a login, stores it, and serves its token from then on. The future must be
    /// driven to its end in a task of its own, since the code can be used only once.
    pub(crate) async fn log_in(
        &self,
        code: SecretString,
        verifier: SecretString,
        redirect_uri: &str,
    ) -> Result<(), Error> {
        let cache = &self.cache;
        let (Kind::AuthorizationCode(app), Storage::Login(slot)) =
            (&cache.grant.0, &cache.settings.storage)
        else {
            return Err(Error::configuration("this provider is not a login's"));
        };
        let secret = match app.secret() {
            Some(source) => Some(read_secret(source).await?),
            None => None,
        };
        // A store that fails is reported before the code is used.
        let turn = slot.take_turn().await?;
        let started = cache.clock().now();
        let request = || app.exchange(secret.clone(), code.clone(), verifier.clone(), redirect_uri);
        let mut response = cache.send(request()).await;
        if response.as_ref().is_err_and(Error::nothing_sent) {
            response = cache.send(request()).await;
        }
        let issued = response.map_err(|error| cache.with_client_context(error))?;
        self.store_login(turn, issued, started).await
    }

    /// Stores a new login, and serves its token from then on. Where that fails, the login is kept in
    /// memory until it can be stored.
    async fn store_login(
        &self,
        turn: HeldTurn,
        issued: Issued,
        started: Moment,
    ) -> Result<(), Error> {
        let cache = &self.cache;
        let token = issued.token;
        let former = turn.record.as_ref();
        let mut record = Record::new(&token, issued.refresh_token, former, cache.clock());
        // Without random bytes the login counts as a continuation of the one before.
        if let Some(lineage) = Lineage::draw() {
            record = record.of_lineage(lineage);
        }
        let unsaved = UnsavedLogin {
            former: former.map(Record::version),
            record: record.clone(),
        };
        let stored = async {
            // A login under an older key would come back when this one has ended.
            turn.slot.clear_older().await?;
            turn.save(&record).await
        };
        let stored = stored.await;
        cache.update(|state, now| {
            state.client.credentials_accepted(cache.clock().wall());
            if stored.is_err() {
                state.login_unsaved(unsaved);
                return;
            }
            state.logged_in(&record);
            state.policy.adopt(token.clone(), cache.jitter());
            state.last_failure = None;
            state.emit(Event::Acquired {
                took: now - started,
                expires_in: token.end() - now,
            });
        });
        if stored.is_err() {
            keep_until_stored(Arc::clone(cache));
        }
        stored
    }

    /// Whether there is a login: it is stored, or waits to be.
    pub(crate) async fn is_logged_in(&self) -> Result<bool, Error> {
        let Storage::Login(slot) = &self.cache.settings.storage else {
            return Ok(false);
        };
        if self.cache.read(|state, _| state.login.is_unsaved()) {
            return Ok(true);
        }
        let Some(record) = slot.find().await? else {
            return Ok(false);
        };
        Ok(self.cache.update(|state, _| {
            let is_outdated = state.store.is_outdated(&record);
            if !is_outdated {
                state.store.record_seen(&record);
            }
            !is_outdated
        }))
    }
}
