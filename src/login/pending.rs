//! A login between its start and its callback.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use aws_lc_rs::rand;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use super::{Login, binding::LoginBinding, current_runtime};
#[cfg(doc)]
use crate::error::{ErrorKind, LoginErrorKind};
use crate::{
    callback::{self, Redirect},
    clock::Moment,
    error::{CallbackFault, Error, LoginError},
    grant::CodeGrant,
    provider::TokenProvider,
};

/// A login that was started and waits for the browser to come back from the login page.
///
/// It belongs to one browser. Keep it in that browser's session, by
/// [`into_secret`](Self::into_secret), and never in a map by its `state`: there an attacker's callback
/// would log the user in as the attacker. It ends after ten minutes, and only a login with the same
/// region, client, redirect URI, organisation and identity provider can finish it.
#[must_use = "the login page must be opened, and the login finished"]
pub struct PendingLogin {
    login: Login,
    binding: LoginBinding,
    state: SecretString,
    verifier: SecretString,
    began: SystemTime,
    url: Url,
}

impl Login {
    /// Starts a login that a later request finishes. The login's name is given to
    /// [`finish`](Self::finish).
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] where the machine returns no
    /// random bytes.
    pub fn begin(&self) -> Result<PendingLogin, Error> {
        PendingLogin::new(self, self.app().redirect_uri().as_str())
    }

    /// Finishes a login by its callback: the URL that the browser requested, its path with the query,
    /// or the query alone. The login is stored as `name`, in place of an earlier one, and then
    /// returned. Dropping the future does not stop the exchange of the code, which is sent again
    /// within the [total for a token](super::LoginBuilder::timeout) where the token endpoint cannot
    /// have used it: nothing was sent, or it responded with 429 or 503.
    ///
    /// Choose a new name for each login, such as a new session id: another person may know one that
    /// existed before the login.
    ///
    /// # Errors
    /// [`LoginErrorKind::Callback`] and [`LoginErrorKind::ImplicitGrant`] for a callback that does not
    /// end this login, [`LoginErrorKind::Denied`] for an error of the login page,
    /// [`ErrorKind::Configuration`] for an empty name, and [`ErrorKind::NoRuntime`] outside a tokio
    /// runtime: nothing was sent. Otherwise why the code could not be exchanged
    /// ([`needs_login`](Error::needs_login) where it may be used up), or [`ErrorKind::Store`]: the store
    /// does not take the login, which is kept in memory until it does. [`saved`](Self::saved) returns it.
    pub async fn finish(
        &self,
        pending: PendingLogin,
        callback: &str,
        name: &str,
    ) -> Result<TokenProvider, Error> {
        pending.check(self)?;
        let redirect_uri = self.app().redirect_uri().url();
        let code = match callback::parse(callback, redirect_uri, &pending.state)? {
            Redirect::Code(code) => code,
            Redirect::Error(error) => return Err(error),
        };
        let provider = self.provider(name)?;
        let exchange = async move { pending.exchange(provider, code, None).await };
        // In a task of its own: the code can be used only once, whoever waits for the result.
        let exchange = current_runtime()?.spawn(exchange);
        let provider = exchange
            .await
            .unwrap_or_else(|_| Err(LoginError::exchange_dropped().into()));
        Ok(self.keep(name, provider?))
    }
}

impl PendingLogin {
    /// Starts a login that comes back to `redirect_uri`.
    pub(super) fn new(login: &Login, redirect_uri: &str) -> Result<Self, Error> {
        let binding = LoginBinding::new(login.region(), login.app(), redirect_uri)?;
        let state = random::<STATE_BYTES>()?;
        let verifier = random::<VERIFIER_BYTES>()?;
        let began = login.clock().wall();
        Ok(Self::with_url(login, binding, state, verifier, began))
    }

    fn with_url(
        login: &Login,
        binding: LoginBinding,
        state: SecretString,
        verifier: SecretString,
        began: SystemTime,
    ) -> Self {
        Self {
            url: binding.authorize_url(login.app(), &state, &verifier),
            login: login.clone(),
            binding,
            state,
            verifier,
            began,
        }
    }

    /// The login page, to be opened in the user's browser.
    #[must_use]
    pub fn authorize_url(&self) -> &Url {
        &self.url
    }

