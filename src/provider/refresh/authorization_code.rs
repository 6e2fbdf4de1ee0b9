//! A refresh for a user who logged in: only under the store's turn, the refresh token is exchanged
//! for a new login, which is stored before its token is used.

use secrecy::SecretString;

use super::Refresh;
use crate::{
    error::{Error, ErrorKind, TokenExpired},
    grant::AuthorizationCode,
    provider::{
        memory::UnsavedLogin,
        outside_code::{SOURCE_LIMIT, read_secret},
        policy::RefreshResult,
        storage::{HeldTurn, SAVE_LIMIT, STORE_LIMIT, Storage, TURN_LIMIT},
    },
    token::{AccessToken, Record, Version},
    token_endpoint::Issued,
};

/// What can be done with a stored login.
enum StoredLogin {
    /// Its token is valid.
    Token(AccessToken),
    /// A new or renewed one waits to be stored in its place.
    Unsaved(UnsavedLogin),
    /// It can be renewed.
    Renewable(Record),
}

/// When a stored login is examined.
#[derive(Clone, Copy)]
enum Step {
    BeforeTurn,
    /// `seen` was there before the turn was taken.
    UnderTurn {
        seen: Option<Version>,
    },
}

impl Refresh {
    /// Unlike a service's token, a login needs its store: without the turn, a refresh token could be
    /// used twice.
    pub(super) async fn authorization_code(
        &mut self,
        app: &AuthorizationCode,
    ) -> Result<AccessToken, RefreshResult> {
        let Storage::Login(slot) = &self.cache.settings.storage else {
            return Err(RefreshResult::Lost);
        };
        let slot = slot.clone();
        self.step(slot.find_limit())?;
        let record = slot.find().await?;
        let mut secret = None;
        if self.ticket.probe {
            secret = self.login_secret(app).await?;
            self.probe_login(record.as_ref(), secret.as_ref())?;
        }
        let seen = match self.examine(record, Step::BeforeTurn)? {
            StoredLogin::Token(token) => return Ok(token),
            StoredLogin::Unsaved(unsaved) => unsaved.former,
            StoredLogin::Renewable(record) => Some(record.version()),
        };
        self.step(TURN_LIMIT)?;
        let mut turn = slot.take_turn().await?;
        let record = match self.examine(turn.record.take(), Step::UnderTurn { seen })? {
            StoredLogin::Token(token) => return Ok(token),
            StoredLogin::Unsaved(unsaved) => {
                let token = unsaved.record.token(self.cache.clock());
                self.store_login(turn, unsaved).await?;
                return token.ok_or(RefreshResult::Lost);
            }
            StoredLogin::Renewable(record) => record,
        };
        if secret.is_none() {
            secret = self.login_secret(app).await?;
        }
        self.renew(app, secret, turn, record).await
    }

    async fn login_secret(&self, app: &AuthorizationCode) -> Result<Option<SecretString>, Error> {
        let Some(source) = app.secret() else {
            return Ok(None);
        };
        // A lost refresh ends at its next step.
        let _ = self.step(SOURCE_LIMIT);
        read_secret(source).await.map(Some)
    }

    /// Ends the probe where both the login and the secret are those that were rejected.
    fn probe_login(
        &self,
        record: Option<&Record>,
        secret: Option<&SecretString>,
    ) -> Result<(), RefreshResult> {
        self.cache.update(|state, _| {
            let record = record.filter(|record| !state.store.is_outdated(record));
            if state.login.is_rejected(record, secret) {
                return Err(RefreshResult::Unchanged);
            }
            state.policy.credentials_changed(self.ticket);
            Ok(())
        })
    }

