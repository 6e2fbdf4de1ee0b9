//! The access token and its expiry.

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

#[cfg(feature = "login")]
pub(crate) use record::Lineage;
pub(crate) use record::{Record, Version};

use crate::clock::{Clock, Moment};

/// An access token for the Platform API. A clone is cheap, and `Debug` does not show the token.
///
/// ```no_run
/// # async fn example(tokens: genesys_cloud_auth::TokenProvider) -> Result<(), genesys_cloud_auth::Error> {
/// let token = tokens.token().await?;
/// println!("valid for another {:?}", token.expires_in());
/// let header = format!("Bearer {}", token.expose_secret());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AccessToken(Arc<Counted>);

/// What the clones of a token share that is counted together.
struct Counted {
    header: HeaderValue,
    facts: Arc<Facts>,
}

/// What exists once for each token.
struct Facts {
    bearer: SecretString,
    fingerprint: Fingerprint,
    requested: Moment,
    end: Moment,
    expires_at: Option<SystemTime>,
    clock: Clock,
}

impl AccessToken {
    /// Creates a token that was requested at `requested` and lives for `life` from then on; without
    /// `life` its end is unknown.
    ///
    /// # Errors
    /// The reason why the secret cannot be a bearer token.
    pub(crate) fn new(
        secret: &SecretString,
        requested: Moment,
        life: Option<Duration>,
        clock: &Clock,
    ) -> Result<Self, &'static str> {
        let end = life.map_or(Moment::NEVER, |life| requested + life);
        Self::restored(secret, requested, end, clock)
    }

    /// Creates a token whose end is known.
    ///
    /// # Errors
    /// The reason why the secret cannot be a bearer token.
    pub(crate) fn restored(
        secret: &SecretString,
        requested: Moment,
        end: Moment,
        clock: &Clock,
    ) -> Result<Self, &'static str> {
        let text = checked_text(secret)?;
        let expires_at = match end {
            Moment::NEVER => None,
            end => clock.wall().checked_add(end - clock.now()),
        };
        let facts = Facts {
            bearer: [PREFIX, text].concat().into(),
            fingerprint: Fingerprint::from_token(text),
            requested,
            end,
            expires_at,
            clock: clock.clone(),
        };
        Self::counted(Arc::new(facts)).ok_or("it is not a valid header value")
    }

    fn counted(facts: Arc<Facts>) -> Option<Self> {
        // Token and header share one buffer, which is wiped when the last clone is dropped.
        let bytes = Bytes::from_owner(Shared(Arc::clone(&facts)));
        let mut header = HeaderValue::from_maybe_shared(bytes).ok()?;
        header.set_sensitive(true);
        Some(Self(Arc::new(Counted { header, facts })))
    }

    /// Returns this token with reference counts of its own: threads that clone the same token wait for
    /// each other. The secret is not copied.
    pub(crate) fn with_own_counts(&self) -> Self {
        // The same bytes were a valid header before.
        Self::counted(Arc::clone(&self.0.facts)).unwrap_or_else(|| self.clone())
    }

    /// Returns the token itself. Whoever has it can act as its owner: keep it out of logs and files.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        let bearer = self.0.facts.bearer.expose_secret();
        bearer.strip_prefix(PREFIX).unwrap_or_default()
    }

    /// Returns when the token expires, by the wall clock at its arrival; `None` where its life is
    /// unknown, as for a [`FixedToken`](crate::FixedToken).
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.0.facts.expires_at
    }

    /// Returns the remaining life, by a clock that cannot be set; `None` where it is unknown.
    #[must_use]
    pub fn expires_in(&self) -> Option<Duration> {
        let Facts { end, clock, .. } = &*self.0.facts;
        (*end != Moment::NEVER).then(|| *end - clock.now())
    }

    /// Returns the value of `Authorization`, marked sensitive.
    #[inline]
    pub(crate) fn header(&self) -> &HeaderValue {
        &self.0.header
    }

    /// Where the reference count is.
    #[cfg(test)]
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.0.facts.fingerprint
    }

    pub(crate) fn requested(&self) -> Moment {
        self.0.facts.requested
    }

    pub(crate) fn end(&self) -> Moment {
        self.0.facts.end
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

/// Returns the text of a secret that can be an access token or a refresh token.
///
/// # Errors
/// The reason why it cannot.
pub(crate) fn checked_text(token: &SecretString) -> Result<&str, &'static str> {
    let text = token.expose_secret();
    if text.is_empty() {
        return Err("it is empty");
    }
    if text.len() > MAX_TOKEN_BYTES {
        return Err("it is longer than 8192 bytes");
    }
    if !text.bytes().all(|byte| (0x21..=0x7e).contains(&byte)) {
        return Err("it contains characters other than visible ASCII");
    }
    Ok(text)
}