    /// Returns the pending login for the session of its browser; [`from_secret`](Self::from_secret)
    /// reads it. It is sealed with the login's key, so that it can be neither read nor changed outside
    /// the program. With [`SealingKey::unsealed`](crate::store::SealingKey::unsealed) it is plain text, and
    /// must be kept where the browser's user cannot read it.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] where the machine returns no
    /// random bytes, or the redirect URI has more than about 15 KiB.
    pub fn into_secret(self) -> Result<SecretString, Error> {
        let began = self.began.duration_since(SystemTime::UNIX_EPOCH);
        let record = Record {
            binding: self.binding,
            state: self.state.expose_secret(),
            verifier: self.verifier.expose_secret(),
            began: began.unwrap_or_default().as_secs(),
        };
        // The buffer never grows, so that no copy is left in memory.
        let mut plain = Zeroizing::new(Vec::with_capacity(MAX_RECORD_BYTES));
        serde_json::to_writer(&mut *plain, &record)
            .map_err(|_| Error::configuration("the redirect URI is too long"))?;
        let sealed = self.login.key().seal(&[LABEL], &plain)?;
        Ok(URL_SAFE_NO_PAD.encode(Zeroizing::new(sealed)).into())
    }

    /// Reads a pending login.
    ///
    /// # Errors
    /// [`LoginErrorKind::Callback`] where it was changed, was
    /// sealed with another key, belongs to another region, client, redirect URI, organisation or
    /// identity provider, or was started more than ten minutes ago.
    pub fn from_secret(login: &Login, secret: &SecretString) -> Result<Self, Error> {
        let sealed = URL_SAFE_NO_PAD.decode(secret.expose_secret());
        let sealed = Zeroizing::new(sealed.map_err(|_| CallbackFault::Altered)?);
        let mut keys = std::iter::once(login.key()).chain(login.key().older());
        let plain = keys.find_map(|key| key.open(&[LABEL], &sealed));
        let plain = plain.ok_or(CallbackFault::Altered)?;
        let record: Record<'_> =
            serde_json::from_slice(&plain).map_err(|_| CallbackFault::Altered)?;
        // `oauth2` panics on a verifier of another length.
        if !(43..=128).contains(&record.verifier.len()) {
            return Err(CallbackFault::Altered.into());
        }
        let began = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(record.began));
        let pending = Self::with_url(
            login,
            record.binding,
            record.state.into(),
            record.verifier.into(),
            began.ok_or(CallbackFault::Altered)?,
        );
        pending.check(login)?;
        Ok(pending)
    }

    /// Checks that `login` may finish it, and that it has not ended.
    fn check(&self, login: &Login) -> Result<(), Error> {
        let redirect_uri = login.app().redirect_uri().as_str();
        if self.binding != LoginBinding::new(login.region(), login.app(), redirect_uri)? {
            return Err(CallbackFault::OtherLogin.into());
        }
        let now = login.clock().wall();
        match now.duration_since(self.began) {
            Ok(age) if age < LIFE => Ok(()),
            // Another machine's clock may be ahead.
            Err(ahead) if ahead.duration() < MAX_CLOCK_SKEW => Ok(()),
            _ => Err(CallbackFault::Ended.into()),
        }
    }

    /// Exchanges the code, stores the login, and returns its provider. `deadline` ends the time in
    /// which the code is sent again.
    pub(super) async fn exchange(
        &self,
        provider: TokenProvider,
        code: SecretString,
        deadline: Option<Moment>,
    ) -> Result<TokenProvider, Error> {
        let code = CodeGrant {
            code,
            verifier: self.verifier.clone(),
            redirect_uri: self.binding.redirect_uri().to_owned(),
        };
        provider.log_in(&code, deadline).await?;
        Ok(provider)
    }

    pub(super) fn state(&self) -> &SecretString {
        &self.state
    }
}

/// Without the URL, which contains the `state`.
impl fmt::Debug for PendingLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingLogin")
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}

/// The content of the secret.
#[derive(Serialize, Deserialize)]
struct Record<'a> {
    binding: LoginBinding,
    state: &'a str,
    verifier: &'a str,
    /// Seconds since 1970.
    began: u64,
}

/// Returns `N` random bytes in base64url.
fn random<const N: usize>() -> Result<SecretString, Error> {
    let mut bytes = Zeroizing::new([0; N]);
    rand::fill(&mut *bytes)
        .map_err(|_| Error::configuration("the machine returns no random bytes"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes.as_slice()).into())
}

const STATE_BYTES: usize = 32;

/// 86 characters, of the 43 to 128 that RFC 7636 4.1 allows.
const VERIFIER_BYTES: usize = 64;

pub(super) const LIFE: Duration = Duration::from_secs(600);

const MAX_CLOCK_SKEW: Duration = Duration::from_secs(60);

/// Distinguishes a pending login from a store's record under the same key.
const LABEL: &[u8] = b"pending login";

const MAX_RECORD_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests;
