//! A flight for a user who logged in: under the store's turn alone, the refresh token is exchanged
//! for a new login, and that is stored before anybody sees its token.

use std::{sync::Arc, time::Duration};

use secrecy::SecretString;

use super::{
    Flight, Kept, RefreshResult, SOURCE_LIMIT, STORE_LIMIT, Shared, Stored, TURN_LIMIT, failed,
    read, same,
};
use crate::{
    error::{Error, ErrorKind, LoginError, TokenExpired},
    grant::AuthorizationCode,
    store::SharedTurn,
    token::{AccessToken, Record},
    token_endpoint::Issued,
};

/// A renewed login that the store has not taken yet. Its refresh token is the only good one.
#[derive(Clone)]
pub(in crate::provider) struct Unsaved {
    /// The generation of the record it takes the place of.
    former: u64,
    record: Record,
}

impl Unsaved {
    pub(in crate::provider) fn takes_the_place_of(&self, record: &Record) -> bool {
        record.generation() == self.former
    }
}

impl Flight {
    pub(super) async fn ask_as_user(
        &mut self,
        app: &AuthorizationCode,
    ) -> RefreshResult<AccessToken, Error> {
        // A store that fails is waited for: without its turn a refresh token could be used twice.
        match self.look_for_login(app).await {
            Ok(answer) => answer,
            Err(error) => failed(error),
        }
    }

    async fn look_for_login(
        &mut self,
        app: &AuthorizationCode,
    ) -> Result<RefreshResult<AccessToken, Error>, Error> {
        let Stored::At(kept) = &self.shared.settings.stored else {
            return Ok(RefreshResult::Lost);
        };
        let kept = kept.clone();
        if !self.step(kept.find_limit()) {
            return Ok(RefreshResult::Lost);
        }
        let record = self.shared.not_put_back(kept.find().await?);
        let mut secret = None;
        if self.ticket.probe {
            secret = self.read_secret(app).await?;
            if self.is_unchanged(record.as_ref(), secret.as_ref()) {
                return Ok(RefreshResult::Unchanged);
            }
            self.shared.changed(self.ticket);
        }
        if let Some(answer) = self.without_turn(record.as_ref()) {
            return Ok(answer);
        }
        if !self.step(TURN_LIMIT) {
            return Ok(RefreshResult::Lost);
        }
        let turn = kept.take_turn().await?;
        if !self.step(STORE_LIMIT) {
            return Ok(RefreshResult::Lost);
        }
        // Another process, or a login, may have had the turn meanwhile.
        let before = generation(record.as_ref());
        let record = self.shared.not_put_back(kept.load().await?);
        if let Some(unsaved) = self.shared.unsaved(record.as_ref()) {
            return self.save_login(&kept, turn, unsaved).await;
        }
        if generation(record.as_ref()) != before
            && let Some(token) = record.as_ref().and_then(|record| self.shared.good(record))
        {
            self.loaded = true;
            return Ok(RefreshResult::Token(token));
        }
        if let Some(answer) = self.without_turn(record.as_ref()) {
            return Ok(answer);
        }
        let Some(record) = record else {
            return Ok(RefreshResult::Lost);
        };
        if secret.is_none() {
            secret = self.read_secret(app).await?;
        }
        self.renew(app, secret, Place { kept, turn, record }).await
    }

    /// The answer that a record gives by itself: its token is of use, or nothing renews it.
    fn without_turn(
        &mut self,
        record: Option<&Record>,
    ) -> Option<RefreshResult<AccessToken, Error>> {
        let Some(record) = record else {
            let required = if self.shared.locked.lock().known.logged_out {
                LoginError::logged_out()
            } else {
                LoginError::required()
            };
            return Some(self.login_refused(None, required.into()));
        };
        if let Some(token) = self.found(Some(record)) {
            return Some(RefreshResult::Token(token));
        }
        if record.refresh_token().is_none() {
            let expired = TokenExpired::of_login();
            return Some(self.login_refused(Some(record), expired.into()));
        }
        None
    }

    async fn renew(
        &mut self,
        app: &AuthorizationCode,
        mut secret: Option<SecretString>,
        place: Place,
    ) -> Result<RefreshResult<AccessToken, Error>, Error> {
        let Some(refresh_token) = place.record.refresh_token().cloned() else {
            return Ok(RefreshResult::Lost);
        };
        loop {
            let request = || app.refresh(secret.clone(), refresh_token.clone());
            let refusal = match self.request(request).await {
                None => return Ok(RefreshResult::Lost),
                Some(Ok(issued)) => return self.renewed(place, issued).await,
                Some(Err(cause)) if cause.has_invalid_credentials() => cause.with_login_ended(),
                Some(Err(cause)) => return Err(cause),
            };
            if matches!(refusal.kind(), ErrorKind::Login(_)) {
                self.forget_login(place).await?;
                return Ok(self.login_refused(None, refusal));
            }
            if let (Some(source), Some(refused)) = (app.secret(), &secret)
                && let Some(other) = self.other_secret(source, refused).await
            {
                secret = Some(other);
                continue;
            }
            let answer = self.login_refused(Some(&place.record), refusal);
            self.shared.locked.lock().known.refused = secret;
            return Ok(answer);
        }
    }