    /// Decides what to do with the stored login.
    fn examine(
        &mut self,
        record: Option<Record>,
        step: Step,
    ) -> Result<StoredLogin, RefreshResult> {
        let cache = &self.cache;
        let login = cache.update(|state, now| {
            let record = record.filter(|record| !state.store.is_outdated(record));
            if let Some(unsaved) = state.login.unsaved_after(record.as_ref()) {
                return Ok(StoredLogin::Unsaved(unsaved));
            }
            if let Step::UnderTurn { .. } = step {
                state.login.drop_unsaved();
            }
            let Some(record) = record else {
                state.login.login_rejected(None, None);
                let required = state.login.required();
                return Err(required.into());
            };
            // Another process renewed it, or a user logged in: then any valid token will do.
            if let Step::UnderTurn { seen } = step
                && seen != Some(record.version())
                && let Some(token) = record.token(cache.clock())
                && state.policy.is_usable(&token, now)
            {
                state.record_seen(&record);
                return Ok(StoredLogin::Token(token));
            }
            if let Some(token) = state.better_token(&record, now, cache.clock()) {
                return Ok(StoredLogin::Token(token));
            }
            if record.refresh_token().is_none() {
                state.login.login_rejected(Some(&record), None);
                return Err(TokenExpired::of_login().into());
            }
            Ok(StoredLogin::Renewable(record))
        });
        let login = login.map_err(RefreshResult::InvalidCredentials)?;
        self.loaded = matches!(login, StoredLogin::Token(_));
        Ok(login)
    }

    async fn renew(
        &mut self,
        app: &AuthorizationCode,
        mut secret: Option<SecretString>,
        turn: HeldTurn,
        record: Record,
    ) -> Result<AccessToken, RefreshResult> {
        let Some(refresh_token) = record.refresh_token().cloned() else {
            return Err(RefreshResult::Lost);
        };
        loop {
            let request = || app.refresh(secret.clone(), refresh_token.clone());
            let error = match self.request(request).await? {
                Ok(issued) => return self.renewed(turn, &record, issued).await,
                Err(error) if error.has_invalid_credentials() => error.with_login_ended(),
                Err(error) => return Err(error.into()),
            };
            if matches!(error.kind(), ErrorKind::Login(_)) {
                self.remove_login(turn, &record).await?;
                return Err(self.login_rejected(None, None, error));
            }
            if let (Some(source), Some(rejected)) = (app.secret(), &secret)
                && let Some(other) = self.other_secret(source, rejected).await
            {
                secret = Some(other);
                continue;
            }
            return Err(self.login_rejected(Some(&record), secret, error));
        }
    }

    async fn renewed(
        &mut self,
        turn: HeldTurn,
        former: &Record,
        issued: Issued,
    ) -> Result<AccessToken, RefreshResult> {
        let refresh_token = issued.refresh_token.or(former.refresh_token().cloned());
        let clock = self.cache.clock();
        let unsaved = UnsavedLogin {
            former: Some(former.version()),
            record: Record::new(&issued.token, refresh_token, Some(former), clock),
        };
        self.cache.update(|state, _| {
            let wall = self.cache.clock().wall();
            state.client.credentials_accepted(wall);
        });
        self.store_login(turn, unsaved).await?;
        // Its life counts from the moment it was requested, not by the wall clock.
        Ok(issued.token)
    }

    /// Stores a renewed login; only then its token may be used.
    async fn store_login(
        &self,
        turn: HeldTurn,
        unsaved: UnsavedLogin,
    ) -> Result<(), RefreshResult> {
        let (ticket, record) = (self.ticket, unsaved.record.clone());
        self.cache.update(|state, now| {
            if !state.policy.is_wanted(ticket) {
                return Err(RefreshResult::Lost);
            }
            state.login.login_issued(unsaved);
            // A renewed login is stored even if it arrived late.
            state.policy.begin_step(ticket, now, SAVE_LIMIT);
            Ok(())
        })?;
        turn.save(&record).await?;
        self.cache.update(|state, _| {
            // Another login may have been found since it was stored.
            if state.policy.is_wanted(ticket) {
                state.login.login_stored();
                state.record_seen(&record);
            }
        });
        Ok(())
    }

    /// Removes a login whose refresh token is invalid, unless another has replaced it.
    async fn remove_login(&self, turn: HeldTurn, record: &Record) -> Result<(), Error> {
        if self.step(STORE_LIMIT).is_err() {
            return Ok(());
        }
        // The turn may have been lost meanwhile.
        let stored = turn.slot.load().await?;
        let is_same = stored.is_some_and(|stored| stored.version() == record.version());
        if is_same && self.step(STORE_LIMIT).is_ok() {
            turn.remove().await?;
        }
        Ok(())
    }

    fn login_rejected(
        &self,
        record: Option<&Record>,
        secret: Option<SecretString>,
        error: Error,
    ) -> RefreshResult {
        self.cache
            .update(|state, _| state.login.login_rejected(record, secret));
        RefreshResult::InvalidCredentials(error)
    }
}
