//! The access token: what it is, and how long it lives.

mod record;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

pub(crate) use record::Record;

use crate::clock::{Clock, Moment};

/// An access token for the Platform API. Cheap to clone; shows nothing of itself in `Debug`.
///
/// ```no_run
/// # async fn example(tokens: genesys_cloud_auth::TokenProvider) -> Result<(), genesys_cloud_auth::Error> {
/// let token = tokens.token().await?;
/// println!("good for another {:?}", token.expires_in());
/// let header = format!("Bearer {}", token.expose_secret());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AccessToken(Arc<Inner>);

struct Inner {
    bearer: Arc<SecretString>,
    header: HeaderValue,
    fingerprint: Fingerprint,
    requested: Moment,
    end: Moment,
    expires_at: Option<SystemTime>,
    clock: Clock,
}

impl AccessToken {
    /// A token that was asked for at `requested` and lives for `life` from then on; without
    /// `life` its end is unknown.
    ///
    /// # Errors
    /// Why it cannot be a bearer token.
    pub(crate) fn new(
        secret: &SecretString,
        requested: Moment,
        life: Option<Duration>,
        clock: &Clock,
    ) -> Result<Self, &'static str> {
        let end = life.map_or(Moment::NEVER, |life| requested + life);
        Self::restored(secret, requested, end, clock)
    }

    /// A token that has an end already.
    ///
    /// # Errors
    /// Why it cannot be a bearer token.
    pub(crate) fn restored(
        secret: &SecretString,
        requested: Moment,
        end: Moment,
        clock: &Clock,
    ) -> Result<Self, &'static str> {
        let text = usable(secret)?;
        let bearer = Arc::new(SecretString::from(format!("{PREFIX}{text}")));
        // One buffer, wiped when the last clone of the token and of its header is gone.
        let bytes = Bytes::from_owner(Shared(Arc::clone(&bearer)));
        let mut header =
            HeaderValue::from_maybe_shared(bytes).map_err(|_| "it fits no HTTP header")?;
        header.set_sensitive(true);
        let expires_at = match end {
            Moment::NEVER => None,
            end => clock.wall().checked_add(end - clock.now()),
        };
        Ok(Self(Arc::new(Inner {
            header,
            fingerprint: Fingerprint::of(text),
            requested,
            end,
            expires_at,
            clock: clock.clone(),
            bearer,
        })))
    }

    /// The token itself. Whoever has it can act as its owner: keep it out of logs and files.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        let bearer = self.0.bearer.expose_secret();
        bearer.strip_prefix(PREFIX).unwrap_or_default()
    }

    /// When it expires, by the wall clock as it stood when the token came; none where its life is
    /// not known (a token given from outside).
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.0.expires_at
    }

    /// How long it has left, by a clock that nobody can set; none where its life is not known.
    #[must_use]
    pub fn expires_in(&self) -> Option<Duration> {
        let Inner { end, clock, .. } = &*self.0;
        (*end != Moment::NEVER).then(|| *end - clock.now())
    }

    /// `Authorization: Bearer …`, marked sensitive.
    pub(crate) fn header(&self) -> &HeaderValue {
        &self.0.header
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint
    }

    pub(crate) fn requested(&self) -> Moment {
        self.0.requested
    }

    pub(crate) fn end(&self) -> Moment {
        self.0.end
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("secret", &"[redacted]")
            .field("expires_in", &self.expires_in())
            .finish()
    }
}

/// The text of what can be an access token or a refresh token.
///
/// # Errors
/// Why it cannot.
pub(crate) fn usable(token: &SecretString) -> Result<&str, &'static str> {
    let text = token.expose_secret();
    if text.is_empty() {
        return Err("it is empty");
    }
    if text.len() > MOST_BYTES {
        return Err("it is longer than 8192 bytes");
    }
    if !text.bytes().all(|byte| (0x21..=0x7e).contains(&byte)) {
        return Err("it holds other than visible ASCII characters");
    }
    Ok(text)
}

/// Tells two tokens apart without keeping them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(crate) fn of(token: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }
}

/// Lends the one buffer to the header.
struct Shared(Arc<SecretString>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

const PREFIX: &str = "Bearer ";

/// Genesys Cloud's tokens have about 84 characters.
const MOST_BYTES: usize = 8_192;

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> Result<AccessToken, &'static str> {
        let clock = Clock::system();
        AccessToken::new(
            &SecretString::from(text),
            clock.now(),
            Some(Duration::from_secs(60)),
            &clock,
        )
    }

    #[test]
    fn a_token_is_visible_ascii_of_at_most_8192_bytes() {
        for good in ["x", "aZ09-_*~", &"x".repeat(8_192)] {
            assert_eq!(token(good).unwrap().expose_secret(), good);
        }
        for bad in ["", "a b", "a\n", "é", "\u{7f}", &"x".repeat(8_193)] {
            assert!(token(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_header_is_sensitive_and_debug_shows_nothing() {
        let token = token("sentinel-token").unwrap();
        assert_eq!(token.header(), "Bearer sentinel-token");
        assert!(token.header().is_sensitive());
        let shown = format!("{token:?} {:?}", token.header());
        assert!(!shown.contains("sentinel"), "{shown}");
    }

    #[test]
    fn without_a_life_the_end_is_unknown() {
        let clock = Clock::system();
        let token = AccessToken::new(&SecretString::from("x"), clock.now(), None, &clock).unwrap();
        assert_eq!((token.expires_at(), token.expires_in()), (None, None));
    }
}
