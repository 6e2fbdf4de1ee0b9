//! Stands in until the provider knows logins.
use std::sync::{Arc, Weak};

use secrecy::SecretString;

use super::{Shared, TokenProvider, TokenProviderBuilder};
use crate::{error::Error, grant::Kind, seal::SealingKey, store::SharedStore};

pub(crate) struct WeakTokenProvider(Weak<Shared>);

impl WeakTokenProvider {
    pub(crate) fn upgrade(&self) -> Option<TokenProvider> {
        let shared = self.0.upgrade()?;
        Some(TokenProvider { shared })
    }
}

impl TokenProviderBuilder {
    pub(crate) fn login(self, _: SharedStore, _: SealingKey, _: String) -> Self {
        self
    }
}

impl TokenProvider {
    pub(crate) fn downgrade(&self) -> WeakTokenProvider {
        WeakTokenProvider(Arc::downgrade(&self.shared))
    }

    pub(crate) async fn is_logged_in(&self) -> Result<bool, Error> {
        Ok(self.shared.locked.lock().accepted.is_some())
    }

    pub(crate) async fn log_in(
        &self,
        code: SecretString,
        verifier: SecretString,
        redirect_uri: &str,
    ) -> Result<(), Error> {
        let Kind::AuthorizationCode(app) = &self.shared.grant.0 else {
            return Ok(());
        };
        let secret = match app.secret() {
            Some(secret) => Some(secret.clone().read().await?),
            None => None,
        };
        (self.shared.exchange)(app.exchange(secret, code, verifier, redirect_uri)).await?;
        self.shared.locked.lock().accepted = Some(self.shared.clock.wall());
        Ok(())
    }
}
