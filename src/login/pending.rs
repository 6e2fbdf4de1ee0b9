//! A login between its two halves: what began it, and what has to come back.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use aws_lc_rs::rand;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use oauth2::{CsrfToken, PkceCodeChallenge, PkceCodeVerifier};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use super::Login;
use crate::error::{CallbackFault, Error};

/// A login that was begun, until the login page sends the browser back.
///
/// It belongs to one browser: keep it in the session of the one that asked, by
/// [`into_secret`](Self::into_secret), and never in a map by its `state`, or a stranger's callback
/// logs this user in as somebody else. It ends after ten minutes, and only a login of the same
/// region, client, redirect URI, organisation and identity provider can finish it.
#[must_use = "the login page has to be opened, and the login finished"]
pub struct PendingLogin {
    login: Login,
    place: Place,
    state: CsrfToken,
    verifier: PkceCodeVerifier,
    began: SystemTime,
    url: Url,
}

/// Where a login belongs.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    login_url: Url,
    api_url: Url,
    client_id: String,
    redirect_uri: String,
    /// The identity provider's organisation and name, and the organisation to log in to.
    asked_for: [Option<String>; 3],
}

impl PendingLogin {
    /// Begins a login that comes back to `redirect_uri`.
    pub(super) fn new(login: &Login, redirect_uri: &str) -> Result<Self, Error> {
        let state = CsrfToken::new(random(STATE_BYTES)?);
        let verifier = PkceCodeVerifier::new(random(VERIFIER_BYTES)?);
        let place = Place::of(login, redirect_uri);
        let began = login.clock().wall();
        Ok(Self::with(login, place, state, verifier, began))
    }

    fn with(
        login: &Login,
        place: Place,
        state: CsrfToken,
        verifier: PkceCodeVerifier,
        began: SystemTime,
    ) -> Self {
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        let url = login.app().authorize_url(
            login.region(),
            &place.redirect_uri,
            state.secret(),
            challenge.as_str(),
        );
        Self {
            login: login.clone(),
            place,
            state,
            verifier,
            began,
            url,
        }
    }

    /// The login page, which is to be opened in the user's browser.
    #[must_use]
    pub fn authorize_url(&self) -> &Url {
        &self.url
    }

    /// What [`from_secret`](Self::from_secret) reads again, for the session of the browser that
    /// asked. It is sealed by the login's key, so that whoever holds it neither reads nor alters it;
    /// by [`SealingKey::unsealed`](crate::store::SealingKey::unsealed) it is not, and then belongs where its
    /// user cannot see it.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) where the machine gives no
    /// random bytes, or the redirect URI is of many kilobytes.
    pub fn into_secret(self) -> Result<SecretString, Error> {
        let began = self.began.duration_since(SystemTime::UNIX_EPOCH);
        let record = Record {
            place: self.place,
            state: self.state.secret(),
            verifier: self.verifier.secret(),
            began: began.unwrap_or_default().as_secs(),
        };
        // It never grows, so that no copy is left behind.
        let mut plain = Zeroizing::new(Vec::with_capacity(MOST_BYTES));
        serde_json::to_writer(&mut *plain, &record)
            .map_err(|_| Error::configuration("the redirect URI is too long"))?;
        let sealed = self.login.key().seal(&[LABEL], &plain)?;
        Ok(URL_SAFE_NO_PAD.encode(Zeroizing::new(sealed)).into())
    }

    /// What was kept, at the login that goes on with it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidCallback`](crate::ErrorKind::InvalidCallback) for what was altered or
    /// sealed by another key, was begun for another region, client, redirect URI, organisation or
    /// identity provider, or more than ten minutes ago.
    pub fn from_secret(login: &Login, secret: &SecretString) -> Result<Self, Error> {
        let sealed = URL_SAFE_NO_PAD.decode(secret.expose_secret());
        let sealed = Zeroizing::new(sealed.map_err(|_| CallbackFault::Altered)?);
        let mut keys = std::iter::once(login.key()).chain(login.key().older());
        let plain = keys.find_map(|key| key.open(&[LABEL], &sealed));
        let plain = plain.ok_or(CallbackFault::Altered)?;
        let record: Record<'_> =
            serde_json::from_slice(&plain).map_err(|_| CallbackFault::Altered)?;
        // PKCE's own type ends the program where a verifier has another length.
        if !(43..=128).contains(&record.verifier.len()) {
            return Err(CallbackFault::Altered.into());
        }
        let began = Duration::from_secs(record.began);
        let began = SystemTime::UNIX_EPOCH.checked_add(began);
        let pending = Self::with(
            login,
            record.place,
            CsrfToken::new(record.state.to_owned()),
            PkceCodeVerifier::new(record.verifier.to_owned()),
            began.ok_or(CallbackFault::Altered)?,
        );
        pending.check(login)?;
        Ok(pending)
    }

    /// Whether this login may finish it, and now.
    pub(super) fn check(&self, login: &Login) -> Result<(), Error> {
        let own = Place::of(login, login.app().redirect_uri().as_str());
        if self.place != own {
            return Err(CallbackFault::OtherLogin.into());
        }
        let now = login.clock().wall();
        match now.duration_since(self.began) {
            Ok(age) if age < LIFE => Ok(()),
            // Another machine's clock may be a little ahead.
            Err(ahead) if ahead.duration() < SKEW => Ok(()),
            _ => Err(CallbackFault::Ended.into()),
        }
    }

    pub(super) fn state(&self) -> &str {
        self.state.secret()
    }

    pub(super) fn verifier(&self) -> SecretString {
        self.verifier.secret().as_str().into()
    }

    /// As the login page was told.
    pub(super) fn redirect_uri(&self) -> &str {
        &self.place.redirect_uri
    }
}

impl Place {
    fn of(login: &Login, redirect_uri: &str) -> Self {
        let (org, provider) = login.app().org_and_provider().unzip();
        Self {
            login_url: login.region().login_url().clone(),
            api_url: login.region().api_url().clone(),
            client_id: login.app().client_id().to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            asked_for: [org, provider, login.app().target()].map(|part| part.map(str::to_owned)),
        }
    }
}

/// With nothing of the URL, whose `state` is a secret.
impl fmt::Debug for PendingLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingLogin")
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}

/// What is kept of it.
#[derive(Serialize, Deserialize)]
struct Record<'a> {
    place: Place,
    state: &'a str,
    verifier: &'a str,
    /// Seconds since 1970.
    began: u64,
}

/// Random bytes as base64url. They come from the one source of the whole crate.
fn random(count: usize) -> Result<String, Error> {
    let mut bytes = Zeroizing::new([0; VERIFIER_BYTES]);
    let bytes = bytes.get_mut(..count).unwrap_or_default();
    rand::fill(bytes).map_err(|_| Error::configuration("the machine gives no random bytes"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

const STATE_BYTES: usize = 32;

/// 86 characters, of the 43 to 128 that there may be (RFC 7636 4.1).
const VERIFIER_BYTES: usize = 64;

pub(super) const LIFE: Duration = Duration::from_secs(600);

const SKEW: Duration = Duration::from_secs(60);

/// Tells its records from those of a store.
const LABEL: &[u8] = b"pending login";

/// More than any record has.
const MOST_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests;