/// A hash of a token, to recognise it without keeping it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(crate) fn from_token(token: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }
}

/// The shared buffer, as the header needs it.
struct Shared(Arc<Facts>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.bearer.expose_secret().as_bytes()
    }
}

const PREFIX: &str = "Bearer ";

/// Genesys Cloud's tokens have about 84 characters.
const MAX_TOKEN_BYTES: usize = 8_192;

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
    fn token_is_visible_ascii_of_at_most_8192_bytes() {
        for valid in ["x", "aZ09-_*~", &"x".repeat(8_192)] {
            assert_eq!(token(valid).unwrap().expose_secret(), valid);
        }
        for invalid in ["", "a b", "a\n", "é", "\u{7f}", &"x".repeat(8_193)] {
            assert!(token(invalid).is_err(), "{invalid:?}");
        }
    }

    #[test]
    fn header_is_sensitive_and_debug_is_redacted() {
        let token = token("sentinel-token").unwrap();
        assert_eq!(token.header(), "Bearer sentinel-token");
        assert!(token.header().is_sensitive());
        let shown = format!("{token:?} {:?}", token.header());
        assert!(!shown.contains("sentinel"), "{shown}");
        let start = "AccessToken { secret: \"[redacted]\", expires_in: Some(";
        assert!(shown.starts_with(start), "{shown}");
    }

    #[test]
    fn token_with_its_own_counts_shares_the_secret() {
        let token = token("sentinel-token").unwrap();
        let other = token.with_own_counts();
        assert_ne!(other.address(), token.address());
        let secrets = [&token, &other].map(|token| token.expose_secret().as_ptr());
        assert_eq!(secrets[0], secrets[1]);
        assert_eq!(other.header(), token.header());
        assert_eq!(
            other.header().as_bytes().as_ptr(),
            token.header().as_bytes().as_ptr()
        );
        assert!(other.header().is_sensitive());
        assert_eq!(other.fingerprint(), token.fingerprint());
        assert_eq!(other.expires_at(), token.expires_at());
        drop(token);
        assert_eq!(other.expose_secret(), "sentinel-token");
    }

    #[test]
    fn token_with_a_life_ends_by_both_clocks() {
        let (clock, life) = (Clock::manual(), Duration::from_secs(60));
        let text = SecretString::from("x");
        let before = clock.wall();
        let token = AccessToken::new(&text, clock.now(), Some(life), &clock).unwrap();
        let end = token.expires_at().unwrap();
        assert!(before <= end - life && end - life <= clock.wall());
        clock.advance(life / 2);
        assert!(token.expires_in().unwrap() <= life / 2);
        assert_eq!(token.expires_at(), Some(end));
    }

    #[test]
    fn token_without_life_has_no_known_end() {
        let clock = Clock::system();
        let token = AccessToken::new(&SecretString::from("x"), clock.now(), None, &clock).unwrap();
        assert_eq!((token.expires_at(), token.expires_in()), (None, None));
    }
}
