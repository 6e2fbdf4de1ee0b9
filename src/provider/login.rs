//! A provider of a user's tokens: how a login comes into it, and whether there is one.

use std::sync::{Arc, Weak};

use secrecy::SecretString;

use super::{Event, Kept, Shared, Stored, TokenProvider, Unsaved, read};
use crate::{
    error::Error,
    grant::{AuthorizationCode, Kind},
    token::Record,
};

/// A handle that keeps nothing alive.
#[derive(Clone)]
pub(crate) struct WeakTokenProvider(Weak<Shared>);

impl WeakTokenProvider {
    pub(crate) fn upgrade(&self) -> Option<TokenProvider> {
        let shared = self.0.upgrade()?;
        Some(TokenProvider { shared })
    }
}

impl TokenProvider {
    pub(crate) fn downgrade(&self) -> WeakTokenProvider {
        WeakTokenProvider(Arc::downgrade(&self.shared))
    }

    /// Exchanges a code for a login, stores it, and serves its token from then on. The future must be
    /// driven to its end in a task of its own, since the code can be used only once.
    pub(crate) async fn log_in(
        &self,
        code: SecretString,
        verifier: SecretString,
        redirect_uri: &str,
    ) -> Result<(), Error> {
        self.shared.log_in(code, verifier, redirect_uri).await
    }

    /// Whether a login is stored.
    pub(crate) async fn is_logged_in(&self) -> Result<bool, Error> {
        let Some((_, kept)) = self.shared.login() else {
            return Ok(false);
        };
        let record = kept.find().await?;
        Ok(self.shared.not_put_back(record).is_some())
    }
}

impl Shared {
    fn login(&self) -> Option<(&AuthorizationCode, &Kept)> {
        match (&self.grant.0, &self.settings.stored) {
            (Kind::AuthorizationCode(app), Stored::At(kept)) => Some((app, kept)),
            _ => None,
        }
    }

    async fn log_in(
        &self,
        code: SecretString,
        verifier: SecretString,
        redirect_uri: &str,
    ) -> Result<(), Error> {
        let Some((app, kept)) = self.login() else {
            return Err(Error::configuration("this provider is not a login's"));
        };
        let secret = match app.secret() {
            Some(source) => Some(read(source).await?),
            None => None,
        };
        // A store that is of no use is told before the code is spent.
        let turn = kept.take_turn().await?;
        let former = kept.load().await?;
        let started = self.clock.now();
        let request = || app.exchange(secret.clone(), code.clone(), verifier.clone(), redirect_uri);
        let mut answer = self.send(request()).await;
        if answer.as_ref().is_err_and(Error::nothing_sent) {
            answer = self.send(request()).await;
        }
        let issued = self.told(answer)?;
        let (token, refresh_token) = (issued.token, issued.refresh_token);
        let record = Record::new(&token, refresh_token, former.as_ref(), &self.clock);
        // One under an older key would come back when this login has ended.
        kept.clear_older().await?;
        kept.save(turn, &record).await?;

        let mut locked = self.locked.lock();
        let now = self.clock.now();
        locked.known.logged_in(&record);
        locked.machine.adopted(token.clone(), (self.draw)());
        self.publish(&locked);
        let event = Event::Acquired {
            took: now - started,
            expires_in: token.end() - now,
        };
        self.settings.events.push(Some(&event));
        drop(locked);
        self.tell(Some(&event));
        Ok(())
    }

    /// A record, unless it is older than one that was seen here.
    pub(super) fn not_put_back(&self, record: Option<Record>) -> Option<Record> {
        let newest = self.locked.lock().known.newest;
        record.filter(|record| record.generation() >= newest)
    }

    /// The renewed login that is still to be stored in the place of `record`. Where another took
    /// that place meanwhile, it is worth nothing.
    pub(super) fn unsaved(&self, record: Option<&Record>) -> Option<Unsaved> {
        let unsaved = &mut self.locked.lock().known.unsaved;
        let is_next =
            |unsaved: &mut Unsaved| record.is_some_and(|record| unsaved.takes_the_place_of(record));
        if !unsaved.as_mut().is_some_and(is_next) {
            *unsaved = None;
        }
        unsaved.clone()
    }
}
