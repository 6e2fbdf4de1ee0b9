//! What the application keeps for each browser, in memory, and the cookies that name it.
#![allow(clippy::duplicate_mod, reason = "two examples share it")]

use std::{collections::HashMap, time::Duration};

use aws_lc_rs::{error::Unspecified, rand};
use axum::http::{HeaderMap, header};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use tokio::time::Instant;
use url::Url;

/// A cookie that contains a random id. Scripts cannot read it.
pub(crate) struct IdCookie(Cookie<'static>);

impl IdCookie {
    /// A cookie of the application at `base`. With `SameSite::Lax`, of the requests from other sites
    /// only followed links send it.
    pub(crate) fn new(name: &str, same_site: SameSite, base: &Url) -> Self {
        let is_on_tls = base.scheme() == "https";
        // Because of the prefix, browsers do not let another host set this cookie.
        let prefix = if is_on_tls { "__Host-" } else { "" };
        let cookie = Cookie::build(format!("{prefix}{name}"))
            .path("/")
            .http_only(true)
            .same_site(same_site)
            // Browsers accept `SameSite=None` only with `Secure`.
            .secure(is_on_tls || same_site == SameSite::None);
        Self(cookie.build())
    }

    /// The id that the browser sent, or an empty text.
    pub(crate) fn id(&self, jar: &CookieJar) -> String {
        let cookie = jar.get(self.0.name());
        cookie
            .map(|cookie| cookie.value().to_owned())
            .unwrap_or_default()
    }

    pub(crate) fn set(&self, jar: CookieJar, id: String) -> CookieJar {
        let mut cookie = self.0.clone();
        cookie.set_value(id);
        jar.add(cookie)
    }

    pub(crate) fn remove(&self, jar: CookieJar) -> CookieJar {
        jar.remove(self.0.clone())
    }
}

/// Values that end after some time, each under an id that cannot be guessed.
pub(crate) struct ExpiringMap<T>(Mutex<HashMap<String, (T, Instant)>>);

impl<T> ExpiringMap<T> {
    pub(crate) fn insert(&self, id: &str, value: T, life: Duration) {
        let entry = (value, Instant::now() + life);
        self.0.lock().insert(id.to_owned(), entry);
    }

    pub(crate) fn get(&self, id: &str) -> Option<T>
    where
        T: Clone,
    {
        let entries = self.0.lock();
        let (value, end) = entries.get(id)?;
        (Instant::now() < *end).then(|| value.clone())
    }

    /// Removes and returns the value if it matches. Of two requests for it, one gets it.
    pub(crate) fn take_if(&self, id: &str, matches: impl FnOnce(&T) -> bool) -> Option<T> {
        let mut entries = self.0.lock();
        let (value, end) = entries.get(id)?;
        if *end <= Instant::now() || !matches(value) {
            return None;
        }
        entries.remove(id).map(|(value, _)| value)
    }

    /// Removes and returns what has ended, with its ids.
    pub(crate) fn take_ended(&self) -> Vec<(String, T)> {
        let now = Instant::now();
        let mut entries = self.0.lock();
        let ended = entries.extract_if(|_, (_, end)| *end <= now);
        ended.map(|(id, (value, _))| (id, value)).collect()
    }
}

impl<T> Default for ExpiringMap<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// A random id.
pub(crate) fn random_id() -> Result<String, Unspecified> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Whether a page of the application at `base` sent the request. Browsers report that over TLS and on
/// this machine; older ones send only the origin.
pub(crate) fn is_own_page(headers: &HeaderMap, base: &Url) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let own = base.origin().ascii_serialization();
    let origin = headers.get(header::ORIGIN);
    origin.is_some_and(|origin| *origin == *own)
}

/// Rejects the address of another machine that is not https, because a cookie must not be sent in the
/// clear.
pub(crate) fn require_https(base: &Url) -> Result<(), &'static str> {
    let this_machine = ["localhost", "127.0.0.1", "[::1]"].map(Some);
    if base.scheme() == "https" || this_machine.contains(&base.host_str()) {
        return Ok(());
    }
    Err("an address that is not on this machine must be https, which protects the cookies")
}

/// A working day.
pub(crate) const SESSION_TIME: Duration = Duration::from_secs(8 * 3_600);

/// The time in which a login can be finished.
pub(crate) const LOGIN_TIME: Duration = Duration::from_secs(600);