    async fn renewed(
        &mut self,
        place: Place,
        issued: Issued,
    ) -> Result<RefreshResult<AccessToken, Error>, Error> {
        let Place { kept, turn, record } = place;
        let kept_token = || record.refresh_token().cloned();
        let refresh_token = issued.refresh_token.or_else(kept_token);
        let unsaved = Unsaved {
            former: record.generation(),
            record: Record::new(
                &issued.token,
                refresh_token,
                Some(&record),
                &self.shared.clock,
            ),
        };
        let answer = self.save_login(&kept, turn, unsaved).await?;
        Ok(match answer {
            // Its life counts from the moment it was asked for, not by the wall clock.
            RefreshResult::Token(_) => RefreshResult::Token(issued.token),
            other => other,
        })
    }

    /// Stores a renewed login, and only then gives its token away.
    async fn save_login(
        &mut self,
        kept: &Kept,
        turn: SharedTurn,
        unsaved: Unsaved,
    ) -> Result<RefreshResult<AccessToken, Error>, Error> {
        {
            let mut locked = self.shared.locked.lock();
            if !locked.machine.is_wanted(self.ticket.number) {
                return Ok(RefreshResult::Lost);
            }
            // Whatever ends this flight now, the next one finds it.
            locked.known.unsaved = Some(unsaved.clone());
        }
        // A good answer is stored though it comes late.
        self.step(STORE_LIMIT);
        if let Err(error) = kept.save(turn, &unsaved.record).await {
            keep_until_stored(&self.shared);
            return Err(error);
        }
        let known = &mut self.shared.locked.lock().known;
        known.unsaved = None;
        known.has_seen(&unsaved.record);
        let token = unsaved.record.token(&self.shared.clock);
        Ok(token.map_or(RefreshResult::Lost, RefreshResult::Token))
    }

    /// Removes a login whose refresh token is refused, unless another has taken its place.
    async fn forget_login(&self, place: Place) -> Result<(), Error> {
        if !self.step(STORE_LIMIT) {
            return Ok(());
        }
        let stored = place.kept.load().await?;
        let generation = stored.map(|record| record.generation());
        if generation == Some(place.record.generation()) && self.step(STORE_LIMIT) {
            place.kept.remove(place.turn).await?;
        }
        Ok(())
    }

    async fn read_secret(&self, app: &AuthorizationCode) -> Result<Option<SecretString>, Error> {
        let Some(source) = app.secret() else {
            return Ok(None);
        };
        self.step(SOURCE_LIMIT);
        read(source).await.map(Some)
    }

    /// Whether the login, and the client's secret, are those that were refused last.
    fn is_unchanged(&self, record: Option<&Record>, secret: Option<&SecretString>) -> bool {
        let known = &self.shared.locked.lock().known;
        known.refused_login == Some(generation(record))
            && known
                .refused
                .as_ref()
                .is_none_or(|refused| is_same(Some(refused), secret))
    }

    fn login_refused(
        &self,
        record: Option<&Record>,
        cause: Error,
    ) -> RefreshResult<AccessToken, Error> {
        let known = &mut self.shared.locked.lock().known;
        known.refused_login = Some(generation(record));
        known.refused = None;
        RefreshResult::Refused(cause)
    }
}

/// Keeps the provider, and tries, until the store has taken the renewed login: with the last handle
/// it would be gone.
fn keep_until_stored(shared: &Arc<Shared>) {
    if std::mem::replace(&mut shared.locked.lock().known.kept_until_stored, true) {
        return;
    }
    let keeper = Keeper(Arc::clone(shared));
    tokio::spawn(async move {
        let Keeper(shared) = &keeper;
        while shared.locked.lock().known.unsaved.is_some() {
            let soon = shared.clock.now() + BETWEEN_TRIES;
            let wake = shared.wake().unwrap_or(soon).max(soon);
            shared.clock.sleep_until(wake).await;
            drop(shared.want());
        }
    });
}

/// Lets another take its place when its runtime ended.
struct Keeper(Arc<Shared>);

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.locked.lock().known.kept_until_stored = false;
    }
}

/// Between two tries to store a renewed login there is at least so much time.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// 0 stands for no record.
fn generation(record: Option<&Record>) -> u64 {
    record.map_or(0, Record::generation)
}

fn is_same(one: Option<&SecretString>, other: Option<&SecretString>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => same(one, other),
        (None, None) => true,
        _ => false,
    }
}

/// The turn at a stored login.
struct Place {
    kept: Kept,
    turn: SharedTurn,
    record: Record,
}
